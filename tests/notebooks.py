"""The notebooks of this checkout, for every test that reads them."""

import json
import os
import subprocess
from pathlib import Path

ROOT = Path(__file__).parent.parent
FILES = sorted((ROOT / "notebooks").glob("*.ipynb"))


def load(path: Path) -> dict:
    return json.loads(path.read_text(encoding="utf-8"))


def tagged(notebook: dict, tag: str) -> list[dict]:
    return [
        cell for cell in notebook["cells"] if tag in cell["metadata"].get("tags", ())
    ]


def source(name: str, cell: str) -> str:
    """Return what stands in a cell of notebook `name`, without an ending."""
    cells = load(ROOT / "notebooks" / f"{name}.ipynb")["cells"]
    [found] = ["".join(c["source"]) for c in cells if c["id"] == cell]
    return found


def run_in_shell(name: str, cell: str, namespace: str) -> None:
    """Run a `%%bash` cell of a notebook, as it would run below `connect()`."""
    magic, _, script = source(name, cell).partition("\n")
    assert magic == "%%bash"
    environment = os.environ | {"NAMESPACE": namespace}
    subprocess.run(["bash", "-c", script], env=environment, check=True, timeout=120)
