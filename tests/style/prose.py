"""Rules on what people read: title, opening, closing, and prose above code."""

import re
from collections.abc import Iterator

from tests.style.page import Cell, Fault, Page

BULLET = re.compile(r"\s*[-*+]\s+\S")
CLOSING = "In this notebook we:"
#: A sentence ends and the next begins on the same line.
TWO_SENTENCES = re.compile(r"(?<!e\.g)(?<!i\.e)(?<!vs)[.!?][\"')*_]*\s+[\"'(*_`]*[A-Z]")
#: What comes before the first word: quote and list marks, "1.", "**Note.**".
MARKS = re.compile(r"[\s>]*([-*+]\s+|\d+[.)]\s+)?(\*\*[^*]+\*\*[.:]?\s+)?")
MAKES = re.compile(
    r"kubectl\s+(-n\s+\S+\s+)?(create|apply|run|expose)\b|-X\s*POST|\.post\("
    r"|\bcreate_\w+\(|\b(lesson|namespace|workspace)\w*\("
)
REMOVES = re.compile(r"delete|remove|clean|close", re.IGNORECASE)


def one_title(page: Page) -> Iterator[Fault]:
    """Demand one H1, on top, and headings that go down one level at a time."""
    if not page.cells or not re.match(r"# \S", page.cells[0].source):
        yield "title", "the first cell does not begin with the H1"
    level = 0
    titles = 0
    for cell in page.prose:
        for depth, words in cell.headings:
            titles += depth == 1
            if depth == 1 and titles > 1:
                yield cell.id, f"a second H1: {words!r}"
            if depth > level + 1:
                yield cell.id, f"heading {words!r} skips a level"
            level = depth


def opening(page: Page) -> Iterator[Fault]:
    """Demand H1, one sentence, two to four bullets, the first H2, soon code."""
    lines, first_h2 = _lines_before_first_h2(page)
    if first_h2 is None:
        yield "opening", "there is no H2"
        return
    shape = [_shape(line) for line in lines if line.strip() and line[:2] != "# "]
    bullets = shape.count("bullet")
    sentences = [kind for kind in shape if kind != "bullet"]
    if sentences not in (["text"], ["text", "lead"]):
        yield "opening", "not the H1, one sentence on one line, then bullets"
    elif shape[len(sentences) :] != ["bullet"] * bullets:
        yield "opening", "text stands after the bullets; begin the first H2 there"
    if not 2 <= bullets <= 4:
        yield "opening", f"{bullets} bullets of what is new, not two to four"
    if page.code and page.code[0].position > 3:
        yield page.code[0].id, "the first code comes after the fourth cell"
    if page.code and page.code[0].position < first_h2:
        yield page.code[0].id, "code stands before the first H2"


def closing(page: Page) -> Iterator[Fault]:
    """Demand the bullets again in the past tense, and what was left out."""
    if not page.cells or page.cells[-1].is_code:
        yield "closing", "the last cell is not prose"
        return
    last_code = page.code[-1].position if page.code else -1
    after = [cell for cell in page.prose if cell.position > last_code]
    lines = [line for cell in after for line in cell.text if line.strip()]
    starts = [i for i, line in enumerate(lines) if line.strip().endswith(CLOSING)]
    if not starts:
        yield after[-1].id, f"{CLOSING!r} does not stand after the last code"
        return
    rest = lines[starts[-1] + 1 :]
    bullets = [line for line in rest if BULLET.match(line)]
    before, first_h2 = _lines_before_first_h2(page)
    opened = [line for line in before if BULLET.match(line)]
    if first_h2 is not None and len(bullets) != len(opened):
        fault = f"{len(bullets)} bullets, but the opening has {len(opened)}"
        yield after[-1].id, fault
    if not rest or BULLET.match(rest[-1]):
        yield after[-1].id, "no paragraph after the bullets on what was left out"


def leaves_nothing(page: Page) -> Iterator[Fault]:
    """Demand that the last code cell removes what the notebook made."""
    made = [cell for cell in page.code if MAKES.search(cell.source)]
    if made and not REMOVES.search(page.code[-1].source):
        fault = f"the last code cell does not remove what {made[0].id!r} made"
        yield page.code[-1].id, fault


def colon(page: Page) -> Iterator[Fault]:
    """Demand that prose above code ends with a colon and says what to look at."""
    for cell in page.code:
        above = page.above(cell)
        # What stands above a stub is a hint, which may be folded.
        if above is None or above.is_code or "exercise" in cell.tags:
            continue
        if not above.source.rstrip().rstrip("*_)").endswith(":"):
            yield above.id, "prose above code does not end with a colon"


def one_sentence_per_line(page: Page) -> Iterator[Fault]:
    """Demand one sentence per source line, so that a diff shows sentences."""
    for cell in page.prose:
        for line in cell.text:
            if line.lstrip().startswith(("|", "#")):
                continue
            plain = re.sub(r"`[^`]*`", "`x`", line)
            sentence = plain[MARKS.match(plain).end() :]
            if TWO_SENTENCES.search(sentence):
                yield cell.id, f"two sentences on one line: {line.strip()[:60]!r}"


def asides(page: Page) -> Iterator[Fault]:
    """Demand plain Markdown: blockquotes that say what they are, alt text."""
    for cell in page.prose:
        before = ""
        for line in cell.text:
            opens = line.startswith(">") and not before.startswith(">")
            if opens and not re.match(r"> ?\*\*(Note|Tip|Careful)\b", line):
                yield cell.id, "a blockquote opens with bold Note, Tip or Careful"
            if line.startswith(":::"):
                yield cell.id, "':::' is raw text in JupyterLab and on GitHub"
            if re.search(r"!\[\s*\]\(|<img(?![^>]*\balt=)", line):
                yield cell.id, "a picture without alt text"
            before = line


def _lines_before_first_h2(page: Page) -> tuple[list[str], int | None]:
    lines: list[str] = []
    for cell in page.prose:
        for line in cell.text:
            if line.startswith("## "):
                return lines, cell.position
            lines.append(line)
    return lines, None


def _shape(line: str) -> str:
    if BULLET.match(line):
        return "bullet"
    return "lead" if line.rstrip().endswith(":") else "text"


def is_exercise_heading(cell: Cell) -> bool:
    """Say whether a cell opens an exercise: the word, not only a picture."""
    return any("Exercise" in words for _, words in cell.headings)


RULES = (
    one_title,
    opening,
    closing,
    leaves_nothing,
    colon,
    one_sentence_per_line,
    asides,
)
