"""Draw picture p01, the map of the lessons, of `course.toml`; `tools.course` writes it.

Core lessons are a column. Each deeper one is a box in the row of the core lesson that
it follows, with the words of `short`.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from html import escape
from pathlib import Path

from helpers.course import Lesson, lessons

FILE = Path(__file__).resolve().parent.parent / "notebooks/images/p01-course.svg"
BLUE, GREY, INK = "#0b4fb3", "#57606a", "#1f2328"
#: pixels: the picture, where the columns begin, where the deeper one ends
WIDTH, LEFT, MIDDLE, RIGHT = 720, 12, 344, 712
#: pixels: the first row, from row to row, below the last one
TOP, PITCH, BOTTOM = 42, 41, 9
#: pixels: the boxes of core lessons, the height of others
CORE, BOX = (312, 33), 35
#: pixels: beside the words of a box at least, between boxes at least and at most
PADDING, GAPS = 6, (3, 8)
#: pixels of the letters
SIZE, HEADING = 13, 14
#: parts of a letter's size that it is wide in DejaVu Sans, and what bold adds
_WIDTHS = {"fijlIJ'|.,": 0.3, "rt()- ": 0.39, "mwMW": 0.96}
_BOLD = 1.1

_HEAD = """\
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" \
height="{height}" role="img" aria-labelledby="p01-course-title p01-course-desc" \
font-family="'DejaVu Sans', Verdana, Arial, 'Noto Sans KR', sans-serif" fill="#1f2328">
<title id="p01-course-title">{title}</title>
<desc id="p01-course-desc">{description}</desc>
<defs>
{markers}
</defs>
<rect x="0.5" y="0.5" width="{inner}" height="{lower}" rx="8" fill="#ffffff" \
stroke="#d0d7de"/>"""
_MARKER = """\
<marker id="p01-course-{name}" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="9" \
markerHeight="9" markerUnits="userSpaceOnUse" orient="auto-start-reverse">\
<path d="M0 0 L10 5 L0 10 z" fill="{color}"/></marker>"""
#: a text, and what it is in the language of an edition
Say = Callable[[str], str]


@dataclass(frozen=True)
class Box:
    """A deeper lesson: its number, with the deeper ones before it, and its words."""

    number: str
    words: str

    @property
    def width(self) -> int:
        """Return the pixels that it takes."""
        widest = max(text_width(self.number, bold=True), text_width(self.words))
        return round(widest) + 2 * PADDING


def text_width(text: str, *, bold: bool = False) -> float:
    """Return about how many pixels a text takes, wherever it is drawn."""
    parts = sum(map(_letter_width, text))
    return SIZE * parts * (_BOLD if bold else 1)


def _letter_width(letter: str) -> float:
    for letters, width in _WIDTHS.items():
        if letter in letters:
            return width
    if letter > "\u1100":  # Hangul
        return 0.92
    return 0.72 if letter.isupper() else 0.61


def boxes(core: Lesson, say: Say) -> list[Box]:
    """Return the boxes in the row of a core lesson."""
    deeper = {lesson.name for lesson in lessons() if not lesson.is_core}
    row = []
    for lesson in lessons():
        if core.name in lesson.after:
            before = ", ".join(name[:2] for name in lesson.needs if name in deeper)
            number = f"{lesson.number} ({before})" if before else lesson.number
            row.append(Box(number, say(lesson.short)))
    return row


def starts(row: list[Box], number: str) -> list[int]:
    """Return where each box of a row begins; raise ValueError if there is no room.

    `number` is that of the core lesson.
    """
    widths = [box.width for box in row]
    room = RIGHT - MIDDLE - sum(widths)
    gap = min(GAPS[1], room // max(1, len(row) - 1))
    if gap < GAPS[0]:
        raise ValueError(
            f"The deeper lessons after {number} have no room beside it in picture p01: "
            "make `short` of one of them shorter in course.toml."
        )
    return [MIDDLE + sum(widths[:count]) + gap * count for count in range(len(row))]


def draw(say: Say, after: Callable[[Lesson], str]) -> str:
    """Return the picture in the language of `say`.

    `after` says of a deeper lesson after which others it is offered. Raise ValueError
    if the boxes of a row have no room.
    """
    core = [lesson for lesson in lessons() if lesson.is_core]
    height = TOP + PITCH * len(core) + BOTTOM
    colors = {"blue": BLUE, "grey": GREY}
    head = _HEAD.format(
        width=WIDTH,
        height=height,
        inner=WIDTH - 1,
        lower=height - 1,
        title=escape(say("The lessons of the course"), quote=False),
        description=escape(description(say, after), quote=False),
        markers="\n".join(_MARKER.format(name=n, color=c) for n, c in colors.items()),
    )
    deeper = {lesson.name for lesson in lessons() if not lesson.is_core}
    needed = {name for lesson in lessons() for name in lesson.needs}
    example = min(deeper & needed)[:2]
    heading = say("Deeper lessons; ({number}) means: after {number}")
    bold = f'font-size="{HEADING}" font-weight="bold"'
    parts = [
        head,
        _text(LEFT, 30, say("Core lessons, in this order"), bold, BLUE),
        _text(MIDDLE, 30, heading.format(number=example), bold, GREY),
    ]
    for place, lesson in enumerate(core):
        y = TOP + PITCH * place
        parts += _core_box(lesson, y, place, say)
        if place + 1 < len(core):
            x = LEFT + CORE[0] / 2 + 2
            parts.append(
                _arrow(f"M{x:g} {y + CORE[1]} L{x:g} {y + PITCH}", "blue", BLUE)
            )
        parts += _deeper_boxes(lesson, y, say)
    return "\n".join([*parts, "</svg>"]) + "\n"


def description(say: Say, after: Callable[[Lesson], str]) -> str:
    """Return what the picture shows, for those who do not see it."""
    core, deeper = [], []
    for lesson in lessons():
        words = f"{lesson.number} {say(lesson.title)}"
        if lesson.is_core:
            core.append(words)
        else:
            deeper.append(f"{words} ({after(lesson)})")
    return say(
        "The core lessons in a column, in reading order: {core}. "
        "Beside each are the deeper lessons that follow it: {deeper}."
    ).format(core="; ".join(core), deeper="; ".join(deeper))


def _core_box(lesson: Lesson, y: int, place: int, say: Say) -> list[str]:
    """Return the box of a core lesson; the first one is where the reader is."""
    thickness = 1.5 if place else 3
    size = f'font-size="{SIZE}"'
    number = f'<tspan fill="{BLUE}" font-weight="bold">{lesson.number}  </tspan>'
    words = f"{number}{escape(say(lesson.title), quote=False)}"
    here = _text(MIDDLE, y + 21, say("◀ you are here"), size, BLUE)
    return [
        _box(LEFT, y, CORE, "#e4eefc", BLUE, thickness),
        f'<text x="{LEFT + 8}" y="{y + 21}" {size} xml:space="preserve">{words}</text>',
        *([] if place else [here]),
    ]


def _deeper_boxes(core: Lesson, y: int, say: Say) -> Iterator[str]:
    """Yield the boxes beside a core lesson, and the arrow that leads to them."""
    row = boxes(core, say)
    if row:
        middle = y + CORE[1] // 2
        way = f"M{LEFT + CORE[0]} {middle} L{MIDDLE - 2} {middle}"
        yield _arrow(way, "grey", GREY)
    centered = f'font-size="{SIZE}" text-anchor="middle"'
    for box, x in zip(row, starts(row, core.number), strict=True):
        middle_of_box = x + box.width / 2
        yield _box(x, y, (box.width, BOX), "#f0f2f4", GREY, 1.5)
        bold = f'{centered} font-weight="bold"'
        yield _text(middle_of_box, y + 14, box.number, bold, GREY)
        yield _text(middle_of_box, y + 30, box.words, centered, INK)


def _box(
    x: int, y: int, size: tuple[int, int], fill: str, stroke: str, thickness: float
) -> str:
    place = f'x="{x}" y="{y}" width="{size[0]}" height="{size[1]}" rx="6"'
    return f'<rect {place} fill="{fill}" stroke="{stroke}" stroke-width="{thickness}"/>'


def _arrow(way: str, name: str, color: str) -> str:
    end = f'marker-end="url(#p01-course-{name})"'
    return f'<path d="{way}" fill="none" stroke="{color}" stroke-width="2" {end}/>'


def _text(x: float, y: int, words: str, style: str, color: str) -> str:
    text = escape(words, quote=False)
    return f'<text x="{x:g}" y="{y}" {style} fill="{color}">{text}</text>'
