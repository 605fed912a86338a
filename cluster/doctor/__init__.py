"""Look at this machine and list every problem at once, each with its way out.

A topic reads its facts and judges them. Nothing here changes the machine, starts a
cluster, or asks one that is not ours.
"""

import contextlib
import importlib.util
import os
import shutil
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from cluster import backends, errors, paths, permissions, preflight
from cluster.backends import Choice, refusal
from cluster.errors import with_commands
from cluster.findings import (
    Finding,
    Topic,
    fatal,
    ok,
    report,
    warning,
    way_to_local,
)
from cluster.programs.topics import Shell

__all__ = ["Finding", "examine", "report"]


def examine(topics: Iterable[type[Topic]] | None = None) -> list[Finding]:
    """Return the findings of topics, by default the backend's; never raise."""
    topics = _topics() if topics is None else topics
    findings: list[Finding] = []
    # A problem that several topics find is reported once.
    seen: set[Finding | str] = set()
    for finding in (finding for topic in topics for finding in _look(topic)):
        key = finding.message if finding.fatal else finding
        if key not in seen:
            seen.add(key)
            findings.append(finding)
    return [
        replace(f, message=with_commands(f.message), hint=with_commands(f.hint))
        for f in findings
    ]


def _topics() -> tuple[type[Topic], ...]:
    needs: tuple[type[Topic], ...] = ()
    try:
        if backend := backends.BACKENDS.get(backends.machine_choice().backend):
            needs = (*backend().topics(), Programs)
    except errors.LabError:
        pass  # the first topic says what is wrong
    general = (Chosen, Colab, Directories)
    return (*general, *needs, Shell, Cluster)


def _look(topic: type[Topic]) -> list[Finding]:
    name = topic.__name__.lower()
    try:
        return list(topic.read().findings())
    except errors.LabError as error:
        message, hint = error.message, error.hint
    except Exception as error:
        # A topic that fails must not hide the findings of others.
        message = f"could not be examined: {type(error).__name__}: {error}"
        hint = "This is a bug of these notebooks: please report it with this line."
    return [fatal(name, message, hint)]


@dataclass(frozen=True)
class Chosen:
    """How a cluster is run here, and why so; `about` is "" where none can be had."""

    choice: Choice
    about: str

    @classmethod
    def read(cls) -> "Chosen":
        """Read which backend `connect()` would use."""
        choice = backends.machine_choice()
        backend = backends.BACKENDS.get(choice.backend)
        return cls(choice, backend().about if backend else "")

    def findings(self) -> Iterator[Finding]:
        """Report the backend and the reason; its own topics tell its problems."""
        choice = self.choice
        if not self.about:
            error = refusal(choice)
            yield fatal("backend", error.message, error.hint)
            return
        yield ok("backend", f"{choice.backend}: {self.about}; because {choice.reason}")
        # Without an engine the topic of the node tells it, with what is lacking.
        if choice.hint and choice.backend == backends.KIND:
            yield way_to_local(choice.hint)


@dataclass(frozen=True)
class Colab:
    """Whether this is Google Colab, on which nobody has tried a cluster."""

    here: bool

    @classmethod
    def read(cls) -> "Colab":
        """Look for the package that Colab gives its notebooks."""
        with contextlib.suppress(ImportError):
            return cls(importlib.util.find_spec("google.colab") is not None)
        return cls(False)

    def findings(self) -> Iterator[Finding]:
        """Report Colab, and where the lessons run instead."""
        if self.here:
            message = (
                "this is Google Colab, which has no containers, and ipywidgets 7; "
                "no cluster was tried here."
            )
            hint = "Most lessons run in your browser, on their pages of the site."
            yield warning("Colab", message, hint)


@dataclass(frozen=True)
class Programs:
    """The directory of the backend's programs, None before they are got."""

    directory: Path | None

    @classmethod
    def read(cls) -> "Programs":
        """Look for the programs."""
        return cls(backends.BACKENDS[backends.machine_choice().backend]().binaries())

    def findings(self) -> Iterator[Finding]:
        """Report the directory; an incomplete LAB_ASSETS was refused."""
        to_get = "none yet; `make setup` or the first `up` gets or builds it, once"
        yield ok("binaries", str(self.directory or to_get))


@dataclass(frozen=True)
class Directory:
    """A directory of the suite, as `Directories` reads it."""

    #: name of the finding: state or cache
    name: str
    path: Path
    #: the environment variable that names another one
    variable: str
    #: the directory exists; otherwise the fields describe its nearest existing parent
    made: bool
    #: why it cannot be used, a clause, or None
    reason: str | None
    #: False on a file system from which no program may be started (noexec)
    executable: bool
    #: bytes
    free: int
    #: bytes that a start wants free, 0 for a cluster that runs
    needed: int
    #: a start would write nothing there, so that it may be read-only
    filled: bool = False
    #: the kind of file system, as mount(8) names it; "" if unknown
    system: str = ""

    @classmethod
    def read(cls, name: str, path: Path, variable: str, needed: int) -> "Directory":
        """Examine the directory, or the place where a start would make it."""
        place = preflight.existing_parent(path)
        reason = None
        if not place.is_dir():
            reason = f"{place} is not a directory"
        elif not os.access(place, os.W_OK | os.X_OK):
            reason = f"{place} is not writable"
        return cls(
            name,
            path,
            variable,
            place == path,
            reason,
            not os.statvfs(place).f_flag & getattr(os, "ST_NOEXEC", 0),
            shutil.disk_usage(place).free,
            needed,
            system=permissions.file_system(place),
        )

    def finding(self) -> Finding:
        """Judge."""
        another = f"another directory in {self.variable}."
        if self.reason and self.filled:
            return ok(self.name, f"{self.path}, read-only; all that is needed is there")
        if self.reason:
            message = f"{self.path} cannot be used: {self.reason}."
            return fatal(self.name, message, f"Make it writable, or name {another}")
        if not self.executable:
            message = f"{self.path}: programs may not be started from there (noexec)."
            return fatal(self.name, message, f"Name {another}")
        if self.free < self.needed:
            message = (
                f"{self.path}: {self.free / 1e9:.1f} GB free, "
                f"{self.needed / 1e9:.1f} GB needed."
            )
            return fatal(self.name, message, f"Free some, or name {another}")
        if self.system == permissions.WINDOWS:
            message = (
                f"{self.path} is on a disk of Windows, where Linux makes no sockets, "
                "keeps no permissions unless it is mounted with `metadata`, and reads "
                "several times more slowly."
            )
            hint = f"Name a directory in Linux' own file system in {self.variable}."
            level = fatal if self.variable == "LAB_STATE_DIR" else warning
            return level(self.name, message, hint)
        if self.system.startswith("nfs"):
            message = (
                f"{self.path} is on a server (NFS), where no overlay can be: a cluster "
                "with a node cannot import the toolbox image, and starts are slow."
            )
            hint = f"Name a directory on a disk of this machine in {self.variable}."
            return warning(self.name, message, hint)
        state = "" if self.made else ", not made yet"
        return ok(self.name, f"{self.path}{state}, {self.free / 1e9:.0f} GB free")


@dataclass(frozen=True)
class Directories:
    """The state and the cache, and the file system of Python's environment."""

    state: Directory
    cache: Directory
    environment: str = ""

    @classmethod
    def read(cls) -> "Directories":
        """Examine both directories; the disk of a build is another topic."""
        kept = backends.kept_backend()
        needed = 0 if kept.running() else kept.disk
        state = Directory.read("state", paths.state_dir(), "LAB_STATE_DIR", needed)
        cache = Directory.read("cache", paths.cache_dir(), "LAB_CACHE_DIR", 0)
        if cache.reason:
            backend = backends.BACKENDS.get(backends.machine_choice().backend)
            cache = replace(cache, filled=bool(backend and backend().is_prepared()))
        return cls(state, cache, permissions.file_system(Path(sys.prefix)))

    def findings(self) -> Iterator[Finding]:
        """Judge each."""
        yield self.state.finding()
        yield self.cache.finding()
        if self.environment == permissions.WINDOWS:
            yield warning(
                "environment",
                f"{sys.prefix} is on a disk of Windows: each start reads thousands of "
                "files there, and takes several times as long.",
                "Clone into Linux' own file system, as below your home, and run `make "
                "setup` there.",
            )


@dataclass(frozen=True)
class Cluster:
    """The status of the cluster, None if no cluster runs."""

    status: dict | None

    @classmethod
    def read(cls) -> "Cluster":
        """Ask our own cluster, and no other."""
        return cls(backends.kept_backend().status())

    def findings(self) -> Iterator[Finding]:
        """Judge: a shortage explains the other problems."""
        if self.status is None:
            yield ok("cluster", "not running; `.venv/bin/kapi up` starts it")
            return
        phase, waiting = self.status["phase"], ", ".join(self.status["awaited"])
        problem, _, hint = (self.status["problem"] or "").partition("\n")
        if not problem and phase == "degraded":
            problem = f"waiting for {waiting}"
        if problem:
            again = "Look at `.venv/bin/kapi status`; `stop` and `up` start it anew."
            message = f"it is {phase}: {problem.removesuffix('.')}."
            yield warning("cluster", message, hint or again)
        else:
            yield ok("cluster", f"{phase} at {self.status['server']}")
