"""Every notebook keeps the rules of the page, and they keep together."""

import importlib
import os
import re

import pytest

from helpers.course import lessons
from helpers.course.exercise import JUDGES
from tests.notebooks import FILES, GLOSSARY, ROOT, anchor, load
from tests.style import check
from tests.style.exercises import check_of
from tests.style.page import Page
from tools import course

#: cells of a lesson at most
MOST_CELLS = 60
BOLD = re.compile(r"(\[?)\*\*([^*]+)\*\*")
LINK = re.compile(r"\]\(([^)#\s]+)")
#: a page of Markdown and a heading of it; without a page, the one that links
HEADING = re.compile(r"\]\(([^)#\s:]*(?:\.md)?)#([^)\s]+)\)")
DOCUMENTS = [
    *(*ROOT.glob("*.md"), ROOT / "cluster/README.md"),
    *(*ROOT.glob("docs/**/*.md"), *ROOT.glob("cluster/docs/*.md")),
]
KOREAN = ROOT.glob("notebooks/ko/**/*.ipynb")
PAGES = [*FILES, *sorted(KOREAN), *ROOT.glob("notebooks/**/*.md"), *ROOT.glob("*.md")]


TERMS = {
    anchor(line[3:].strip())
    for line in GLOSSARY.read_text().splitlines()
    if line[:3] == "## "
}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_the_rules_of_the_page(path):
    """Each finding names notebook, cell and rule, so a review is about content."""
    findings = [line for _, line in check(path.name, load(path))]
    assert not findings, "\n" + "\n".join(findings)


@pytest.mark.parametrize("path", PAGES, ids=lambda path: f"{path.relative_to(ROOT)}")
def test_links_between_pages_lead_somewhere(path):
    """A relative link names a file that is there, in Korean too."""
    text = path.read_text("utf-8")
    if path.suffix == ".ipynb":
        text = "\n".join(cell.source for cell in Page.read(load(path)).prose)
    local = [link for link in LINK.findall(text) if not re.match(r"[a-z]+:", link)]
    assert [link for link in local if not (path.parent / link).exists()] == []


@pytest.mark.parametrize(
    "path", DOCUMENTS, ids=lambda path: f"{path.relative_to(ROOT)}"
)
def test_links_of_the_documentation_lead_to_a_heading(path):
    for page, name in HEADING.findall(path.read_text("utf-8")):
        text = (path.parent / page if page else path).read_text("utf-8")
        headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
        assert name in {anchor(heading) for heading in headings}, page


def test_what_is_generated_is_up_to_date():
    """Frames, map and the lists of pages say what course.toml says."""
    stale = [p.name for p, text in course.files().items() if p.read_text() != text]
    assert stale == [], "run `python -m tools.course`"


def test_pages_that_name_the_lessons_have_their_list():
    """What is between the comments is made; without them, old words would stay."""
    pages = [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("cluster/**/*.md")]
    names = {
        page.relative_to(ROOT).as_posix(): course.LIST.findall(page.read_text("utf-8"))
        for page in pages
    }
    found = {
        name: {mark[1] for mark in marks} for name, marks in names.items() if marks
    }
    assert found.pop("README.ko.md") == found["README.md"]
    assert found["README.md"] == {"lessons in a tab", "all lessons"}
    assert {*found} == {*course.PAGES}


def test_every_notebook_is_a_lesson():
    """A file that course.toml does not name would be in no map and in no test."""
    found = [*ROOT.glob("notebooks/*.ipynb"), *ROOT.glob("notebooks/deeper/*.ipynb")]
    assert sorted(path for path in found if "checkpoint" not in path.name) == FILES


@pytest.mark.parametrize("lesson", lessons(), ids=lambda lesson: lesson.name)
def test_the_frame_is_filled(lesson):
    """Three promises, and needs that come before."""
    assert len(lesson.can) == 3 and all(lesson.can)
    names = [one.name for one in lessons()]
    assert {*lesson.needs, *lesson.after} <= set(names[: names.index(lesson.name)])
    assert lesson.read and all(
        page and url[:8] == "https://" for page, url in lesson.read
    )


@pytest.mark.parametrize("lesson", lessons(), ids=lambda lesson: lesson.name)
def test_a_lesson_is_offered_when_all_that_it_needs_is_known(lesson):
    """A deeper one after the core lessons up to `after`, and deeper ones that it names.

    What it needs may need others, which are offered no later.
    """
    order = [one.name for one in lessons()]
    [last] = lesson.after or [lesson.name]
    for one in (one for one in lessons() if one.name in needed(lesson)):
        assert order.index((one.after or [one.name])[0]) <= order.index(last)


def needed(lesson):
    """Return the names of all that a lesson needs, and of what that needs."""
    near = [one for one in lessons() if one.name in lesson.needs]
    return {*lesson.needs}.union(*map(needed, near))


@pytest.mark.parametrize("lesson", lessons(), ids=lambda lesson: lesson.name)
def test_a_lesson_lasts_about_half_an_hour(lesson):
    """A lesson's own minutes are those of the formula."""
    counted = course.size(load(course.NOTEBOOKS / lesson.path))
    assert counted.cells <= MOST_CELLS
    assert counted.brisk <= 30 and counted.slow <= 45
    assert counted.minutes == lesson.minutes - lesson.exam


@pytest.mark.parametrize(
    "lesson", [one for one in lessons() if one.name >= "03"], ids=lambda one: one.name
)
def test_a_lesson_begins_with_two_questions_from_earlier_ones(lesson):
    """Before anything else; each has answers that are folded, and one that is right."""
    first = load(course.NOTEBOOKS / lesson.path)["cells"][1]
    text = "".join(first["source"])
    assert text.startswith("## From earlier lessons\n")
    asked, answers = text.partition("<details>")[::2]
    if "✓" in text:
        asked = re.split(r"^\d\. (?=\S)", text, flags=re.MULTILINE)[1:]
        assert [(one.count("<details>"), one.count("✓")) for one in asked] == [
            (3, 1)
        ] * 2
    else:
        assert re.findall(r"^(\d)\. ", asked, re.MULTILINE) == ["1", "2"]
        assert re.findall(r"^(\d)\. ", answers, re.MULTILINE) == ["1", "2"]


def test_the_core_lasts_about_four_hours():
    core = [one for one in lessons() if one.is_core]
    assert len(core) <= 9
    assert 180 <= sum(one.minutes for one in core) <= 250
    cells = [load(course.NOTEBOOKS / one.path)["cells"] for one in core]
    assert sum(map(len, cells)) <= 404


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_exercises_are_those_of_the_board(path):
    """In order, each once; otherwise a lesson could never be done."""
    [lesson] = [one for one in lessons() if one.name == path.stem]
    page = Page.read(load(path))
    asked = [check_of(cell) for cell in page.code if "check" in cell.tags]
    assert asked == lesson.exercises
    assert len(asked) >= (2 if lesson.is_core else 1)
    optional = sum("optional" in cell.tags for cell in page.prose)
    assert {*lesson.optional} <= {*asked} and len(lesson.optional) == optional
    module = importlib.import_module(
        f"helpers.exercises.checks.{lesson.topic.replace('-', '_')}"
    )
    judged = [name for name in vars(module) if hasattr(vars(module)[name], JUDGES)]
    assert sorted(judged) == sorted(asked)


@pytest.mark.parametrize("path", FILES[1:], ids=lambda path: path.stem)
def test_a_lesson_ends_with_its_line_of_the_board(path):
    """The last line shows what is solved and what comes next; 00, the whole board."""
    *_, last = Page.read(load(path)).code
    assert last.lines[-1] == f'progress("{path.name[:2]}")'


def test_no_two_lessons_have_a_check_of_the_same_name():
    names = [name for lesson in lessons() for name in lesson.exercises]
    assert sorted(set(names)) == sorted(names)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_term_is_explained_where_it_is_first_bold(path):
    """A bold term of the glossary links to its entry, once per lesson."""
    up = os.path.relpath(ROOT / "notebooks" / "glossary.md", path.parent)
    missing, seen = [], set()
    for cell in Page.read(load(path)).prose:
        for linked, term in BOLD.findall("\n".join(cell.text)):
            if anchor(term) not in TERMS or anchor(term) in seen:
                continue
            seen.add(anchor(term))
            if linked != "[" or f"({up}#" not in cell.source:
                missing.append(f"{cell.id}: {term}")
    assert missing == []
