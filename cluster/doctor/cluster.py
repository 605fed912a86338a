"""Look at the backend, its directories, and the cluster if it runs."""

import contextlib
import os
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from cluster import backends, errors, paths, preflight, versions
from cluster.choice import (
    CONTROL_PLANE,
    EXISTING,
    KIND,
    LOCAL,
    NONE,
    Choice,
    refusal,
)
from cluster.doctor.findings import Finding, fatal, ok, warning
from cluster.image import cache as image_cache
from cluster.machine import shortage, storage
from cluster.usermode import kernel, walls


@dataclass(frozen=True)
class Chosen:
    """How a cluster is run here, as whom, and why so.

    `node` is by what a node in user-mode Linux runs its processes, `landlock` the
    kernel's, `switched_off` says that it has one and does not use it.
    """

    name: str
    uid: int
    reason: str = "it was asked for"
    no_node: str = ""
    node: str = "ptrace"
    landlock: int = walls.WHOLE
    switched_off: bool = False
    way_out: str = ""

    @classmethod
    def read(cls) -> "Chosen":
        """Ask what `connect()` would use."""
        made = backends.chosen()
        known = cls(made.backend, os.geteuid(), made.reason, way_out=made.way_out)
        if made.backend != CONTROL_PLANE:
            return known
        found, no_node = kernel.find()
        return replace(
            known,
            # Also where one of these is kept: it was made because of that.
            way_out=made.way_out or backends.Here().way_to_namespaces,
            no_node=no_node,
            node=found.way if found else "",
            landlock=walls.version(),
            switched_off=walls.switched_off(),
        )

    def findings(self) -> Iterator[Finding]:
        """Say it, and why; what keeps a backend away, its topics say best."""
        how = {
            LOCAL: f"Kubernetes {versions.KUBERNETES} in Linux namespaces, as uid "
            f"{self.uid}",
            KIND: "a node as a container",
            EXISTING: "a cluster that you have named; its API server keeps the lessons "
            "in namespaces of their own",
        }
        if self.name in how:
            fact = f"{self.name}: {how[self.name]}; because {self.reason}"
            yield ok("backend", fact)
            if self.way_out:
                yield ok("local cluster", self._way_to_local())
        elif self.name == CONTROL_PLANE:
            yield self._control_plane()
            if self.way_out and not self.no_node:
                yield ok("local cluster", self._way_to_local())
        elif self.name == NONE:
            error = refusal(Choice(NONE, self.reason, self.way_out))
            yield fatal("backend", error.fact, error.way_out)
        else:
            yield ok("backend", f"{self.name}: {self.reason}")

    def _control_plane(self) -> Finding:
        what = f"{self.name}: Kubernetes {versions.KUBERNETES}"
        why = f"because {self.reason}"
        if not self.no_node:
            fact = f"{what}; a node in user-mode Linux, by {self.node}, starts after it"
            fact += f"; {why}"
            # By seccomp any pod can become the kernel, see docs/usermode-linux.md.
            by_seccomp = self.node == "seccomp"
            if self.landlock >= (walls.SIGNALS if by_seccomp else walls.WHOLE):
                return ok("backend", fact)
            lack = "can end your processes"
            if self.landlock < walls.WHOLE:
                lack = "reaches ports of this machine"
            state = "is too old for Landlock to prevent that"
            if not self.landlock:
                lack = "reaches all of your files"
                state = "has no Landlock, which would prevent that"
            pod = "pod" if by_seccomp else "privileged pod"
            way_out = "Run only pods that you trust there."
            if self.switched_off:
                state = "has not enabled Landlock, which would prevent that"
                way_out += (
                    " The boot parameter `lsm=landlock,...` enables it, with what "
                    "/sys/kernel/security/lsm lists for the dots."
                )
            fact += f". A {pod} in it {lack}: this Linux {state}."
            return warning("backend", fact, way_out)
        lack = f"without a node ({self.no_node}); lessons that run pods are skipped"
        return warning("backend", f"{what} {lack}; {why}.", self._way_to_a_node())

    def _way_to_a_node(self) -> str:
        if self.way_out:
            return self._way_to_local()
        return (
            "For a node, on a machine with Docker or namespaces: `python -m helpers "
            "delete`, then `up --backend auto`."
        )

    def _way_to_local(self) -> str:
        return f"{self.way_out} Then run `python -m helpers delete`, and `up`."


@dataclass(frozen=True)
class Directory:
    """A directory of the suite: `made` if it is there, `free` in bytes.

    `problem` is why it cannot be used, or ""; `executable` is False on a file system
    from which no program may be started, `system` the kind of file system, "" where it
    is not known. With `filled` there is nothing to be written.
    """

    name: str
    path: Path
    variable: str
    made: bool
    problem: str
    executable: bool
    free: int
    needed: int
    filled: bool = False
    system: str = ""

    @classmethod
    def read(cls, name: str, path: Path, variable: str, needed: int) -> "Directory":
        """Look at it, or at the place where it would be made."""
        place = preflight.existing(path)
        problem = ""
        if not place.is_dir():
            problem = f"{place} is not a directory"
        elif not os.access(place, os.W_OK | os.X_OK):
            problem = f"{place} is not writable"
        return cls(
            name,
            path,
            variable,
            place == path,
            problem,
            not os.statvfs(place).f_flag & getattr(os, "ST_NOEXEC", 0),
            shutil.disk_usage(place).free,
            needed,
            system=preflight.file_system(place),
        )

    def finding(self) -> Finding:
        """Judge."""
        another = f"another directory in {self.variable}."
        if self.problem and self.filled:
            return ok(self.name, f"{self.path}, read-only; all that is needed is there")
        if self.problem:
            fact = f"{self.path} cannot be used: {self.problem}."
            return fatal(self.name, fact, f"Make it writable, or name {another}")
        if not self.executable:
            fact = f"{self.path}: programs may not be started from there (noexec)."
            return fatal(self.name, fact, f"Name {another}")
        if self.free < self.needed:
            fact = (
                f"{self.path}: {self.free / 1e9:.1f} GB free, "
                f"{self.needed / 1e9:.1f} GB needed."
            )
            return fatal(self.name, fact, f"Free some, or name {another}")
        if self.system.startswith("nfs"):
            fact = (
                f"{self.path} is on a server (NFS), where no overlay can be: a cluster "
                "with a node cannot import its image, and starts are slow."
            )
            way_out = f"Name a directory on a disk of this machine in {self.variable}."
            return warning(self.name, fact, way_out)
        made = "" if self.made else ", not made yet"
        return ok(self.name, f"{self.path}{made}, {self.free / 1e9:.0f} GB free")


@dataclass(frozen=True)
class Directories:
    """The state and the cache."""

    state: Directory
    cache: Directory

    @classmethod
    def read(cls) -> "Directories":
        """Look at both; what a build wants of the cache is its own topic."""
        kept = backends.kept()
        # A kind cluster's objects are with the engine.
        idle = kept.name in (LOCAL, CONTROL_PLANE) and not kept.running()
        needed = storage.DISK_NEEDED if idle else 0
        state = Directory.read("state", paths.state_dir(), "LAB_STATE_DIR", needed)
        cache = Directory.read("cache", paths.cache_dir(), "LAB_CACHE_DIR", 0)
        if cache.problem:
            cache = replace(cache, filled=_filled())
        return cls(state, cache)

    def findings(self) -> Iterator[Finding]:
        """Judge each."""
        yield self.state.finding()
        yield self.cache.finding()


def _filled() -> bool:
    """Say whether a start would find its programs and the image, and make nothing."""
    name = backends.chosen().backend
    with contextlib.suppress(KeyError, errors.IncompleteAssets):
        binaries = backends.BACKENDS[name]().binaries()
        image = binaries and (name == CONTROL_PLANE or image_cache.find(binaries))
        return bool(image)
    return False


@dataclass(frozen=True)
class ControlPlane:
    """What a control plane without a node needs: programs, and a little of all else.

    `binaries` is None where the programs are not there yet.
    """

    binaries: Path | None
    account: preflight.PlainAccount
    running: bool

    @classmethod
    def read(cls) -> "ControlPlane":
        """Look for the programs, and ask the kernel."""
        from cluster.controlplane.backend import ControlPlane

        backend = ControlPlane()
        account = preflight.PlainAccount.read()
        return cls(backend.binaries(), account, backend.running())

    def findings(self) -> Iterator[Finding]:
        """Judge; one that runs has what it needs."""
        for problem in () if self.running else self.account.problems():
            yield fatal("limits", problem.fact, problem.way_out)
        if self.binaries:
            yield ok("binaries", f"{self.binaries}, Kubernetes {versions.KUBERNETES}")
        else:
            yield ok("binaries", "not there yet; the first start gets them")


@dataclass(frozen=True)
class Cluster:
    """The cluster as `status` has it, None if it does not run.

    `short` is what it lacks at the moment, by name.
    """

    status: dict | None
    short: Mapping[str, errors.LabError] = field(default_factory=dict)

    @classmethod
    def read(cls) -> "Cluster":
        """Ask our own cluster, and no other."""
        lab = backends.kept()
        status = lab.status()
        # On another backend the disk of the objects is not this one.
        here = status and lab.name in (LOCAL, CONTROL_PLANE)
        return cls(status, shortage.shortages(lab.state) if here else {})

    def findings(self) -> Iterator[Finding]:
        """Judge: what is short explains what is not right."""
        for name, error in self.short.items():
            yield warning(name, error.fact, error.way_out)
        if self.status is None:
            yield ok("cluster", "not running; `python -m helpers up` starts it")
        elif self.status["phase"] in ("not answering", "degraded") and not self.short:
            yield self._incomplete(self.status)
        else:
            yield ok("cluster", f"{self.status['phase']} at {self.status['server']}")

    def _incomplete(self, status: dict) -> Finding:
        waiting = ", ".join(status["awaited"])
        reason = f"waiting for {waiting}" if waiting else status["problem"]
        return warning(
            "cluster",
            f"it is {status['phase']}: {reason}.",
            "Look at `python -m helpers status`; `stop` and `up` start it anew.",
        )
