"""What nbval cannot say of a lesson: each cell twice, any order, a twin beside it.

No cell fails, no output shows a secret, and nothing is left behind, in the cluster or
on the machine. That each lesson passes once, and each check refuses its stub, is what
nbval says (tests/lessoncells.py).
"""

import json
import os
import queue
import random
import re
import shutil
import time

import psutil
import pytest

from cluster.machine import identity
from cluster.tests.slowness import scaled
from cluster.waiting import poll
from helpers import KubectlProxy, api_resources, kubectl
from helpers.course import lessons
from helpers.course.exercise import has_tag, with_solutions
from tests.kernels import kernel
from tests.notebooks import (
    FILES,
    ROOT,
    execute,
    file_of,
    load,
    locked_copy,
    tagged,
    written_to,
)
from tools.chapter import start_rank

#: Made by the cluster for itself while time passes, and removed by it.
PASSING = {"events", "leases"}
#: Resources that list something else, and are stored nowhere.
NOT_STORED = {"componentstatuses"}

#: of the core, lessons that leave a process, change a pod, and grant rights to others
SHUFFLED = "03 05 06".split()
IN_ANY_ORDER = [
    pytest.param(
        lesson,
        marks=pytest.mark.full("cells in an order of chance")
        if lesson.number in SHUFFLED
        else pytest.mark.machines("the same, of the other lessons"),
    )
    for lesson in lessons()
    if lesson.is_core
]
#: numbers of the lessons that make what is cluster-scoped, or take a port
TWINS = "03 06 08 15 16 19 20 24 27".split()
#: seconds until a cell is interrupted, as by a learner who waits for nothing
INTERRUPT_AFTER = 10.0
#: seconds for a cell in its place
CELL_TIMEOUT = 420.0
#: our code in a traceback; a LabError shows none, and the cells' own errors have none
OURS = re.compile(r"File \S*/(helpers|cluster)/\S+\.py:\d+")

each_notebook = pytest.mark.parametrize(
    "path",
    sorted(FILES, key=start_rank),
    ids=lambda path: path.stem,
)


def ending() -> set[str]:
    """Return the names of the namespaces that are being removed."""
    items = kubectl("get", "namespaces", "-o", "json").json()["items"]
    metadata = [item["metadata"] for item in items]
    return {meta["name"] for meta in metadata if "deletionTimestamp" in meta}


def objects() -> set[str]:
    """Return "resource.group namespace/name" of every object of the cluster.

    Without namespaces that are being removed, and what is in them.
    """
    found = set()
    with KubectlProxy() as proxy:
        on_their_way = ending()
        for row in api_resources(proxy).itertuples():
            if row.NAME in PASSING | NOT_STORED or "list" not in row.VERBS:
                continue
            group, _, version = row.APIVERSION.rpartition("/")
            root = f"/apis/{group}/{version}" if group else f"/api/{version}"
            for item in proxy.read(f"{root}/{row.NAME}")["items"]:
                meta = item["metadata"]
                if row.NAME == "ipaddresses":
                    # Cluster-scoped, and made and deleted with its Service.
                    meta["namespace"] = item["spec"]["parentRef"]["namespace"]
                if on_their_way & {meta.get("namespace"), meta["name"]}:
                    continue
                where = f"{meta.get('namespace', '')}/{meta['name']}"
                found.add(f"{row.NAME}.{group} {where}")
    return found


def processes(cluster) -> set[int]:
    """Return the pids of every program that talks to the cluster of these tests."""
    state = f"{cluster.kubeconfig.parent}/"
    return {
        process.pid
        for process in psutil.process_iter(["name", "environ"])
        if process.info["name"] == "kubectl"
        and (process.info["environ"] or {}).get("KUBECONFIG", "").startswith(state)
    }


@pytest.fixture(scope="module")
def namespaces_end(cluster):
    """See that the namespaces which the tests have deleted do end."""
    yield
    poll(lambda: not ending(), scaled(60))
    assert ending() == set()


@pytest.fixture
def nothing_left(cluster, namespaces_end):
    """Compare the cluster and the machine before and after a test."""
    running, before = processes(cluster), objects()
    assert any(name.startswith("services. default/kubernetes") for name in before)
    yield
    # A proxy is told by the kernel that its notebook's has ended.
    poll(lambda: not processes(cluster) - running, scaled(10))
    assert processes(cluster) - running == set()
    # The path of a kind that was added goes a moment after the kind.
    poll(lambda: not objects() - before, scaled(10))
    assert objects() - before == set()


@pytest.mark.full("each cell twice, as whoever is unsure runs it")
@each_notebook
def test_each_cell_runs_twice_and_nothing_is_left(nothing_left, path, tmp_path):
    """Those that make what is cluster-scoped or take a port also meet themselves."""
    twice, twin = tmp_path / "twice", tmp_path / "twin"
    with locked_copy(path.stem) as file:
        beside = twin if path.stem[:2] in TWINS else None
        execute(path, twice, twice=True, beside=beside)
        look(path, twice)
        assert beside is None or written_to(twin, path).exists()
        shutil.copy(written_to(twice, path), file)


@pytest.mark.full("all of its cells are those of English")
def test_a_lesson_in_korean_passes_and_says_so_in_korean(nothing_left, tmp_path):
    """`make site` runs the other lessons."""
    path = ROOT / "notebooks/ko/02-cluster-info.ipynb"
    execute(path, tmp_path)
    look(path, tmp_path)
    checks = tagged(load(written_to(tmp_path, path)), "check")
    shown = [json.dumps(cell["outputs"], ensure_ascii=False) for cell in checks]
    assert shown and all(re.search("[가-힣]", text) for text in shown), shown


def look(path, target):
    """See that what ran is the notebook, all of it."""
    ran, written = load(written_to(target, path))["cells"], load(path)["cells"]
    assert [cell["id"] for cell in ran] == [cell["id"] for cell in written]
    counts = {cell["id"]: cell.get("execution_count", "text") for cell in ran}
    assert None not in counts.values(), counts


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


@pytest.mark.parametrize("lesson", IN_ANY_ORDER, ids=lambda lesson: lesson.name)
def test_cells_in_any_order_do_no_damage(cluster, nothing_left, tmp_path, lesson):
    """As a learner clicks: no traceback of ours.

    The first cell comes first, as every lesson says, the others as chance has it, with
    the one that cleans up. Then all of them in order, in the same kernel.
    """
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
            name, shown = run_cell(manager, client, cell, INTERRUPT_AFTER)
            ours = OURS.search(re.sub(r"\x1b\[[\d;]*m", "", shown))
            assert not ours or name == "KeyboardInterrupt", f"{cell['id']}: {shown}"
        # In the lesson's own namespace there may be anything.
        assert [x for x in objects() - before if lesson.topic not in x] == []
        for cell in cells:
            name, shown = run_cell(manager, client, cell, CELL_TIMEOUT)
            may = has_tag(cell, "raises-exception")
            assert not name or may, f"{cell['id']}: {shown}"
    assert identity.pid_of(state, "pid_1") == machine
