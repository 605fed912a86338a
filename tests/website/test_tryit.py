"""*Try it* shows what was recorded, or is not there."""

import json
import re
import shutil

import pytest

from cluster import errors
from helpers import needs
from tab import build
from website import build as site, tryit

TEXTS = {language: site.site_texts(language) for language in ("en", "ko")}
EN, KO = map(tryit.page, TEXTS.values())
BLOCKS = tryit.BLOCK.findall(EN)


def test_the_commands_are_the_same_in_each_language():
    assert TEXTS["ko"].keys() == TEXTS["en"].keys()
    assert tryit.BLOCK.findall(KO) == BLOCKS and len(BLOCKS) >= 12


def test_the_page_makes_the_namespaces_that_it_uses():
    text = "".join(BLOCKS)
    made = re.findall(r"create namespace (\S+)", text)
    used = set(re.findall(r"(?:namespaces?[/ ]|-n )([a-z][a-z-]+)\b", text))
    assert len(set(made)) == len(made) and used - {"default"} == set(made)


def test_each_command_has_its_answer():
    numbers = range(len(BLOCKS))
    answers = [(f"<{number}>", 400 + number) for number in numbers]
    told = tryit.insert_answers(EN, answers)
    found = re.findall(r'```\n\n<pre class="answer" .*="(\d+)">(.*?)</pre>', told)
    assert found == [(str(code), f"&lt;{code - 400}&gt;") for _, code in answers]


def test_without_a_server_nothing_is_recorded(monkeypatch, capsys):
    monkeypatch.setattr(shutil, "which", lambda program: f"/bin/{program}")
    monkeypatch.setenv("TAB", "no")
    assert tryit.record("") is None
    assert "Without an API server for the browser" in capsys.readouterr().err


@pytest.fixture
def node(monkeypatch, tmp_path):
    """Return a function that puts a script in Node's place, and has it record."""
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.setattr(build, "ensure", lambda: tmp_path)

    def record(script: str) -> None:
        node = tmp_path / "node"
        node.write_text(f"#!/bin/sh\n{script}\n")
        node.chmod(0o700)
        tryit.record(EN)

    return record


def test_a_command_that_does_not_end_is_stopped_and_said(node):
    answer = """echo '{"text": "", "code": 130, "status": 0}'"""
    with pytest.raises(errors.LabError, match="within 300 s") as caught:
        node(f"echo {{}}\nread line\n{answer}")
    assert caught.value.message.endswith(f":\n{BLOCKS[0]}")
    assert "TAB=no make site" in caught.value.hint


@pytest.mark.parametrize(
    ("end", "reason"),
    [("echo because >&2; exit 3", "because"), ("exit 3", "exit code 3")],
)
def test_a_server_that_ends_is_said_with_its_last_words_and_a_way_on(node, end, reason):
    with pytest.raises(errors.LabError) as caught:
        node(f"echo {{}}\nread line\n{end}")
    block = f"ended before it answered:\n{BLOCKS[0]}"
    assert caught.value.message.endswith(f"{block}Its last words: {reason}")
    assert "TAB=no make site" in caught.value.hint


def test_no_token_is_recorded(node):
    answer = """echo '{"text": "eyJhbGciOi.x.y", "status": 201}'"""
    block = BLOCKS[0]
    with pytest.raises(ValueError, match=f"{block} contains a token"):
        node(f"echo {{}}\nread line\n{answer}")


def test_a_server_that_never_answers_is_not_waited_for_for_ever(node, monkeypatch):
    monkeypatch.setattr(tryit, "LIMIT", 0.2)
    with pytest.raises(errors.LabError, match="within 0 s") as caught:
        node("exec sleep 60")
    assert "TAB=no make site" in caught.value.hint


def test_no_line_of_a_block_is_wider_than_the_page():
    """Where it can be broken: not within a value in quotes, nor before it."""
    for line in "".join(BLOCKS).splitlines():
        is_within = line.count("'") % 2 or re.match(r' +"\w', line)
        words = re.findall(r"'[^']*'|\"[^\"]*\"|\S+", line.rstrip("\\"))
        assert len(line) <= 86 or is_within or len(words) <= 2, line


def test_the_scripts_find_their_words_and_elements_on_each_page():
    files = [tryit.WEB / "try.js", *(tryit.WEB / "tryit").glob("*.js")]
    files += [*(tryit.WEB / "start").glob("*.js"), tryit.WEB / "offer.js"]
    script = "".join(file.read_text() for file in files)
    named = set(re.findall(r"\bat\.(\w+)", script))
    said = set(re.findall(r'say\("(\w+)"', script))
    for text in (EN, KO):
        told = re.search(r"\{container\} words\n(.*?)```", text, re.DOTALL)[1]
        words = set(re.findall(r"^- `(\w+)` .", told, re.MULTILINE))
        assert said <= words and all(f'"{word}"' in script for word in words)
        found = re.findall(r'id="tab-(\w+)"', text)
        assert len(found) == len(set(found))
        assert named <= set(found)


def test_the_scripts_of_a_lesson_find_their_words_and_elements():
    files = [tryit.WEB / "run.js", *(tryit.WEB / "notebook").glob("*.js")]
    files += [*(tryit.WEB / "start").glob("*.js"), tryit.WEB / "offer.js"]
    script = "".join(file.read_text() for file in files)
    said = set(re.findall(r'\b(?:say\(|tell\([^"\n]+, )"(\w+)"', script))
    for language in ("en", "ko"):
        texts = TEXTS[language]
        text = tryit.beginning(texts)
        told = re.search(r"\{container\} run-words\n(.*?)```", text, re.DOTALL)[1]
        words = set(re.findall(r"^- `(\w+)` .", told, re.MULTILINE))
        assert said <= words
        # Its steps are words, too.
        worker = (build.WEB / "python" / "worker.js").read_text()
        assert all(f'"{word}"' in script + worker for word in words)
        found = re.findall(r'id="run-(\w+)"', text)
        assert len(found) == len(set(found))
        assert set(re.findall(r"\bat\.(\w+)", script)) <= set(found)
        for lack in needs.TAB_LACKS:
            told = tryit.beginning(texts, lack=lack)
            assert "run-start" not in told and "{}" not in told
        # A cell says the same, by its tag.
        listed = re.search(r"const LACKS = (\[.*\]);", script)[1]
        assert tuple(json.loads(listed)) == needs.TAB_LACKS
        assert said | {*needs.TAB_LACKS} <= words


def test_the_directory_of_the_files_changes_with_each_of_them(tmp_path, monkeypatch):
    """So that no browser pairs files of two versions."""
    web, built = tmp_path / "web", tmp_path / "built"
    shutil.copytree(tryit.WEB, web)
    built.mkdir()
    for name in (build.PACKED, build.RUNTIME):
        (built / name).write_text(name)
    monkeypatch.setattr(tryit, "WEB", web)
    monkeypatch.setattr(build, "find", lambda: built)
    names = [tryit.folder()]
    for file in (
        built / build.PACKED,
        built / build.RUNTIME,
        web / "tryit" / "live.js",
    ):
        file.write_text(file.read_text() + " ")
        names.append(tryit.folder())
    assert len(set(names)) == len(names)
    tryit.copy(tmp_path / "site")
    [place] = (tmp_path / "site" / "_static").iterdir()
    copied = {file.name for file in place.rglob("*.*")}
    assert place.name == tryit.folder()
    assert {build.PACKED, build.RUNTIME, "live.js", "worker.js"} < copied
    assert not copied & {"node.js", "package.json"}
