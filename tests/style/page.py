"""What a rule sees of a notebook: cells, their text, and the sections they form."""

import ast
import functools
import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from IPython.core.inputtransformer2 import TransformerManager

Fault = tuple[str, str]
#: how bash says `assert`
TEST = re.compile(r"test |.*\bjq -e\b")


@dataclass(frozen=True)
class Finding:
    """One broken rule: where, which, and what is wrong."""

    notebook: str
    cell: str
    rule: str
    fault: str

    def __str__(self) -> str:
        """Return the line that a person reads."""
        return f"{self.notebook} [{self.cell}] {self.rule}: {self.fault}"


@dataclass(frozen=True, eq=False)
class Cell:
    """One cell; `position` counts from 0 over all cells of the notebook."""

    position: int
    id: str
    kind: str
    source: str
    metadata: dict = field(default_factory=dict)

    @property
    def tags(self) -> tuple[str, ...]:
        """Return the tags of the cell."""
        return tuple(self.metadata.get("tags", ()))

    @property
    def is_code(self) -> bool:
        """Say whether a kernel runs it."""
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
        if self.tree is None:
            return []
        return [node for node in ast.walk(self.tree) if isinstance(node, kinds)]

    @property
    def asserts(self) -> list[ast.Assert]:
        """Return the asserts in it."""
        return self.nodes(ast.Assert)

    @property
    def proves(self) -> bool:
        """Say whether it asserts something: in a `%%sh` cell, by a line with `test`."""
        shell = self.magic == "sh" and any(map(TEST.match, self.lines))
        return shell or bool(self.asserts)

    @property
    def text(self) -> list[str]:
        """Return the lines of prose, without what stands in fenced blocks."""
        fenced = False
        lines = []
        for line in self.source.splitlines():
            if re.match(r"\s*(```|~~~)", line):
                fenced = not fenced
            elif not fenced:
                lines.append(line)
        return lines

    @property
    def headings(self) -> list[tuple[int, str]]:
        """Return level and words of each heading in a prose cell."""
        if self.is_code:
            return []
        found = [re.match(r"(#{1,6})\s+(.*)", line) for line in self.text]
        return [(len(match[1]), match[2]) for match in found if match]


@dataclass(frozen=True)
class Page:
    """One notebook: its file name, its metadata and its cells in order."""

    name: str
    metadata: dict
    cells: tuple[Cell, ...]

    @classmethod
    def read(cls, name: str, notebook: dict) -> "Page":
        """Make a page of a notebook's parsed JSON."""
        cells = tuple(
            Cell(
                position=position,
                id=cell.get("id", f"cell {position}"),
                kind=cell["cell_type"],
                source="".join(cell["source"]),
                metadata=cell.get("metadata", {}),
            )
            for position, cell in enumerate(notebook["cells"])
        )
        return cls(name, notebook.get("metadata", {}), cells)

    @property
    def code(self) -> list[Cell]:
        """Return the code cells."""
        return [cell for cell in self.cells if cell.is_code]

    @property
    def prose(self) -> list[Cell]:
        """Return the Markdown cells."""
        return [cell for cell in self.cells if not cell.is_code]

    def above(self, cell: Cell) -> Cell | None:
        """Return the cell directly above, or None."""
        return self.cells[cell.position - 1] if cell.position else None

    def next_code(self, cell: Cell) -> Cell | None:
        """Return the next code cell below, or None."""
        return next((c for c in self.code if c.position > cell.position), None)

    def runs(self) -> Iterator[tuple[bool, list[Cell]]]:
        """Yield the stretches of neighbours of one kind: is it code, which cells."""
        for is_code, cells in itertools.groupby(self.cells, lambda c: c.is_code):
            yield is_code, list(cells)

    def sections(self) -> Iterator[tuple[str, list[Cell]]]:
        """Yield the H2 sections: their words and their cells, heading cell included."""
        title, cells = "", []
        for cell in self.cells:
            titles = [words for level, words in cell.headings if level == 2]
            if titles:
                yield title, cells
                title, cells = titles[-1], []
            cells.append(cell)
        yield title, cells
