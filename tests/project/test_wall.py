"""The two packages have one arrow: `helpers` may use `cluster`, never the reverse."""

import ast
from pathlib import Path

import pytest

from tests.notebooks import ROOT

#: what any module of `helpers` may import: they start, find and build nothing
LEAVES = {
    f"cluster.{name}"
    for name in (
        "errors",
        "kubeconfig",
        "paths",
        "permissions",
        "processes",
        "progress",
        "waiting",
    )
}

#: what goes by the door of `cluster`, and what it is for
DOORS = {
    "audit": {"cluster.machine.audit"},
    "cli": {"cluster.cli"},
    "command": {"cluster.backend"},
    "connection": {"cluster.backends"},
    "proxy": {"cluster.die_with_parent"},
}


def imported(path: Path) -> set[str]:
    """Return the modules of ours that a file imports, wherever it does so."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return {name for name in found if name.split(".")[0] in ("cluster", "helpers")}


def modules(package: str) -> list[Path]:
    return sorted((ROOT / package).rglob("*.py"))


@pytest.mark.parametrize("path", modules("cluster"), ids=str)
def test_cluster_never_imports_helpers(path):
    """Who reads `helpers` need not know how a cluster starts, and the other way."""
    assert not [name for name in imported(path) if name.startswith("helpers")]


@pytest.mark.parametrize("path", modules("helpers"), ids=str)
def test_a_helper_imports_little_of_the_cluster(path):
    """Five go by its door; the rest would do with any cluster, whoever runs it."""
    found = {name for name in imported(path) if name.startswith("cluster")}
    allowed = DOORS.get(path.stem, set()) if path.parent.name == "helpers" else set()
    beyond = {
        name
        for name in found - {"cluster"}
        if not any(f"{name}.".startswith(f"{leaf}.") for leaf in LEAVES | allowed)
    }
    assert not beyond
