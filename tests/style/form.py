"""Rules on the file itself: its metadata, its ids and tags."""

import re
from collections.abc import Iterator

from helpers import needs
from tests.style.page import Fault, Page

KERNEL = {
    "display_name": "Python 3 (ipykernel)",
    "language": "python",
    "name": "python3",
}
#: of prose: the parts of an exercise, and what was different in the book's time
PROSE_TAGS = {"task", "optional", "hint", "solution", "then"}
TAGS = PROSE_TAGS | {"raises-exception", "exercise", "check"}
TAGS |= {needs.PODS, needs.LAB} | {f"not-in-tab: {lack}" for lack in needs.TAB_LACKS}
#: `steps` names the steps of the chapter that a cell shows or asserts: ["B2"].
#: `book` lists the commands of the book that it shows or explains, see `tools.book`.
CELL_METADATA = {"tags", "steps", "book"}
WORDS = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
#: Ids that Jupyter makes up: eight hex digits, or a number, or a UUID.
MADE_UP = re.compile(r"(cell-?)?\d+|[0-9a-f]{8}(-[0-9a-f]{4}){0,4}([0-9a-f]{8})?")


def notebook_metadata(page: Page) -> Iterator[Fault]:
    """Refuse the kernel of one person's machine."""
    if page.metadata.get("kernelspec") != KERNEL:
        yield "metadata", f"the kernel is {page.metadata.get('kernelspec')}"


def cell_ids(page: Page) -> Iterator[Fault]:
    """Demand ids that people chose: translations and the chapter's table use them."""
    seen = set()
    for cell in page.cells:
        if MADE_UP.fullmatch(cell.id) or not WORDS.fullmatch(cell.id):
            yield cell.id, "the id is not words that a person chose, with dashes"
        if cell.id in seen:
            yield cell.id, "another cell has the same id"
        seen.add(cell.id)


def cell_metadata(page: Page) -> Iterator[Fault]:
    """Allow the known tags, each on the kind of cell that it is for."""
    for cell in page.cells:
        for key in sorted(cell.metadata.keys() - CELL_METADATA):
            yield cell.id, f"unexpected metadata {key!r}"
        for tag in cell.tags:
            if tag not in TAGS and not needs.MINOR.fullmatch(tag):
                yield cell.id, f"unknown tag {tag!r}; known: {', '.join(sorted(TAGS))}"
            elif cell.is_code == (tag in PROSE_TAGS):
                kind = "code" if cell.is_code else "prose"
                yield cell.id, f"tag {tag!r} does nothing on a {kind} cell"


RULES = (notebook_metadata, cell_ids, cell_metadata)
