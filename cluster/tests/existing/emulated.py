"""A local cluster whose control plane behaves as an older minor version.

Gates, defaults and the APIs that are served are those of that version; sentences that
no gate guards, the kubelet and kubectl stay what they are.
"""

import dataclasses
import json
from pathlib import Path

from cluster import paths, versions
from cluster.local import init, namespaces
from cluster.local.backend import NAMESPACES, Local
from cluster.machine.components import Component, Facts, describe
from cluster.machine.host import Launch, Machine

#: Minor versions that the programs can emulate. Those of another release, as `make
#: older` gives them, are what they are.
MINORS = (
    ()
    if paths.assets_dir()
    else tuple(f"1.{versions.parse(versions.KUBERNETES).minor - n}" for n in (3, 2, 1))
)
FLAG = "--emulated-version"
_EMULATING = ("kube-apiserver", "kube-controller-manager", "kube-scheduler")


@dataclasses.dataclass(frozen=True)
class Plan(init.MachinePlan):
    """The order of a start, with the minor version."""

    minor: str


@dataclasses.dataclass(frozen=True)
class Emulated(Local):
    """The local cluster in `state`, as one of `minor` ("1.34"); "" is its own."""

    minor: str = ""

    @property
    def _machine(self) -> Machine:
        if not self.minor:
            return super()._machine

        def plan(launch: Launch) -> Plan:
            return Plan(**vars(NAMESPACES.plan(launch)), minor=self.minor)

        program = dataclasses.replace(NAMESPACES, main=f"{__name__}.main", plan=plan)
        return Machine(self.state, program)


def flags(minor: str) -> dict[str, str]:
    """Return the option of a component that emulates; none for ""."""
    return {FLAG: f"kube={minor}"} if minor else {}


def main(plan_file: str, report_to: str) -> int:
    """Start the machine as `cluster.local.namespaces.main` does, with that option."""
    path = Path(plan_file)
    plan = json.loads(path.read_text())
    [option] = (f"{name}={value}" for name, value in flags(plan.pop("minor")).items())
    path.write_text(json.dumps(plan))

    def emulating(facts: Facts) -> tuple[Component, ...]:
        return tuple(
            dataclasses.replace(part, argv=(*part.argv, option))
            if part.name in _EMULATING
            else part
            for part in describe(facts)
        )

    init.describe = emulating
    return namespaces.main(plan_file, report_to)
