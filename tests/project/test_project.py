"""What stands beside the code: the changelog, the packages, what an issue is asked."""

import re
import tomllib

import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from cluster.cli import report
from tests.notebooks import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
#: a package of a lock file and its version
LOCKED = re.compile(r"^([\w.-]+)==([\w.]+)", re.MULTILINE)
NAMED = r"`((?:cluster|helpers|tests|tools|notebooks)/[\w/.]*)`"
FORM = ROOT / ".github" / "ISSUE_TEMPLATE" / "bug.yml"


def test_the_citation_and_the_changelog_name_this_version():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    changes = (ROOT / "CHANGELOG.md").read_text()
    assert citation["version"] == PROJECT["version"]
    assert citation["license"] == PROJECT["license"] == "Apache-2.0"
    titles = re.findall(r"^## (\S+)", changes, re.MULTILINE)
    assert titles[:2] == ["Unreleased", PROJECT["version"]]


def test_who_reports_a_bug_is_asked_for_the_report():
    assert "python -m helpers report" in FORM.read_text()
    assert report.NAME in (ROOT / ".gitignore").read_text().splitlines()


def test_every_range_follows_the_one_rule():
    """Up to the next major version of what is locked; of a 0.x, the next minor."""
    locked = {
        canonicalize_name(found[1]): Version(found[2])
        for found in LOCKED.finditer((ROOT / "requirements.lock").read_text())
    }
    lines = (ROOT / "requirements.txt").read_text().splitlines()
    wanted = [
        Requirement(line.partition(" ")[0]) for line in lines if line[:1].isalpha()
    ]
    assert len(wanted) > 20
    for each in wanted:
        version = locked[canonicalize_name(each.name)]
        ceiling = (version.major + 1,) if version.major else (0, version.minor + 1)
        bounds = {part.operator: part.version for part in each.specifier}
        assert set(bounds) == {">=", "<"}, each
        assert bounds["<"] == ".".join(map(str, ceiling)), each


def test_the_lock_files_hold_names_versions_and_hashes_alone():
    """An index has another address on each machine, and a hash is enough."""
    runtime, tests = (
        (ROOT / name).read_text()
        for name in ("requirements.lock", "requirements-test.lock")
    )
    for text in (runtime, tests):
        assert "://" not in text and "--index" not in text
        assert len(LOCKED.findall(text)) > 100
        for package in LOCKED.split(text)[3::3]:
            assert "--hash=sha256:" in package
    assert set(LOCKED.findall(runtime)) <= set(LOCKED.findall(tests))


def test_contributing_names_what_is_there():
    """Every file and directory of the house in ten lines, and the words of make."""
    text = (ROOT / "CONTRIBUTING.md").read_text()
    for name in re.findall(NAMED, text):
        assert "NN" in name or (ROOT / name).exists(), name
    words = re.findall(r"^\| `make (\w+)`", text, re.MULTILINE)
    assert words == ["lint", "quick", "test", "full"]
