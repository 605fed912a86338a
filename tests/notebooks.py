"""The notebooks of this checkout, for every test that reads them."""

import json
from pathlib import Path

ROOT = Path(__file__).parent.parent
FILES = sorted((ROOT / "notebooks").glob("*.ipynb"))


def load(path: Path) -> dict:
    return json.loads(path.read_text(encoding="utf-8"))


def tagged(notebook: dict, tag: str) -> list[dict]:
    return [
        cell for cell in notebook["cells"] if tag in cell["metadata"].get("tags", ())
    ]
