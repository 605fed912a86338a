"""The two packages have one arrow, and no arrow in `cluster` leads upwards."""

import ast
import graphlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.notebooks import ROOT

#: the rooms of `cluster`, from the ground up: each imports from floors below its own;
#: a module that has a floor of its own is named with its room
FLOORS = (
    ("die_with_parent", "errors", "findings", "progress", "syscalls", "versions"),
    ("backend", "preflight", "processes", "waiting"),
    ("permissions",),
    ("paths",),
    ("statedir",),
    ("image", "kubeconfig", "machine"),
    ("programs",),
    ("existing", "kind", "local"),
    ("usermode",),
    tuple(f"doctor.{n}" for n in ("machine", "node", "programs")),
    ("existing.backend", "kind.backend", "local.backend"),
    ("controlplane",),
    ("backends",),
    ("doctor",),
    ("cli",),
)
FLOOR_OF = {room: number for number, rooms in enumerate(FLOORS) for room in rooms}
#: open to any module of `helpers`: they start, find and build nothing
LEAVES = {
    *("cluster.errors", "cluster.kubeconfig", "cluster.paths"),
    *("cluster.permissions", "cluster.processes", "cluster.progress"),
    "cluster.waiting",
}
#: further modules of `cluster`, by the module of `helpers` that may import them
DOORS = {
    "deeper.audit": {"cluster.machine.audit"},
    "cli": {"cluster.cli"},
    "command": {"cluster.backend"},
    "connection": {"cluster.backends"},
    "proxy": {"cluster.die_with_parent"},
}


def imports(tree: ast.AST) -> Iterator[ast.Import | ast.ImportFrom]:
    """Yield what runs of a module imports, wherever it does so: not what types need."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield node
        elif not (isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test)):
            yield from imports(node)


def imported(path: Path) -> set[str]:
    """Return the modules of ours that a file imports, and names in them."""
    found = set()
    for node in imports(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif not node.level:
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return {name for name in found if name.split(".")[0] in ("cluster", "helpers")}


def modules(package: str) -> list[Path]:
    """Return its modules, without its tests, which may use what they like."""
    found = sorted((ROOT / package).rglob("*.py"))
    return [path for path in found if path.parts[len(ROOT.parts) + 1] != "tests"]


@pytest.mark.parametrize("path", modules("helpers"), ids=str)
def test_a_helper_imports_little_of_the_cluster(path):
    """Five go by its door; the rest would do with any cluster, whoever runs it."""
    found = {name for name in imported(path) if name.startswith("cluster")}
    allowed = DOORS.get(name_of(path).removeprefix("helpers."), set())
    beyond = {
        name
        for name in found - {"cluster"}
        if not any(f"{name}.".startswith(f"{leaf}.") for leaf in LEAVES | allowed)
    }
    assert not beyond


def name_of(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts).removesuffix(".__init__")


def place(name: str) -> tuple[str, int]:
    """Return the room of a module, and its floor."""
    _, room, module, *_ = f"{name}..".split(".")
    return room, FLOOR_OF.get(f"{room}.{module}", FLOOR_OF.get(room, 0))


@pytest.mark.parametrize("path", modules("cluster"), ids=str)
def test_no_arrow_in_cluster_leads_upwards(path):
    """Shared code knows no backend, a backend knows no command, and none a helper."""
    assert not [name for name in imported(path) if name.startswith("helpers")]
    room, floor = place(name_of(path))
    others = {name: place(name) for name in imported(path)}
    assert not [n for n, (r, above) in others.items() if r != room and above >= floor]


def test_every_room_of_cluster_has_its_floor():
    rooms = {name_of(path).split(".")[1] for path in modules("cluster")[1:]}
    assert rooms == {name.split(".")[0] for name in FLOOR_OF}


def test_no_modules_import_each_other():
    """Not even late, in a function: who reads one need not know the other."""
    paths = [*modules("cluster"), *modules("helpers")]
    known = {name_of(path): imported(path) for path in paths}
    arrows = {
        name: {found if found in known else found.rpartition(".")[0] for found in names}
        for name, names in known.items()
    }
    graphlib.TopologicalSorter(arrows).prepare()
