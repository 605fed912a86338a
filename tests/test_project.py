"""What stands beside the code: the licence, the changelog, what an issue is asked."""

import re
import tomllib

import pytest
import yaml

from cluster import report
from tests.notebooks import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
NAMED = r"`((?:cluster|helpers|tests|tools|notebooks)/[\w/.]*)`"
FORMS = sorted((ROOT / ".github" / "ISSUE_TEMPLATE").glob("*.yml"))


def test_the_licence_is_whole_and_named():
    text = (ROOT / "LICENSE").read_text()
    assert PROJECT["license"] == "Apache-2.0"
    assert re.findall(r"^   (\d+)\. ", text, re.MULTILINE) == [*map(str, range(1, 10))]
    assert "END OF TERMS AND CONDITIONS" in text


def test_the_citation_and_the_changelog_name_this_version():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    changes = (ROOT / "CHANGELOG.md").read_text()
    assert citation["version"] == PROJECT["version"]
    assert citation["license"] == PROJECT["license"]
    titles = re.findall(r"^## (\S+)", changes, re.MULTILINE)
    assert titles[:2] == ["Unreleased", PROJECT["version"]]


@pytest.mark.parametrize("path", FORMS, ids=lambda path: path.stem)
def test_a_form_can_be_filled_in(path):
    """Each question has a name of its own, and something must be answered."""
    form = yaml.safe_load(path.read_text())
    assert form["name"] and form["description"]
    names = [question["id"] for question in form["body"]]
    assert len(set(names)) == len(names)
    assert any(each.get("validations", {}).get("required") for each in form["body"])


def test_who_reports_a_bug_is_asked_for_the_report():
    assert "python -m helpers report" in FORMS[0].read_text()
    assert report.NAME in (ROOT / ".gitignore").read_text().splitlines()


def test_dependabot_looks_at_actions_and_packages():
    found = yaml.safe_load((ROOT / ".github" / "dependabot.yml").read_text())
    names = [each["package-ecosystem"] for each in found["updates"]]
    assert names == ["github-actions", "pip"]


def test_contributing_names_what_is_there():
    """Every file and directory of the house in ten lines, and the words of make."""
    text = (ROOT / "CONTRIBUTING.md").read_text()
    for name in re.findall(NAMED, text):
        assert "NN" in name or (ROOT / name).exists(), name
    words = re.findall(r"^\| `make (\w+)`", text, re.MULTILINE)
    assert words == ["lint", "quick", "test", "full"]
