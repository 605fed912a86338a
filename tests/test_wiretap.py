"""The program in front of kubectl and curl changes nothing but what it asked for."""

import json
import os
import pty
import signal
import subprocess
import sys

import pytest

from helpers import wiretap
from helpers.wiretap import MARK, VERBOSE, WRITE_OUT, Sieve, arguments
from tests.test_masks import SECRETS

LINE = (
    b'I1125 13:50:54.618757   18515 round_trippers.go:632] "Response" verb="GET" '
    b'url="https://127.0.0.1:1/version?timeout=32s" status="200 OK" milliseconds=12\n'
)
CURL_LINE = MARK + b"GET 404 0.012 19 http://127.0.0.1:1/a b\n"


def test_a_line_of_kubectl_is_taken_out():
    """What stands before and after it passes, in its order."""
    passed, [found] = Sieve("kubectl").feed(b"Warning: old\n" + LINE + b"Error: x\n")
    assert passed == b"Warning: old\nError: x\n"
    found.pop("at")
    assert found == {
        "source": "kubectl",
        "method": "GET",
        "url": "https://127.0.0.1:1/version?timeout=32s",
        "status": 200,
        "milliseconds": 12,
        "size": None,
    }


def test_a_line_stays_for_whom_it_was_asked():
    """A learner's own -v=6 prints what it prints."""
    passed, found = Sieve("kubectl", keep=True).feed(LINE)
    assert (passed, len(found)) == (LINE, 1)


@pytest.mark.parametrize(("tool", "line"), [("kubectl", LINE), ("curl", CURL_LINE)])
def test_it_may_come_in_pieces(tool, line):
    """Byte by byte it is the same line, and the rest comes through whole."""
    sieve, passed, found = Sieve(tool), b"", []
    for byte in b"In the beginning\n" + line + b"In the end":
        out, more = sieve.feed(bytes([byte]))
        passed += out
        found += more
    assert passed + sieve.end() == b"In the beginning\nIn the end"
    assert len(found) == 1


@pytest.mark.parametrize("tool", ["kubectl", "curl"])
def test_a_question_does_not_wait(tool):
    """Text without an end of line passes at once, as a prompt must."""
    assert Sieve(tool).feed(b"Password: ") == (b"Password: ", [])


def test_a_line_of_curl_is_taken_out_of_a_progress_meter():
    """Which writes no end of line before it."""
    passed, [found] = Sieve("curl").feed(b"\r100 19" + CURL_LINE + b"more")
    assert passed == b"\r100 19more"
    assert (found["status"], found["size"], found["milliseconds"]) == (404, 19, 12)
    assert found["url"] == "http://127.0.0.1:1/a%20b"


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["get", "pods"], (["get", VERBOSE, "pods"], False)),
        (["get", "-v=6"], (["get", "-v=6"], True)),
        (["get", "-v", "8"], (["get", "-v", "8"], True)),
        (["get", "--v=2"], (["get", VERBOSE, "--v=2"], False)),
        (["exec", "--", "-v=9"], (["exec", VERBOSE, "--", "-v=9"], False)),
        (["-n", "a", "get"], ([VERBOSE, "-n", "a", "get"], False)),
        ([], ([VERBOSE], False)),
        (["--vmodule=a=1"], (["--vmodule=a=1"], True)),
    ],
)
def test_words_for_kubectl(words, expected):
    """One option in front, and none where the learner has asked for more."""
    assert arguments("kubectl", words) == expected


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["URL"], ["--write-out", WRITE_OUT, "URL"]),
        (["-w", "%{http_code}", "URL"], ["-w", "%{http_code}" + WRITE_OUT, "URL"]),
        (["-sw%{x}", "URL"], ["-sw%{x}" + WRITE_OUT, "URL"]),
        (["--write-out", "a"], ["--write-out", "a" + WRITE_OUT]),
        (["-s", "--write-out", "@file"], ["-s", "--write-out", "@file"]),
        ([], []),
        # Not options, but values that look like one.
        (["-Hw", "URL"], ["--write-out", WRITE_OUT, "-Hw", "URL"]),
        (["--data", "-w", "URL"], ["--data", "-w", "URL"]),
    ],
)
def test_words_for_curl(words, expected):
    """A format of the learner's comes first and ours after it; no value changes."""
    assert arguments("curl", words) == (expected, False)


# --- The program itself, in front of a real one ---------------------------------------


@pytest.fixture
def tapped(tmp_path):
    """Return a function that starts a script as `kubectl`, by way of the program."""
    here, there = tmp_path / "here", tmp_path / "there"
    here.mkdir()
    there.mkdir()
    (tmp_path / "log").touch()

    def start(script: str, *words: str, **options) -> subprocess.Popen:
        program = there / "kubectl"
        first = "" if script.startswith("#!") else f"#!{sys.executable}\n"
        program.write_text(first + script)
        program.chmod(0o700)
        line = [sys.executable, "-I", "-S", wiretap.__file__]
        line += [str(here), str(tmp_path / "log"), "kubectl", *words]
        path = os.pathsep.join([str(here), str(there), os.defpath])
        environment = {**os.environ, "PATH": path}
        return subprocess.Popen(line, env=environment, text=True, **options)

    start.log = tmp_path / "log"
    return start


PIPES = {name: subprocess.PIPE for name in ("stdin", "stdout", "stderr")}


def test_stdin_stdout_stderr_and_the_code(tapped):
    """All four are the real program's."""
    script = "import sys\nprint(sys.stdin.read(), *sys.argv[1:])\nsys.exit('no')"
    process = tapped(script, "get", "a b", **PIPES)
    out, error = process.communicate("hello", timeout=20)
    assert out == f"hello get {VERBOSE} a b\n"
    assert (error, process.returncode) == ("no\n", 1)


@pytest.mark.parametrize("kind", ["bearer", "password"])
def test_no_secret_reaches_the_disk(tapped, kind):
    """The program runs without packages and by its path, and masks all the same."""
    secret = SECRETS[kind].replace(" ", "%20")
    address = f"https://me:{secret}@10.0.0.1/api/v1/pods/a/exec?command={secret}"
    line = LINE.replace(b"https://127.0.0.1:1/version?timeout=32s", address.encode())
    script = f"import sys\nsys.stderr.buffer.write({line!r})"
    process = tapped(script, "exec", **PIPES)
    assert process.communicate(timeout=20) == ("", "")
    [written] = tapped.log.read_text().splitlines()
    masked = "https://10.0.0.1/api/v1/pods/a/exec?command=(removed)"
    assert json.loads(written)["url"] == masked
    assert secret not in written


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_reaches_the_real_program(tapped, number):
    """And it ends as that ended: here by the signal."""
    script = (
        "import signal\n"
        f"signal.signal({int(number)}, signal.SIG_DFL)\n"
        "print('up', flush=True)\nsignal.pause()"
    )
    process = tapped(script, stdout=subprocess.PIPE)
    assert process.stdout.readline() == "up\n"
    process.send_signal(number)
    assert process.wait(20) == -number
    process.stdout.close()


def test_a_signal_may_be_caught(tapped):
    """Then the code is what the program makes of it."""
    script = (
        "import signal, sys\n"
        "signal.signal(signal.SIGTERM, lambda *_: sys.exit(7))\n"
        "print('up', flush=True)\nsignal.pause()"
    )
    process = tapped(script, stdout=subprocess.PIPE)
    assert process.stdout.readline() == "up\n"
    process.terminate()
    assert process.wait(20) == 7
    process.stdout.close()


def test_a_kill_leaves_nothing_behind(tapped):
    """The real program goes when the one before it is killed: its stdout ends."""
    script = "import signal\nprint('up', flush=True)\nsignal.pause()"
    process = tapped(script, stdout=subprocess.PIPE)
    assert process.stdout.readline() == "up\n"
    process.kill()
    assert process.stdout.read() == ""
    process.wait(20)
    process.stdout.close()


def test_a_broken_pipe_ends_it_as_ever(tapped):
    """Python ignores SIGPIPE; the real program must not inherit that."""
    words = "cat /proc/$$/status"
    plain = subprocess.run(["sh", "-c", words], capture_output=True, text=True)
    process = tapped(f"#!/bin/sh\n{words}", stdout=subprocess.PIPE)
    out, _ = process.communicate(timeout=20)
    ignored = [
        next(line for line in text.splitlines() if line.startswith("SigIgn"))
        for text in (out, plain.stdout)
    ]
    assert ignored[0] == ignored[1]


def test_a_terminal_stays_one(tapped):
    """stdin and stdout are the caller's own, also if they are a terminal."""
    master, slave = pty.openpty()
    script = "import os\nprint(os.isatty(0), os.isatty(1))"
    process = tapped(script, stdin=slave, stdout=slave)
    assert process.wait(20) == 0
    assert os.read(master, 100).split() == [b"True", b"True"]
    os.close(master)
    os.close(slave)


def test_a_program_that_is_not_there():
    """127, as the shell says."""
    line = [sys.executable, "-I", "-S", wiretap.__file__, "/a", "/b", "no-such-tool"]
    done = subprocess.run(line, capture_output=True, text=True, timeout=20)
    assert (done.returncode, done.stderr) == (127, "no-such-tool: command not found\n")
