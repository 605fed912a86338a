"""Make the frame of each lesson, the map and the lists of pages of `course.toml`.

    .venv/bin/python -m tools.course    # of book.py, errors.py, picture.py, too

The first cell of a notebook is `title`, the last one `go-deeper`; the map is the cell
`map` of 00. Their content is overwritten. `say` translates every word here:
`tools.korean` brings another one, for the frames of the Korean edition.
"""

import json
import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from helpers.course import Lesson, lessons
from helpers.course.exercise import CHECK, OPTIONAL, SOLUTION, STUB, has_tag, tags_of
from helpers.needs import PODS, lack_of_tab
from tools import book, errors, picture

ROOT = Path(__file__).resolve().parent.parent
NOTEBOOKS = ROOT / "notebooks"
#: a list of a page, between two comments; the first one says which, by a key of LISTS
LIST = re.compile(
    r"(<!-- ([\w ]+): python -m tools\.course -->)(.*?)(<!-- end of the list -->)",
    re.DOTALL,
)
#: the pages that have such a list
PAGES = ("README.md", "docs/ci.md", "docs/machines.md")
FIRST = "00-start-here"
#: on the first page, the way to the Korean one, and back
OTHER = "[한국어](ko/00-start-here.ipynb)"
#: ids of the generated cells at the top and at the end
TOP, LAST = "title", "go-deeper"
#: ids of cells that nobody reads in full
LOOKED_UP = ("map", LAST)
#: what a cell says that begins a session in a terminal, or opens a view
TERMINAL, VIEW = "*Terminal*", " widgets."
#: a text, and what it is in the language of an edition; in English `str`
Say = Callable[[str], str]


@dataclass(frozen=True)
class Size:
    """How long a lesson is; `brisk` and `slow` are the minutes of two readers."""

    cells: int
    brisk: float
    slow: float

    @property
    def minutes(self) -> int:
        """Return the minutes of a reader in the middle, to the nearest five."""
        return max(5, 5 * round((self.brisk + self.slow) / 2 / 5))


def read_notebook(lesson: Lesson) -> dict:
    """Return the notebook of a lesson, in English."""
    return json.loads((NOTEBOOKS / lesson.path).read_text("utf-8"))


def cells_elsewhere(notebook: dict) -> list[str]:
    """Return the ids of the cells that a browser's tab cannot run."""
    return [cell["id"] for cell in notebook["cells"] if lack_of_tab(tags_of(cell))]


def lack_of_lesson(notebook: dict) -> str:
    """Return what a whole lesson needs and a tab lacks: its first code cell; or ""."""
    code = (cell for cell in notebook["cells"] if cell["cell_type"] == "code")
    return lack_of_tab(tags_of(next(code)))


def size(notebook: dict) -> Size:
    """Count a notebook, without what is optional in it.

    Solutions, the map and the links at the end are not read, checks are only run. A
    slow reader looks at pictures longer, and has one wrong answer to each exercise.
    """
    cells = notebook["cells"]
    prose = {
        cell["id"]: "".join(cell["source"])
        for cell in cells
        if cell["cell_type"] == "markdown" and not has_tag(cell, SOLUTION)
    }
    code = [cell for cell in cells if cell["cell_type"] == "code"]
    read = "\n".join("".join(c["source"]) for c in code if not has_tag(c, CHECK))
    lines = sum(bool(line.strip()) for line in read.splitlines())
    words = sum(len(_words(prose[name])) for name in prose if name not in LOOKED_UP)
    timed = sum(has_tag(cell, STUB) - has_tag(cell, OPTIONAL) for cell in cells)
    pictures = sum(text.count("![") for text in prose.values())
    # A terminal that is opened in JupyterLab, or a view to be tried.
    tried = sum(TERMINAL in text for text in prose.values())
    tried += sum(VIEW in "".join(cell["source"]) for cell in code)
    brisk = words / 200 + len(code) / 4 + lines / 25 + 3 * timed
    brisk += pictures / 4 + tried
    slow = words / 180 + len(code) * 0.35 + lines / 20 + 6 * timed
    slow += pictures / 2 + 2 * tried
    return Size(len(cells), brisk, slow)


def _words(text: str) -> list[str]:
    # Neither addresses nor HTML are read.
    text = re.sub(r"\]\([^)]*\)|<[^>]*>", " ", text)
    return [word for word in text.split() if re.search(r"\w", word)]


def title(lesson: Lesson, say: Say = str) -> str:
    """Return the first cell of a lesson."""
    last = sum(other.is_core for other in lessons()) - 1
    level = say("core {number} of {last}").format(number=int(lesson.number), last=last)
    if not lesson.is_core:
        level = f"{say('deeper')}, {name_predecessors(lesson, say)}"
    facts = [say("{minutes} minutes").format(minutes=lesson.minutes), level]
    if lesson.book:
        facts.append(say("book {section}").format(section=lesson.book))
    needs = [_link(lesson, _find_lesson(name)) for name in lesson.needs]
    if lesson.knows:
        needs.append(say(lesson.knows))
    if needs:
        facts.append(say("you need {lessons}").format(lessons=", ".join(needs)))
    if lesson.name == FIRST:
        facts.append(say(OTHER))
    can = [f"{number}. {say(end)}" for number, end in enumerate(lesson.can, 1)]
    parts = [
        f"# {say(lesson.title)}",
        " · ".join(facts),
        say("After this lesson you can:"),
        "\n".join(can),
        _navigation(lesson, say),
    ]
    return "\n\n".join(parts)


def go_deeper(lesson: Lesson, say: Say = str) -> str:
    """Return the last cell of a lesson: deeper lessons, pages to read, the next one."""
    below = [
        other for other in lessons() if lesson.name in (*other.after, *other.needs)
    ]
    lines = []
    for other in below:
        if not other.is_core:
            minutes = say("{minutes} minutes").format(minutes=other.minutes)
            link = _link(lesson, other, say(other.title))
            facts = f"{minutes}, {name_predecessors(other, say)}"
            lines.append(f"- {link} ({facts}): {say(other.summary)}")
    # With the address: some pages of Kubernetes are there in other languages.
    lines += [f"- {say(f'[{page}]({address})')}" for page, address in lesson.read]
    parts = [f"## {say('Go deeper')}", "\n".join(lines), _navigation(lesson, say)]
    return "\n\n".join(part for part in parts if part)


def lesson_map(say: Say = str) -> str:
    """Return the map in 00: a table of all lessons by their titles."""
    first = _find_lesson(FIRST)

    def link(lesson: Lesson) -> str:
        return _link(first, lesson, f"{lesson.number} {say(lesson.title)}")

    return _all_lessons(link, say)


def readme_tables(say: Say = str) -> str:
    """Return the README's table of all lessons by their files, between line ends."""

    def link(lesson: Lesson) -> str:
        return f"[{lesson.name}](notebooks/{lesson.path.as_posix()})"

    return f"\n{_all_lessons(link, say)}\n"


def _all_lessons(link: Callable[[Lesson], str], say: Say) -> str:
    """Return the core path as a table, and the deeper lessons as one that is folded."""
    core, deeper = (lesson_table(link, core=core, say=say) for core in (True, False))
    summary = f"<summary><b>{say('The deeper lessons')}</b></summary>"
    return f"{core}\n\n<details>\n{summary}\n\n{deeper}\n\n</details>"


def numbers_without_pods(say: Say = str) -> str:
    """Return the numbers of the lessons that begin without a pod: no node is needed."""
    return ", ".join(lesson.number for lesson in lessons() if not lesson.pods)


def numbers_in_tab(say: Say = str) -> str:
    """Return the numbers of the lessons that run in a browser's tab."""
    return ", ".join(
        lesson.number
        for lesson in lessons()
        if not lack_of_lesson(read_notebook(lesson))
    )


def where_table(say: Say = str) -> str:
    """Return the lessons as a table of where they run, between line ends."""
    columns = ("lesson", "local cluster", "control plane alone", "a browser's tab")
    lines = [f"| {' | '.join(map(say, columns))} |", "| --- " * 4 + "|"]
    for lesson in lessons():
        notebook = read_notebook(lesson)
        without_pods = sum(has_tag(cell, PODS) for cell in notebook["cells"])
        elsewhere = len(cells_elsewhere(notebook))
        facts = (
            f"{lesson.number} {say(lesson.title)}",
            say("every cell"),
            say("no") if lesson.pods else _all_but(without_pods, say),
            say("no") if lack_of_lesson(notebook) else _all_but(elsewhere, say),
        )
        lines.append(f"| {' | '.join(facts)} |")
    return "\n\n{}\n\n".format("\n".join(lines))


def _all_but(count: int, say: Say) -> str:
    if not count:
        return say("every cell")
    return say("every cell but {count}").format(count=count)


#: what a page can have between two comments
LISTS: dict[str, Callable[[Say], str]] = {
    "all lessons": readme_tables,
    "lessons in a tab": numbers_in_tab,
    "lessons without pods": numbers_without_pods,
    "where lessons run": where_table,
}


def lesson_table(link: Callable[[Lesson], str], *, core: bool, say: Say = str) -> str:
    """Return the core or the deeper lessons as a table of Markdown."""
    columns = ("core lesson" if core else "deeper lesson", "minutes", "book")
    heads = [say(column) for column in (*columns, "what you do")]
    lines = [f"| {' | '.join(heads)} |", "| --- " * 4 + "|"]
    for lesson in lessons():
        if lesson.is_core == core:
            after = "" if core else f" ({name_predecessors(lesson, say)})"
            facts = (
                link(lesson) + after,
                str(lesson.minutes),
                lesson.book,
                say(lesson.summary),
            )
            lines.append(f"| {' | '.join(facts)} |")
    return "\n".join(lines)


def _navigation(lesson: Lesson, say: Say) -> str:
    """Return the links to the lesson before, the map and the next one."""
    path = [other for other in lessons() if other.is_core == lesson.is_core]
    place = path.index(lesson)
    ways = []
    # From 01 the map is the lesson before.
    if place and path[place - 1].name != FIRST:
        ways.append(_link(lesson, path[place - 1], f"← {path[place - 1].name[:2]}"))
    if not lesson.is_core:
        ways = [
            _link(lesson, _find_lesson(name), f"← {name[:2]}") for name in lesson.after
        ]
    if lesson.name != FIRST:
        ways.append(_link(lesson, _find_lesson(FIRST), say("map")))
    if lesson.is_core and place + 1 < len(path):
        after = path[place + 1]
        ways.append(_link(lesson, after, f"{after.number} {say(after.title)} →"))
    return " · ".join(ways)


def _link(here: Lesson, there: Lesson, words: str = "") -> str:
    way = os.path.relpath(there.path, here.path.parent)
    return f"[{words or there.number}]({way})"


def _find_lesson(name: str) -> Lesson:
    return next(lesson for lesson in lessons() if lesson.name == name)


def name_predecessors(lesson: Lesson, say: Say = str) -> str:
    """Say after which lessons a deeper one is offered: a core one, and deeper ones."""
    deeper = [name for name in lesson.needs if not _find_lesson(name).is_core]
    names = ", ".join(name[:2] for name in [*lesson.after, *deeper])
    return say("after {lessons}").format(lessons=names)


def lesson_text(lesson: Lesson, cell: dict) -> str:
    """Return what is the lesson's own in a cell of prose: in the map, what is above."""
    if cell["id"] in (TOP, LAST):
        return ""
    text = "".join(cell["source"])
    is_map = lesson.name == FIRST and cell["id"] == "map"
    return text.partition("\n| ")[0].rstrip() if is_map else text


def with_frame(lesson: Lesson, notebook: dict, say: Say = str) -> dict:
    """Return the notebook with its generated cells."""
    cells = [cell for cell in notebook["cells"] if cell["id"] not in (TOP, LAST)]
    framed_cells = [
        _prose(TOP, title(lesson, say)),
        *cells,
        _prose(LAST, go_deeper(lesson, say)),
    ]
    for cell in framed_cells:
        if lesson.name == FIRST and cell["id"] == "map":
            text = f"{lesson_text(lesson, cell)}\n\n{lesson_map(say)}"
            cell["source"] = text.splitlines(keepends=True)
    return notebook | {"cells": framed_cells}


def _prose(name: str, text: str) -> dict:
    lines = text.splitlines(keepends=True)
    return {"cell_type": "markdown", "id": name, "metadata": {}, "source": lines}


def without_lists(text: str) -> str:
    """Return a page without what lies between the comments of its lists."""
    return LIST.sub(r"\1\4", text)


def with_lists(text: str, say: Say = str) -> str:
    """Return a page with each of its lists made anew."""
    return LIST.sub(lambda mark: f"{mark[1]}{LISTS[mark[2]](say)}{mark[4]}", text)


def files() -> dict[Path, str]:
    """Return what each generated file should hold."""
    texts = {}
    for lesson in lessons():
        path = NOTEBOOKS / lesson.path
        notebook = with_frame(lesson, json.loads(path.read_text("utf-8")))
        texts[path] = json.dumps(notebook, indent=1, ensure_ascii=False) + "\n"
    for page in PAGES:
        texts[ROOT / page] = with_lists((ROOT / page).read_text("utf-8"))
    texts[picture.FILE] = picture.draw(str, name_predecessors)
    texts[errors.PAGE] = errors.page()
    texts[book.PAGE] = book.page(lambda _, cell: "".join(cell["source"]))
    return texts


def main() -> None:
    """Write generated cells, lists and pages, and the picture."""
    for path, text in files().items():
        if not path.exists() or path.read_text("utf-8") != text:
            path.write_text(text, "utf-8")
            print(path.relative_to(ROOT))


if __name__ == "__main__":
    main()
