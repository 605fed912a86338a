"""Glossary and cheat sheet: in order, linked, short, and true of the lessons."""

import itertools
import re
from pathlib import Path

import pytest

from helpers.course import lessons
from tests.notebooks import FILES, GLOSSARY, ROOT, anchor, load

CHEATSHEET = ROOT / "notebooks/cheatsheet.md"
#: an anchor that JupyterLab finds, too: its own keep the capital letters of a heading
MARK = re.compile(r'^<a id="([\w-]+)"></a>\n', re.MULTILINE)
LINK = re.compile(r"\]\(([^)\s]+)\)")
#: an entry explains a word; what needs more is a lesson
SENTENCES = 4
#: in a word of a command: what readers replace, and what a shell or Python quotes
OWN = re.compile(r"[A-Z:/\"']")


def entries() -> dict[str, str]:
    text = MARK.sub("", GLOSSARY.read_text())
    _, *parts = re.split(r"^## ", text, flags=re.MULTILINE)
    return dict(part.split("\n", 1) for part in parts)


def links(path: Path) -> list[str]:
    cells = (c for c in load(path)["cells"] if c["cell_type"] == "markdown")
    return [link for cell in cells for link in LINK.findall("".join(cell["source"]))]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_lesson_links_to_words_that_are_in_the_glossary(path):
    known = {anchor(term) for term in entries()}
    used = [link for link in links(path) if "glossary.md" in link]
    for link in used:
        file, _, word = link.partition("#")
        assert (path.parent / file).resolve() == GLOSSARY, link
        assert word in known, link


def test_the_entries_are_in_order_and_a_lesson_links_to_each():
    """By its own anchor: JupyterLab finds it as GitHub does, in a translation too."""
    terms = [*entries()]
    anchors = [anchor(term) for term in terms]
    assert terms == sorted(terms, key=str.lower)
    assert MARK.findall(GLOSSARY.read_text()) == anchors
    linked = {link.partition("#")[2] for path in FILES for link in links(path)}
    assert {*anchors} <= linked and len({*anchors}) == len(anchors)


def test_each_entry_is_short_and_names_its_lessons():
    named = {f"[{one.number} {one.title}]({one.path})" for one in lessons()}
    for term, text in entries().items():
        *sentences, last = [line for line in text.splitlines() if line]
        assert 1 <= len(sentences) <= SENTENCES, term
        assert last.startswith(("Lesson: ", "Lessons: ")), term
        found = re.findall(r"\[\d\d [^]]+\]\([^)]+\)", last)
        assert found and named.issuperset(found), term
        # A lesson links to the entry, or says the word, perhaps in another number.
        word = re.sub(r" \(.*| ?y$", "", term).replace(" ", r"[\s-]+")
        for path in re.findall(r"\]\(([\w/-]+\.ipynb)\)", text):
            said = (ROOT / "notebooks" / path).read_text()
            linked = f"glossary.md#{anchor(term)})" in said
            assert linked or re.search(word, said, re.IGNORECASE), (term, path)


def test_the_cheat_sheet_has_only_commands_of_the_lesson_that_it_names():
    """The program and its first word are in the lesson; names are the reader's own."""
    core = {f"{one.number} {one.title}": one for one in lessons() if one.is_core}
    _, *parts = re.split(r"^## ", CHEATSHEET.read_text(), flags=re.MULTILINE)
    sheet = dict(part.split("\n", 1) for part in parts)
    assert list(sheet)[:-1] == list(core)
    for heading, lesson in core.items():
        cells = load(ROOT / "notebooks" / lesson.path)["cells"]
        said = "\n".join("".join(cell["source"]) for cell in cells)
        commands = re.findall(r"^\| `([^`]+)`", sheet[heading], re.MULTILINE)
        assert commands, heading
        for command in commands:
            first, *more = command.split()
            more = itertools.takewhile(lambda word: not OWN.search(word), more[:2])
            words = " ".join([OWN.split(first)[0], *more])
            assert words.removeprefix("kubectl ") in said, f"{heading}: {command}"
