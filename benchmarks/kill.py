"""Kill parts of the cluster, or fill its disk, at random moments; see what is left.

Each round starts, uses or stops a cluster, kills one victim by SIGKILL after a random
time, looks for processes that are left over, calls `up` again and reads back every
object that the API server had acknowledged. A writer creates objects all the while.
A round of the disk fills that of the running cluster for some seconds instead.

Usage: `python benchmarks/kill.py [--runs 39] [--disk 0] [--seed 1]`; for the disk as
root, who can mount a small file system.
"""

import argparse
import collections
import contextlib
import http.client
import json
import os
import random
import signal
import ssl
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, fields
from pathlib import Path

import psutil

from cluster.local import identity
from cluster.local.backend import Local
from cluster.local.machine import Machine
from cluster.waiting import until

UP, RUN, STOP, DISK = "up", "run", "stop", "full disk"
STARTER, OUTER, BUILDER, PID_1 = "the command", "outer process", "builder", "PID 1"
VICTIMS = (
    STARTER,
    OUTER,
    BUILDER,
    PID_1,
    "etcd",
    "kube-apiserver",
    "containerd",
    "kube-controller-manager",
    "kube-scheduler",
    "kubelet",
    "coredns",
    "kube-proxy",
    "registry",
)
#: seconds after which a step counts as failed
PATIENCE = 300.0
#: seconds that the kernel may take to end what was in the machine
LAST = 10.0
#: seconds: the most that a running cluster waits for its fault, and that it lasts
WAIT, FULL = 1.0, (1.0, 6.0)
#: bytes of the small disk: what a cluster has and what a start wants free
SIZE = 1_250_000_000
OBJECTS = "/api/v1/namespaces/default/configmaps"


@dataclass
class Tally:
    """What happened in some rounds; `ended` counts what a full disk has ended."""

    rounds: int = 0
    too_late: int = 0
    ended: int = 0
    orphans: int = 0
    not_up_again: int = 0
    tracebacks: int = 0

    def add(self, other: "Tally") -> None:
        """Add the numbers of other rounds."""
        for each in fields(self):
            total = getattr(self, each.name) + getattr(other, each.name)
            setattr(self, each.name, total)

    def bad(self) -> int:
        """Count what must not happen."""
        return self.orphans + self.not_up_again + self.tracebacks


class Writer:
    """Creates ConfigMaps all the time, and knows which were acknowledged."""

    def __init__(self, state: Path) -> None:
        """Write to the cluster in `state`, whenever it answers."""
        self.acknowledged: list[str] = []
        self._state = state
        self._number = 0
        threading.Thread(target=self._write, daemon=True).start()

    def _write(self) -> None:
        while True:
            self._number += 1
            name = f"object-{self._number}"
            body = {"metadata": {"name": name}, "data": {"number": str(self._number)}}
            if ask(self._state, "POST", OBJECTS, body)[0] == 201:
                self.acknowledged.append(name)
            time.sleep(0.05)

    def lost(self) -> set[str]:
        """Return what was acknowledged and is not there; call it when it is up."""
        known = list(self.acknowledged)
        status, answer = ask(self._state, "GET", OBJECTS, timeout=30)
        if status != 200:
            raise SystemExit(f"the objects cannot be listed: status {status}")
        return set(known) - {item["metadata"]["name"] for item in answer["items"]}


def ask(
    state: Path, method: str, path: str, body: dict | None = None, timeout: float = 2
):
    """Ask the API server as super-admin; return 0 and nothing while it is away."""
    try:
        tls = ssl.create_default_context(cafile=state / "pki" / "ca.crt")
        pair = (state / "pki" / "super-admin.crt", state / "pki" / "super-admin.key")
        tls.load_cert_chain(*pair)
        port = int((state / "port").read_text())
        connection = http.client.HTTPSConnection(
            "127.0.0.1", port, context=tls, timeout=timeout
        )
        with contextlib.closing(connection):
            headers = {"Content-Type": "application/json"}
            connection.request(method, path, body and json.dumps(body), headers)
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read())
    except (OSError, ValueError, http.client.HTTPException):
        return 0, {}


def call(command: str, state: Path) -> subprocess.Popen:
    """Call `up` or `stop` as a shell does."""
    return subprocess.Popen(
        [sys.executable, "-m", "helpers", command],
        env={**os.environ, "LAB_STATE_DIR": str(state)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def find(victim: str, state: Path, command: subprocess.Popen | None) -> int | None:
    """Return the pid of the victim, or None if it does not exist at the moment."""
    if victim == STARTER:
        return command and command.pid
    if victim in (OUTER, PID_1):
        return identity.pid_of(state, "outer" if victim == OUTER else "pid_1")
    inner = identity.pid_of(state, "pid_1")
    if inner is None:
        return None
    if victim == BUILDER:
        return psutil.Process(inner).ppid()
    script = {"registry": "registry.py"}.get(victim, f"/run/lab/bin/{victim}")
    for child in psutil.Process(inner).children():
        with contextlib.suppress(psutil.Error):
            if any(word.endswith(script) for word in child.cmdline()[:4]):
                return child.pid
    return None


def family(state: Path) -> list[psutil.Process]:
    """Return all processes of the machine at this moment."""
    outer = identity.pid_of(state, "outer")
    with contextlib.suppress(psutil.NoSuchProcess):
        if outer:
            return [psutil.Process(outer), *psutil.Process(outer).children(True)]
    return []


def kill(
    victim: str, state: Path, command: subprocess.Popen | None, moment: float
) -> list[psutil.Process] | None:
    """Kill the victim once it exists after `moment`; return its family.

    Return None where the command ended before.
    """
    while command is None or command.poll() is None:
        if time.monotonic() >= moment:
            with contextlib.suppress(psutil.Error, ProcessLookupError):
                if (pid := find(victim, state, command)) is not None:
                    relatives = family(state)
                    os.kill(pid, signal.SIGKILL)
                    return relatives
        time.sleep(0.002)
    return None


def settle(state: Path, relatives: list[psutil.Process]) -> bool:
    """Wait until the machine is ready or gone; return whether it left something."""
    machine = Machine(state)

    def settled() -> bool:
        return not machine.running() or (machine.status() or {}).get("phase") == "ready"

    if not until(settled, PATIENCE, pause=0.05):
        return True
    if machine.running():
        return False

    def gone() -> bool:
        return not any(each.is_running() for each in relatives)

    return not until(gone, LAST, pause=0.02) or bool(identity.processes(state))


def round_of(moment: str, victim: str, state: Path, until_then: float) -> Tally:
    """Kill one victim; return what happened."""
    tally = Tally(rounds=1)
    command = call(moment, state) if moment != RUN else None
    relatives = kill(victim, state, command, time.monotonic() + until_then)
    tally.too_late = int(relatives is None)
    if command:
        said = command.communicate(timeout=PATIENCE)[0]
        if "Traceback" in said:
            print(said, flush=True)
            tally.tracebacks = 1
    tally.orphans = int(settle(state, relatives or []))
    tally.add(again(state))
    return tally


def again(state: Path) -> Tally:
    """Call `up`, and return how that went."""
    second = call(UP, state)
    said, _ = second.communicate(timeout=PATIENCE)
    if second.returncode:
        print(said, flush=True)
    return Tally(
        not_up_again=int(second.returncode != 0), tracebacks=int("Traceback" in said)
    )


def disk_round(state: Path, wait: float, full: float) -> Tally:
    """Fill the disk for `full` seconds; return what happened."""
    tally = Tally(rounds=1)
    machine = Machine(state)
    before, restarts = machine.pid(), _restarts(machine)
    time.sleep(wait)
    filler = state.parent / "filler"
    with filler.open("wb", buffering=0) as file:
        free = os.statvfs(state).f_bavail * os.statvfs(state).f_frsize
        for size in (free, 1):
            with contextlib.suppress(OSError):
                os.posix_fallocate(file.fileno(), 0, size)
                while size == 1 and file.write(b"x" * 4096):
                    pass
    time.sleep(full)
    filler.unlink()

    def healed() -> bool:
        return (machine.status() or {}).get("phase") == "ready"

    until(healed, 60.0, pause=0.2)
    # By itself: it is the same machine, and nobody has called `up`.
    same = before == machine.pid() and healed()
    tally.ended = _restarts(machine) - restarts if same else 0
    tally.add(again(state))
    tally.not_up_again |= int(not same)
    return tally


def _restarts(machine: Machine) -> int:
    return sum(x["restarts"] for x in machine.last_status()["components"].values())


@contextlib.contextmanager
def directory(small: bool) -> Iterator[Path]:
    """Give a directory, with `small` on a file system of its own."""
    with tempfile.TemporaryDirectory(prefix="kill-") as made:
        os.chmod(made, 0o755)
        if small:
            options = f"size={SIZE},mode=755"
            subprocess.run(
                ["mount", "-t", "tmpfs", "-o", options, "none", made], check=True
            )
        try:
            yield Path(made)
        finally:
            if small:
                subprocess.run(["umount", made], check=True)


def moments(given: argparse.Namespace) -> Iterator[tuple[str, str]]:
    """Yield moment and victim of each round."""
    # Each victim at each moment, one after the other.
    for number in range(given.runs):
        moment = (UP, RUN, STOP)[number % 3]
        victims = [v for v in VICTIMS if moment != RUN or v != STARTER]
        yield moment, victims[(number // 3) % len(victims)]
    yield from [(DISK, DISK)] * given.disk


def main() -> None:
    """Run the rounds, print the table; exit code 1 if anything was left or lost."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=39)
    parser.add_argument("--disk", type=int, default=0)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    chance = random.Random(given.seed)
    tallies: dict[str, Tally] = collections.defaultdict(Tally)
    lost: set[str] = set()
    with directory(small=given.disk > 0) as place:
        state = place / "state"
        backend = Local(state)
        try:
            backend.up()
            # Of a start and of an end of a cluster that is there already.
            spans = {RUN: WAIT}
            for command in (STOP, UP):
                began = time.monotonic()
                call(command, state).communicate(timeout=PATIENCE)
                spans[command] = time.monotonic() - began
            writer = Writer(state)
            for number, (moment, victim) in enumerate(moments(given), 1):
                began = time.monotonic()
                if moment == DISK:
                    one = disk_round(
                        state, chance.uniform(0, WAIT), chance.uniform(*FULL)
                    )
                else:
                    if moment == UP:
                        backend.stop()
                    one = round_of(
                        moment, victim, state, chance.uniform(0, spans[moment])
                    )
                for name in {f"during {moment}", victim}:
                    tallies[name].add(one)
                missing = writer.lost() - lost
                lost |= missing
                print(
                    f"{number:3} {moment:<10}{victim:<25}"
                    f"{time.monotonic() - began:6.1f} s, "
                    f"{len(writer.acknowledged)} objects, {len(missing)} lost",
                    flush=True,
                )
            acknowledged = len(writer.acknowledged)
        finally:
            backend.delete()
    sys.exit(int(report(tallies, acknowledged, len(lost), given)))


def report(
    tallies: dict[str, Tally], acknowledged: int, lost: int, given: argparse.Namespace
) -> bool:
    """Print the table; return whether it shows anything bad."""
    columns = [each.name for each in fields(Tally)]
    heads = "".join(f"{name.replace('_', ' '):>14}" for name in columns)
    print(f"\n{'at random moments':<26}{heads}")
    for name, tally in sorted(tallies.items()):
        values = "".join(f"{getattr(tally, column):>14}" for column in columns)
        print(f"{name:<26}{values}")
    print(
        f"\n{given.runs} kills, {given.disk} full disks, seed {given.seed}, load "
        f"{os.getloadavg()[0]:.1f}: {acknowledged} objects acknowledged, {lost} lost"
    )
    return bool(lost or sum(tally.bad() for tally in tallies.values()))


if __name__ == "__main__":
    main()
