"""Rules on what people read: opening, closing, and the words between."""

import re
from collections.abc import Iterator

from tests.style.page import Fault, Page

MAKES = re.compile(
    r"kubectl\s+(-n\s+\S+\s+)?(create|apply|run|expose)\b|-X\s*POST|\.post\("
    r"|\bcreate_\w+\(|\b(lesson|namespace|workspace)\w*\("
)
#: ids of the cells after the last code
CLOSING = ("in-short", "questions", "go-deeper")
#: phrases that a native reader stumbled over
STILTED = re.compile(
    r"\bshall\b|\bwhom\b|^Who (wants|should|may|has|is|knows)\b|\btakes? us for\b"
    r"|\bIn this notebook we\b|\bone's own\b"
    r"|^We \w+|\b(any|every|no|some)body\b|\banew\b|\bat last\b|\bgo(es)? with it\b"
    r"|\b(am|are|be|is|was|were) allowed to\b|\brights\b|\bhand(s|ed)? down\b"
    r"|\b(book|cluster|command|message|proxy|server) (answers|asks|says|tells)\b"
    r"|\bNor is there\b|\bin (a cell|files?) of (its|your) own\b",
    re.IGNORECASE,
)
REMOVES = re.compile(r"delete|remove|clean|close", re.IGNORECASE)


def opening(page: Page) -> Iterator[Fault]:
    """Demand a section above the first code; the frame itself is generated."""
    for cell in page.cells:
        if any(level == 2 for level, _ in cell.headings):
            return
        if cell.is_code:
            yield cell.id, "code stands before the first H2"
            return


def closing(page: Page) -> Iterator[Fault]:
    """Demand the picture and three sentences, three questions, and where to go on."""
    last = page.code[-1].position if page.code else -1
    after = [cell for cell in page.cells if cell.position > last]
    if tuple(cell.id for cell in after) != CLOSING:
        yield "closing", f"after the last code come {', '.join(CLOSING)}"
        return
    questions = after[1]
    asked = re.split(r"^\d\. (?=\S)", questions.source, flags=re.MULTILINE)[1:]
    if "✓" in questions.source:
        for text in asked:
            if (text.count("<details>"), text.count("✓"), text.count("✗")) != (3, 1, 2):
                yield questions.id, "a question without three answers, one of them ✓"
    elif "<details>" not in questions.source or len(asked) != 6:
        yield questions.id, "not three questions, and three answers in <details>"


def leaves_nothing(page: Page) -> Iterator[Fault]:
    """Demand that the last code cell removes what the notebook made."""
    made = [cell for cell in page.code if MAKES.search(cell.source)]
    if made and not REMOVES.search(page.code[-1].source):
        fault = f"the last code cell does not remove what {made[0].id!r} made"
        yield page.code[-1].id, fault


def one_idea(page: Page) -> Iterator[Fault]:
    """Demand a cell of its own for a section: what is above ends with its cell."""
    for cell in page.prose:
        if len(cell.headings) > 1:
            yield cell.id, "two headings in one cell"
        elif cell.headings and not cell.lines[0].startswith("#"):
            yield cell.id, "the heading does not open its cell"


def english(page: Page) -> Iterator[Fault]:
    """Refuse the words by which readers noticed that the author thought otherwise."""
    for cell in page.prose:
        for line in cell.text:
            plain = re.sub(r"`[^`]*`|\]\([^)]*\)", "", line)
            if found := STILTED.search(plain):
                yield cell.id, f"{found[0].strip()!r} in {line.strip()[:60]!r}"


RULES = (opening, closing, leaves_nothing, one_idea, english)
