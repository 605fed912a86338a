"""The page *Try it* has the answers that were recorded, or is not there."""

import re
import shutil

import pytest

from tab import build, page
from tests.notebooks import ROOT

EN, KO = ROOT / "site" / "en", ROOT / "site" / "ko"
BLOCKS = page.BLOCK.findall((EN / "try.md").read_text("utf-8"))


@pytest.fixture
def target(tmp_path):
    """Return what Sphinx reads, before the page is added."""
    shutil.copy(EN / "index.md", tmp_path)
    return tmp_path


def test_the_commands_are_the_same_in_each_language():
    assert len(BLOCKS) >= 12
    assert page.BLOCK.findall((KO / "try.md").read_text("utf-8")) == BLOCKS


def test_each_command_has_its_answer(target):
    answers = [(f"<{number}>", 400 + number) for number in range(len(BLOCKS))]
    page.write(EN, target, answers, "../")
    text = (target / "try.md").read_text("utf-8")
    found = re.findall(r'<pre class="answer" .*="(\d+)">(.*?)</pre>', text)
    assert found == [(str(code), f"&lt;{code - 400}&gt;") for _, code in answers]
    assert text.count('src="../_static/tab/') == text.count("<script") == 1
    assert "(try.md)" in (target / "index.md").read_text("utf-8")


def test_without_answers_nothing_leads_to_the_page(target):
    page.write(EN, target, None, "")
    index = (target / "index.md").read_text("utf-8")
    assert "(try.md)" not in index and "\ntry\n" not in index
    assert not (target / "try.md").exists()


def test_without_a_server_nothing_is_recorded(monkeypatch, capsys):
    monkeypatch.setattr(shutil, "which", lambda program: f"/bin/{program}")
    monkeypatch.setenv("TAB", "no")
    assert page.record("") is None
    assert "Without an API server for the browser" in capsys.readouterr().err


@pytest.mark.parametrize(
    "said", ["exit 1", """echo '{"text": "eyJhbGciOi.x.y", "status": 201}'"""]
)
def test_no_answer_and_no_token_is_recorded(monkeypatch, tmp_path, said):
    node = tmp_path / "node"
    node.write_text(f"#!/bin/sh\necho {{}}\nread line\n{said}\n")
    node.chmod(0o700)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.setattr(build, "wanted", lambda: tmp_path)
    with pytest.raises(RuntimeError, match="curl https://kubernetes/version"):
        page.record((EN / "try.md").read_text("utf-8"))


def test_the_words_of_the_scripts_are_those_of_the_page():
    script = (page.WEB / "try.js").read_text()
    lists = re.findall(r"const \[(.*?)\] =", script, re.DOTALL)[:2]
    words, names = (re.findall(r"\w+", one) for one in lists)
    for language in (EN, KO):
        text = (language / "try.md").read_text("utf-8")
        told = re.search(r"\{container\} words\n(.*?)```", text, re.DOTALL)[1]
        assert told.count("- ") == len(words)
        assert re.findall(r'id="tab-(\w+)"', text) == names
