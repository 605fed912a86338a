"""Run the cells of lessons by nbval: with solutions, and each check on its stub first.

A plugin of the root conftest.py. nbval collects a lesson, runs its cells in one kernel
and fails where one raises; the rest is here: which source an exercise has, what a check
must refuse, and what no output may show.
"""

import functools
import importlib.util
import itertools
import shutil
import tempfile
import uuid
from collections.abc import Iterator

import nbval.kernel
import pytest
from jupyter_client.manager import KernelManager
from nbval.plugin import IPyNbCell

from helpers.course.exercise import has_tag, with_solutions
from tools.proofs import PROOF, proof_faults, with_proofs

#: of the test tools, which the container image does not have
SECRETS = importlib.util.find_spec("detect_secrets")


def pytest_configure(config: pytest.Config) -> None:
    """Give kernels sockets in a directory instead of ports of 127.0.0.1.

    nbval picks free ports and hands them to a kernel that binds them a second later:
    kernels that workers start at once can be given the same one.
    """
    folder = tempfile.mkdtemp(prefix="kernels-")
    config.add_cleanup(functools.partial(shutil.rmtree, folder, ignore_errors=True))

    def kernel_manager(**options: object) -> KernelManager:
        file = f"{folder}/{uuid.uuid4().hex[:8]}.json"
        return KernelManager(transport="ipc", connection_file=file, **options)

    nbval.kernel.KernelManager = kernel_manager


def pytest_report_header() -> list[str]:
    """Say what is not looked at here."""
    return [] if SECRETS else ["secrets in outputs: detect-secrets is not here"]


# Before cells are marked and sorted.
@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run the solutions of exercises instead of their stubs, and the proofs before."""
    items[:] = [
        item
        for _, group in itertools.groupby(items, key=_notebook_of)
        for item in _with_proofs([*group])
    ]


def _notebook_of(item: pytest.Item) -> object:
    return item.parent if isinstance(item, IPyNbCell) else item


def _with_proofs(items: list[pytest.Item]) -> Iterator[pytest.Item]:
    """Yield the items of one notebook with its proofs, or the one item of another."""
    if not isinstance(items[0], IPyNbCell):
        yield from items
        return
    notebook = items[0].parent.nb
    by_id = {item.cell.id: item for item in items}
    number = 0
    for cell in with_proofs(notebook.cells, with_solutions(notebook).cells):
        if item := by_id.get(cell.id):
            item.cell.source = cell.source
            number = item.cell_num
            yield item
        elif has_tag(cell, PROOF):
            yield IPyNbCell.from_parent(
                items[0].parent,
                name=f"Proof {cell.id}",
                cell_num=number,
                cell=cell,
                options={"check": False, "check_exception": True, "skip": False},
            )


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    """Fail a cell that ran and shows a secret, mixes streams, or proves nothing."""
    yield
    if isinstance(item, IPyNbCell):
        if faults := [*faults_of(item.cell, item.test_outputs or [])]:
            item.raise_cell_error("; ".join(faults))


def faults_of(cell: dict, outputs: list[dict]) -> Iterator[str]:
    """Yield a line for each fault of a cell's outputs that is no exception."""
    if SECRETS:
        from tools import leaks

        yield from (f"the output shows {what}" for what in leaks.find_in(outputs))
    streams = {output["name"] for output in outputs if "name" in output}
    if len(streams) > 1:
        # Two are read side by side: what a command says last could stand first.
        yield "the output has two streams"
    yield from proof_faults([{**cell, "outputs": outputs}])
