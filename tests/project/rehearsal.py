"""Play the shell steps of the workflows, job after job, on this machine alone.

A bare repository is the one on GitHub. Stand-ins for `gh`, `docker`, `sudo` and `make`
(`standins.py`) keep what they get in a directory, and refuse what the genuine programs
refuse. Every other program of a step is itself.
"""

import itertools
import os
import re
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from tests.notebooks import ROOT

REPOSITORY = "Ann/Lessons"
STAND_INS = Path(__file__).with_name("standins.py")
#: steps that are left out: their beginning, and why
NOT_PLAYED = {
    "rm ~/.cache/": "a build of minutes",
    "LAB_BUNDLE=$(echo": "test_bare_system.py has a set-up with a genuine archive",
}
_EXPRESSION = re.compile(r"\$\{\{ *(.*?) *\}\}")


@dataclass
class Step:
    """The result of a step that was played."""

    job: str
    run: str
    code: int
    output: str


@dataclass
class Rehearsal:
    """A repository `REPOSITORY` as GitHub has it, below `folder`."""

    folder: Path
    played: list[Step] = field(default_factory=list)

    def __post_init__(self) -> None:
        programs = self.folder / "programs"
        programs.mkdir(parents=True)
        self.state.mkdir()
        for name in ("gh", "docker", "sudo", "make"):
            script = f'#!/bin/sh\nexec {sys.executable} {STAND_INS} {name} "$@"\n'
            (programs / name).write_text(script)
            (programs / name).chmod(0o755)
        self.server.mkdir(parents=True)
        git(self.server, "init", "--quiet", "--bare", "--initial-branch=main")

    @property
    def state(self) -> Path:
        """Return where the stand-ins keep releases, images and passed workflows."""
        return self.folder / "state"

    @property
    def server(self) -> Path:
        """Return the repository on GitHub."""
        return self.folder / "server" / REPOSITORY

    def play(self, workflow: str, job: str, reference: str) -> Step | None:
        """Play a job for a branch or a tag; return the step that failed, or None."""
        file = ROOT / ".github/workflows" / f"{workflow}.yml"
        description = yaml.safe_load(file.read_text())["jobs"][job]
        strategy = description.get("strategy", {}).get("matrix", {})
        for number, values in enumerate(_matrix(strategy)):
            checkout = self.folder / f"{job}-{number}-{len(self.played)}"
            git(self.folder, "clone", "--quiet", self.server, checkout)
            git(checkout, "checkout", "--quiet", reference)
            run = Run(self, checkout, reference, job, description, values)
            for step in description["steps"]:
                result = run.step(step)
                if result and result.code:
                    return result
        return None


@dataclass
class Run:
    """A run of a job on a machine of its own, where `checkout` was made."""

    rehearsal: Rehearsal
    checkout: Path
    reference: str
    job: str
    description: dict
    values: dict[str, str]

    def __post_init__(self) -> None:
        self.temporary = Path(f"{self.checkout}-temporary")
        self.temporary.mkdir()
        (self.temporary / "home").mkdir()
        self.settings = self.temporary / "settings"
        self.settings.touch()

    def step(self, step: dict) -> Step | None:
        """Play a step; return None for one that is left out."""
        text = step.get("run", "")
        if not text or text.startswith(tuple(NOT_PLAYED)):
            return None
        environment = self._environment() | {
            name: self._fill(str(value))
            for name, value in {
                **self.description.get("env", {}),
                **step.get("env", {}),
            }.items()
        }
        done = subprocess.run(
            [
                "bash",
                "--noprofile",
                "--norc",
                "-eo",
                "pipefail",
                "-c",
                self._fill(text),
            ],
            cwd=self.checkout,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=300,
        )
        result = Step(self.job, text, done.returncode, done.stdout)
        self.rehearsal.played.append(result)
        return result

    def _environment(self) -> dict[str, str]:
        """Return what GitHub sets, and what keeps Python's packages on this machine."""
        folder = self.rehearsal.folder
        places = (folder / "programs", Path(sys.executable).parent)
        sha = git(self.checkout, "rev-parse", "HEAD")
        variables = dict(
            line.split("=", 1) for line in self.settings.read_text().splitlines()
        )
        return {
            "PATH": os.pathsep.join([*map(str, places), os.environ["PATH"]]),
            "HOME": str(self.temporary / "home"),
            "LANG": "C.UTF-8",
            "GITHUB_REPOSITORY": REPOSITORY,
            "GITHUB_SERVER_URL": f"file://{folder / 'server'}",
            "GITHUB_REF_NAME": self.reference,
            "GITHUB_SHA": sha,
            "GITHUB_ACTOR": "ann",
            "GITHUB_WORKSPACE": str(self.checkout),
            "GITHUB_ENV": str(self.settings),
            "GITHUB_OUTPUT": str(self.temporary / "outputs"),
            "RUNNER_TEMP": str(self.temporary),
            "REHEARSAL": str(self.rehearsal.state),
            "REHEARSAL_ARCHITECTURE": (
                "arm64" if "arm" in self.values.get("runner", "") else "amd64"
            ),
            # The wheel is built and installed with the packages that are here.
            "PIP_NO_INDEX": "1",
            "PIP_NO_BUILD_ISOLATION": "0",
            "PIP_NO_DEPS": "1",
            "PYTHONPATH": sysconfig.get_path("purelib"),
            **variables,
        }

    def _fill(self, text: str) -> str:
        """Return a text with its expressions replaced; raise KeyError for another."""
        values = {
            "secrets.GITHUB_TOKEN": "the-token",
            "github.repository": REPOSITORY,
            **{f"matrix.{name}": value for name, value in self.values.items()},
        }
        return _EXPRESSION.sub(lambda match: values[match[1]], text)


def _matrix(strategy: dict) -> Iterator[dict[str, str]]:
    """Yield the values of each run of a job."""
    if "include" in strategy:
        yield from strategy["include"]
        return
    for values in itertools.product(*strategy.values()):
        yield dict(zip(strategy, values, strict=True))


def git(directory: Path, *words: str | Path) -> str:
    """Run git and return what it prints; raise CalledProcessError."""
    who = ("-c", "user.name=Ann", "-c", "user.email=ann@example.org")
    command = ["git", *who, *map(str, words)]
    done = subprocess.run(
        command, cwd=directory, check=True, capture_output=True, text=True
    )
    return done.stdout.strip()
