"""Reports are read, and specs chosen, as Ginkgo and Go understand them."""

import json
import re

from cluster.tests.conformance import specs
from cluster.tests.conformance.specs import Outcome, Spec

#: a name with all that an expression could take for its own
AWKWARD = (
    "[sig-node] Pods (a.b|c*) [NodeConformance] should say 1+1?^$ \\d {2} [Serial]"
)


def reported(*texts, state="passed", groups=(), labels=(), kind="It") -> dict:
    *hierarchy, leaf = texts
    return {
        "LeafNodeType": kind,
        "ContainerHierarchyTexts": hierarchy,
        "ContainerHierarchyLabels": [*groups],
        "LeafNodeText": leaf,
        "LeafNodeLabels": labels and [*labels],
        "State": state,
    }


def test_a_dry_run_names_the_chosen_specs_and_those_that_run_alone():
    found = [
        reported("[sig-node] Pods", "", "run", groups=[["Conformance"], None]),
        reported("[sig-apps] Sets", "stop", groups=[["Serial"]], labels=None),
        reported("[sig-apps] Jobs", "end", labels=["Serial"]),
        reported("[sig-apps] Jobs", "of others", state="skipped"),
        reported("before all", kind="BeforeSuite"),
    ]
    assert specs.chosen_specs(json.dumps([{"SpecReports": found}])) == [
        Spec("[sig-apps] Jobs end", serial=True),
        Spec("[sig-apps] Sets stop", serial=True),
        Spec("[sig-node] Pods run"),
    ]


def test_a_title_has_no_tags_but_the_group_that_owns_it():
    spec = Spec("[sig-node] Pods [Serial] should run [Conformance]")
    assert (spec.title, spec.sig) == ("[sig-node] Pods should run", "sig-node")


def test_of_a_run_that_was_killed_what_is_whole_counts():
    def line(name, state, reason=""):
        return json.dumps(dict(name=name, state=state, seconds=1.5, reason=reason))

    lines = [
        line("a", "failed", "no"),
        line("a", "passed"),
        line("b", "interrupted"),
        line("c", "aborted"),
        line("d", "timedout", "late"),
        line("e", "passed")[:20],
    ]
    assert specs.read_outcomes("\n".join(lines)) == {
        "a": Outcome("passed", 1.5),
        "d": Outcome("timedout", 1.5, "late"),
    }
    assert specs.read_outcomes("") == {}


def test_a_reason_is_one_line_on_the_page():
    assert Outcome("failed", reason="a\n  b\n").summary == "a b"
    cut = Outcome("failed", reason="x" * 1000).summary
    assert cut == "x" * 300 + " …"


def test_an_expression_finds_the_specs_that_it_is_of_and_no_other():
    wanted = [Spec(AWKWARD), Spec("[sig-apps] Jobs end")]
    pattern = specs.focus(wanted)
    # Ginkgo looks for it in the suite's name, a space and the spec's.
    for name in (spec.name for spec in wanted):
        assert re.search(pattern, f"Kubernetes e2e suite {name}")
        assert not re.search(pattern, f"Kubernetes e2e suite {name} twice")
    assert not re.search(pattern, "Kubernetes e2e suite [sig-apps] CronJobs end")
    # Go knows no backslash before a space or a minus.
    assert re.fullmatch(r"(?:[^\\]|\\[\\.+*?()|\[\]{}^$])*", pattern)


def test_specs_at_a_time_are_as_many_as_cores_and_memory_allow():
    assert specs.parallel_specs(2, 16e9) == 6
    assert specs.parallel_specs(64, 64e9) == 11
    assert specs.parallel_specs(2, 4e9) == 2
    assert specs.parallel_specs(2, 1e9) == 1
