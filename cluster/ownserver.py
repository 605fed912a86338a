"""Describe the two programs of a notebook's own API server, and where they work.

Nothing is started here: `cluster.apiserver` does that, and says what they are for.
"""

import contextlib
import itertools
import os
import shutil
import sys
from pathlib import Path

from cluster import binaries, errors, paths, pki, progress, statedir
from cluster.binaries.recipe import API_SERVER, CONTROL_PLANE, RECIPE
from cluster.preflight import memory_available
from cluster.processes import start_time
from cluster.statedir import usable

#: bytes; both processes together hold about 330 MB
MEMORY = 400_000_000

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


def programs(view: progress.Progress | None = None) -> Path:
    """Return the directory that holds both programs; get them if there are none.

    The local cluster is made of them; beside another one they are downloaded or built,
    once, and `view` is told. Raise MissingTool where they cannot run, else what
    `binaries.ensure` does.
    """
    for recipe in (RECIPE, CONTROL_PLANE):
        with contextlib.suppress(errors.IncompleteAssets):
            found = binaries.find(recipe)
            if found:
                return found
    if sys.platform != "linux":
        raise errors.MissingTool(
            "kube-apiserver",
            "run one for this notebook",
            "It runs on Linux alone: leave this section out, and go on with the next.",
        )
    return binaries.ensure(view or progress.for_here(), API_SERVER)


def require_memory() -> None:
    """Raise NotEnough unless there is memory for one more."""
    available = memory_available()
    if available < MEMORY:
        raise errors.NotEnough(
            "memory",
            "for an API server of this notebook",
            MEMORY,
            available,
            "Close other programs and notebooks, or use a larger machine.",
        )


def new_directory() -> Path:
    """Make a directory with keys for one more, and remove what killed kernels left.

    It is in the state directory, and named after this process. Raise StateError.
    """
    state = paths.state_dir()
    # Also where no cluster was started: it is ours from now on, for `up` and `delete`.
    statedir.make(state)
    place = state / "apiservers"
    with usable(place):
        place.mkdir(mode=0o700, exist_ok=True)
        _remove_abandoned(place)
        directory = place / f"{_this_process()}.{next(_NUMBERS)}"
        directory.mkdir(mode=0o700)
        try:
            pki.ensure(directory / "pki")
        except BaseException:
            shutil.rmtree(directory, ignore_errors=True)
            raise
    return directory


def _this_process() -> str:
    return f"{os.getpid()}.{start_time(os.getpid())}"


def _remove_abandoned(place: Path) -> None:
    for directory in place.iterdir():
        pid, start, *_ = f"{directory.name}..".split(".")
        if not (pid.isdigit() and str(start_time(int(pid))) == start):
            shutil.rmtree(directory, ignore_errors=True)
