"""The two packages have one arrow, and no arrow in `cluster` leads upwards.

The floors of `cluster` are those of the table in its README.
"""

import ast
import graphlib
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.notebooks import ROOT

#: a row of the table of floors in cluster/README.md: its rooms, and what is there
FLOOR = re.compile(r"\| ((?:`[a-z_]+(?:/|\.py)` )+)\|.*\|")
#: open to any module of `helpers`: they start, find and build nothing
LEAVES = {
    "cluster.errors",
    "cluster.kubeconfig",
    "cluster.language",
    "cluster.paths",
    "cluster.permissions",
    "cluster.processes",
    "cluster.progress",
    "cluster.versions",
    "cluster.waiting",
}
#: further modules of `cluster`, by the module of `helpers` that may import them
DOORS = {
    "audit": {"cluster.machine.audit"},
    "cli": {"cluster.cli"},
    "command": {"cluster.backend"},
    "connection": {"cluster.backends"},
    "needs": {"cluster.backends"},
    "proxy": {"cluster.die_with_parent"},
}


def imports(
    tree: ast.AST, *, types: bool = False
) -> Iterator[ast.Import | ast.ImportFrom]:
    """Yield the imports of a module, wherever it makes them.

    Those that only types need are left out, unless `types` asks for them.
    """
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield node
        elif types or not (
            isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test)
        ):
            yield from imports(node, types=types)


def imported(path: Path, *, types: bool = False) -> set[str]:
    """Return the modules of ours that a file imports, and names in them."""
    found = set()
    for node in imports(ast.parse(path.read_text("utf-8")), types=types):
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
    """Six go by its door; the rest would do with any cluster, whoever runs it."""
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


def floors() -> dict[str, int]:
    """Return the floor of each room in the table; the package itself is below all."""
    readme = (ROOT / "cluster" / "README.md").read_text("utf-8")
    table = readme.partition("| floor |")[2].partition("\n\n")[0]
    _, _, *rows = table.splitlines()
    found = {"": 0}
    for number, row in enumerate(reversed(rows), start=1):
        line = FLOOR.fullmatch(row)
        assert line, row
        for room in re.findall("[a-z_]+(?=/|[.]py)", line[1]):
            assert room not in found, room
            found[room] = number
    return found


def room_of(name: str) -> str:
    return f"{name}.".split(".")[1]


@pytest.mark.parametrize("path", modules("cluster"), ids=str)
def test_no_arrow_in_cluster_leads_upwards(path):
    """Rooms import from the floors below, and no room one that is beside it."""
    found = imported(path, types=True)
    assert not [name for name in found if name.startswith("helpers")]
    floor_of, room = floors(), room_of(name_of(path))
    others = [name for name in found if room_of(name) != room]
    assert not [n for n in others if floor_of[room_of(n)] >= floor_of[room]]


def test_every_room_of_cluster_has_its_floor():
    """A folder is a room, and so is a module beside them."""
    paths = modules("cluster")
    top = {path.relative_to(ROOT / "cluster").parts[0] for path in paths}
    rooms = {name.removesuffix(".py") for name in top - {"__init__.py"}}
    assert rooms == {*floors()} - {""}


def test_no_modules_import_each_other():
    """Not even late, in a function: who reads one need not know the other."""
    paths = [*modules("cluster"), *modules("helpers")]
    known = {name_of(path): imported(path) for path in paths}
    arrows = {
        name: {found if found in known else found.rpartition(".")[0] for found in names}
        for name, names in known.items()
    }
    graphlib.TopologicalSorter(arrows).prepare()
