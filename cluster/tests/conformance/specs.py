"""Say which specs there are, how each ended, and which are still to be run.

Pure: `run.py` has the programs that write what is read here.
"""

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

#: the label of what cannot run beside others
SERIAL = "Serial"
#: states of specs that have not come to an end
_UNFINISHED = ("interrupted", "aborted")
#: most characters of a reason on a page
_LONGEST = 300
#: tags in a name; the first of a name is the SIG, which stays
_TAG = re.compile(r" \[[^\]]*\]")
#: specs at a time on a core: they wait most of the time
PER_CORE = 3
#: bytes: of the cluster without pods, and of a process of the suite with its pods
CLUSTER, PROCESS = 2.0e9, 0.9e9
#: bytes that all of them together may take, however large the machine is
MOST = 12e9


@dataclass(frozen=True)
class Spec:
    """A spec by its whole name, tags included; `serial`: nothing may run beside it."""

    name: str
    serial: bool = False

    @property
    def title(self) -> str:
        """Return the name without tags, which is still a name of this spec alone."""
        return _TAG.sub("", self.name)

    @property
    def sig(self) -> str:
        """Return the group of Kubernetes that owns it, as `sig-node`."""
        return self.name.partition("]")[0].removeprefix("[")


@dataclass(frozen=True)
class Outcome:
    """The end of a spec: `passed`, `skipped`, or what Ginkgo calls the failure."""

    state: str
    seconds: float = 0.0
    reason: str = ""

    @property
    def summary(self) -> str:
        """Return the reason in one line."""
        line = " ".join(self.reason.split())
        return f"{line[:_LONGEST]} …" if len(line) > _LONGEST else line


def read_report(text: str) -> Iterator[tuple[str, str, set[str]]]:
    """Yield name, state and labels of each spec of Ginkgo's report in JSON."""
    for suite in json.loads(text):
        for spec in suite["SpecReports"]:
            if spec["LeafNodeType"] == "It":
                texts = [*spec["ContainerHierarchyTexts"], spec["LeafNodeText"]]
                labels = [*spec["ContainerHierarchyLabels"], spec["LeafNodeLabels"]]
                yield (
                    " ".join(filter(None, texts)),
                    spec["State"],
                    {label for group in labels for label in group or ()},
                )


def chosen_specs(text: str) -> list[Spec]:
    """Return the specs that a dry run has chosen, from its report, sorted by name."""
    return sorted(
        (
            Spec(name, SERIAL in labels)
            for name, state, labels in read_report(text)
            if state == "passed"
        ),
        key=lambda spec: spec.name,
    )


def read_outcomes(text: str) -> dict[str, Outcome]:
    """Return the ends of specs by name; of a spec that ran twice, the last one.

    A line that is not whole is that of a run that was killed.
    """
    outcomes = {}
    for line in text.splitlines():
        try:
            row = json.loads(line)
        except ValueError:
            continue
        if row["state"] not in _UNFINISHED:
            outcome = Outcome(row["state"], row["seconds"], row["reason"])
            outcomes[row["name"]] = outcome
    return outcomes


def focus(specs: Iterable[Spec]) -> str:
    """Return the regular expression for Ginkgo that chooses these specs alone.

    Ginkgo compares it with the name of the suite, a space and the spec's name.
    """
    return "|".join(f" {_escape(spec.name)}$" for spec in specs)


def _escape(text: str) -> str:
    # Go refuses some of what Python's `re.escape` writes: a backslash before a space.
    return re.sub(r"([\\.+*?()|\[\]{}^$])", r"\\\1", text)


def parallel_specs(cores: int, memory: float) -> int:
    """Return how many specs run at a time, by the cores and the bytes that are free."""
    room = min(memory, MOST) - CLUSTER
    return max(1, min(PER_CORE * cores, int(room / PROCESS)))
