"""Rules on what people read: opening, closing, and the sentences between."""

import re
from collections.abc import Iterator

from tests.style.page import Fault, Page

#: A sentence ends and the next begins on the same line.
TWO_SENTENCES = re.compile(r"(?<!e\.g)(?<!i\.e)(?<!vs)[.!?][\"')*_]*\s+[\"'(*_`]*[A-Z]")
#: What comes before the first word: quote and list marks, "1.", "**Note.**".
MARKS = re.compile(r"[\s>]*([-*+]\s+|\d+[.)]\s+)?(\*\*[^*]+\*\*[.:]?\s+)?")
MAKES = re.compile(
    r"kubectl\s+(-n\s+\S+\s+)?(create|apply|run|expose)\b|-X\s*POST|\.post\("
    r"|\bcreate_\w+\(|\b(lesson|namespace|workspace)\w*\("
)
#: ids of the cells after the last code
CLOSING = ("in-short", "questions", "go-deeper")
FOREIGN = re.compile(
    r"\bshall\b|\bwhom\b|^Who (wants|should|may|has|is|knows)\b|\btakes? us for\b"
    r"|\bIn this notebook we\b|\bone's own\b",
    re.IGNORECASE,
)
#: what a native reader stumbled over
STILTED = re.compile(
    r"^We \w+|\b(any|every|no|some)body\b|\banew\b|\bat last\b|\bgo(es)? with it\b"
    r"|\b(am|are|be|is|was|were) allowed to\b|\brights\b|\bhand(s|ed)? down\b"
    r"|\b(book|cluster|command|message|proxy|server) (answers|asks|says|tells)\b"
    r"|\bNor is there\b|\bin (a cell|files?) of (its|your) own\b",
    re.IGNORECASE,
)
REMOVES = re.compile(r"delete|remove|clean|close", re.IGNORECASE)


def opening(page: Page) -> Iterator[Fault]:
    """Demand the frame, three ends of "you can", and soon a section with code."""
    text = page.cells[0].text if page.cells else []
    promises = [line for line in text if re.match(r"\d\. \S", line)]
    if len(promises) != 3:
        yield "title", "the first cell does not promise three things"
    sections = [cell for cell in page.prose if any(n == 2 for n, _ in cell.headings)]
    if not sections:
        yield "opening", "there is no H2"
    elif page.code and page.code[0].position < sections[0].position:
        yield page.code[0].id, "code stands before the first H2"
    if page.code and page.code[0].position > 3:
        yield page.code[0].id, "the first code comes after the fourth cell"


def closing(page: Page) -> Iterator[Fault]:
    """Demand the picture and three sentences, three questions, and where to go on."""
    last = page.code[-1].position if page.code else -1
    after = [cell for cell in page.cells if cell.position > last]
    if tuple(cell.id for cell in after) != CLOSING:
        yield "closing", f"after the last code come {', '.join(CLOSING)}"
        return
    short, questions, _ = after
    for cell in (short, questions):
        if [level for level, _ in cell.headings] != [2]:
            yield cell.id, "it is no section of its own"
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
            found = [
                match for one in (FOREIGN, STILTED) if (match := one.search(plain))
            ]
            if found:
                yield cell.id, f"{found[0][0].strip()!r} in {line.strip()[:60]!r}"


def one_sentence_per_line(page: Page) -> Iterator[Fault]:
    """Demand one sentence per source line, so that a diff shows sentences."""
    for cell in page.prose:
        # It is generated, and its links make a row.
        for line in cell.text if cell.id != "go-deeper" else ():
            if line.lstrip().startswith(("|", "#")):
                continue
            plain = re.sub(r"`[^`]*`", "`x`", line)
            sentence = plain[MARKS.match(plain).end() :]
            if TWO_SENTENCES.search(sentence):
                yield cell.id, f"two sentences on one line: {line.strip()[:60]!r}"


RULES = (
    opening,
    closing,
    leaves_nothing,
    one_idea,
    english,
    one_sentence_per_line,
)
