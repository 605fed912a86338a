"""Examine namespaces and the rights of this account."""

import pwd
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Self

from cluster import errors, paths, statedir
from cluster.findings import Finding, fatal, ok, warning
from cluster.language import say
from cluster.local.trial import TrialResult, attempt_here
from cluster.machine import apparmor, identity, idmap
from cluster.packages import command, install
from cluster.preflight import LITTLE_MEMORY, Account, PlainAccount, in_wsl


@dataclass(frozen=True)
class Namespaces:
    """How far a start gets on this machine, tried out; `problem` is what it raises."""

    answer: TrialResult
    problem: errors.LabError | None
    facts: idmap.IdFacts
    user: str
    #: this is Windows' Linux
    wsl: bool = False

    @classmethod
    def read(cls) -> "Namespaces":
        """Try a start in a child process, and read /etc/subuid."""
        with statedir.state_errors(paths.state_dir()):
            answer = attempt_here()
        facts = idmap.read_facts()
        try:
            user = pwd.getpwuid(facts.uid).pw_name
        except KeyError:  # no entry in /etc/passwd, as in many containers
            user = str(facts.uid)
        return cls(answer, answer.problem, facts, user, in_wsl())

    def findings(self) -> Iterator[Finding]:
        """Judge: without namespaces there is no local cluster."""
        if self.problem:
            yield fatal("namespaces", self.problem.message, self.problem.hint)
            return
        yield ok("namespaces", "user, mount, pid and network: tried, they work")
        yield self._ids()
        if not self.answer.overlay:
            yield warning(
                "overlay",
                "does not work here: every container gets a copy of its image's "
                "files, which takes seconds and disk space.",
                "Name a directory on ext4, xfs or btrfs in LAB_STATE_DIR.",
            )
        why = self.answer.no_limits or "its cgroup could not be divided"
        recorded = f"of pods are recorded, not enforced: {why}{self._update(why)}"
        yield ok("limits", "of pods are enforced" if self.answer.limits else recorded)
        if not self.answer.nft:
            yield warning(
                "nft",
                "is not installed, or this kernel refuses its rules: kube-proxy cannot "
                "run, so of all Services only `kubernetes` and DNS work, and "
                "`hostPort` does nothing.",
                install("nftables"),
            )

    def _update(self, why: str) -> str:
        """Return what gives Windows' Linux cgroups of version 2, or ""."""
        if not (self.wsl and "version 1" in why):
            return ""
        return (
            "; since WSL 2.5.1 it has none unless /etc/wsl.conf says `cgroups=v1`: "
            "take that out, or run `wsl --update` in Windows, and then `wsl --shutdown`"
        )

    def _ids(self) -> Finding:
        """Judge: with a single id, pods cannot run as another user."""
        plan = idmap.decide(self.facts)
        planned = sum(row.count for row in plan.uids)
        # newuidmap may give fewer ids than /etc/subuid promises.
        count = min(self.answer.ids, planned)
        if plan.full and count == planned:
            how = {"direct": "as root", "newuidmap": "by newuidmap"}[plan.how]
            return ok("user ids", f"{count} can be mapped, {how}")
        why, hint = self._fewer() if count == planned else _REFUSED
        return warning("user ids", _lack(count, why), hint)

    def _fewer(self) -> tuple[str, str]:
        """Return why so few may be mapped, and the way out."""
        facts = self.facts
        if facts.privileged:
            return "this user namespace has no more", _SANDBOX
        if facts.no_new_privs:
            return "no_new_privs forbids the set-uid program newuidmap", _SANDBOX
        grant = (
            "sudo usermod --add-subuids 100000-165535 "
            f"--add-subgids 100000-165535 {self.user}"
        )
        granted = facts.subuid and facts.subgid
        if not facts.has_newuidmap:
            get = install("uidmap")
            both = f"{get} {'&&' if command('uidmap') else 'Then:'} {grant}"
            return "newuidmap is not installed", get if granted else both
        if granted:
            return "/etc/subuid or /etc/subgid grant too few", grant
        return f"/etc/subuid and /etc/subgid grant none to {self.user}", grant


def _lack(count: int, why: str) -> str:
    """Return how many ids can be mapped, and what that means for pods."""
    if count == 1:
        return (
            f"a single one can be mapped ({why}): pods with runAsUser or fsGroup are "
            "refused, and programs in pods that give files or themselves to another "
            "user go on as root: chown, setuid and the like do nothing."
        )
    return (
        f"only {count} can be mapped ({why}): pods with runAsUser or fsGroup beyond "
        "them stay in ContainerCreating."
    )


_SANDBOX = "Only whoever runs this sandbox can change it; other lessons work."
_REFUSED = (
    "newuidmap gave fewer than /etc/subuid promises",
    "Compare /etc/subuid and /etc/subgid with `newuidmap`'s own message.",
)


@dataclass(frozen=True)
class Learners:
    """Whether accounts beside root may make namespaces, where AppArmor asks for more.

    Only for root, who is not restricted: a class has to hear of it from somewhere.
    """

    #: this is root of a machine that restricts the others
    restricted: bool
    #: what is lacking, a clause, or ""
    problem: str = ""

    @classmethod
    def read(cls) -> Self:
        """Look at the profile and at the copy of Python that it is for."""
        return cls(apparmor.is_roots_task(), apparmor.task())

    def findings(self) -> Iterator[Finding]:
        """Judge."""
        if self.problem:
            yield warning(
                "other accounts",
                f"cannot make namespaces here, because {self.problem}: learners of a "
                "class get no local cluster.",
                f"`{apparmor.command()}`, if others learn here; again after each "
                "update of Python.",
            )
        elif self.restricted:
            yield ok("other accounts", "can make namespaces, by a profile of AppArmor")


@dataclass(frozen=True)
class Limits:
    """The limits of this account, and whether the cluster runs."""

    account: Account
    running: bool

    #: the limits that count for this cluster
    ACCOUNT = Account
    #: bytes; below it notebooks and the cluster push each other out
    COMFORT = 1_500_000_000

    @classmethod
    def read(cls) -> Self:
        """Ask the kernel."""
        return cls(cls.ACCOUNT.read(), identity.is_running(paths.state_dir()))

    def findings(self) -> Iterator[Finding]:
        """Judge as `up` does; a running cluster has its resources already."""
        problems = () if self.running else tuple(self.account.problems())
        for problem in problems:
            yield fatal("account", problem.message, problem.hint)
        available = f"{self.account.memory / 1e9:.1f} GB available"
        if self.running or self.account.memory >= self.COMFORT:
            yield ok("memory", available)
        elif not problems:
            yield warning(
                "memory",
                f"{available}; the cluster takes 0.9 GB and each open notebook "
                "0.15 GB.",
                say(LITTLE_MEMORY),
            )


class PlainLimits(Limits):
    """The same for a control plane without a node."""

    ACCOUNT = PlainAccount
    COMFORT = PlainAccount.MEMORY
