"""Run an API server that belongs to one notebook, with an etcd of its own.

A lesson restarts it and ages its history. To do that to the cluster's would take the
ground from under every other notebook, and a learner's own cluster is not ours to
restart at all. It is for watches, pages and errors; nothing acts on what it stores.

=================  ==========================  =====================================
behaviour          the cluster                 here
=================  ==========================  =====================================
programs           kube-apiserver, etcd, more  the same two, nothing else
who may ask        RBAC decides                who holds its one client certificate
history            kept for 5 to 10 minutes    kept for 1 to 2 seconds
end                `python -m helpers stop`    end of block, `stop()`, or the kernel's
=================  ==========================  =====================================
"""

import http.client
import os
import shutil
import socket
import ssl
import subprocess
import threading
import time
import weakref
from collections.abc import Sequence
from pathlib import Path
from typing import Self

from cluster import errors, ownserver, progress
from cluster.die_with_parent import die_with_parent
from cluster.local.components import ANSWERS
from cluster.logs import last_words
from cluster.processes import end_process
from cluster.statedir import open_private
from cluster.supervisor import describe_exit

#: seconds until it must be ready; with the machine to itself it takes about two
START_TIMEOUT = 100.0
#: seconds between SIGTERM and SIGKILL; on a busy machine an orderly end takes some
GRACE = 30.0
#: seconds before a learner is told what the waiting is for
QUIET = 3.0
#: seconds between two questions whether it is ready
POLL = 0.1
#: the one who may ask; the name means nothing where everything is allowed
USER = "super-admin"
#: those of this process: a lesson may write to them, whatever else it may write to
_STARTED: "weakref.WeakSet[ApiServer]" = weakref.WeakSet()


def is_ours(host: str, port: int | None) -> bool:
    """Say whether an API server that this process started listens at an address."""
    return host == "127.0.0.1" and any(
        server.running and server._number == port for server in _STARTED
    )


class ApiServer:
    """A kube-apiserver of this notebook; it ends with its block, or with `stop()`.

    `url` is where it listens, also after `restart()`; `pid` is its process.
    """

    def __init__(self) -> None:
        """Choose nothing: it takes a free port, and the cluster's programs."""
        self._programs: Path | None = None
        self._directory: Path | None = None
        self._port: socket.socket | None = None
        self._processes: dict[str, subprocess.Popen] = {}
        self._finish = None

    def start(self, *, timeout: float = START_TIMEOUT) -> Self:
        """Start etcd and kube-apiserver, and return when that calls itself ready.

        Does nothing if it runs. Raise MissingTool, NotEnough, StateError, ServerEnded
        with the last words of what ended, or NotReady after `timeout` seconds; nothing
        is left running then.
        """
        if self.running:
            return self
        if threading.current_thread() is not threading.main_thread():
            # They would be ended with the *thread* that forked them.
            raise RuntimeError("an API server is started from the main thread")
        try:
            if not self._alive("etcd"):
                self.stop()
                self._prepare()
                self._spawn("etcd", ownserver.etcd_command(self._programs / "etcd"))
            program = self._programs / "kube-apiserver"
            command = ownserver.apiserver_command(program, self._number)
            self._spawn("kube-apiserver", command)
            _STARTED.add(self)
            self._wait_until_ready(timeout)
        except BaseException:
            self.stop()
            raise
        return self

    def restart(self, *, timeout: float = START_TIMEOUT) -> Self:
        """Stop kube-apiserver and start it anew, with the same objects and URL.

        Return when it is ready again; see `start`. An administrator does the same when
        a cluster gets a new version.
        """
        if self.running:
            end_process(self._processes["kube-apiserver"], GRACE)
        return self.start(timeout=timeout)

    def stop(self) -> None:
        """Stop both and remove what they stored; again is no error."""
        if self._finish is not None:
            self._finish()
            self._finish = self._port = None

    def api_client(self, **options):
        """Return a `kubernetes.client.ApiClient` that may do everything here.

        `options` are those of `kubernetes.client.Configuration`. Raise ServerEnded if
        it does not run.
        """
        from kubernetes import client

        keys = self._directory / "pki" if self._directory else Path()
        return client.ApiClient(
            client.Configuration(
                host=self.url,
                ssl_ca_cert=str(keys / "ca.crt"),
                cert_file=str(keys / f"{USER}.crt"),
                key_file=str(keys / f"{USER}.key"),
                **options,
            )
        )

    def __enter__(self) -> Self:
        """Start it for a block."""
        return self.start()

    def __exit__(self, *_) -> None:
        """Stop it, also when the block failed."""
        self.stop()

    def __repr__(self) -> str:
        """Return one line: where it listens, and which process it is."""
        if not self.running:
            return "kube-apiserver of this notebook, not running"
        return f"kube-apiserver of this notebook at {self.url} (pid {self.pid})"

    @property
    def running(self) -> bool:
        """Say whether its process is alive."""
        return self._alive("kube-apiserver")

    @property
    def pid(self) -> int | None:
        """Return the process id of kube-apiserver, or None before the first start."""
        process = self._processes.get("kube-apiserver")
        return process and process.pid

    @property
    def url(self) -> str:
        """Return where it listens; raise ServerEnded if it does not run."""
        if not self.running:
            raise errors.ServerEnded
        return f"https://127.0.0.1:{self._number}"

    @property
    def _number(self) -> int:
        return self._port.getsockname()[1]

    def _alive(self, name: str) -> bool:
        process = self._processes.get(name)
        return process is not None and process.poll() is None

    def _prepare(self) -> None:
        """Make the directory with the keys, and take a port."""
        self._programs = ownserver.programs()
        ownserver.require_memory()
        self._directory = ownserver.new_directory()
        self._port = socket.socket()
        self._finish = weakref.finalize(
            self, _clear, self._processes, self._directory, self._port
        )
        # Bound and never listening: no one else gets the number, and while the server
        # is away, connections are refused.
        self._port.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        self._port.bind(("127.0.0.1", 0))

    def _spawn(self, name: str, command: Sequence[str]) -> None:
        with open(self._log(name), "ab", opener=open_private) as log:
            self._processes[name] = subprocess.Popen(
                command,
                cwd=self._directory,
                env={"HOME": str(self._directory), "PATH": os.defpath},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                # An interrupted cell must not take it along.
                start_new_session=True,
                # A killed kernel runs no `stop()`.
                preexec_fn=die_with_parent,
            )

    def _wait_until_ready(self, timeout: float) -> None:
        began = time.monotonic()
        view = None
        tls = self._tls()
        while not _is_ready(tls, self._number):
            for name in self._processes:
                if not self._alive(name):
                    raise self._failure(name)
            waited = time.monotonic() - began
            if waited > timeout:
                last = last_words(self._log("kube-apiserver"), 5)
                raise errors.NotReady("The start of kube-apiserver", waited, last)
            if waited > QUIET:
                view = view or progress.for_here()
                view.update("waiting for the API server of this notebook")
            time.sleep(POLL)
        if view:
            view.finish("The API server of this notebook is ready.")

    def _tls(self) -> ssl.SSLContext:
        keys = self._directory / "pki"
        tls = ssl.create_default_context(cafile=keys / "ca.crt")
        tls.load_cert_chain(keys / f"{USER}.crt", keys / f"{USER}.key")
        return tls

    def _failure(self, name: str) -> errors.ServerEnded:
        ended = describe_exit(self._processes[name].returncode)
        return errors.ServerEnded(name, ended, last_words(self._log(name)))

    def _log(self, name: str) -> Path:
        return self._directory / f"{name}.log"


def _is_ready(tls: ssl.SSLContext, port: int) -> bool:
    # Not urllib3: its errors hold on to all frames, and so to an object that should
    # end when nobody holds it any more.
    connection = http.client.HTTPSConnection("127.0.0.1", port, context=tls, timeout=2)
    try:
        # Without the hooks that fill in roles and classes: nobody looks at those here.
        connection.request("GET", ANSWERS)
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False  # not there yet
    finally:
        connection.close()


def _clear(
    processes: dict[str, subprocess.Popen], directory: Path, port: socket.socket
) -> None:
    # With etcd gone the API server does not end within its own grace.
    for process in reversed(processes.values()):
        end_process(process, GRACE)
    port.close()
    shutil.rmtree(directory, ignore_errors=True)
