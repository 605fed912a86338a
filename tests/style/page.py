"""A notebook as the rules see it: its metadata and its cells."""

import ast
import functools
import re
from dataclasses import dataclass, field

from IPython.core.inputtransformer2 import TransformerManager

Fault = tuple[str, str]
FENCED = re.compile(r"^\s*(```|~~~).*?^\s*(```|~~~)[^\n]*\n?", re.M | re.S)
#: how bash says `assert`
TEST = re.compile(r"test |.*\bjq -e\b")


@dataclass(frozen=True, eq=False)
class Cell:
    """A cell; `position` counts from 0 over all cells of the notebook."""

    position: int
    id: str
    kind: str
    source: str
    metadata: dict = field(default_factory=dict)

    @property
    def tags(self) -> tuple[str, ...]:
        return tuple(self.metadata.get("tags", ()))

    @property
    def is_code(self) -> bool:
        return self.kind == "code"

    @property
    def lines(self) -> list[str]:
        """Return the lines that hold something."""
        return [line for line in self.source.splitlines() if line.strip()]

    @functools.cached_property
    def magic(self) -> str:
        """Return the name of the cell magic, or nothing: "bash" for `%%bash`."""
        found = re.match(r"\s*%%(\w+)", self.source) if self.is_code else None
        return found[1] if found else ""

    @functools.cached_property
    def tree(self) -> ast.Module | None:
        """Return the Python in it, `!` and `%` lines as calls; None if there is none.

        What is no Python at all is ruff's to report, so it counts as empty here.
        """
        if not self.is_code or self.magic:
            return None
        try:
            return ast.parse(TransformerManager().transform_cell(self.source))
        except SyntaxError:
            return None

    def nodes(self, *kinds: type) -> list:
        """Return the nodes of these kinds in its Python."""
        tree = ast.walk(self.tree) if self.tree else ()
        return [node for node in tree if isinstance(node, kinds)]

    @property
    def tests(self) -> list[str]:
        """Return what each assert in it demands."""
        return [ast.unparse(node.test) for node in self.nodes(ast.Assert)]

    @property
    def proves(self) -> bool:
        """Return whether it asserts something: a `%%sh` cell by a line with `test`."""
        shell = self.magic == "sh" and any(map(TEST.match, self.lines))
        return shell or bool(self.tests)

    @property
    def text(self) -> list[str]:
        """Return the lines of prose, without what stands in fenced blocks."""
        return FENCED.sub("", self.source).splitlines()

    @property
    def headings(self) -> list[tuple[int, str]]:
        """Return level and words of each heading in a prose cell."""
        lines = () if self.is_code else self.text
        found = [re.match(r"(#{1,6})\s+(.*)", line) for line in lines]
        return [(len(match[1]), match[2]) for match in found if match]


@dataclass(frozen=True)
class Page:
    """A notebook: its metadata and its cells in order."""

    metadata: dict
    cells: tuple[Cell, ...]

    @classmethod
    def read(cls, notebook: dict) -> "Page":
        """Make a page of a notebook's parsed JSON."""
        cells = (
            Cell(place, c["id"], c["cell_type"], "".join(c["source"]), c["metadata"])
            for place, c in enumerate(notebook["cells"])
        )
        return cls(notebook["metadata"], tuple(cells))

    @property
    def code(self) -> list[Cell]:
        return [cell for cell in self.cells if cell.is_code]

    @property
    def prose(self) -> list[Cell]:
        return [cell for cell in self.cells if not cell.is_code]
