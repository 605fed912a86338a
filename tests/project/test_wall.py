"""No arrow leads upwards: between the top folders, in a package, or in the tab's Go.

The floors are those of the tables in CONTRIBUTING and in the READMEs of the folders.
"""

import ast
import graphlib
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.notebooks import ROOT

PACKAGES = ("cluster", "helpers")
#: the top folders with code, without tests, which may use what they like
FOLDERS = ("cluster", "helpers", "tab", "tools", "website", "benchmarks", "binder")
#: an import of a package of the tab's program, in its Go
GO_IMPORT = re.compile(r'^(?:import )?\s*(?:\w+ )?"tab/(\w+)"$', re.MULTILINE)
#: a row of the table of floors in the README of a package: its rooms, and what is there
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
    "views.audit": {"cluster.machine.audit"},
    "cli": {"cluster.cli"},
    "command": {"cluster.backend"},
    "connection": {"cluster.backends"},
    "needs": {"cluster.backends"},
    "pytest_plugin": {"cluster.backends"},
    "api.proxy": {"cluster.die_with_parent"},
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
    return {name for name in found if name.split(".")[0] in FOLDERS}


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


def floors(page: str) -> dict[str, int]:
    """Return the floor of each room in a page's table; "" is the house, below all."""
    text = (ROOT / page).read_text("utf-8")
    table = text.partition("| floor |")[2].partition("\n\n")[0]
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
def test_the_cluster_imports_no_helper(path):
    """What gives a cluster knows no course."""
    assert not [n for n in imported(path, types=True) if n.startswith("helpers")]


@pytest.mark.parametrize("path", [*modules("cluster"), *modules("helpers")], ids=str)
def test_no_arrow_leads_upwards(path):
    """Rooms import from the floors below, and no room one that is beside it."""
    name = name_of(path)
    package, room = name.partition(".")[0], room_of(name)
    rooms = {
        room_of(target)
        for target in imported(path, types=True)
        if target.partition(".")[0] == package
    }
    floor_of = floors(f"{package}/README.md")
    # The package itself is the door: it may name every room, and all may import it.
    above = {r for r in rooms - {room} if floor_of.get(r, 0) >= floor_of[room]}
    assert not above or not room


@pytest.mark.parametrize("package", PACKAGES)
def test_every_room_has_its_floor(package):
    """A folder is a room, and so is a module beside them."""
    top = {path.relative_to(ROOT / package).parts[0] for path in modules(package)}
    rooms = {name.removesuffix(".py") for name in top - {"__init__.py"}}
    assert rooms - {"data"} == {*floors(f"{package}/README.md")} - {""}


def files_with_code(folder: str) -> list[Path]:
    """Return the modules of a top folder that are no tests and run on this machine."""
    beside = ("tests", "stand_ins")
    return [path for path in modules(folder) if not {*beside} & {*path.parts}]


@pytest.mark.parametrize("folder", FOLDERS)
def test_no_top_folder_imports_one_above_or_beside_it(folder):
    """A benchmark, too: what is measured knows nothing of it."""
    floor_of = floors("CONTRIBUTING.md")
    above = {
        f"{name_of(path)} imports {name}"
        for path in files_with_code(folder)
        for name in imported(path, types=True)
        if (top := name.partition(".")[0]) != folder
        if floor_of[top] >= floor_of[folder]
    }
    assert not above


def test_every_top_folder_with_code_has_its_floor():
    with_code = {
        path.name
        for path in ROOT.iterdir()
        if not path.name.startswith(".") and path.name not in ("build", "dist")
        if any(path.rglob("*.py"))
    }
    assert with_code - {"tests"} == {*FOLDERS} == {*floors("CONTRIBUTING.md")} - {""}


def test_no_package_of_the_tabs_program_imports_one_above_or_beside_it():
    """The compiler refuses a circle; this, an arrow that the table does not have."""
    places = {path.name: path for path in (ROOT / "tab/go").iterdir() if path.is_dir()}
    floor_of = floors("tab/README.md")
    assert {*places} == {*floor_of} - {""}
    found = {
        (room, target)
        for room, place in places.items()
        for path in place.rglob("*.go")
        for target in GO_IMPORT.findall(path.read_text("utf-8"))
    }
    assert ("server", "etcd") in found
    assert not {(a, b) for a, b in found if floor_of[b] >= floor_of[a]}


def test_no_modules_import_each_other():
    """Not even late, in a function: who reads one need not know the other."""
    paths = [path for folder in FOLDERS for path in files_with_code(folder)]
    known = {name_of(path): imported(path) for path in paths}
    arrows = {
        name: {found if found in known else found.rpartition(".")[0] for found in names}
        for name, names in known.items()
    }
    graphlib.TopologicalSorter(arrows).prepare()
