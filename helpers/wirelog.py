"""Log every request that this notebook sends while the log is open.

=======================  ==============================  =============================
who asks                 how it is seen                  what is not known
=======================  ==============================  =============================
Python, by urllib3 or    where http.client writes to     nothing
http.client (also the    the connection and reads
Kubernetes client)       from it
`kubectl`, also in a     a program of this name comes    bytes, headers
shell cell               first on PATH, and asks for
                         `--vmodule=round_trippers=6`
`curl` in a shell cell   the same, with `--write-out`    headers
=======================  ==============================  =============================

Not seen: programs by their full path, a curl that reads its `-w` from a file, plain
sockets and WebSockets of Python, JupyterLab's terminals, and whatever runs in a pod.
"""

import atexit
import contextlib
import json
import os
import shlex
import shutil
import sys
import threading
from pathlib import Path
from typing import Self

import pandas as pd

from cluster import errors
from cluster.processes import start_time
from cluster.statedir import open_private, write_private
from helpers import har, pythonrequests, wiretap
from helpers.command import kubeconfig_in_use
from helpers.requestlog import Entry, RequestLog

TOOLS = ("kubectl", "curl")
UNSEEN = (
    "Not seen: what runs inside pods or in a terminal, and plain sockets of Python. "
    "Not known: the bytes of kubectl."
)
_PREFIX = "wirelog."

#: the logs that are open in this process
_OPEN: list["WireLog"] = []
#: One for all of them: PATH and the hooks in http.client are shared.
_LOCK = threading.RLock()


class WireLog:
    """Requests of this kernel and of its shell cells, from `start` to `stop`."""

    def __init__(self) -> None:
        """Begin with an empty log; `start` opens it."""
        self.log = RequestLog()
        self._directory: Path | None = None
        self._read = 0

    def start(self) -> Self:
        """Open it; raise NotConnected before `connect()`."""
        with _LOCK:
            if self._directory is not None:
                return self
            beside = kubeconfig_in_use().parent
            _remove_abandoned(beside)
            self._directory = _new_directory(beside)
            for tool in TOOLS:
                write_private(self._directory / tool, self._program(tool), mode=0o700)
            self._read = 0
            self._come_first()
            _OPEN.append(self)
            pythonrequests.listen(self.log.add)
        return self

    def stop(self) -> None:
        """Close it: no request is seen from now on, and the programs are gone.

        What was seen stays. Again is no error, and neither is a directory that is gone
        because the cluster was deleted.
        """
        with _LOCK:
            if self._directory is None:
                return
            try:
                self._take_in()
            finally:
                _OPEN.remove(self)
                pythonrequests.unlisten(self.log.add)
                directory, self._directory = self._directory, None
                _set_path([part for part in _path() if part != str(directory)])
                shutil.rmtree(directory, ignore_errors=True)

    @property
    def running(self) -> bool:
        """Say whether it is open."""
        return self._directory is not None

    def update(self) -> None:
        """Take in what kubectl and curl have noted since the last time."""
        with _LOCK:
            if self._directory is not None:
                self._take_in()
                # `connect()` may have put another kubectl in front.
                self._come_first()

    def frame(self) -> pd.DataFrame:
        """Return a row per request: TIME, FROM, METHOD, URL, STATUS, MS, BYTES."""
        self.update()
        return self.log.frame()

    def har(self, path: str | Path = "requests.har") -> Path:
        """Write the requests as HAR 1.2, without secrets, and return where.

        Raise StateError if the file cannot be written.
        """
        self.update()
        place = Path(path).expanduser().absolute()
        text = json.dumps(har.document(self.log.newest()), indent=1)
        try:
            write_private(place, text)
        except OSError as error:
            raise errors.StateError(
                place, f"{error.strerror}.", "Name another file for the HAR."
            ) from error
        return place

    def __enter__(self) -> Self:
        """Open it for a block."""
        return self.start()

    def __exit__(self, *_: object) -> None:
        """Close it."""
        self.stop()

    def __repr__(self) -> str:
        """Return one line."""
        state = "open" if self.running else "closed"
        return f"WireLog ({state}): {self.log.summary()}"

    @property
    def _file(self) -> Path:
        return self._directory / "requests"

    def _program(self, tool: str) -> str:
        # -S: without site-packages Python is there in half the time.
        words = [sys.executable, "-I", "-S", wiretap.__file__]
        words += [str(self._directory), str(self._file), tool]
        return f'#!/bin/sh\nexec {shlex.join(words)} "$@"\n'

    def _come_first(self) -> None:
        ours, path = str(self._directory), _path()
        # Where two logs are open, either may be first.
        others = [str(log._directory) for log in _OPEN]
        if ours not in path or not (path[0] == ours or path[0] in others):
            _set_path([ours, *(part for part in path if part != ours)])

    def _take_in(self) -> None:
        # `python -m helpers delete` takes it away with all that is beside it.
        with contextlib.suppress(FileNotFoundError), open(self._file, "rb") as file:
            file.seek(self._read)
            for line in file:
                if not line.endswith(b"\n"):
                    break  # half written
                self._read += len(line)
                self.log.add(Entry(**json.loads(line)))


def _new_directory(beside: Path) -> Path:
    for number in range(1000):
        directory = beside / f"{_PREFIX}{os.getpid()}.{number}"
        with contextlib.suppress(FileExistsError):
            directory.mkdir(mode=0o700)
            open(directory / "requests", "xb", opener=open_private).close()
            return directory
    raise errors.StateError(beside, "holds too many wire logs.", "Restart the kernel.")


def _remove_abandoned(beside: Path) -> None:
    """Remove what logs of kernels that were killed have left."""
    for directory in beside.glob(f"{_PREFIX}*.*"):
        pid = directory.name.split(".")[1]
        if pid.isdigit() and not start_time(int(pid)):
            shutil.rmtree(directory, ignore_errors=True)


def _stop_all(process: int) -> None:
    """Close what is open when the kernel ends or is restarted; a fork owns nothing."""
    if os.getpid() == process:
        for log in (*_OPEN,):
            log.stop()


atexit.register(_stop_all, os.getpid())


def _path() -> list[str]:
    return os.environ.get("PATH", os.defpath).split(os.pathsep)


def _set_path(parts: list[str]) -> None:
    os.environ["PATH"] = os.pathsep.join(parts)
