"""The core lessons with pods pass on a node in user-mode Linux, on one processor."""

import os

import pytest

from cluster import choice
from cluster.controlplane.backend import ControlPlane
from cluster.progress import Silent
from cluster.usermode import kernel
from helpers.course import lessons
from tests.notebooks import ROOT, execute

pytestmark = [
    pytest.mark.full("user-mode Linux"),
    pytest.mark.skipif(
        kernel.find()[0] is None, reason=kernel.find()[1] or "it can be had"
    ),
]


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """Have one that shares a single processor with all that asks it."""
    processors = os.sched_getaffinity(0)
    state = tmp_path_factory.mktemp("lessons") / "state"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LAB_STATE_DIR", str(state))
        patch.setenv("LAB_BACKEND", choice.CONTROL_PLANE)
        os.sched_setaffinity(0, {min(processors)})
        lab = ControlPlane(state)
        try:
            lab.up(Silent())
            yield lab
        finally:
            lab.delete()
            os.sched_setaffinity(0, processors)


@pytest.mark.parametrize(
    "lesson",
    [one for one in lessons() if one.pods and one.is_core],
    ids=lambda lesson: lesson.name,
)
def test_a_lesson_passes_with_its_pods(lab, lesson, tmp_path):
    """Its checks, too: they refuse the stub and take the solution."""
    lab.require_node(lesson.name)
    execute(ROOT / "notebooks" / lesson.path, tmp_path)
