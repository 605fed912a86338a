"""`kapi explain` takes a message as arguments or from standard input."""

import pytest
from click.testing import CliRunner

from helpers.cli import main

MESSAGE = "error: You must be logged in to the server (Unauthorized)"


def run(*words: str, stdin: bytes | None = None):
    return CliRunner().invoke(main, ["explain", *words], input=stdin)


@pytest.mark.parametrize(
    ("words", "stdin"),
    [
        ((MESSAGE,), None),
        (MESSAGE.split(), None),
        ((), MESSAGE.encode()),
        ((), b"$ kubectl get pods\n\x1b[31m" + MESSAGE.encode() + b"\xff\xfe\n"),
        ((), MESSAGE.encode() + b"\nmore" * 400_000),
    ],
)
def test_a_message_is_explained(words, stdin):
    done = run(*words, stdin=stdin)
    assert done.exit_code == 0
    lines = [line.partition(":")[0] for line in done.stdout.splitlines()]
    assert lines == ["Step", "Why", "Ask next", "Way out", "Lesson"]


def test_words_that_look_like_options_are_a_message():
    words = ("--context=y", "error: context", '"y"', "does not exist")
    assert run(*words).exit_code == 0
    assert run("-v", "404 page not found").exit_code == 0


@pytest.mark.parametrize("name", ["LANG", "LC_ALL", "LAB_LANG"])
def test_the_language_of_the_system_is_spoken(name, monkeypatch):
    for variable in ("LAB_LANG", "LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv(name, "ko_KR.UTF-8")
    # A command is a process, and leaves its language to no other.
    monkeypatch.setattr("cluster.language._spoken", "")
    done = run(MESSAGE)
    assert (
        done.stdout.startswith("단계: ") and "(ko/02-cluster-info.ipynb)" in done.stdout
    )
    assert "kapi explain" in run("hello").stderr


@pytest.mark.parametrize("stdin", [b"", b"\x00\xff" * 1000, "안녕".encode()])
def test_what_no_rule_knows_is_an_exit_code(stdin):
    done = run(stdin=stdin)
    assert done.exit_code == 1 and done.stdout.startswith("Why: ")
    assert "single quotes" in done.stderr and "| kapi explain" in done.stderr
