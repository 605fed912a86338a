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

import itertools
import os
import shutil
import socket
import subprocess
import threading
import time
import weakref
from collections.abc import Sequence
from pathlib import Path
from typing import Self

import urllib3

from helpers import errors, paths, progress
from helpers.local import pki, syscalls, toolchain
from helpers.local.components import ANSWERS
from helpers.local.ground import usable
from helpers.local.logs import last_words
from helpers.local.namespaces import start_time
from helpers.local.resources import memory_available
from helpers.local.supervisor import describe_exit

#: seconds until it must be ready; with the machine to itself it takes about two
START_TIMEOUT = 100.0
#: seconds between SIGTERM and SIGKILL; on a busy machine an orderly end takes some
GRACE = 30.0
#: seconds before a learner is told what the waiting is for
QUIET = 3.0
#: seconds between two questions whether it is ready
POLL = 0.05
#: bytes; both processes together hold about 330 MB
MEMORY = 400_000_000
#: the one who may ask; the name means nothing where everything is allowed
USER = "super-admin"

_NUMBERS = itertools.count(1)


def etcd_command(program: Path) -> list[str]:
    """Return the command line of etcd; its working directory holds everything.

    The names are relative: an AF_UNIX path must be short, and a learner's directory
    need not be.
    """
    client, peer = "unix://etcd.sock:0", "unix://peer.sock:0"
    return [
        str(program),
        "--name=own",
        "--data-dir=data",
        # A socket in a directory of ours: over TCP every user could read all of it.
        f"--listen-client-urls={client}",
        f"--advertise-client-urls={client}",
        f"--listen-peer-urls={peer}",
        f"--initial-advertise-peer-urls={peer}",
        f"--initial-cluster=own={peer}",
        # As in the cluster: a lone member elects itself sooner, and a lab may forget.
        "--election-timeout=100",
        "--heartbeat-interval=10",
        "--unsafe-no-fsync",
        "--log-level=warn",
    ]


def apiserver_command(program: Path, port: int) -> list[str]:
    """Return the command line of kube-apiserver; see `etcd_command`."""
    return [
        str(program),
        "--etcd-servers=unix://etcd.sock:0",
        # What an expired continue token needs; five minutes elsewhere.
        "--etcd-compaction-interval=1s",
        "--bind-address=127.0.0.1",
        f"--secure-port={port}",
        # We hold the port, so that it is still ours after a restart.
        "--permit-port-sharing=true",
        "--advertise-address=127.0.0.1",
        # Endpoints may not be on 127.0.0.1, and nobody here looks for any.
        "--endpoint-reconciler-type=none",
        "--service-cluster-ip-range=10.96.0.0/16",
        "--tls-cert-file=pki/apiserver.crt",
        "--tls-private-key-file=pki/apiserver.key",
        "--client-ca-file=pki/ca.crt",
        # Together: whoever was let in may do everything, and strangers are not let in.
        "--authorization-mode=AlwaysAllow",
        "--anonymous-auth=false",
        "--service-account-issuer=https://own.example",
        "--service-account-signing-key-file=pki/sa.key",
        "--service-account-key-file=pki/sa.pub",
        # Without it SIGTERM takes a minute while a watch is open.
        "--shutdown-watch-termination-grace-period=1s",
        "--profiling=false",
    ]


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
                self._spawn("etcd", etcd_command(self._programs / "etcd"))
            program = self._programs / "kube-apiserver"
            self._spawn("kube-apiserver", apiserver_command(program, self._number))
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
            _end(self._processes["kube-apiserver"])
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
        """Make the directory and the keys, and take a port."""
        self._programs = _programs()
        _require_memory()
        place = paths.state_dir() / "apiservers"
        with usable(place):
            place.mkdir(mode=0o700, parents=True, exist_ok=True)
            _remove_abandoned(place)
            self._directory = place / f"{_this_process()}.{next(_NUMBERS)}"
            self._directory.mkdir(mode=0o700)
            self._port = socket.socket()
            self._finish = weakref.finalize(
                self, _clear, self._processes, self._directory, self._port
            )
            pki.ensure(self._directory / "pki")
        # Bound and never listening: no one else gets the number, and while the server
        # is away, connections are refused.
        self._port.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        self._port.bind(("127.0.0.1", 0))

    def _spawn(self, name: str, command: Sequence[str]) -> None:
        with open(self._log(name), "ab", opener=_private) as log:
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
                preexec_fn=syscalls.die_with_parent,
            )

    def _wait_until_ready(self, timeout: float) -> None:
        began = time.monotonic()
        view = None
        asker = self._asker()
        while not _is_ready(asker, self._number):
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

    def _asker(self) -> urllib3.PoolManager:
        keys = self._directory / "pki"
        return urllib3.PoolManager(
            ca_certs=str(keys / "ca.crt"),
            cert_file=str(keys / f"{USER}.crt"),
            key_file=str(keys / f"{USER}.key"),
            retries=False,
            timeout=2.0,
        )

    def _failure(self, name: str) -> errors.ServerEnded:
        ended = describe_exit(self._processes[name].returncode)
        return errors.ServerEnded(name, ended, last_words(self._log(name)))

    def _log(self, name: str) -> Path:
        return self._directory / f"{name}.log"


def _programs() -> Path:
    found = toolchain.find()
    if found is None:
        raise errors.MissingTool(
            "kube-apiserver",
            "run one for this notebook",
            "Run `python -m helpers setup`.",
        )
    return found


def _require_memory() -> None:
    available = memory_available()
    if available < MEMORY:
        raise errors.NotEnough(
            "memory",
            "for an API server of this notebook",
            MEMORY,
            available,
            "Close other programs and notebooks, or use a larger machine.",
        )


def _this_process() -> str:
    return f"{os.getpid()}.{start_time(os.getpid())}"


def _remove_abandoned(place: Path) -> None:
    """Remove what kernels left that were killed; their servers are gone with them."""
    for directory in place.iterdir():
        pid, start, *_ = f"{directory.name}..".split(".")
        if not (pid.isdigit() and str(start_time(int(pid))) == start):
            shutil.rmtree(directory, ignore_errors=True)


def _is_ready(asker: urllib3.PoolManager, port: int) -> bool:
    # Not the hooks that fill in roles and classes: nobody looks at those here.
    url = f"https://127.0.0.1:{port}{ANSWERS}"
    try:
        return asker.request("GET", url).status == 200
    except urllib3.exceptions.HTTPError:
        return False  # not there yet


def _end(process: subprocess.Popen) -> None:
    process.terminate()
    try:
        process.wait(GRACE)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _clear(
    processes: dict[str, subprocess.Popen], directory: Path, port: socket.socket
) -> None:
    # With etcd gone the API server does not end within its own grace.
    for process in reversed(processes.values()):
        _end(process)
    port.close()
    shutil.rmtree(directory, ignore_errors=True)


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
