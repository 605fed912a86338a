"""Programs of the cluster's machine: kubectl, bash, curl, jq and others.

`subprocess` needs only another `Popen`: the rest of the module uses that.
"""

import io
import json
import os
import signal
import subprocess
import sys
import weakref
from collections.abc import Callable, Sequence
from typing import IO, Any, Self

from pyodide.ffi import to_js

from tab.python import doors

#: programs whose output goes somewhere by itself
_running: "weakref.WeakSet[Popen]" = weakref.WeakSet()


class _Output(io.RawIOBase):
    """A standard output of a program, to read while it runs."""

    def __init__(self, stream: int) -> None:
        self._stream = stream

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        received = doors.data(doors.ask("read", self._stream, len(buffer), 0))
        buffer[: len(received)] = received
        return len(received)

    def close(self) -> None:
        if not self.closed:
            super().close()
            doors.call("close", self._stream)


class _Input(io.RawIOBase):
    """The standard input of a program."""

    def __init__(self, stream: int) -> None:
        self._stream = stream

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        view = memoryview(data).cast("B")
        doors.ask("write", self._stream, to_js(view))
        return len(view)

    def close(self) -> None:
        if not self.closed:
            super().close()
            doors.call("close", self._stream)


class Popen:
    """A program that runs, as `subprocess.Popen`."""

    def __init__(
        self,
        args: Any,
        bufsize: int = -1,
        executable: object = None,
        stdin: Any = None,
        stdout: Any = None,
        stderr: Any = None,
        preexec_fn: object = None,
        close_fds: bool = True,
        shell: bool = False,
        cwd: Any = None,
        env: Any = None,
        universal_newlines: bool | None = None,
        startupinfo: object = None,
        creationflags: int = 0,
        restore_signals: bool = True,
        start_new_session: bool = False,
        pass_fds: Sequence[int] = (),
        *,
        text: bool | None = None,
        encoding: str | None = None,
        errors: str | None = None,
        **_: object,
    ) -> None:
        self.args = args
        is_text = bool(text or encoding or errors or universal_newlines)
        self.encoding = (encoding or "utf-8") if is_text else None
        self.errors = errors or "strict"
        self.returncode: int | None = None
        self._signal = 0
        started = self._start(args, shell, cwd, env, stderr == subprocess.STDOUT)
        self.pid: int = started.Process
        self.stdin = self._feed(stdin, started.Stdin)
        self._sinks: list[tuple[int, Callable[[bytes], object]]] = []
        self.stdout = self._direct(stdout, started.Stdout, sys.stdout)
        self.stderr = None
        if started.Stderr:
            self.stderr = self._direct(stderr, started.Stderr, sys.stderr)
        _running.add(self)
        # As a program ends that nobody waits for.
        weakref.finalize(self, doors.call, "forget", self.pid)

    def _start(self, args: Any, shell: bool, cwd: Any, env: Any, merged: bool) -> Any:
        is_one = isinstance(args, str | bytes | os.PathLike)
        words = [os.fsdecode(word) for word in ([args] if is_one else args)]
        if "\0" in "".join(words):
            raise ValueError("embedded null byte")
        if shell:
            words = ["sh", "-c", *words]
        variables = os.environ if env is None else env
        command = {
            "Args": words,
            "Env": [
                f"{os.fsdecode(name)}={os.fsdecode(value)}"
                for name, value in variables.items()
            ],
            "Dir": os.fsdecode(cwd) if cwd else os.getcwd(),
            "Merged": merged,
        }
        return doors.call("start", json.dumps(command))

    def _feed(self, source: Any, stream: int) -> IO | None:
        """Return where to write the input; without a pipe, write it all."""
        pipe = _Input(stream)
        if source == subprocess.PIPE:
            if self.encoding is None:
                return io.BufferedWriter(pipe)
            buffered = io.BufferedWriter(pipe)
            return io.TextIOWrapper(buffered, self.encoding, write_through=True)
        if source not in (None, subprocess.DEVNULL):
            data = (
                os.read(source, 1 << 30) if isinstance(source, int) else source.read()
            )
            pipe.write(data.encode() if isinstance(data, str) else data)
        pipe.close()
        return None

    def _direct(self, target: Any, stream: int, inherited: Any) -> IO | None:
        """Return where to read an output; without a pipe, send it to the target."""
        if target == subprocess.PIPE:
            buffered = io.BufferedReader(_Output(stream))
            if self.encoding is None:
                return buffered
            return io.TextIOWrapper(buffered, self.encoding, self.errors)
        sink: Callable[[bytes], object]
        if target == subprocess.DEVNULL:
            sink = len
        elif target is None:

            def sink(data: bytes) -> object:
                return inherited.write(data.decode(errors="replace"))

        else:
            number = target if isinstance(target, int) else os.dup(target.fileno())

            def sink(data: bytes) -> object:
                return os.write(number, data)

        self._sinks.append((stream, sink))
        return None

    def forward(self) -> None:
        """Send on what it has written to what is no pipe."""
        for stream, sink in self._sinks:
            if data := doors.data(doors.call("take", stream)):
                sink(data)

    def poll(self) -> int | None:
        """Return the exit code, None while it runs; minus the number of a signal."""
        if self.returncode is None:
            self._note(doors.call("poll", self.pid))
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Return the exit code; raise TimeoutExpired."""
        if self.returncode is None:
            # Without a limit where 0 would be one.
            limit = 0 if timeout is None else max(timeout, 0.001)
            self._note(doors.ask("wait", self.pid, limit))
        if self.returncode is None:
            raise subprocess.TimeoutExpired(self.args, timeout or 0)
        return self.returncode

    def _note(self, code: Any) -> None:
        # JavaScript's null is no None of Python's.
        if not isinstance(code, int):
            return
        self.forward()
        for stream, _ in self._sinks:
            doors.call("close", stream)
        self._sinks.clear()
        _running.discard(self)
        # A shell's exit code may be that of a program in it that a signal ended.
        self.returncode = -self._signal if code == 128 + self._signal else code

    def communicate(self, input: Any = None, timeout: float | None = None) -> tuple:
        """Give the input, wait for the end, and return both outputs."""
        if self.stdin and not self.stdin.closed:
            try:
                if input:
                    self.stdin.write(input)
                self.stdin.close()
            except BrokenPipeError:
                # It ends without reading.
                self.stdin = None
        self.wait(timeout)
        outputs = (self.stdout, self.stderr)
        return tuple(output.read() if output else None for output in outputs)

    def send_signal(self, sig: int) -> None:
        """Send a signal; each ends the program."""
        if self.returncode is None:
            self._signal = int(sig)
            doors.call("kill", self.pid, int(sig))

    def terminate(self) -> None:
        """End it."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """End it."""
        self.send_signal(signal.SIGKILL)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for pipe in (self.stdin, self.stdout, self.stderr):
            if pipe:
                pipe.close()
        self.wait()


def forward_all() -> None:
    """Send on what programs that run in the background have written."""
    for process in tuple(_running):
        process.forward()


def end_all() -> None:
    """End all programs that run."""
    for process in tuple(_running):
        process.terminate()


def install() -> None:
    """Replace Python's own with it."""
    module: Any = subprocess
    module.Popen = Popen
    doors.followers.append(forward_all)
    # `os.system`, for `!command` of IPython.
    system: Any = os
    system.system = lambda line: Popen(line, shell=True).wait()
