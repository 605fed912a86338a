"""Make the frame of each lesson, the map and the README's table of `course.toml`.

    .venv/bin/python -m tools.course            # write them
    .venv/bin/python -m tools.course --minutes  # only count, and print a table

The first cell of a notebook is `title`, the last one `go-deeper`; the map is the cell
`map` of 00. What is in these cells is overwritten.
"""

import argparse
import json
import os
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from helpers.course import Lesson, lessons
from helpers.exercise import CHECK, OPTIONAL, SOLUTION, STUB, tagged

ROOT = Path(__file__).resolve().parent.parent
NOTEBOOKS = ROOT / "notebooks"
#: between these lines of the README is the table
BEGIN, END = "<!-- lessons: python -m tools.course -->", "<!-- end of the lessons -->"
FIRST = "00-start-here"
#: ids of the generated cells at the top and at the end
TOP, LAST = "title", "go-deeper"
#: ids of cells that nobody reads in full
LOOKED_UP = ("map", LAST)


@dataclass(frozen=True)
class Size:
    """How long a lesson is; `brisk` and `slow` are the minutes of two readers."""

    cells: int
    words: int
    exercises: int
    pictures: int
    brisk: float
    slow: float

    @property
    def minutes(self) -> int:
        """Return the minutes of a reader in the middle, to the nearest five."""
        return max(5, 5 * round((self.brisk + self.slow) / 2 / 5))


def size(notebook: dict) -> Size:
    """Count a notebook, without what is optional in it.

    Solutions, the map and the links at the end are not read, checks are only run.
    """
    cells = notebook["cells"]
    prose = {
        cell["id"]: "".join(cell["source"])
        for cell in cells
        if cell["cell_type"] == "markdown" and not tagged(cell, SOLUTION)
    }
    optional = sum(tagged(cell, OPTIONAL) for cell in cells)
    code = [cell for cell in cells if cell["cell_type"] == "code"]
    read = "\n".join("".join(c["source"]) for c in code if not tagged(c, CHECK))
    lines = sum(bool(line.strip()) for line in read.splitlines())
    words = sum(len(_words(prose[name])) for name in prose if name not in LOOKED_UP)
    exercises = sum(tagged(cell, STUB) for cell in cells)
    timed = exercises - optional
    pictures = sum(text.count("![") for text in prose.values())
    brisk = words / 200 + len(code) / 4 + lines / 25 + 3 * timed
    slow = words / 180 + len(code) * 0.35 + lines / 20 + 5 * timed
    return Size(len(cells), words, exercises, pictures, brisk, slow)


def _words(text: str) -> list[str]:
    # Neither addresses nor HTML are read.
    text = re.sub(r"\]\([^)]*\)|<[^>]*>", " ", text)
    return [word for word in text.split() if re.search(r"\w", word)]


def title(lesson: Lesson) -> str:
    """Return the first cell of a lesson."""
    core = [one for one in lessons() if one.is_core]
    place = f"core {int(lesson.number)} of {len(core) - 1}"
    level = place if lesson.is_core else f"deeper, {offered(lesson)}"
    facts = [f"{lesson.minutes} minutes", level]
    if lesson.book:
        facts.append(f"book {lesson.book}")
    needs = [_link(lesson, _named(name)) for name in lesson.needs]
    if lesson.knows:
        needs.append(lesson.knows)
    if needs:
        facts.append("you need " + ", ".join(needs))
    can = [f"{number}. {end}" for number, end in enumerate(lesson.can, 1)]
    parts = [
        f"# {lesson.title}",
        " · ".join(facts),
        "After this lesson you can:",
        "\n".join(can),
        _ways(lesson),
    ]
    return "\n\n".join(parts)


def go_deeper(lesson: Lesson) -> str:
    """Return the last cell of a lesson: deeper lessons, pages to read, the next one."""
    below = [one for one in lessons() if lesson.name in (*one.after, *one.needs)]
    lines = [
        f"- {_link(lesson, one, one.title)} ({one.minutes} minutes, {offered(one)}): "
        f"{one.summary}"
        for one in below
        if not one.is_core
    ]
    lines += [f"- [{page}]({address})" for page, address in lesson.read]
    parts = ["## Go deeper", "\n".join(lines), _ways(lesson)]
    return "\n\n".join(part for part in parts if part)


def lesson_map() -> str:
    """Return the map in 00: the core path as a table, the deeper lessons folded."""
    first = _named(FIRST)

    def link(one: Lesson) -> str:
        return _link(first, one, f"{one.number} {one.title}")

    summary = "<summary><b>The deeper lessons</b></summary>"
    deeper = f"<details>\n{summary}\n\n{lesson_table(link, core=False)}\n\n</details>"
    return f"{lesson_table(link, core=True)}\n\n{deeper}"


def readme_table() -> str:
    """Return the tables of the README."""

    def link(one: Lesson) -> str:
        return f"[{one.name}](notebooks/{one.path.as_posix()})"

    return f"{lesson_table(link, core=True)}\n\n{lesson_table(link, core=False)}"


def lesson_table(link: Callable[[Lesson], str], *, core: bool) -> str:
    """Return the core or the deeper lessons as a table of Markdown."""
    heading = "core lesson" if core else "deeper lesson"
    lines = [f"| {heading} | minutes | book | what you do |", "| --- " * 4 + "|"]
    for one in lessons():
        if one.is_core == core:
            after = "" if core else f" ({offered(one)})"
            facts = (link(one) + after, str(one.minutes), one.book, one.summary)
            lines.append(f"| {' | '.join(facts)} |")
    return "\n".join(lines)


def _ways(lesson: Lesson) -> str:
    """Return the links to the lesson before, the map and the next one."""
    path = [one for one in lessons() if one.is_core == lesson.is_core]
    place = path.index(lesson)
    ways = []
    # From 01 the map is the lesson before.
    if place and path[place - 1].name != FIRST:
        ways.append(_link(lesson, path[place - 1], f"← {path[place - 1].name[:2]}"))
    if not lesson.is_core:
        ways = [_link(lesson, _named(name), f"← {name[:2]}") for name in lesson.after]
    if lesson.name != FIRST:
        ways.append(_link(lesson, _named(FIRST), "map"))
    if lesson.is_core and place + 1 < len(path):
        after = path[place + 1]
        ways.append(_link(lesson, after, f"{after.number} {after.title} →"))
    return " · ".join(ways)


def _link(here: Lesson, there: Lesson, words: str = "") -> str:
    way = os.path.relpath(there.path, here.path.parent)
    return f"[{words or there.number}]({way})"


def _named(name: str) -> Lesson:
    return next(one for one in lessons() if one.name == name)


def offered(lesson: Lesson) -> str:
    """Say after which lessons a deeper one is offered: a core one, and deeper ones."""
    deeper = [name for name in lesson.needs if not _named(name).is_core]
    return "after " + ", ".join(name[:2] for name in [*lesson.after, *deeper])


def framed(lesson: Lesson, notebook: dict) -> dict:
    """Return the notebook with its generated cells."""
    cells = [cell for cell in notebook["cells"] if cell["id"] not in (TOP, LAST)]
    made = [
        _prose(TOP, title(lesson)),
        *cells,
        _prose(LAST, go_deeper(lesson)),
    ]
    for cell in made:
        if lesson.name == FIRST and cell["id"] == "map":
            # The prose above the tables is the lesson's own.
            own = "".join(cell["source"]).partition("\n| ")[0]
            text = f"{own.rstrip()}\n\n{lesson_map()}"
            cell["source"] = text.splitlines(keepends=True)
    return notebook | {"cells": made}


def _prose(name: str, text: str) -> dict:
    lines = text.splitlines(keepends=True)
    return {"cell_type": "markdown", "id": name, "metadata": {}, "source": lines}


def with_table(readme: str) -> str:
    """Return the README with its table made anew."""
    before, _, rest = readme.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{readme_table()}\n{END}{after}"


def files() -> dict[Path, str]:
    """Return what each generated file should hold."""
    made = {}
    for lesson in lessons():
        path = NOTEBOOKS / lesson.path
        notebook = framed(lesson, json.loads(path.read_text("utf-8")))
        made[path] = json.dumps(notebook, indent=1, ensure_ascii=False) + "\n"
    made[ROOT / "README.md"] = with_table((ROOT / "README.md").read_text("utf-8"))
    return made


def sizes() -> dict[str, Size]:
    """Return the size of each lesson, by name."""
    return {
        one.name: size(json.loads((NOTEBOOKS / one.path).read_text("utf-8")))
        for one in lessons()
    }


def table(counted: dict[str, Size]) -> str:
    """Return the sizes as a Markdown table."""
    rows = [
        "| lesson | cells | words | brisk | slow | minutes | exercises | pictures |"
    ]
    rows.append("| --- " * 8 + "|")
    for name, one in counted.items():
        rows.append(
            f"| {name} | {one.cells} | {one.words} | {one.brisk:.0f} | {one.slow:.0f} "
            f"| {one.minutes} | {one.exercises} | {one.pictures} |"
        )
    return "\n".join(rows)


def main(arguments: list[str] | None = None) -> int:
    """Write the generated cells and the README's table, or print the sizes."""
    parser = argparse.ArgumentParser(prog="python -m tools.course", description=__doc__)
    parser.add_argument("--minutes", action="store_true", help="only print the sizes")
    if parser.parse_args(arguments).minutes:
        print(table(sizes()))
        return 0
    for path, text in files().items():
        if path.read_text("utf-8") != text:
            path.write_text(text, "utf-8")
            print(path.relative_to(ROOT))
    return 0


if __name__ == "__main__":
    sys.exit(main())
