"""`make site` shows a lesson as a learner finds it, and stops at what is broken."""

import ast
import base64
import copy
import hashlib
import importlib.util
import json
import re

import pytest
from babel.messages.pofile import read_po

from helpers.course import lessons
from helpers.course.exercise import CHECK, SOLUTION, STUB, with_solutions
from tests.notebooks import FILES, ROOT, load
from website import build, card

LESSON = lessons()[2]
FIRST = "notebooks/00-start-here.ipynb"
TABLE = '<th class="blank">&nbsp;</th>'


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
    title, stub, check, solution, last = build.page(LESSON, WRITTEN, ran())["cells"]
    assert title["source"] == f"# {LESSON.number} Guess\n"
    assert stub["source"] == "answer = None"
    assert [each["metadata"]["tags"] for each in (stub, check, last)] == [
        ["hide-output", "exercise"],
        ["hide-output"],
        [],
    ]
    assert all(each["outputs"] == [{"text": "42"}] for each in (stub, check, last))
    assert "```ipython\n%%sh\n" in solution["source"]
    wide = "NAME   SHORTNAMES   VERBS\npods   po           create, get\n"
    assert build.TABLE.search(wide) and not build.TABLE.search("curl: (60) SSL   no\n")
    assert build.PROGRESS.search('cluster.stop()\nprogress("02")')
    old = ran()
    old["cells"][4]["source"] = "answer + 1"
    with pytest.raises(ValueError, match=f"{LESSON.name} has changed since it ran"):
        build.page(LESSON, WRITTEN, old)


def test_no_table_has_a_head_without_words(tmp_path):
    """The corner of a table of pandas is one."""
    for path in FILES:
        file = tmp_path / "ran" / path.relative_to(ROOT / "notebooks")
        file.parent.mkdir(parents=True, exist_ok=True)
        notebook = with_solutions(load(path))
        notebook["cells"][2]["outputs"] = [{"data": {"text/html": TABLE}}]
        file.write_text(json.dumps(notebook))
    build.assemble("en", tmp_path / "ran", tmp_path / "source", "")
    shown = load(tmp_path / "source" / FIRST)["cells"][2]
    assert shown["outputs"][0]["data"]["text/html"] == "<td></td>"


def test_the_first_page_has_the_links_of_its_language(monkeypatch):
    """From the same text, however it is translated, and to the pages that it has."""
    monkeypatch.setattr(
        build, "translator", lambda code: {"ko": "«{}»".format}.get(code, str)
    )
    monkeypatch.setattr(build, "REPOSITORY", "some/one")
    text = (ROOT / "website/en/index.md").read_text("utf-8")
    english, korean = (build.index(text, code) for code in ("en", "ko"))
    first = lessons()[0]
    assert f"[{first.number} {first.title}](notebooks/{first.path})" in english
    assert f"[{first.number} «{first.title}»](notebooks/{first.path})" in korean
    assert "urlpath=lab/tree/notebooks/00-start-here.ipynb" in english
    assert "urlpath=lab/tree/notebooks/ko/00-start-here.ipynb" in korean
    assert "](docs/teaching.md)" in english and "\ndocs/*\ncluster/docs/*\n" in english
    assert 'href="../docs/teaching.html"' in korean and "](docs/settings.md)" in korean
    assert "\ndocs/*\n```" in korean and "\ncluster/docs/*" not in korean
    assert "<!--" not in english + korean


def test_a_link_to_the_documentation_leads_to_its_translation_if_there_is_one():
    """From a lesson in `notebooks/ko`, which is a step nearer to it on the site."""
    text = "[*a*](../../docs/teaching.md#ci), [02](02-cluster-info.ipynb)"
    page = '<a href="../../docs/teaching.html#ci">*a*</a>, [02](02-cluster-info.ipynb)'
    assert (build.to_docs(text, "ko"), build.to_docs(text, "en")) == (page, text)
    for way in ("../../docs/ko/binder.md", "../../docs/binder.md#the-site"):
        assert build.to_docs(f"[b]({way})", "ko") == "[b](../docs/binder.md)"


def test_the_site_has_the_documentation_that_is_translated(tmp_path, monkeypatch):
    """From there, what is in English alone is at the root of the site."""
    monkeypatch.setattr(build, "lessons", list)
    for language in ("en", "ko"):
        build.assemble(language, tmp_path, tmp_path / language, "")
    found = {
        language: {file.stem for file in (tmp_path / language).glob("docs/*.md")}
        for language in ("en", "ko")
    }
    translated = {"binder", "ci", "commands", "machines", "settings"}
    assert found["ko"] == translated < found["en"]
    text = (tmp_path / "ko/docs/binder.md").read_text("utf-8")
    assert '<a href="../../docs/translating.html">' in text
    text = (tmp_path / "ko/docs/settings.md").read_text("utf-8")
    assert '<a href="../../cluster/docs/cluster.html#the-archive">' in text


def test_commands_are_on_the_site_only_with_their_answers(tmp_path, monkeypatch):
    """Without answers nothing leads to them."""
    monkeypatch.setattr(build, "lessons", list)
    for name, told in (("with", "# Try it"), ("without", "")):
        source = tmp_path / name
        build.assemble("en", tmp_path, source, told)
        index = (source / "index.md").read_text("utf-8")
        assert ("(try.md)" in index) == ("\ntry\n" in index) == (name == "with")
        assert (source / "try.md").exists() == (name == "with")


@pytest.mark.parametrize(
    ("tagged", "told", "is_offered"),
    [
        ([], "start in this tab", True),
        ([1, 2], "2 of its cells cannot run here", True),
        ([0], "tab.**\nIt needs an API server of its own.\n", False),
    ],
)
def test_above_a_lesson_stands_whether_it_runs_in_a_tab(tagged, told, is_offered):
    lesson = lessons()[0]
    notebook = load(ROOT / "notebooks" / lesson.path)
    code = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    for number in tagged:
        code[number]["metadata"]["tags"] = ["needs-lab", "not-in-tab: server"]
    text = build.run_text(lesson, notebook, "en", "tab-1")
    assert told in text and ('id="run-start"' in text) == is_offered
    assert ("cannot run here, and say so" in text) == (len(tagged) == 2)
    [title, *others] = notebook["cells"]
    shown = build.with_beginning(notebook, text)["cells"]
    assert shown[0] == title and shown[1]["source"] == text and shown[2:] == others


def test_the_licenses_are_found_from_each_page():
    """They are at the root of the site alone."""
    notebook = load(FILES[0])
    ways = []
    for lesson in (lessons()[0], lessons()[-1]):
        for language in ("en", "ko"):
            text = build.run_text(lesson, notebook, language, "tab-1")
            ways += re.findall('"([^"]*)_static/tab-1/python/licenses.txt"', text)
    assert ways == ["../", "../../", "../../", "../../../"]


def test_the_way_to_the_other_language_is_the_sites_own():
    """That of the notebook leads to a file that is elsewhere on the site."""
    for language in ("", "ko/"):
        written = load(ROOT / "notebooks" / language / "00-start-here.ipynb")
        shown = build.page(lessons()[0], written, with_solutions(written))
        other = re.compile(r"\[(한국어|English)\]")
        assert other.search("".join(written["cells"][0]["source"]))
        assert not other.search(shown["cells"][0]["source"])


def test_the_words_of_the_site_are_those_that_its_templates_say():
    """No translation is left over of a text that nothing says."""
    with (ROOT / "locale/ko/LC_MESSAGES/sphinx.po").open("rb") as file:
        catalog = read_po(file, "ko")
    ours = {
        message.id: message.string
        for message in catalog
        if ("website/", None) in message.locations
    }
    texts = [*ROOT.glob("website/*.py"), *(ROOT / "website/_templates").iterdir()]
    said = {
        text
        for path in texts
        for text in re.findall(r'\b(?:say|_)\([\'"](.+?)[\'"]\)', path.read_text())
    }
    assert ours.keys() == said and all(ours.values())


def test_a_lesson_says_the_terms_that_a_search_leads_to_it():
    """In its prose: a tuple of codes explains none of them."""
    tree = ast.parse((ROOT / "website/search.py").read_text("utf-8"))
    [terms] = [
        ast.literal_eval(node.value)
        for node in tree.body
        if isinstance(node, ast.Assign) and node.targets[0].id == "EXPLAINED"
    ]
    numbers = {lesson.number: lesson for lesson in lessons()}
    for place, explained in terms.items():
        if place in numbers:
            cells = load(ROOT / "notebooks" / numbers[place].path)["cells"]
            prose = "\n".join(
                # What a command of the book says today is in the metadata.
                "".join(cell["source"]) + str(cell["metadata"].get("book", ""))
                for cell in cells
                if cell["cell_type"] == "markdown"
            )
        else:
            prose = (ROOT / f"{place}.md").read_text("utf-8")
        for term in explained:
            assert all(word in prose for word in term.split()), (place, term)


def test_a_card_that_cannot_be_drawn_is_said_so(tmp_path, monkeypatch, capsys):
    """Without Chromium there is none; one that fails stops the build."""
    target, books = tmp_path / "card.png", ROOT / "notebooks"
    monkeypatch.setattr(card, "browser", lambda: "")
    card.draw("Name", books, target)
    assert "No card.png without Chromium." in capsys.readouterr().out
    monkeypatch.setattr(card, "browser", lambda: "/bin/false")
    with pytest.raises(SystemExit, match="/bin/false draws no card.png"):
        card.draw("Name", books, target)
    assert not target.exists()


def test_a_page_loads_nothing_of_others_and_runs_its_own_scripts_alone():
    """What is not in a file is known by its hash, which changes with it."""
    html = '<meta charset="utf-8" />\n<script src="a.js"></script><script>f();</script>'
    policies = [
        re.search(r'<meta charset="utf-8" />\n<meta .*Policy" content="(.*)">', page)[1]
        for page in map(build.with_policy, (html, html.replace("f()", "g()")))
    ]
    first, second = (dict(p.split(" ", 1) for p in q.split("; ")) for q in policies)
    assert first["default-src"] == "'self'"
    assert first["worker-src"] == "'self' blob:"
    digest = base64.b64encode(hashlib.sha256(b"f();").digest()).decode()
    assert first["script-src"] == f"'self' 'wasm-unsafe-eval' 'sha256-{digest}'"
    assert first.pop("script-src") != second.pop("script-src") and first == second
    alone = build.with_policy('<meta charset="utf-8">')
    assert "script-src 'self' 'wasm-unsafe-eval'; " in alone


def test_a_page_has_colors_without_scripts_and_labels_that_say_what_is_seen():
    html = '<html data-theme="auto"><summary aria-label="Toggle hidden content">Show'
    assert build.tidy(html) == '<html data-theme="light"><summary>Show'
    picture = '<img alt="A" src="../_images/a.svg" />'
    link = f'<a class="picture" href="../_images/a.svg">{picture}</a>'
    assert build.tidy(f"<p>{picture}</p>") == f"<p>{link}</p>"


@pytest.mark.full("the site")
@pytest.mark.skipif(
    importlib.util.find_spec("sphinx") is None,
    reason="Sphinx is not here. Run: sh tools/setup.sh site",
)
def test_a_broken_link_and_a_missing_alt_text_stop_the_build(tmp_path, capfd):
    (tmp_path / "a.svg").write_text("<svg xmlns='http://www.w3.org/2000/svg'/>")
    source = tmp_path / "source"
    (source / "notebooks").mkdir(parents=True)
    glossary = source / "notebooks/glossary.md"
    glossary.write_text("---\norphan: true\n---\n# Glossary\n")
    index = source / "index.md"
    index.write_text("# A\n\n[gone](gone.md), [lost](#lost)\n\n![](../a.svg)\n")
    assert build.build("en", source, tmp_path / "out") == 1
    told = capfd.readouterr().err
    assert "index.md:3: WARNING: 'myst' cross-reference target not found: 'gone" in told
    assert "cross-reference target not found: 'lost'" in told
    assert "index.md:5: WARNING: no alt text: " in told
    index.write_text("# A\n\n[here](#a)\n\n![a picture](../a.svg)\n")
    assert build.build("en", source, tmp_path / "out") == 0, capfd.readouterr().err
