"""A cell's error is one line where that says it all, and shows no token."""

import socket

import pytest
from IPython.core.interactiveshell import InteractiveShell
from kubernetes.client.exceptions import ApiException

from helpers import tracebacks

TOKEN = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJtZSJ9.c2lnbmF0dXJl-_"


@pytest.fixture
def shown(capsys, monkeypatch):
    """Return a function that runs a cell and returns the lines of its error."""
    shell = InteractiveShell.instance(colors="nocolor")
    tracebacks.shorten(shell)
    # As a second `%load_ext`, or `connect()`.
    tracebacks.shorten(shell)
    shell.user_ns.update(ApiException=ApiException, token=TOKEN)

    def run(cell):
        assert shell.run_cell(cell).error_in_exec
        return capsys.readouterr().out.strip().splitlines()

    yield run
    InteractiveShell.clear_instance()


@pytest.mark.parametrize(
    ("cell", "line"),
    [
        ("assert 1 + 1 == 3", "`1 + 1 == 3` is false: `2 == 3`."),
        ("assert 'x' not in 'xy'", "`'x' not in 'xy'` is false: `'x' not in 'xy'`."),
        ("def f(a):\n    assert a\nf([])", "`a` is false."),
        ("assert 1 < 2 < 2", "`1 < 2 < 2` is false."),
        ("n = 4\nassert n == 5, f'{n} is not it.'", "4 is not it."),
        ("n = 'ab' * 80\nassert n == 5", f"`n == 5` is false: `'{'ab' * 49}a… == 5`."),
        ("assert token == ''", "`token == ''` is false: `'eyJ…' == ''`."),
    ],
)
def test_an_assert_tells_its_claim_and_its_values(shown, cell, line):
    assert shown(cell) == [f"AssertionError: {line}"]


def test_an_assert_evaluates_each_side_once(shown):
    cell = "asked = []\ndef ask():\n    asked.append(1)\n    return len(asked)\n"
    assert shown(f"{cell}assert ask() == 2") == [
        "AssertionError: `ask() == 2` is false: `1 == 2`."
    ]


def test_an_assert_of_ours_keeps_its_traceback(shown):
    """It is a bug, and the page is not where to look."""
    lines = shown("exec('assert False', {'__name__': 'helpers.ours'})")
    assert len(lines) > 3


def test_an_interrupt_and_an_answer_of_the_client_are_a_line(shown):
    """A wait has sixty lines of ours, an answer its headers."""
    assert shown("raise KeyboardInterrupt") == [
        "KeyboardInterrupt: This cell was stopped."
    ]
    body = '{"kind": "Status", "message": "pods \\"x\\" not found"}'
    cell = f"e = ApiException(status=404, reason='Not Found')\ne.body = {body!r}\n"
    assert shown(f"{cell}raise e") == [
        'ApiException: 404 Not Found: pods "x" not found'
    ]
    assert shown("raise ApiException(status=0, reason='Handshake')") == [
        "ApiException: 0 Handshake"
    ]


def test_a_host_outside_of_a_tab_is_a_line_there(shown, monkeypatch):
    """Its errors are chained, one for each library; one of the cell's own stays."""

    def refuse(*_: object, **__: object) -> None:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    cell = "import urllib.request\nurllib.request.urlopen('http://x.invalid')"
    assert len(shown(cell)) > 3
    monkeypatch.setattr("sys.platform", "emscripten")
    assert shown(cell) == [
        "URLError: [Errno -2] Name or service not known: this tab's cluster reaches no "
        "host but its own."
    ]
    typo = "try:\n    import socket; socket.getaddrinfo()\nexcept OSError:\n    prnt(1)"
    assert "name 'prnt' is not defined" in shown(typo)[-1]


def test_no_traceback_shows_a_token(shown):
    """Such as that of a header which is none."""
    lines = shown("raise ValueError(f'Bearer {token}'.encode())")
    assert lines[-1] == "ValueError: b'Bearer eyJ…'" and len(lines) > 3
    assert TOKEN[:30] not in "".join(lines)
