"""A site of one lesson that runs on its page, and the cells of that page."""

import json
import re
import shutil
from collections.abc import Iterable
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from helpers.course import lessons
from helpers.course.exercise import with_solutions
from tests.notebooks import ROOT, load
from website import build as site, tryit as trial

#: the first is the one of most tests; the others are where its reader goes
LESSON, NEXT, DEEPER = (
    lesson for lesson in lessons() if lesson.number in ("02", "03", "16")
)
LESSONS = (LESSON, NEXT, DEEPER)
NAME = LESSON.name
CELLS = [cell for cell in load(ROOT / "notebooks" / LESSON.path)["cells"]]
#: names of its code cells, in their order on the page
CODE = [cell["id"] for cell in CELLS if cell["cell_type"] == "code"]
HOME = "# Home\n\n```{toctree}\n:glob:\nnotebooks/*\nnotebooks/deeper/*\ntry\n```\n"
GLOSSARY = f"# Glossary\n\n[Back to 02]({NAME}.ipynb)\n"
RECORDED = {"output_type": "stream", "name": "stdout", "text": "recorded\n"}


def make_site(place: Path, languages: Iterable[str]) -> Path:
    """Return a site with lessons in some languages; their outputs are invented."""
    target, sources = place / "site", place / "sources"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(site, "REPOSITORY", "")
        for language in languages:
            _assemble(language, sources / language)
        for language in languages:
            home = target / site.language_dir(language)
            # Warnings are of links to pages that this site lacks.
            site.build(language, sources / language, home)
            for lesson in LESSONS:
                written = site.notebooks_dir(language) / lesson.path
                shutil.copy(written, home / "notebooks" / lesson.path)
        trial.copy(target)
        site.finish(target)
    return target


def _assemble(language: str, source: Path) -> None:
    books = site.notebooks_dir(language)
    shutil.copytree(books / "images", source / "notebooks" / "images")
    (source / "index.md").write_text(HOME)
    (source / "notebooks" / "glossary.md").write_text(GLOSSARY)
    text = trial.page(site.site_texts(language))
    (source / "try.md").write_text(trial.insert_answers(text, [("recorded", 0)] * 200))
    (source / "notebooks" / "deeper").mkdir()
    for lesson in LESSONS:
        written = json.loads((books / lesson.path).read_text("utf-8"))
        ran = with_solutions(written)
        for code in ran["cells"]:
            if code["cell_type"] == "code":
                code |= {"outputs": [RECORDED], "execution_count": 1}
        notebook = site.page(lesson, written, ran, language)
        text = site.run_text(lesson, written, language, trial.folder())
        notebook = site.with_beginning(notebook, text)
        (source / "notebooks" / lesson.path).write_text(json.dumps(notebook))


def cell(page: Page, name: str) -> Locator:
    """Return a code cell of the page."""
    return page.locator(".bd-article .cell").nth(CODE.index(name))


def state(place: Locator) -> Locator:
    """Return what is said of a cell."""
    return place.locator(".run-controls [role=status]")


def run(place: Locator, button: str = "Run", limit: float = 60_000) -> None:
    """Press a button of a cell, and wait until no cell runs."""
    place.get_by_role("button", name=button, exact=True).click()
    busy = re.compile("^(Running|Waits|실행 중|지금 실행)")
    states = place.page.locator(".run-controls [role=status]")
    expect(states.filter(has_text=busy)).to_have_count(0, timeout=limit)
