"""Cells in any order, as a learner clicks: no traceback of ours, and no damage.

The first cell comes first, as every lesson says. The others come as chance has it, and
the one that cleans up is among them. Then all of them in order, in the same kernel.
"""

import os
import queue
import random
import re
import time

import pytest

from cluster.machine import identity
from helpers.course import lessons
from helpers.course.exercise import with_solutions
from tests.kernels import kernel
from tests.lessons.test_lessons import objects
from tests.notebooks import file_of, load
from tests.patience import patience

CORE = [lesson for lesson in lessons() if lesson.is_core]
#: seconds until a cell is interrupted, as by a learner who waits for nothing
INTERRUPT_AFTER = 10.0
#: seconds for a cell in its place
CELL_TIMEOUT = 420.0
#: our code in a traceback; a LabError shows none, and the cells' own errors have none
OURS = re.compile(r"File \S*/(helpers|cluster)/\S+\.py:\d+")


def run_cell(manager, client, cell: dict, seconds: float) -> tuple[str, str]:
    """Run a cell; return its error's name and what is shown of it, both may be ""."""
    asked = client.execute("".join(cell["source"]))
    error = ("", "")
    deadline = time.monotonic() + seconds
    while True:
        left = max(0.1, deadline - time.monotonic())
        try:
            message = client.get_iopub_msg(timeout=left)
        except queue.Empty:
            manager.interrupt_kernel()
            deadline = time.monotonic() + seconds
            continue
        content = message["content"]
        if message["parent_header"].get("msg_id") != asked:
            continue
        if message["msg_type"] == "error":
            error = content["ename"], "\n".join(content["traceback"])
        elif content.get("execution_state") == "idle":
            return error


@pytest.mark.full("cells in an order of chance")
@pytest.mark.parametrize("lesson", CORE, ids=lambda lesson: lesson.name)
def test_cells_in_any_order_do_no_damage(
    cluster,
    nothing_left,  # noqa: F811
    tmp_path,
    lesson,
):
    page = with_solutions(load(file_of(lesson.name)))
    cells = [cell for cell in page["cells"] if cell["cell_type"] == "code"]
    first, *others = cells
    random.Random(lesson.name).shuffle(others)
    before = objects()
    state = cluster.kubeconfig.parent
    machine = identity.pid_of(state, "pid_1")
    with kernel(os.environ["LAB_STATE_DIR"]) as (manager, client):
        # Without the cell that names its file, `%%writefile` writes to where it is.
        client.execute(f"%cd -q {tmp_path}")
        for cell in (first, *others):
            name, shown = run_cell(manager, client, cell, patience(INTERRUPT_AFTER))
            ours = OURS.search(re.sub(r"\x1b\[[\d;]*m", "", shown))
            assert not ours or name == "KeyboardInterrupt", f"{cell['id']}: {shown}"
        # In the lesson's own namespace there may be anything.
        assert [x for x in objects() - before if lesson.topic not in x] == []
        for cell in cells:
            name, shown = run_cell(manager, client, cell, CELL_TIMEOUT)
            tags = cell["metadata"].get("tags", [])
            assert not name or "raises-exception" in tags, f"{cell['id']}: {shown}"
    assert identity.pid_of(state, "pid_1") == machine
