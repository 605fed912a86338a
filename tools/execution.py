"""Run the cells of a notebook in a kernel of its own; its file is not changed."""

import tempfile
from pathlib import Path

from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from nbformat import NotebookNode
from traitlets.config import Config

#: Seconds for one cell, as in the tests; the longest wait of a helper takes up to 400.
CELL_TIMEOUT = 420
#: Not ports of 127.0.0.1: two kernels that start at once can be given the same one, and
#: any user of the machine may read there.
SOCKETS = Config({"KernelManager": {"transport": "ipc"}})


def execute(notebook: NotebookNode, folder: Path) -> str:
    """Run all cells in `folder`, and return which one failed and why, or ""."""
    current = ""

    def started(cell: NotebookNode, cell_index: int) -> None:
        nonlocal current
        current = cell["id"]

    client = NotebookClient(
        notebook,
        timeout=CELL_TIMEOUT,
        # The kernel of this environment, whatever the file was saved with.
        kernel_name="python3",
        skip_cells_with_tag="nbval-skip",
        resources={"metadata": {"path": str(folder)}},
        on_cell_start=started,
        # A shell cell sends its output in pieces of 100 bytes, and each would become
        # a paragraph of the page.
        coalesce_streams=True,
        # Nothing would draw the views of it.
        store_widget_state=False,
        config=SOCKETS,
    )
    try:
        # Not at home: the path of a socket has at most 107 bytes.
        with tempfile.TemporaryDirectory(prefix="kernel-") as sockets:
            client.create_kernel_manager().connection_file = f"{sockets}/kernel.json"
            client.execute()
    except CellExecutionError as error:
        return f"{current}: {error.ename}: {error.evalue}"
    except (CellTimeoutError, DeadKernelError) as error:
        return f"{current}: {type(error).__name__}"
    return ""
