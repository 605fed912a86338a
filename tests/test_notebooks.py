"""Every notebook keeps the rules of the page, and they keep together."""

import re

import pytest

from tests.notebooks import FILES, ROOT, load
from tests.style import check
from tests.style.page import Page

LINK = re.compile(r"\]\(([^)#\s]+)")


def test_the_door_to_the_suite_is_there():
    """`make lab` opens this one, and it is first in a sorted listing."""
    assert [path.name for path in FILES][:1] == ["00-start-here.ipynb"]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_the_rules_of_the_page(path):
    """Each finding names notebook, cell and rule, so a review is about content."""
    findings = [str(finding) for finding in check(path.name, load(path))]
    assert not findings, "\n" + "\n".join(findings)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_links_between_pages_lead_somewhere(path):
    """A relative link names a file that is there."""
    page = Page.read(path.name, load(path))
    links = [link for cell in page.prose for link in LINK.findall(cell.source)]
    local = [link for link in links if not re.match(r"[a-z]+:", link)]
    assert [link for link in local if not (path.parent / link).exists()] == []


def test_readme_lists_the_notebooks():
    """The table in README has one row per notebook, in order, and links to it."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| \[[^]]+\]\(notebooks/([^)]+)\)", text, re.MULTILINE)
    assert rows == [path.name for path in FILES]
