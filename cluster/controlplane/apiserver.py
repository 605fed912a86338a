"""Run an API server that belongs to one notebook, with an etcd of its own.

A lesson restarts the server and ages its history, which would disturb every other user
of the cluster. Nothing acts on the objects in it: it is for watches, pages and errors.

behaviour       the cluster                 here
programs        etcd, API server and more   these two
access          RBAC decides                the holder of one client certificate
history         kept for 5 to 10 minutes    kept for 1 to 2 seconds
end             `.venv/bin/kapi stop`    of the block or the kernel, or `stop()`
"""

import contextlib
import itertools
import os
import shutil
import signal
import time
import weakref
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Self

from cluster import errors, paths, programs, statedir
from cluster.controlplane.process import api_server
from cluster.language import mark, say
from cluster.machine import pki
from cluster.machine.host import Machine
from cluster.machine.logs import last_words
from cluster.machine.ports import port_of
from cluster.preflight import LITTLE_MEMORY, memory_available
from cluster.processes import start_time
from cluster.progress import Silent
from cluster.waiting import poll

NAME = "kube-apiserver"
#: seconds until the server must be ready; about two are usual
START_TIMEOUT = 100.0
#: seconds between two questions whether it is ready
PAUSE = 0.05
#: bytes; the processes together hold about 350 MB
MEMORY = 400_000_000
#: the user of the clients' certificate
USER = "super-admin"
#: flags that differ from those of the cluster's API server
FLAGS = {
    # So that a continue token expires soon; five minutes elsewhere.
    "--etcd-compaction-interval": "1s",
    # Together: a client with the certificate may do everything, others nothing.
    "--authorization-mode": "AlwaysAllow",
    "--anonymous-auth": "false",
}

_AGAIN = mark("Start it (again): `own.start()`.")
_NUMBERS = itertools.count(1)


class ApiServer:
    """A kube-apiserver of this notebook; it ends with its block, or with `stop()`."""

    def __init__(self, flags: Mapping[str, str] = {}) -> None:
        """Take `flags`: command line options of kube-apiserver, beside `FLAGS`."""
        self._flags = {**FLAGS, **flags}
        self._machine: Machine | None = None
        self._finish: Callable[[], object] | None = None

    def start(self, *, timeout: float = START_TIMEOUT) -> Self:
        """Start etcd and kube-apiserver unless they run; return when they are ready.

        Raise MissingTool, NotEnough, StateError, LabError with the last words of what
        ended, or NotReady after `timeout` seconds; nothing is left running then.
        """
        if self.running:
            return self
        self.stop()
        binaries = programs.ensure_api_server()
        if (available := memory_available()) < MEMORY:
            hint = say(LITTLE_MEMORY)
            where = say("for an API server of this notebook")
            raise errors.NotEnough(say("memory"), where, MEMORY, available, hint)
        directory = make_directory()
        lifeline, write_end = os.pipe()
        flags = {NAME: self._flags}
        self._machine = machine = api_server(directory, lifeline, flags)
        self._finish = weakref.finalize(self, _clear, machine, lifeline, write_end)
        try:
            with machine.while_starting(binaries, None, 0, Silent()):
                _wait_until_ready(machine, None, timeout)
        except errors.ComponentFailed as error:
            self.stop()
            text = mark("The {component} of this notebook ended: {ended}.")
            message = f"{say(text, **vars(error))}\n{error.tail}".rstrip()
            raise errors.LabError(message, say(_AGAIN)) from None
        except BaseException:
            self.stop()
            raise
        return self

    def restart(self) -> Self:
        """Restart kube-apiserver with the same objects and URL; see `start`."""
        machine = self._machine
        if machine is None or not machine.running():
            return self.start()
        before = self.pid
        if before:
            with contextlib.suppress(ProcessLookupError):
                os.kill(before, signal.SIGTERM)
        _wait_until_ready(machine, before, START_TIMEOUT)
        return self

    def stop(self) -> None:
        """Stop both processes and remove their data; a second call is no error."""
        if self._finish is not None:
            self._finish()
            self._finish = self._machine = None

    def api_client(self, **options):
        """Return a `kubernetes.client.ApiClient` that may do everything here.

        `options` are those of `kubernetes.client.Configuration`. Raise LabError.
        """
        from kubernetes import client

        return client.ApiClient(
            client.Configuration(
                host=self.url,
                ssl_ca_cert=str(self.directory / "pki" / "ca.crt"),
                cert_file=str(self.directory / "pki" / f"{USER}.crt"),
                key_file=str(self.directory / "pki" / f"{USER}.key"),
                **options,
            )
        )

    def __enter__(self) -> Self:
        """Start the server for a block."""
        return self.start()

    def __exit__(self, *_: object) -> None:
        """Stop the server, also when the block failed."""
        self.stop()

    def __repr__(self) -> str:
        """Return one line: the URL and the process."""
        if not self.running:
            return "kube-apiserver of this notebook, not running"
        return f"kube-apiserver of this notebook at {self.url} (pid {self.pid})"

    @property
    def running(self) -> bool:
        """Return whether the server runs; a server that ends by itself is restarted."""
        return self._machine is not None and self._machine.running()

    @property
    def pid(self) -> int | None:
        """Return the process id of kube-apiserver, or None while there is none."""
        machine = self._machine
        return _component(machine)["pid"] if machine and machine.running() else None

    @property
    def url(self) -> str:
        """Return the URL; raise LabError if the server does not run."""
        return f"https://127.0.0.1:{port_of(self.directory)}"

    @property
    def directory(self) -> Path:
        """Return the directory of keys, objects and logs; raise LabError."""
        if self._machine is None or not self._machine.running():
            message = say("The kube-apiserver of this notebook does not run.")
            raise errors.LabError(message, say(_AGAIN))
        return self._machine.state


def _component(machine: Machine) -> dict:
    components = machine.last_status()["components"]
    return components.get(NAME, {"state": "waiting", "pid": None})


def _wait_until_ready(machine: Machine, before: int | None, timeout: float) -> None:
    """Wait for a process of another number than `before` that is ready."""

    def ready() -> bool:
        component = _component(machine)
        return component["state"] == "running" and component["pid"] != before

    began = time.monotonic()
    what = say("the API server of this notebook")
    if not poll(ready, timeout, what=what, on_miss=machine.require_alive, pause=PAUSE):
        words = last_words(machine.state / "logs" / f"{NAME}.log", 5)
        waited = time.monotonic() - began
        what = say("The start of kube-apiserver")
        raise errors.NotReady(what, waited, words)


def make_directory() -> Path:
    """Make a directory with keys, and remove those of killed kernels."""
    state = paths.state_dir()
    # Also where no cluster was started: from now on `up` and `delete` know it as ours.
    statedir.make(state)
    place = state / "apiservers"
    with statedir.state_errors(place):
        place.mkdir(mode=0o700, exist_ok=True)
        for directory in _abandoned_directories(place):
            shutil.rmtree(directory, ignore_errors=True)
        started = start_time(os.getpid())
        directory = place / f"{os.getpid()}.{started}.{next(_NUMBERS)}"
        directory.mkdir(mode=0o700)
        try:
            pki.ensure(directory / "pki")
        except BaseException:
            shutil.rmtree(directory, ignore_errors=True)
            raise
    return directory


def _abandoned_directories(place: Path) -> Iterator[Path]:
    for directory in place.iterdir():
        pid, start, *_ = f"{directory.name}..".split(".")
        if not (pid.isdigit() and str(start_time(int(pid))) == start):
            yield directory


def _clear(machine: Machine, *lifeline: int) -> None:
    machine.stop()
    for descriptor in lifeline:
        os.close(descriptor)
    shutil.rmtree(machine.state, ignore_errors=True)
