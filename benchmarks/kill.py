"""Kill parts of the cluster at random moments of `up`, and see what is left.

Each round calls `python -m helpers up`, kills one victim by SIGKILL after a random
time, looks for processes that are left over, calls `up` again and reads back every
object that the API server had acknowledged. A writer creates objects all the while.

Usage: `python benchmarks/kill.py [--runs 50] [--seed 1]`
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
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from cluster.local import identity
from cluster.local.backend import Local
from cluster.local.machine import Machine

STARTER, OUTER, BUILDER, PID_1 = "starter", "outer process", "builder", "PID 1"
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
OBJECTS = "/api/v1/namespaces/default/configmaps"


@dataclass
class Tally:
    """What happened to one victim in all its rounds."""

    rounds: int = 0
    too_late: int = 0
    left_over: int = 0
    not_up_again: int = 0
    tracebacks: int = 0
    seconds: list[float] = field(default_factory=list)


class Writer:
    """Creates ConfigMaps as fast as they are taken, and knows which were."""

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
            time.sleep(0.02)

    def lost(self) -> set[str]:
        """Return what was acknowledged and is not there; call it when it is up."""
        known = list(self.acknowledged)
        status, answer = ask(self._state, "GET", OBJECTS)
        if status != 200:
            raise SystemExit(f"the objects cannot be listed: status {status}")
        return set(known) - {item["metadata"]["name"] for item in answer["items"]}


def ask(state: Path, method: str, path: str, body: dict | None = None):
    """Ask the API server as super-admin; return 0 and nothing while it is away."""
    try:
        tls = ssl.create_default_context(cafile=state / "pki" / "ca.crt")
        pair = (state / "pki" / "super-admin.crt", state / "pki" / "super-admin.key")
        tls.load_cert_chain(*pair)
        connection = http.client.HTTPSConnection(
            "127.0.0.1", int((state / "port").read_text()), context=tls, timeout=2
        )
        with contextlib.closing(connection):
            headers = {"Content-Type": "application/json"}
            connection.request(method, path, body and json.dumps(body), headers)
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read())
    except (OSError, ValueError, http.client.HTTPException):
        return 0, {}


def up(state: Path) -> subprocess.Popen:
    """Call `up` as a shell does."""
    return subprocess.Popen(
        [sys.executable, "-m", "helpers", "up"],
        env={**os.environ, "LAB_STATE_DIR": str(state)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def find(victim: str, state: Path, starter: subprocess.Popen) -> int | None:
    """Return the pid of the victim, or None if it does not exist at the moment."""
    if victim == STARTER:
        return starter.pid
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


def kill(victim: str, state: Path, starter: subprocess.Popen, moment: float) -> bool:
    """Kill the victim once it exists after `moment`; False if `up` was quicker."""
    while starter.poll() is None:
        if time.monotonic() >= moment:
            with contextlib.suppress(psutil.Error, ProcessLookupError):
                if (pid := find(victim, state, starter)) is not None:
                    os.kill(pid, signal.SIGKILL)
                    return True
        time.sleep(0.002)
    return False


def settle(state: Path) -> bool:
    """Wait until the machine is ready or gone; return whether it left something."""
    machine = Machine(state)
    before = psutil.Process(machine.pid()).children(True) if machine.pid() else []
    deadline = time.monotonic() + PATIENCE
    while machine.running() and time.monotonic() < deadline:
        if (machine.status() or {}).get("phase") == "ready":
            return False
        time.sleep(0.05)
    left = [process for process in before if process.is_running()]
    return bool(machine.running() or left or identity.processes(state))


def round_of(victim: str, state: Path, span: float, chance: random.Random) -> Tally:
    """Do one round; return what happened in it."""
    tally = Tally(rounds=1)
    began = time.monotonic()
    starter = up(state)
    hit = kill(victim, state, starter, began + chance.uniform(0, span))
    tally.too_late = int(not hit)
    said, _ = starter.communicate(timeout=PATIENCE)
    tally.tracebacks = int("Traceback" in said)
    tally.left_over = int(settle(state))
    again = time.monotonic()
    second = up(state)
    said, _ = second.communicate(timeout=PATIENCE)
    tally.tracebacks += int("Traceback" in said)
    tally.not_up_again = int(second.returncode != 0)
    if second.returncode:
        print(said)
    tally.seconds = [time.monotonic() - again]
    return tally


def main() -> None:
    """Run the rounds, print the table; exit code 1 if anything was left or lost."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=12)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    chance = random.Random(given.seed)
    tallies: dict[str, Tally] = collections.defaultdict(Tally)
    lost: set[str] = set()
    with tempfile.TemporaryDirectory(prefix="kill-") as directory:
        state = Path(directory, "state")
        backend = Local(state)
        try:
            began = time.monotonic()
            backend.up()
            span = time.monotonic() - began
            writer = Writer(state)
            for number in range(given.runs):
                backend.stop()
                victim = VICTIMS[number % len(VICTIMS)]
                began = time.monotonic()
                one = round_of(victim, state, span, chance)
                # A start of an existing cluster is what is hit from now on.
                span = one.seconds[0] if victim in (OUTER, BUILDER, PID_1) else span
                add(tallies[victim], one)
                missing = writer.lost() - lost
                lost |= missing
                print(
                    f"{number + 1:3} {victim:<25}{time.monotonic() - began:6.1f} s, "
                    f"{len(writer.acknowledged)} objects, {len(missing)} lost",
                    flush=True,
                )
            acknowledged = len(writer.acknowledged)
        finally:
            backend.delete()
    bad = report(tallies, acknowledged, len(lost), given)
    sys.exit(int(bad))


def add(total: Tally, one: Tally) -> None:
    """Add the numbers of one round."""
    for name in ("rounds", "too_late", "left_over", "not_up_again", "tracebacks"):
        setattr(total, name, getattr(total, name) + getattr(one, name))
    total.seconds += one.seconds


def report(tallies: dict[str, Tally], acknowledged: int, lost: int, given) -> bool:
    """Print the table; return whether it shows anything bad."""
    columns = ("rounds", "too late", "left over", "not up again", "tracebacks")
    print(f"\n{'killed at a random moment':<26}" + "".join(f"{c:>14}" for c in columns))
    bad = lost
    for victim, tally in tallies.items():
        values = [getattr(tally, column.replace(" ", "_")) for column in columns]
        bad += sum(values[2:])
        print(f"{victim:<26}" + "".join(f"{value:>14}" for value in values))
    print(
        f"\n{given.runs} rounds, seed {given.seed}, load {os.getloadavg()[0]:.1f}: "
        f"{acknowledged} objects acknowledged, {lost} lost"
    )
    return bool(bad)


if __name__ == "__main__":
    main()
