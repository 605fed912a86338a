"""Make the page of the book's commands of what the lessons say about them.

A cell that shows or explains commands of the book lists them in its metadata, `book`:
each with its `command`, how it goes `today`, and what one then reads (`says`). Why it
is no longer as it was is what the cell itself says, if it is prose.
"""

import itertools
import json
import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path

from helpers.course import Lesson, lessons

NOTEBOOKS = Path(__file__).resolve().parent.parent / "notebooks"
PAGE = NOTEBOOKS / "book.md"
#: how a command of the book goes today, and the word for it
TODAY = {
    "same": "as in the book",
    "differs": "different",
    "fails": "**fails**",
    "never": "works: never run it",
}
#: sections of the book, as their lessons see them
SECTIONS = {
    "8.1": "facts about a pod, by the downward API",
    "8.2": "the API server",
    "8.2.1": "the REST API",
    "8.2.2": "from inside a pod",
    "8.2.3": "an ambassador",
    "8.2.4": "client libraries",
    "8.3": "summary",
}
_LINK = re.compile(r"(?<=\]\()(?![a-z]+:)[^)\s#]+")
_FOLD = re.compile(r"</?details>\n?|<summary>.*</summary>\n?")


def page(text: Callable[[Lesson, dict], str], say: Callable[[str], str] = str) -> str:
    """Return the page; `text` is what a cell says in the language of `say`."""
    parts = [
        f"# {say('The book, command by command')}",
        say(
            "Chapter 8 of *Kubernetes in Action*, first edition (2017), was written "
            "for Kubernetes 1.6 to 1.8. For each of its commands, this page says how "
            "it goes today, what you then read, and which lesson runs it."
        ),
        say(
            "In the second edition (2025), the downward API is in chapters 8 and 9, "
            "and there is no `kubectl proxy`, no ServiceAccount files and no "
            "ambassador."
        ),
        say(
            "If something fails, search the page for the message. The lessons' boxes "
            "*Then and now* say the same in their places."
        ),
        say(
            "A Korean translation has the chapter on pages 343 to 376, with 포드 for a "
            "pod; another one has 파드, as these lessons, but 제한 for a limit and "
            "액세스 for access, which are 한도 and 접근 here."
        ),
    ]
    for section, cells in itertools.groupby(_cells(), lambda cell: cell[0].book):
        rows = list(cells)
        heading = say("Section {section}").format(section=section)
        parts += [f"## {heading}: {say(SECTIONS[section])}", _table(rows, say)]
        for lesson, cell in rows:
            if cell["cell_type"] == "markdown":
                heading = f"### `{cell['metadata']['book'][0]['command']}`"
                parts += [heading, _reason(lesson, text(lesson, cell))]
    return "\n\n".join(parts) + "\n"


def _cells() -> Iterator[tuple[Lesson, dict]]:
    """Yield each cell that names commands, in the order of the book."""
    for lesson in sorted(lessons(), key=lambda lesson: (lesson.book, lesson.number)):
        notebook = json.loads((NOTEBOOKS / lesson.path).read_text("utf-8"))
        for cell in notebook["cells"]:
            if "book" in cell["metadata"]:
                yield lesson, cell


def _table(cells: list[tuple[Lesson, dict]], say: Callable[[str], str]) -> str:
    columns = ("in the book", "today", "you read", "lesson")
    lines = [f"| {' | '.join(map(say, columns))} |", "| --- " * 4 + "|"]
    for lesson, cell in cells:
        for entry in cell["metadata"]["book"]:
            says = _code(entry["says"]) if "says" in entry else ""
            link = f"[{lesson.number}]({lesson.path.as_posix()})"
            row = (_code(entry["command"]), say(TODAY[entry["today"]]), says, link)
            lines.append(f"| {' | '.join(row)} |")
    return "\n".join(lines)


def _code(words: str) -> str:
    return "`" + words.replace("|", "\\|") + "`"


def _reason(lesson: Lesson, text: str) -> str:
    """Return what a cell says, unfolded, with links from the place of the page."""

    def relink(link: re.Match[str]) -> str:
        return os.path.normpath(lesson.path.parent / link[0])

    return _LINK.sub(relink, _FOLD.sub("", text)).strip()
