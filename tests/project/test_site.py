"""`make site` shows a lesson as a learner finds it, and stops at what is broken."""

import copy
import importlib.util
import json
import re
from pathlib import Path

import pytest
from babel.messages.pofile import read_po

from helpers.course import lessons
from helpers.course.exercise import CHECK, SOLUTION, STUB, with_solutions
from tests.notebooks import FILES, ROOT, load
from tools import site

SPHINX = importlib.util.find_spec("sphinx") is not None
LESSON = lessons()[2]
FIRST = "notebooks/00-start-here.ipynb"
BOARD = '<th class="blank">&nbsp;</th><a href="b/c.ipynb">'


def cell(kind, source, *tags, **more):
    return {"cell_type": kind, "source": source, "metadata": {"tags": [*tags]}} | more


WRITTEN = {
    "cells": [
        cell("markdown", "# Guess\n"),
        cell("code", ["answer = None"], STUB),
        cell("code", ["check(answer)"], CHECK),
        cell("markdown", ["<details>\n\n```python\n%%sh\necho 42\n```\n"], SOLUTION),
        cell("code", ["answer"], "long"),
    ]
}


def ran():
    """Return the notebook as `tools.chapter` leaves it."""
    notebook = copy.deepcopy(with_solutions(WRITTEN))
    for each in notebook["cells"]:
        if each["cell_type"] == "code":
            each["outputs"] = [{"text": "42"}]
    return notebook


def test_an_exercise_is_shown_as_it_is_found_and_its_outputs_are_folded():
    title, stub, check, solution, last = site.page(LESSON, WRITTEN, ran())["cells"]
    assert title["source"] == f"# {LESSON.number} Guess\n"
    assert stub["source"] == "answer = None"
    assert [each["metadata"]["tags"] for each in (stub, check, last)] == [
        ["hide-output"],
        ["hide-output"],
        [],
    ]
    assert all(each["outputs"] == [{"text": "42"}] for each in (stub, check, last))
    assert "```ipython\n%%sh\n" in solution["source"]


def test_outputs_of_another_version_are_refused():
    old = ran()
    old["cells"][4]["source"] = "answer + 1"
    with pytest.raises(ValueError, match=f"{LESSON.name} has changed since it ran"):
        site.page(LESSON, WRITTEN, old)


def test_what_sphinx_reads_mirrors_the_repository(tmp_path):
    """So no link between lessons, pictures and docs has to be changed."""
    for path in FILES:
        file = tmp_path / "ran" / path.relative_to(ROOT / "notebooks")
        file.parent.mkdir(parents=True, exist_ok=True)
        notebook = with_solutions(load(path))
        notebook["cells"][-1]["outputs"] = [{"data": {"text/html": BOARD}}]
        file.write_text(json.dumps(notebook))
    site.assemble("en", tmp_path / "ran", tmp_path / "source")
    found = {
        str(file.relative_to(tmp_path / "source"))
        for file in (tmp_path / "source").rglob("*.*")
    }
    docs = [f"docs/{file.name}" for file in (ROOT / "docs").glob("*.md")]
    wanted = {str(path.relative_to(ROOT)) for path in FILES}
    assert wanted | {*docs, "index.md", "notebooks/glossary.md"} <= found
    text = (tmp_path / "source/index.md").read_text("utf-8")
    for path in FILES:
        assert (
            f"]({path.relative_to(ROOT)}) |" in text
            or f"]({path.relative_to(ROOT)}) (" in text
        )
    assert "CORE" not in text and "DEEPER" not in text
    # A head without words is a fault of its table, and a page leads to pages.
    shown = json.loads((tmp_path / "source" / FIRST).read_text("utf-8"))["cells"][-1]
    assert shown["outputs"][0]["data"]["text/html"] == '<td></td><a href="b/c.html">'


@pytest.mark.parametrize("up", ["../../", "../../../"])
def test_another_language_leads_to_the_documentation_in_english(up):
    """As far from the page as from its file; other links are within the language."""
    text = f"[the *site*]({up}docs/binder.md#the-site), [02](02-cluster-info.ipynb)"
    told = site.to_docs(text, "ko")
    page = f'<a href="{up}docs/binder.html#the-site">the *site*</a>'
    assert told == f"{page}, [02](02-cluster-info.ipynb)"
    assert site.to_docs(text, "en") == text


def test_the_first_page_has_the_links_of_its_language(monkeypatch):
    """From the same text, however it is translated."""
    monkeypatch.setattr(
        site, "words", lambda code: {"ko": "«{}»".format}.get(code, str)
    )
    text = (ROOT / "site/en/index.md").read_text("utf-8")
    english, korean = (site.index(text, code) for code in ("en", "ko"))
    first = lessons()[0]
    assert f"[{first.number} {first.title}](notebooks/{first.path})" in english
    assert f"[{first.number} «{first.title}»](notebooks/{first.path})" in korean
    assert "urlpath=lab/tree/notebooks/00-start-here.ipynb" in english
    assert "urlpath=lab/tree/notebooks/ko/00-start-here.ipynb" in korean
    assert "](docs/teaching.md)" in english and "\ndocs/*\n" in english
    assert 'href="../docs/teaching.html"' in korean and "docs/*" not in korean
    assert english.count("{toctree}") == korean.count("{toctree}") + 1
    assert "<!--" not in english + korean


def test_a_language_is_built_when_all_of_it_is_there(tmp_path, monkeypatch):
    monkeypatch.setattr(site, "ROOT", tmp_path)
    monkeypatch.setattr(site, "SITE", tmp_path / "site")
    for code, folder in (("en", ""), ("ko", "ko")):
        index = tmp_path / "site" / code / "index.md"
        index.parent.mkdir(parents=True)
        index.touch()
        for lesson in lessons():
            path = tmp_path / "notebooks" / folder / lesson.path
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
    assert site.languages() == ["en", "ko"]
    path.unlink()
    assert site.languages() == ["en"]


def test_the_words_of_the_site_are_those_that_its_templates_say():
    """What is left over would be translated for nobody."""
    with (ROOT / "locale/ko/LC_MESSAGES/sphinx.po").open("rb") as file:
        catalog = read_po(file, "ko")
    ours = {
        message.id: message.string
        for message in catalog
        if ("site/", None) in message.locations
    }
    texts = [(ROOT / "site/conf.py"), *(ROOT / "site/_templates").iterdir()]
    said = {
        text
        for path in texts
        for text in re.findall(r'\b(?:say|_)\([\'"](.+?)[\'"]\)', path.read_text())
    }
    assert ours.keys() == said and all(ours.values())


# --- With Sphinx ------------------------------------------------------------------

sphinx = pytest.mark.skipif(
    not SPHINX, reason="Sphinx is not here. Run: sh tools/setup.sh site"
)
rarely = pytest.mark.full("the site")


def written(folder: Path, **pages: str) -> Path:
    folder.mkdir(parents=True)
    for name, text in pages.items():
        (folder / f"{name}.md").write_text(text, "utf-8")
    return folder


@rarely
@sphinx
def test_a_broken_link_and_a_missing_alt_text_stop_the_build(tmp_path, capfd):
    """Each is named with its place; without them the same page is built."""
    (tmp_path / "a.svg").write_text("<svg xmlns='http://www.w3.org/2000/svg'/>")
    faults = "# A\n\n[gone](gone.md), [lost](#lost)\n\n![](../a.svg)\n"
    source = written(tmp_path / "bad", index=faults)
    assert site.build("en", source, tmp_path / "out") == 1
    told = capfd.readouterr().err
    assert "index.md:3: WARNING: 'myst' cross-reference target not found: 'gone" in told
    assert "cross-reference target not found: 'lost'" in told
    assert "index.md:5: WARNING: no alt text: " in told
    good = "# A\n\n[here](#a)\n\n![a picture](../a.svg)\n"
    source = written(tmp_path / "good", index=good)
    assert site.build("en", source, tmp_path / "out") == 0, capfd.readouterr().err


@rarely
@sphinx
def test_a_second_language_has_its_search_and_a_switch_from_page_to_page(tmp_path):
    """What only the first has leads back to the beginning of the other."""
    tree = "\n\n```{toctree}\nboth\n```\n"
    written(
        tmp_path / "sources/en",
        index=f"# A{tree}",
        both="# B",
        more="---\norphan: true\n---\n# C",
    )
    written(tmp_path / "sources/ko", index=f"# 가{tree}", both="# 나\n\n토큰을 읽는다.")
    for language, part in (("en", ""), ("ko", "ko")):
        source = tmp_path / "sources" / language
        assert site.build(language, source, tmp_path / "out" / part) == 0
    page = (tmp_path / "out/both.html").read_text("utf-8")
    assert (
        '<a class="nav-link" lang="ko" hreflang="ko" href="ko/both.html">한국어</a>'
        in page
    )
    korean = (tmp_path / "out/ko/both.html").read_text("utf-8")
    assert 'href="../both.html">English</a>' in korean and '<html lang="ko"' in korean
    assert 'href="ko/index.html">한국어</a>' in (tmp_path / "out/more.html").read_text()
    # The words of the theme, and of our templates.
    assert 'aria-label="모든 페이지"' in korean and "본문으로 건너뛰기" in korean
    # Whoever reads Korean lands there, and nobody from a page of the site.
    assert (
        'location.replace("ko/index.html")' in (tmp_path / "out/index.html").read_text()
    )
    assert "location.replace" not in page + korean
    # The noun alone is found, too.
    assert json.dumps("토큰") in (tmp_path / "out/ko/searchindex.js").read_text()
