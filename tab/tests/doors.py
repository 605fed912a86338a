"""The doors of the cluster's program, made of this machine's sockets and programs.

`js` and `pyodide.ffi`, which only a browser has, are modules of this file's making:
with them, what is in `tab.python` can be imported and tested here.
"""

import contextlib
import json
import os
import re
import socket
import subprocess
import sys
import threading
import time
import types
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any


class Bytes(bytes):
    """A Uint8Array."""

    def to_bytes(self) -> bytes:  # type: ignore[override]
        return bytes(self)


class Doors:
    """What doors_js.go offers, with the same results; a Promise is its value."""

    def __init__(self) -> None:
        self.streams: dict[int, Any] = {}
        self.processes: dict[int, subprocess.Popen] = {}
        self.secured: list[dict] = []
        self.refusal: dict | None = None

    def _add(self, stream: Any) -> int:
        number = len(self.streams) + 1
        self.streams[number] = stream
        return number

    def connect(self, network: str, address: str, seconds: float) -> object:
        host, _, port = address.rpartition(":")
        try:
            if network == "unix":
                found = socket.socket(socket.AF_UNIX)
                found.connect(address)
            else:
                found = socket.create_connection((host, int(port)), seconds or None)
        except ConnectionRefusedError:
            return _problem("errno", Name="ECONNREFUSED")
        return self._add(found)

    def secure(self, stream: int, trust: str, seconds: float) -> object:
        self.secured.append(json.loads(trust))
        if self.refusal:
            self.streams.pop(stream).close()
            return json.dumps(self.refusal)
        return SimpleNamespace(
            Stream=self._add(self.streams.pop(stream)),
            Certificates=["AAEC"],
            Version="TLS 1.3",
            Cipher="TLS_AES_256_GCM_SHA384",
        )

    def lookup(self, name: str) -> object:
        return ["127.0.0.9"] if name == "known" else _problem("name")

    def read(self, stream: int, size: int, seconds: float) -> object:
        found = self.streams[stream]
        if not isinstance(found, socket.socket):
            return Bytes(os.read(found, size))
        found.settimeout(seconds or None)
        try:
            return Bytes(found.recv(size))
        except TimeoutError:
            return _problem("timeout")

    def take(self, stream: int) -> Bytes:
        with contextlib.suppress(BlockingIOError):
            os.set_blocking(self.streams[stream], False)
            return Bytes(os.read(self.streams[stream], 1 << 20))
        return Bytes()

    def isReadable(self, stream: int) -> bool:
        found = self.streams[stream]
        found.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            found.recv(1, socket.MSG_PEEK)
            return True
        return False

    def write(self, stream: int, data: bytes) -> object:
        found = self.streams[stream]
        try:
            if isinstance(found, socket.socket):
                found.sendall(data)
            else:
                os.write(found, data)
        except BrokenPipeError:
            return _problem("errno", Name="EPIPE")
        return None

    def close(self, stream: int) -> None:
        found = self.streams.pop(stream, None)
        if isinstance(found, socket.socket):
            found.close()
        elif found is not None:
            os.close(found)

    def start(self, command: str) -> SimpleNamespace:
        request = json.loads(command)
        pipe, error = subprocess.PIPE, subprocess.STDOUT
        process = _GENUINE(
            request["Args"],
            env=dict(variable.split("=", 1) for variable in request["Env"]),
            cwd=request["Dir"],
            stdin=pipe,
            stdout=pipe,
            stderr=error if request["Merged"] else pipe,
        )
        self.processes[process.pid] = process
        pipes = (process.stdin, process.stdout, process.stderr)
        numbers = [self._add(os.dup(pipe.fileno())) if pipe else 0 for pipe in pipes]
        for each in filter(None, pipes):
            each.close()
        return SimpleNamespace(
            Process=process.pid,
            Stdin=numbers[0],
            Stdout=numbers[1],
            Stderr=numbers[2],
        )

    def wait(self, process: int, seconds: float) -> int | None:
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.processes[process].wait(seconds or None)
        return self.poll(process)

    def poll(self, process: int) -> int | None:
        code = self.processes[process].poll()
        # As a shell says it, and as Go's programs do.
        return 128 - code if code is not None and code < 0 else code

    def kill(self, process: int, signal: int) -> None:
        self.processes[process].send_signal(signal)

    def forget(self, process: int) -> None:
        self.processes.pop(process, None)


_GENUINE = subprocess.Popen


def _problem(kind: str, **fields: object) -> str:
    return json.dumps({"Kind": kind, "Message": kind, **fields})


@contextlib.contextmanager
def open_doors() -> Iterator[Doors]:
    """Let `tab.python` find these doors in a block."""
    doors = Doors()
    js: Any = types.ModuleType("js")
    js.kubernetes = SimpleNamespace(doors=doors)
    js.untilStop = lambda promise, _thread: promise
    js.delay = lambda milliseconds: time.sleep(milliseconds / 1000)
    pyodide, ffi = types.ModuleType("pyodide"), types.ModuleType("pyodide.ffi")
    made: Any = ffi
    made.run_sync, made.to_js = (lambda promise: promise), bytes
    # Also those that another test has imported: a package keeps its modules.
    before = _take_modules()
    sys.modules |= {"js": js, "pyodide": pyodide, "pyodide.ffi": ffi}
    try:
        yield doors
    finally:
        _take_modules()
        sys.modules |= before


def _take_modules() -> dict[str, types.ModuleType]:
    """Take what is in `tab.python` and what it imports from among the modules."""
    of_tab = re.compile(r"(js|pyodide|tab\.python)(\.|$)")
    return {
        name: sys.modules.pop(name) for name in [*sys.modules] if of_tab.match(name)
    }


@contextlib.contextmanager
def server(answer: bytes) -> Iterator[int]:
    """Answer each connection's first bytes, and close it; the port is the value."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            with contextlib.suppress(OSError):
                while True:
                    connection, _ = listener.accept()
                    with connection:
                        connection.recv(100)
                        connection.sendall(answer)

        threading.Thread(target=serve, daemon=True).start()
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)
