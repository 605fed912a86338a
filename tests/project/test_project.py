"""Changelog, packages, and the addresses that docs hand out."""

import importlib.util
import re
import tomllib
from pathlib import PurePosixPath
from urllib.parse import parse_qs, urlsplit

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from cluster.cli import report
from tests import tiers
from tests.notebooks import ROOT
from tools import home

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
#: a package of a lock file and its version
LOCKED = re.compile(r"^([\w.-]+)==([\w.]+)", re.MULTILINE)
NAMED = r"`((?:cluster|helpers|tests|tools|notebooks)/[\w/.]*)`"
TEACHING = (ROOT / "docs/teaching.md").read_text()
FORM = ROOT / ".github" / "ISSUE_TEMPLATE" / "bug.yml"


def test_the_citation_and_the_changelog_name_this_version():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    changes = (ROOT / "CHANGELOG.md").read_text()
    assert citation["version"] == PROJECT["version"]
    assert citation["license"] == PROJECT["license"] == "Apache-2.0"
    titles = re.findall(r"^## (\S+)", changes, re.MULTILINE)
    assert titles[:2] == ["Unreleased", PROJECT["version"]]


def test_who_reports_a_bug_is_asked_for_the_report():
    assert ".venv/bin/kapi report" in FORM.read_text()
    assert report.NAME in (ROOT / ".gitignore").read_text().splitlines()


def test_every_range_follows_the_one_rule():
    """Up to the next major version of what is locked; of a 0.x, the next minor."""
    locked = {
        canonicalize_name(found[1]): Version(found[2])
        for found in LOCKED.finditer((ROOT / "requirements-lock.txt").read_text())
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
        for name in ("requirements-lock.txt", "requirements-lock-test.txt")
    )
    for text in (runtime, tests):
        assert "://" not in text and "--index" not in text
        for package in LOCKED.split(text)[3::3]:
            assert "--hash=sha256:" in package
    # Each package once: `make lint` and the tests install both files.
    learner, added = ({*dict(LOCKED.findall(text))} for text in (runtime, tests))
    assert len(learner) > 100 and len(added) > 10 and learner & added == set()


def test_contributing_is_short_and_names_what_is_there():
    """Every file and directory of the house in ten lines, and the words that check."""
    words = []
    for page in ("CONTRIBUTING.md", "docs/maintaining.md"):
        text = (ROOT / page).read_text()
        for name in re.findall(NAMED, text):
            assert "NN" in name or (ROOT / name).exists(), name
        checking = text.partition("| what it checks |")[2].partition("\n\n")[0]
        words += re.findall(r"^\| `make (\w+)`", checking, re.MULTILINE)
    assert words == ["lint", "quick", "test", *tiers.WORDS, "conformance"]
    assert len((ROOT / "CONTRIBUTING.md").read_text().split()) <= 1400


@pytest.mark.parametrize("name", ["README.md", "README.ko.md"])
def test_readme_is_short_and_begins_with_a_command_and_a_picture(name):
    """In each theme of GitHub its own picture, which also a slow line has soon."""
    text = (ROOT / name).read_text("utf-8")
    assert len(text.splitlines()) <= 150
    assert "\nmake lab " in "\n".join(text.splitlines()[:12])
    pictures = re.findall(r'<(source|img) [^>]*?src(?:set)?="([^"]+)"', text)
    assert [tag for tag, _ in pictures] == ["source", "img"]
    assert "(prefers-color-scheme: dark)" in text.partition("<picture>")[2]
    for _, path in pictures:
        assert 0 < (ROOT / path).stat().st_size < 150_000
    # The Korean ones are of the Korean lesson.
    assert all(path.startswith("docs/ko/") == ("ko" in name) for _, path in pictures)


def question(url: str) -> dict[str, str]:
    return {name: values[-1] for name, values in parse_qs(urlsplit(url).query).items()}


def test_the_badge_opens_a_notebook_that_exists():
    """As `make home` writes it."""
    [text] = [text.at("some/one") for text in home.texts() if "badge" in text.after]
    [(image, target)] = re.findall(r"\[!\[[^]]+\]\(([^)]+)\)\]\(([^)]+)\)", text)
    assert image == "https://mybinder.org/badge_logo.svg"
    assert urlsplit(target).path == "/v2/gh/some/one/HEAD"
    path = PurePosixPath(question(target)["urlpath"])
    assert (ROOT / path.relative_to("lab/tree")).is_file()


def hub_notebook() -> PurePosixPath:
    """Return the path of the notebook that a hub opens, with the clone's directory."""
    [default] = re.findall(r'default_url = "/([^"]+)"', TEACHING)
    return PurePosixPath(default).relative_to("lab/tree")


def test_both_ways_of_a_hub_open_the_same_notebook():
    """nbgitpuller clones into a directory with the repository's name."""
    [link] = re.findall(r"https://YOUR\.HUB/\S*git-pull\?\S+", TEACHING)
    asked, path = question(link), hub_notebook()
    assert (asked["urlpath"], asked["branch"]) == (f"lab/tree/{path}", "main")
    name = PurePosixPath(urlsplit(asked["repo"]).path).name
    # As `export` writes them.
    notebook = ROOT / "notebooks" / path.relative_to(name)
    assert path.parts[0] == name and notebook.is_file()


#: modules and rooms of the helpers whose tests have another name -> the test
TESTED_BY = {
    "__main__.py": "cluster/tests/cli/test_cli.py",
    "cli.py": "cluster/tests/cli/test_cli.py",
    "course/exam.py": "tests/helpers/exercises/test_exam.py",
    "exercises/checks": "tests/helpers/exercises/checks/test_answers.py",
    "exercises/grants.py": "tests/helpers/exercises/checks/test_answers.py",
    "pytest_plugin.py": "tests/project/test_ci.py",
}


@pytest.mark.parametrize(
    "file",
    [
        "binder/Dockerfile",
        "Makefile",
        "tools/setup.sh",
        "helpers/data/jupyter/startup.ipy",
    ],
)
def test_what_is_not_python_names_modules_that_exist(file):
    """A module that moves leaves its name there, where no import looks for it."""
    lines = (ROOT / file).read_text("utf-8").splitlines()
    code = "\n".join(line for line in lines if not line.lstrip().startswith("#"))
    names = re.findall(
        r"(?:-m|from|import|load_ext) ((?:cluster|helpers|tab|tools)[.\w]*)", code
    )
    assert names
    assert [name for name in names if not importlib.util.find_spec(name)] == []


def test_a_helper_has_a_test_of_its_name_or_its_folder_has_one():
    tests, untested = ROOT / "tests" / "helpers", set()
    for path in (ROOT / "helpers").rglob("*.py"):
        module = path.relative_to(ROOT / "helpers")
        folder = module.parent
        if path.name == "__init__.py" or folder.name == "data":
            continue
        of_folder = f"test_{folder.name}.py"
        places = (
            tests / folder / f"test_{path.name}",
            tests / folder / of_folder,
            tests / folder.parent / of_folder,
        )
        if not any(place.exists() for place in places):
            untested.add(module.as_posix())
    rooms = {name for name in TESTED_BY if not name.endswith(".py")}
    others = {name for name in untested if not name.startswith(tuple(rooms))}
    assert others <= TESTED_BY.keys()
    assert all((ROOT / test).exists() for test in TESTED_BY.values())
