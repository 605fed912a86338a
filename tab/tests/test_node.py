"""The script for Node, with a program instead of the API server."""

import fcntl
import json
import shutil
import struct
import subprocess
import termios

import pytest

from cluster.tests.waiting import until
from tab import build

#: WebAssembly that does nothing
WASM = bytes.fromhex("0061736d01000000")
#: stands for Go's script, and for the program that it runs
GO = """
const tell = (text) => fs.writeSync(2, new TextEncoder().encode(text));
const body = new Uint8Array(SIZE).fill(120);
globalThis.Go = class {
  async run() { PROGRAM }
};
"""
SERVES = """
globalThis.kubernetes = {
  async request(_, told) { told(200, "{}"); told(body); return ""; },
};
return new Promise(() => {});
"""
#: a shell in which `watch` ends when it is stopped
WAITS = """
globalThis.kubernetes = {
  async shell(json, output, signal) {
    const { script } = JSON.parse(json);
    output("begun", false);
    if (script === "fail") output("no", true);
    else await new Promise((done) => signal.addEventListener("abort", done));
    return { code: script === "fail" ? 1 : 130, status: 0 };
  },
};
return new Promise(() => {});
"""
#: bytes of an answer, and of those that a pipe holds at least
SIZE, PIPE = 300_000, 60_000


@pytest.fixture
def start(tmp_path):
    """Return a function that starts Node with a program, which is JavaScript."""
    if not shutil.which("node"):
        pytest.skip("Node is not here")
    (tmp_path / build.PROGRAM).write_bytes(WASM)

    def start(program: str) -> subprocess.Popen:
        script = GO.replace("SIZE", str(SIZE)).replace("PROGRAM", program)
        (tmp_path / build.RUNTIME).write_text(script)
        pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
        command = ["node", build.WEB / "node.js", tmp_path]
        return subprocess.Popen(command, text=True, **pipes)

    return start


def unread(pipe) -> int:
    """Return how many bytes wait in a pipe."""
    told = fcntl.ioctl(pipe, termios.FIONREAD, bytes(4))
    return struct.unpack("i", told)[0]


def test_a_slow_reader_gets_each_answer(start):
    """Node ends only when the last one is in the pipe."""
    with start(SERVES) as process:
        process.stdin.write('{"method": "GET", "path": "/"}\n' * 2)
        process.stdin.close()
        until(lambda: unread(process.stdout) > PIPE)
        _, *answers = map(json.loads, process.stdout)
        assert [len(answer["body"]) for answer in answers] == [SIZE, SIZE]
        assert process.wait() == 0


@pytest.mark.parametrize(
    ("program", "told"),
    [
        (
            "tell('panic: '); tell('no room'); tell('\\ngoroutine 1:');",
            "panic: no room",
        ),
        (
            "tell('one line'); tell('E1 it has ended err=x\\n');",
            "E1 it has ended err=x",
        ),
        ("throw new Error('unreachable');", "unreachable"),
        (
            "tell('F1 a hook has failed: timeout\\n'); throw new Error('no exports');",
            "F1 a hook has failed: timeout",
        ),
    ],
    ids=["panic", "log", "trap", "Go's script after a fatal line"],
)
def test_a_program_that_ends_says_why(start, program, told):
    with start(program) as process:
        assert process.wait() == 1
        assert f"Error: {told}\n" in process.stderr.read()


@pytest.mark.parametrize(
    ("program", "step"),
    [("", "loading the program"), ("onStep('making keys');", "making keys")],
)
def test_a_program_that_is_never_ready_is_not_waited_for_for_ever(start, program, step):
    """The limit is of one step: a slow machine takes longer for each."""
    clock = "let calls = 0; Date.now = () => 7e5 * calls++;"
    with start(f"{clock} {program} return new Promise(() => {{}});") as process:
        assert process.wait() == 1
        error = f"the API server is not ready: {step} has not ended after 600 s"
        assert f"Error: {error}" in process.stderr.read()


def test_the_limit_is_of_one_step(start):
    """Steps that take long altogether do not end a start."""
    steps = """
let now = 0;
Date.now = () => now;
for (let i = 0; i < 9; i++) { now += 5e5; onStep(`step ${i}`); }
"""
    with start(steps + SERVES) as process:
        assert json.loads(process.stdout.readline()) == {}
        process.kill()


def test_the_program_reaches_no_other_host(start):
    """Go takes fetch() where it is there."""
    with start("throw new Error(`fetch is ${typeof fetch}`);") as process:
        assert process.wait() == 1
        assert "Error: fetch is undefined" in process.stderr.read()


def test_a_script_is_stopped_when_its_time_is_up(start):
    with start(WAITS) as process:
        process.stdin.write('{"script": "watch", "seconds": 0.2}\n')
        process.stdin.write(
            '{"script": "fail", "together": true}\n{"script": "fail"}\n'
        )
        process.stdin.close()
        _, *answers = map(json.loads, process.stdout)
    assert answers[0] == {"text": "begun", "errors": "", "code": 130, "status": 0}
    assert [answer["text"] for answer in answers[1:]] == ["begunno", "begun"]
    assert answers[2]["errors"] == "no"
