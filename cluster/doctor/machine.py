"""Look at the kernel, and at what it allows this account."""

import platform
import pwd
from collections.abc import Iterator
from dataclasses import dataclass

from cluster import errors, paths, statedir
from cluster.doctor.findings import Finding, fatal, ok, warning
from cluster.doctor.programs import install
from cluster.local import idmap
from cluster.local.trial import Answer, attempt_here
from cluster.machine import identity
from cluster.preflight import Account

#: what `syscalls.pivot_root` knows a number for
ARCHITECTURES = ("x86_64", "aarch64")


@dataclass(frozen=True)
class Kernel:
    """The operating system, its release and the processor's architecture."""

    system: str
    release: str
    architecture: str

    @classmethod
    def read(cls) -> "Kernel":
        """Ask the kernel."""
        return cls(platform.system(), platform.release(), platform.machine())

    def findings(self) -> Iterator[Finding]:
        """Judge; what a system without Linux can run, its backend says."""
        known = f"{self.system} {self.release} on {self.architecture}"
        if self.system != "Linux":
            yield ok("kernel", known)
        elif self.architecture not in ARCHITECTURES:
            yield fatal(
                "kernel",
                f"{known}: only {' and '.join(ARCHITECTURES)} are known here.",
                "Use another machine.",
            )
        else:
            yield ok("kernel", known)


@dataclass(frozen=True)
class Namespaces:
    """How far a start gets on this machine, tried out.

    `problem` is what it would raise; `planned` counts user ids.
    """

    answer: Answer
    problem: errors.LabError | None
    planned: int

    @classmethod
    def read(cls) -> "Namespaces":
        """Try it in a child process."""
        with statedir.usable(paths.state_dir()):
            answer = attempt_here()
        plan = idmap.decide(idmap.read_facts())
        return cls(answer, answer.problem, sum(count for _, _, count in plan.uids))

    def findings(self) -> Iterator[Finding]:
        """Judge: without namespaces there is no local cluster."""
        if self.problem:
            yield fatal("namespaces", self.problem.fact, self.problem.way_out)
            return
        yield ok("namespaces", "user, mount, pid and network: tried, they work")
        if self.answer.ids < self.planned:
            yield warning(
                "newuidmap",
                f"gave {self.answer.ids} of the {self.planned} ids that /etc/subuid "
                "promises: pods with runAsUser or fsGroup are refused.",
                "Compare /etc/subuid and /etc/subgid with `newuidmap`'s own message.",
            )
        if self.answer.overlay:
            yield ok("overlay", "containers share the files of their image")
        else:
            yield warning(
                "overlay",
                "does not work here: every container gets a copy of its image's "
                "files, which takes seconds and disk space.",
                "Name a directory on ext4, xfs or btrfs in LAB_STATE_DIR.",
            )
        if self.answer.limits:
            yield ok("limits", "of pods are enforced: a cgroup was made and divided")
        else:
            why = self.answer.no_limits or "its cgroup could not be divided"
            yield ok("limits", f"of pods are recorded, not enforced: {why}")
        if self.answer.nft:
            yield ok("nft", "tried, it works: kube-proxy can serve every Service")
        else:
            yield warning(
                "nft",
                "is not installed, or this kernel refuses its rules: kube-proxy cannot "
                "run, so of all Services only `kubernetes` and DNS work, and "
                "`hostPort` does nothing.",
                install("nftables"),
            )


@dataclass(frozen=True)
class UserIds:
    """Which ids the machine may map; `user` is this account's name or number."""

    facts: idmap.IdFacts
    user: str

    @classmethod
    def read(cls) -> "UserIds":
        """Read /etc/subuid and this process's own map."""
        facts = idmap.read_facts()
        try:
            user = pwd.getpwuid(facts.uid).pw_name
        except KeyError:  # no entry in /etc/passwd, as in many containers
            user = str(facts.uid)
        return cls(facts, user)

    def findings(self) -> Iterator[Finding]:
        """Judge: with a single id, pods cannot run as another user."""
        plan = idmap.decide(self.facts)
        count = sum(count for _, _, count in plan.uids)
        if plan.full:
            how = {"direct": "as root", "newuidmap": "by newuidmap"}[plan.how]
            yield ok("user ids", f"{count} can be mapped, {how}")
            return
        if count == 1:
            what, lack = (
                "a single one",
                "are refused, and programs in pods that give files or themselves to "
                "another user go on as root: chown, setuid and the like do nothing.",
            )
        else:
            what, lack = f"only {count}", "beyond them stay in ContainerCreating."
        yield warning(
            "user ids",
            f"{what} can be mapped ({self._reason()}): pods with runAsUser or fsGroup "
            + lack,
            self._way_out(),
        )

    def _reason(self) -> str:
        if self.facts.privileged:
            return "this user namespace has no more"
        if self.facts.no_new_privs:
            return "no_new_privs forbids the set-uid program newuidmap"
        if not self.facts.has_newuidmap:
            return "newuidmap is not installed"
        if self.facts.subuid and self.facts.subgid:
            return "/etc/subuid or /etc/subgid grant too few"
        return f"/etc/subuid and /etc/subgid grant none to {self.user}"

    def _way_out(self) -> str:
        if self.facts.privileged or self.facts.no_new_privs:
            return (
                "Only whoever runs this sandbox can change it; all other lessons work."
            )
        steps = []
        if not self.facts.has_newuidmap:
            steps.append("sudo apt-get install -y uidmap")
        if not (self.facts.subuid and self.facts.subgid) or self.facts.has_newuidmap:
            steps.append(
                "sudo usermod --add-subuids 100000-165535 "
                f"--add-subgids 100000-165535 {self.user}"
            )
        return " && ".join(steps)


@dataclass(frozen=True)
class Limits:
    """What this account may use, and whether the cluster runs."""

    account: Account
    running: bool

    #: bytes; below it notebooks and the cluster push each other out
    COMFORT = 1_500_000_000

    @classmethod
    def read(cls) -> "Limits":
        """Ask the kernel."""
        return cls(Account.read(), identity.running(paths.state_dir()))

    def findings(self) -> Iterator[Finding]:
        """Judge as `up` does; a cluster that runs has what it needs already."""
        problems = () if self.running else tuple(self.account.problems())
        for problem in problems:
            yield fatal("account", problem.fact, problem.way_out)
        known = f"{self.account.memory / 1e9:.1f} GB available"
        if self.running or self.account.memory >= self.COMFORT:
            yield ok("memory", known)
        elif not problems:
            yield warning(
                "memory",
                f"{known}; the cluster takes 0.9 GB and each open notebook 0.15 GB.",
                "Close other programs; shut down kernels that are not needed.",
            )
