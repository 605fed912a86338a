"""Build the site: a page for each lesson with its outputs, for each language.

`tools.chapter` has run the lessons. What Sphinx reads mirrors this repository, so that
every link of a notebook or of `docs/` leads to the same place on the site.
"""

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from helpers.course import Lesson, lessons
from helpers.exercise import CHECK, STUB, tagged, with_solutions
from tools import course
from tools.chapter import ROOT

SITE = ROOT / "site"
#: OWNER/REPOSITORY, as GitHub Actions gives it
REPOSITORY = os.environ.get("GITHUB_REPOSITORY", "OWNER/REPOSITORY")
#: at the root of the site; each other language has a directory of its own
FIRST = "en"


def page(lesson: Lesson, written: dict, ran: dict) -> dict:
    """Return a notebook as its page shows it; pure.

    An exercise is shown as a learner finds it. What its solution printed, and what the
    check said to that, is folded. Raise ValueError if `ran` is of another version.
    """
    if _sources(ran) != _sources(with_solutions(written)):
        raise ValueError(f"{lesson.name} has changed since it ran. Run: make chapter")
    cells = []
    for cell, own in zip(ran["cells"], written["cells"], strict=True):
        folded = ["hide-output"] if tagged(own, STUB) or tagged(own, CHECK) else []
        # A solution may be a shell cell, which only this lexer knows.
        text = "".join(own["source"]).replace("```python\n%%", "```ipython\n%%")
        cells.append(cell | {"source": text, "metadata": {"tags": folded}})
    cells[0]["source"] = cells[0]["source"].replace("# ", f"# {lesson.number} ", 1)
    return ran | {"cells": cells}


def _sources(notebook: dict) -> list[str]:
    return ["".join(cell["source"]) for cell in notebook["cells"]]


def assemble(language: str, executed: Path, target: Path) -> None:
    """Write what Sphinx reads for a language; `executed` has all of its lessons."""
    part = "" if language == FIRST else language
    books = ROOT / "notebooks" / part
    shutil.copytree(books / "images", target / "notebooks" / "images")
    for file in books.glob("*.md"):
        shutil.copy(file, target / "notebooks")
    for lesson in lessons():
        written, ran = (
            json.loads((folder / lesson.path).read_text("utf-8"))
            for folder in (books, executed / part)
        )
        file = target / "notebooks" / lesson.path
        file.parent.mkdir(exist_ok=True)
        # The corner of a table of pandas is a head without words, which helps nobody.
        text = json.dumps(page(lesson, written, ran))
        text = re.sub("<th[^>]*>(?:&nbsp;)?</th>", "<td></td>", text)
        # A link of the progress board is to the page, too.
        text = re.sub(r'(href=\\"[\w./-]+)\.ipynb\\"', r'\1.html\\"', text)
        file.write_text(text, "utf-8")
    (target / "docs").mkdir()
    for file in (ROOT / "docs" / part).glob("*.md"):
        shutil.copy(file, target / "docs")
    text = (SITE / language / "index.md").read_text("utf-8")
    text = text.replace("OWNER/REPOSITORY", REPOSITORY)
    for word, core in (("CORE", True), ("DEEPER", False)):
        text = text.replace(word, course.lesson_table(_link, core=core))
    (target / "index.md").write_text(text, "utf-8")


def _link(lesson: Lesson) -> str:
    return f"[{lesson.number} {lesson.title}](notebooks/{lesson.path.as_posix()})"


def build(language: str, source: Path, target: Path) -> int:
    """Have Sphinx make the pages; return 1 after any warning, such as a broken link."""
    doctrees = source.with_suffix(".doctrees")
    line = (
        *(sys.executable, "-m", "sphinx", "--quiet", "--fail-on-warning"),
        *("--jobs", "auto", f"--conf-dir={SITE}", f"--doctree-dir={doctrees}"),
        *map(str, (source, target)),
    )
    return subprocess.run(line, env=os.environ | {"SITE_LANGUAGE": language}).returncode


def main(arguments: list[str] | None = None) -> int:
    """Build the site of every language that has an index; return 1 after a warning."""
    parser = argparse.ArgumentParser(prog="make site", description=__doc__)
    parser.add_argument("--executed", type=Path, default=ROOT / "build" / "chapter")
    parser.add_argument("--target", type=Path, default=ROOT / "build" / "site")
    options = parser.parse_args(arguments)
    sources = options.target.with_suffix(".sources")
    for old in (sources, options.target):
        shutil.rmtree(old, ignore_errors=True)
    languages = [file.parent.name for file in SITE.glob("*/index.md")]
    for language in languages:
        assemble(language, options.executed, sources / language)
    failed = 0
    for language in languages:
        part = "" if language == FIRST else language
        target = options.target / part
        failed |= build(language, sources / language, target)
        for lesson in lessons():
            # What the page offers for download: without outputs, as in a checkout.
            books = ROOT / "notebooks" / part
            shutil.copy(books / lesson.path, target / "notebooks" / lesson.path)
    print(f"The site is in {options.target}: open index.html.")
    return failed


if __name__ == "__main__":
    sys.exit(main())
