"""Run specs on a cluster, and keep how each of them ended.

What a run has kept counts for the next one, as long as suite, images and cluster are
the same: an interrupted run goes on with the specs that have not ended.
"""

import contextlib
import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from cluster import processes
from cluster.progress import Progress
from cluster.tests.commandline import ROOT
from cluster.tests.conformance import specs
from cluster.tests.conformance.specs import Outcome, Spec
from cluster.tests.conformance.target import Target
from cluster.tests.machines import install

#: seconds between two looks at the specs that have ended, and at the cluster's memory
LOOK = 10.0
#: seconds of a program that lists specs
LISTING = 300.0
#: the label of the specs
LABEL = "Conformance"
#: directories below cluster/ of what no cluster is made of
_OTHERS = {"tests", "docs", "locale", "__pycache__"}


@dataclass
class Work:
    """The directory of a run, and what it has seen of time and memory."""

    directory: Path
    minutes: float = 0.0
    memory: float = 0.0

    @property
    def _outcomes(self) -> Path:
        return self.directory / "outcomes.jsonl"

    @property
    def log(self) -> Path:
        """Return the log of the suite, of this run's parts."""
        return self.directory / "log"

    def outcomes(self) -> dict[str, Outcome]:
        """Return how the specs ended that have."""
        with contextlib.suppress(FileNotFoundError):
            return specs.read_outcomes(self._outcomes.read_text())
        return {}

    def prepare(self, chosen: Sequence[Spec], *, again: bool) -> None:
        """Forget how specs ended if all have; with `again` only those that failed."""
        ends = self.outcomes()
        if any(spec.name not in ends for spec in chosen):
            return
        names = {spec.name for spec in chosen}
        kept = [
            line
            for line in self._outcomes.read_text().splitlines()
            for name, outcome in specs.read_outcomes(line).items()
            if name not in names or (again and outcome.state == "passed")
        ]
        self._outcomes.write_text("".join(f"{line}\n" for line in kept))
        self.log.unlink(missing_ok=True)
        if not again:
            self.minutes = self.memory = 0.0

    def save(self) -> None:
        """Keep time and memory for the next part of this run."""
        facts = {"minutes": self.minutes, "memory": self.memory}
        (self.directory / "facts.json").write_text(json.dumps(facts))


def key(built: Path, images: Path, programs: Path) -> str:
    """Return the name of all that decides how specs end, but for the machine."""
    digest = hashlib.sha256(repr((built.name, images.name, programs.name)).encode())
    for path in sorted((ROOT / "cluster").rglob("*")):
        parts = {*path.relative_to(ROOT / "cluster").parts}
        if path.is_file() and not parts & _OTHERS:
            digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


@contextlib.contextmanager
def begin(name: str, machine: str = "") -> Iterator[Work]:
    """Have the directory of the run of this key, for one process at a time.

    Runs on a machine and here do not end each other.
    """
    runs = install.machines() / "-".join(filter(None, ("conformance-run", machine)))
    runs.mkdir(parents=True, exist_ok=True)
    with open(runs / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for older in runs.iterdir():
            if older.is_dir() and older.name != name:
                shutil.rmtree(older)
        directory = runs / name
        directory.mkdir(exist_ok=True)
        facts = {}
        with contextlib.suppress(FileNotFoundError, ValueError):
            facts = json.loads((directory / "facts.json").read_text())
        yield Work(directory, **facts)


def list_specs(built: Path, pattern: str = "") -> list[Spec]:
    """Return the specs of conformance, or those that an expression finds."""
    with tempfile.TemporaryDirectory() as directory:
        report = Path(directory, "report.json")
        command = [built / "e2e.test", "--ginkgo.dry-run", "--provider=skeleton"]
        command += [f"--ginkgo.json-report={report}", f"--ginkgo.focus={pattern}"]
        done = subprocess.run(
            [*command, f"--ginkgo.label-filter={LABEL}"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=LISTING,
            env={**os.environ, "HOME": directory},
        )
        assert report.exists(), f"e2e.test: {(done.stdout + done.stderr)[-2000:]}"
        return specs.chosen_specs(report.read_text())


@dataclass
class Runner:
    """The suite against a cluster: `all_specs` are counted, `work` keeps the ends."""

    built: Path
    target: Target
    work: Work
    all_specs: Sequence[Spec]
    progress: Progress

    def run(self, number: int) -> None:
        """Run what has not ended: `number` at a time, and then what must run alone."""
        began, before = time.monotonic(), self.work.minutes
        ended = self.work.outcomes()
        waiting = [spec for spec in self.all_specs if spec.name not in ended]
        try:
            for serial, number_at_once in ((False, number), (True, 1)):
                group = [spec for spec in waiting if spec.serial == serial]
                left = self.target.patience - (time.monotonic() - began)
                if group and left > 0:
                    self._run(group, number_at_once, left)
        finally:
            self.work.minutes = before + (time.monotonic() - began) / 60
            self.work.save()

    def _run(self, group: Sequence[Spec], number: int, seconds: float) -> None:
        kind = f"{number} specs at a time" if number > 1 else "one spec at a time"
        looked = 0.0

        def watch(_: int) -> None:
            nonlocal looked
            if time.monotonic() - looked >= LOOK:
                looked = time.monotonic()
                self._look(kind)

        with tempfile.TemporaryDirectory() as home:
            processes.run(
                self._command(group, number, seconds),
                log=self.work.log,
                output=self.work.directory / "output",
                watch=watch,
                env={**os.environ, "HOME": home, "TMPDIR": home},
            )
        with open(self.work.log, "ab") as log:
            log.write((self.work.directory / "output").read_bytes())
        self._look(kind)

    def _command(
        self, group: Sequence[Spec], number: int, seconds: float
    ) -> list[str | Path]:
        return [
            *(self.built / "ginkgo", f"--procs={number}", f"--timeout={seconds:.0f}s"),
            *("--no-color", "--keep-going", "--silence-skips"),
            *(f"--focus={specs.focus(group)}", f"--label-filter={LABEL}"),
            *(self.built / "e2e.test", "--", "--provider=skeleton"),
            f"--kubeconfig={self.target.kubeconfig}",
            f"--kubectl-path={self.target.kubectl}",
            f"--outcomes={self.work._outcomes}",
        ]

    def _look(self, kind: str) -> None:
        """Show how far it is, and see what the cluster takes."""
        outcomes = self.work.outcomes()
        ends = [outcomes.get(spec.name) for spec in self.all_specs]
        failed = sum(bool(end) and end.state != "passed" for end in ends)
        count = f"{sum(map(bool, ends))} of {len(ends)} specs have ended"
        self.work.memory = max(self.work.memory, self.target.memory())
        memory = f"{self.work.memory / 1e9:.1f} GB of memory"
        self.progress.update(f"{count}, {failed} without passing; {kind}; {memory}")
