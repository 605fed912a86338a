"""Have a cluster for the suite: one of this machine's, or one that enforces limits.

That one is on a Debian 13 in user-mode Linux, with systemd and cgroup v2. The suite
runs on the host, where Go programs start quickly, and reaches the cluster by ssh.
"""

import contextlib
import json
import os
import re
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import psutil

from cluster.image import build
from cluster.local.backend import Local
from cluster.progress import Progress
from cluster.tests.conformance import specs
from cluster.tests.lab import Lab
from cluster.tests.machines import install
from cluster.tests.machines.conftest import helpers, in_checkout, prepared
from cluster.tests.machines.machine import Session
from cluster.tests.machines.systems import SERVICES
from cluster.tests.slowness import scaled

#: the machine whose name `--machine` takes, and its memory
GUEST, GUEST_MEMORY = SERVICES.name, 6 << 30
#: seconds of all specs: two idle cores take an hour, and programs start slowly there
PATIENCE, GUEST_PATIENCE = 4200.0, 4 * 3600.0
#: seconds of the images' way into the machine, and of their import there
IMPORT = 600.0


@dataclass(frozen=True)
class Target:
    """A cluster as the suite reaches it.

    `limits` says whether it enforces those of pods, `memory` returns the bytes that it
    takes, and `patience` is in seconds.
    """

    system: str
    kubeconfig: Path
    kubectl: Path
    limits: bool
    memory: Callable[[], float]
    patience: float = PATIENCE

    @property
    def machine(self) -> str:
        """Return what decides how specs end, beside the cluster."""
        enforced = "enforced" if self.limits else "recorded"
        return f"{self.system}, limits {enforced}"


def usual_number(machine: str = "") -> int:
    """Return how many specs run at a time, here or on a machine."""
    if machine:
        return specs.parallel_specs(1, GUEST_MEMORY)
    cores = len(os.sched_getaffinity(0))
    return specs.parallel_specs(cores, psutil.virtual_memory().available)


@contextlib.contextmanager
def here(images: Path, progress: Progress) -> Iterator[Target]:
    """Have a cluster of this machine with these images; raise LabError."""
    cluster = Lab(Local(install.machines() / "conformance-cluster"))
    # That of a run that was killed.
    cluster.close()
    try:
        progress.update("starting a cluster")
        cluster.backend.up(progress)
        progress.update("adding the images")
        done = cluster.command("images", "add", str(images))
        assert done.returncode == 0, f"images add: {done.stderr[-2000:]}"
        yield Target(
            f"{build.system()} with {len(os.sched_getaffinity(0))} cores",
            cluster.backend.kubeconfig,
            cluster.binaries / "kubectl",
            bool(cluster.backend.status()["limits"]),
            partial(_memory, cluster),
        )
    finally:
        cluster.close()


def _memory(cluster: Lab) -> float:
    """Return the bytes of all processes of the cluster; shared ones count once."""
    total = 0
    for process in cluster.processes():
        with contextlib.suppress(psutil.Error, OSError):
            lines = Path(f"/proc/{process.pid}/smaps_rollup").read_text()
            total += int(lines.partition("\nPss:")[2].split()[0]) * 1024
    return total


@contextlib.contextmanager
def guest(
    images: Path, programs: Path, progress: Progress, memory: int = GUEST_MEMORY
) -> Iterator[Target]:
    """Have a cluster with these images on a machine of its own, and end that.

    `programs` has a kubectl for the host; the machine's memory is in bytes. Raise
    AssertionError.
    """
    progress.update(f"booting {GUEST}, and setting it up")
    with (
        prepared(SERVICES, memory) as machine,
        machine.log_in("learner") as learner,
        tempfile.TemporaryDirectory() as directory,
    ):
        progress.update(f"starting a cluster on {GUEST}")
        output = helpers(learner, "up")
        assert "the cluster is ready" in output, output
        progress.update(f"adding the images on {GUEST}")
        try:
            _add(images, learner)
        except subprocess.SubprocessError as error:
            raise AssertionError(f"{GUEST}: {error}") from None
        yield Target(
            f"{GUEST} in user-mode Linux",
            _forward(learner, Path(directory)),
            programs / "kubectl",
            bool(json.loads(helpers(learner, "status --json"))["limits"]),
            partial(_guest_memory, learner),
            GUEST_PATIENCE,
        )


def _add(images: Path, learner: Session) -> None:
    with open(images, "rb") as file:
        take = learner.command("cat >images.tar")
        subprocess.run(take, stdin=file, check=True, timeout=scaled(IMPORT))
    add = ".venv/bin/kapi images add ~/images.tar && rm ~/images.tar"
    learner.do(in_checkout(add), timeout=IMPORT)


def _forward(learner: Session, directory: Path) -> Path:
    """Lead a port of the host to the API server; return a kubeconfig with that port."""
    text = learner.do(in_checkout("cat $(.venv/bin/kapi kubeconfig)"))
    [port] = re.findall(r"https://127\.0\.0\.1:(\d+)", text)
    host_port = learner.forward(int(port))
    kubeconfig = directory / "kubeconfig"
    kubeconfig.write_text(text.replace(f"127.0.0.1:{port}", f"127.0.0.1:{host_port}"))
    return kubeconfig


def _guest_memory(learner: Session) -> float:
    """Return the bytes that the whole machine has in use; 0 if it is too busy."""
    try:
        text = learner.do("cat /proc/meminfo")
    except (AssertionError, subprocess.TimeoutExpired):
        return 0.0
    rows = dict(line.split(":", 1) for line in text.splitlines())
    total, free = (int(rows[name].split()[0]) for name in ("MemTotal", "MemAvailable"))
    return (total - free) * 1024
