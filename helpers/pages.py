"""Run a notebook in a kernel of its own, and write it as a page of HTML.

`make chapter` and `python -m helpers export` do; neither changes a notebook's file.
"""

import base64
import copy
import mimetypes
import re
import sys
from collections.abc import Callable
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from nbconvert import HTMLExporter
from nbformat import NotebookNode
from traitlets.config import Config

from cluster.progress import Progress

#: Seconds for one cell, as in the tests; the longest wait of a helper takes up to 400.
CELL_TIMEOUT = 420
#: A kernel listens on a port of 127.0.0.1, where any user of the machine may read.
ENCRYPTED = Config({"KernelManager": {"transport_encryption": "auto"}})
#: What JupyterLab draws with scripts that a page would have to fetch from elsewhere.
_WIDGET = "application/vnd.jupyter.widget-view+json"
#: Pages are read without a network, too: no script that comes from another host.
_TEMPLATE = """{% extends "lab/index.html.j2" %}
{% block html_head_js %}{% endblock %}
{% block html_head_js_mathjax %}{% endblock %}
{% block html_head_js_mermaidjs %}{% endblock %}
{% block jupyter_widgets %}{% endblock %}
"""


def execute(
    notebook: NotebookNode, folder: Path, show: Callable[[str, int], object]
) -> str:
    """Run all cells in `folder`, and return which one failed and why, or "".

    `show` is called with the id and the place of each cell before it runs.
    """
    current = ""

    def started(cell: NotebookNode, cell_index: int) -> None:
        nonlocal current
        current = cell["id"]
        show(current, cell_index)

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
        config=ENCRYPTED,
    )
    try:
        client.execute()
    except CellExecutionError as error:
        return f"{current}: {error.ename}: {error.evalue}"
    except (CellTimeoutError, DeadKernelError) as error:
        return f"{current}: {type(error).__name__}"
    return ""


def steps(progress: Progress, name: str, cells: int) -> Callable[[str, int], None]:
    """Return what tells of each cell of a notebook, for `execute`."""

    def show(_: str, place: int) -> None:
        # A log wants a line per notebook, a screen may change with each cell.
        where = f": cell {place + 1} of {cells}" if sys.stderr.isatty() else ""
        progress.update(name + where)

    return show


def html(notebook: NotebookNode, title: str, folder: Path) -> str:
    """Return the page, its links to what is beside it turned to pages.

    Pictures, whose addresses are relative to `folder`, are part of it. Live views are
    shown in their text form, and nothing is fetched from another host.
    """
    # Not `embed_images`: it ends each <details> where its first paragraph begins.
    exporter = HTMLExporter(raw_template=_TEMPLATE)
    page, _ = exporter.from_notebook_node(
        _without_widgets(notebook),
        resources={"metadata": {"name": title, "path": str(folder)}},
    )
    page = re.sub(r'(<img [^>]*src=")([\w./-]+)(")', _embedded(folder), page)
    page = re.sub(r'(href="[\w./-]+)\.(?:ipynb|md)(["#])', r"\1.html\2", page)
    # As GitHub and JupyterLab have them, and as links are written: in lower case.
    return re.sub(r'(<h\d id=|href="[\w./-]*#)("?[^"]*")', _in_lower_case, page)


def _embedded(folder: Path) -> Callable[[re.Match[str]], str]:
    """Return what puts a picture in the place of its address."""

    def embed(found: re.Match[str]) -> str:
        picture = folder / found[2]
        if not picture.is_file():
            return found[0]
        kind, _ = mimetypes.guess_type(picture.name)
        data = base64.b64encode(picture.read_bytes()).decode()
        return f"{found[1]}data:{kind};base64,{data}{found[3]}"

    return embed


def _in_lower_case(found: re.Match[str]) -> str:
    return found[1] + found[2].lower()


def html_of_markdown(file: Path) -> str:
    """Return the page of a file of Markdown that notebooks lead to."""
    cell = nbformat.v4.new_markdown_cell(file.read_text("utf-8"))
    return html(nbformat.v4.new_notebook(cells=[cell]), file.stem, file.parent)


def _without_widgets(notebook: NotebookNode) -> NotebookNode:
    """Return a copy in which each view is its text alone."""
    plain = copy.deepcopy(notebook)
    plain.metadata.pop("widgets", None)
    for cell in plain.cells:
        for output in cell.get("outputs", ()):
            if _WIDGET in output.get("data", {}):
                text = output["data"].get("text/plain", "")
                output["data"] = NotebookNode({"text/plain": text})
    return plain
