"""Each failure is in the list with a reason, or it fails the run."""

import pytest

from cluster.tests.conformance import judgement
from cluster.tests.conformance.judgement import Entry, Failure, judge
from cluster.tests.conformance.specs import Outcome, Spec

PODS = Spec("[sig-node] Pods should run [Conformance]")
RESIZE = Spec("[sig-node] Pods should grow [Conformance]")
NODES = Spec("[sig-apps] Sets [Serial] should move", serial=True)
ALL = (PODS, RESIZE, NODES)
TWO = Entry("[sig-apps] Sets should move", "a second node", "there is one")
LIMITS = Entry(
    "[sig-node] Pods should grow", "cgroup v2", "a policy", judgement.WITHOUT_LIMITS
)
PASSED, FAILED = Outcome("passed"), Outcome("failed", reason="no")


def judged(*outcomes, entries=(TWO, LIMITS), limits=False):
    ends = zip(ALL, outcomes, strict=False)
    named = {spec.name: outcome for spec, outcome in ends if outcome}
    return judge(ALL, named, entries, limits=limits)


def test_what_the_list_has_may_fail_and_is_counted_by_its_group():
    result = judged(PASSED, FAILED, FAILED)
    assert result.is_good
    assert result.failures == (
        Failure(RESIZE, FAILED, LIMITS),
        Failure(NODES, FAILED, TWO),
    )
    assert result.counts() == {
        "sig-apps": {"specs": 1, "failed": 1},
        "sig-node": {"specs": 2, "passed": 1, "failed": 1},
        "all": {"specs": 3, "passed": 1, "failed": 2},
    }
    assert (result.missing, result.obsolete) == ((), ())


@pytest.mark.parametrize("state", ["failed", "timedout", "panicked", "skipped"])
def test_anything_else_fails_the_run(state):
    result = judged(Outcome(state), FAILED, FAILED)
    assert not result.is_good
    assert [failure.spec for failure in result.unexpected] == [PODS]


def test_a_skip_is_counted_as_one():
    counts = judged(PASSED, FAILED, Outcome("skipped")).counts()
    assert counts["sig-apps"] == {"specs": 1, "skipped": 1}


def test_where_limits_are_enforced_a_resize_has_to_pass():
    result = judged(PASSED, FAILED, FAILED, limits=True)
    assert [failure.spec for failure in result.unexpected] == [RESIZE]
    assert judged(PASSED, PASSED, FAILED, limits=True).obsolete == ()


def test_an_entry_is_named_that_passed_or_that_the_suite_does_not_have():
    gone = Entry("[sig-node] Pods should fly", "a second node", "wings")
    result = judged(PASSED, PASSED, FAILED, entries=(TWO, LIMITS, gone))
    assert result.is_good
    assert result.obsolete == (LIMITS, gone)


def test_a_spec_that_did_not_run_fails_the_run_and_keeps_its_entry():
    result = judged(PASSED, FAILED)
    assert (result.missing, result.is_good) == ((NODES,), False)
    assert result.obsolete == ()
    assert result.counts()["all"] == {"specs": 3, "passed": 1, "failed": 1}


def test_every_entry_of_the_list_has_a_title_an_owner_and_a_reason():
    entries = judgement.read_list(judgement.LIST.read_text("utf-8"))
    assert len({entry.spec for entry in entries}) == len(entries) > 0
    for entry in entries:
        assert entry.spec == Spec(entry.spec).title
        assert entry.owner in ("a second node", "cgroup v2", "a stand-in image")
        assert entry.reason and not entry.reason.endswith(".")
        assert entry.when in (judgement.ALWAYS, judgement.WITHOUT_LIMITS)
    with pytest.raises(TypeError):
        judgement.read_list('[[failure]]\nspec = "x"\nwhose = "nobody\'s"\n')
