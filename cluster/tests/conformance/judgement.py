"""Judge the ends of specs by the list of those that cannot pass here.

Pure. The list is `expected.toml`: the title of a spec, whose the failure is, and why.
"""

import tomllib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from cluster.tests.conformance.specs import Outcome, Spec

LIST = Path(__file__).with_name("expected.toml")
PASSED, SKIPPED = "passed", "skipped"
#: where an entry holds: everywhere, or where the limits of pods are not enforced
ALWAYS, WITHOUT_LIMITS = "always", "without limits"


@dataclass(frozen=True)
class Entry:
    """A spec that cannot pass; `owner` says what the machine or the image lacks."""

    spec: str
    owner: str
    reason: str
    when: str = ALWAYS


@dataclass(frozen=True)
class Failure:
    """A spec that did not pass; `entry` is None if nobody expects that."""

    spec: Spec
    outcome: Outcome
    entry: Entry | None = None

    @property
    def kind(self) -> str:
        """Return `skipped` or `failed`."""
        return SKIPPED if self.outcome.state == SKIPPED else "failed"


@dataclass(frozen=True)
class Judgement:
    """All specs, and how they ended; `missing` are those that did not run.

    `obsolete` entries are of specs that passed, or that the suite does not have.
    """

    specs: tuple[Spec, ...]
    failures: tuple[Failure, ...] = ()
    missing: tuple[Spec, ...] = ()
    obsolete: tuple[Entry, ...] = ()

    @property
    def unexpected(self) -> list[Failure]:
        """Return the failures without an entry."""
        return [failure for failure in self.failures if failure.entry is None]

    @property
    def is_good(self) -> bool:
        """Return whether every spec has run, and each failure is expected."""
        return not self.missing and not self.unexpected

    def counts(self) -> dict[str, Counter[str]]:
        """Return the numbers of specs by SIG, and of all: passed, skipped, failed."""
        rows = {sig: Counter() for sig in sorted({spec.sig for spec in self.specs})}
        kinds = {failure.spec: failure.kind for failure in self.failures}
        for spec in {*self.specs} - {*self.missing}:
            rows[spec.sig][kinds.get(spec, PASSED)] += 1
        for spec in self.specs:
            rows[spec.sig]["specs"] += 1
        return {**rows, "all": sum(rows.values(), Counter())}


def read_list(text: str) -> list[Entry]:
    """Return the entries of the list; raise TypeError for a key without a meaning."""
    return [Entry(**row) for row in tomllib.loads(text)["failure"]]


def judge(
    specs: Sequence[Spec],
    outcomes: Mapping[str, Outcome],
    entries: Sequence[Entry],
    *,
    limits: bool,
) -> Judgement:
    """Compare all specs with the entries; `limits`: the cluster enforces them."""
    valid = {
        entry.spec: entry
        for entry in entries
        if not (limits and entry.when == WITHOUT_LIMITS)
    }
    ends = {spec: outcomes[spec.name] for spec in specs if spec.name in outcomes}
    failures = [
        Failure(spec, outcome, valid.get(spec.title))
        for spec, outcome in ends.items()
        if outcome.state != PASSED
    ]
    # A spec that did not run is no reason to drop its entry.
    useful = {failure.spec.title for failure in failures}
    useful |= {spec.title for spec in specs if spec not in ends}
    return Judgement(
        tuple(specs),
        tuple(failures),
        tuple(spec for spec in specs if spec not in ends),
        tuple(entry for entry in valid.values() if entry.spec not in useful),
    )
