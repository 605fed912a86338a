"""Show the progress of a learner: lessons, solved exercises, the next lesson."""

import json
from dataclasses import asdict, dataclass, replace
from html import escape
from pathlib import Path

from helpers.course import Lesson, attempts, lessons
from helpers.language import mark, say

CORE, DEEPER = "core", "deeper"
_COLUMNS = (mark("LESSON"), mark("LEVEL"), mark("MINUTES"), mark("SOLVED"))


@dataclass(frozen=True)
class LessonRow:
    """A lesson; `left` counts the exercises to solve, without the optional ones."""

    lesson: str
    level: str
    minutes: int
    solved: int
    exercises: int
    left: int

    @property
    def done(self) -> bool:
        """Return whether all exercises but the optional ones are solved."""
        return not self.left

    @property
    def cells(self) -> tuple[str, str, str, str]:
        """Return the cells of the table, in the order of its columns."""
        level = say("core") if self.level == CORE else say("deeper")
        solved = "–"
        if self.exercises:
            solved = say("{solved} of {all}", solved=self.solved, all=self.exercises)
            solved += " ✓" if self.done else ""
        return self.lesson, level, str(self.minutes), solved


@dataclass(frozen=True)
class Board:
    """The progress in each lesson; `go_on` is a sentence on the next lesson."""

    rows: tuple[LessonRow, ...]
    go_on: str
    unread: int = 0

    @property
    def finished(self) -> bool:
        """Say whether the core lessons are done."""
        return all(row.done for row in self.rows if row.level == CORE)

    def json(self) -> str:
        """Return the rows as JSON: `lessons`, `finished`, `go_on`, `unread`."""
        found = {
            "lessons": [asdict(row) for row in self.rows],
            "finished": self.finished,
            "go_on": self.go_on,
            "unread": self.unread,
        }
        return json.dumps(found, indent=2, ensure_ascii=False)

    def __repr__(self) -> str:
        if len(self.rows) == 1:
            return self._line()
        heads = tuple(say(name) for name in _COLUMNS)
        rows = [heads, *(row.cells for row in self.rows)]
        wide = [max(map(len, column)) for column in zip(*rows, strict=True)]
        lines = [
            f"{lesson:<{wide[0]}}  {level:<{wide[1]}}  {minutes:>{wide[2]}}  {solved}"
            for lesson, level, minutes, solved in rows
        ]
        return "\n".join([*lines, "", *self._words()])

    def _repr_html_(self) -> str:
        if len(self.rows) == 1:
            return f"<p>{_linked(self._line())}</p>"
        head = "".join(f'<th scope="col">{say(name)}</th>' for name in _COLUMNS)
        body = "".join(_html_row(row) for row in self.rows)
        words = "".join(f"<p>{_linked(sentence)}</p>" for sentence in self._words())
        return (
            f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{words}"
        )

    def _line(self) -> str:
        [row] = self.rows
        return " · ".join([f"{row.lesson}: {row.cells[-1]}", *self._words()])

    def _words(self) -> list[str]:
        if not self.unread:
            return [self.go_on]
        file = attempts.file()
        if self.unread == 1:
            return [self.go_on, say("1 line of {file} could not be read.", file=file)]
        torn = mark("{count} lines of {file} could not be read.")
        return [self.go_on, say(torn, count=self.unread, file=file)]


def progress(lesson: str = "") -> Board:
    """Return the exercises that you have solved, and the next lesson.

    A row per lesson, or only the lesson whose name begins with `lesson`. Only your own
    answers count. The same as `python -m helpers progress`.
    """
    found = attempts.read(attempts.file())
    tried = [each for each in found if isinstance(each, attempts.Attempt)]
    solved = {each.exercise for each in tried if each.passed}
    whole = board(lessons(), solved, unread=len(found) - len(tried))
    rows = tuple(row for row in whole.rows if row.lesson.startswith(lesson))
    return replace(whole, rows=rows)


def board(course: tuple[Lesson, ...], solved: set[str], *, unread: int = 0) -> Board:
    """Return the board for the names of the exercises that are solved; pure."""
    rows = tuple(
        LessonRow(
            lesson.name,
            CORE if lesson.is_core else DEEPER,
            lesson.minutes,
            len(solved.intersection(lesson.exercises)),
            len(lesson.exercises),
            len({*lesson.exercises} - {*lesson.optional} - solved),
        )
        for lesson in course
    )
    return Board(rows, _go_on(course, rows), unread)


def _go_on(course: tuple[Lesson, ...], rows: tuple[LessonRow, ...]) -> str:
    """Return the sentence that names the next lesson, core lessons first."""
    left = [lesson for lesson, row in zip(course, rows, strict=True) if not row.done]
    if not left:
        return say("You have finished the chapter, and all deeper lessons, too.")
    lesson = next((each for each in left if each.is_core), left[0])
    about = {
        "lesson": lesson.name,
        "title": say(lesson.title),
        "minutes": lesson.minutes,
    }
    if lesson.is_core:
        text = mark("Next: {lesson}, “{title}” ({minutes} minutes).")
        return say(text, **about)
    text = mark(
        "You have finished the chapter: the core lessons are done. A deeper lesson to "
        "go on with: {lesson}, “{title}” ({minutes} minutes)."
    )
    return say(text, **about)


def _html_row(row: LessonRow) -> str:
    lesson, level, minutes, solved = row.cells
    left = 'style="text-align: left"'
    return (
        f'<tr><th scope="row" {left}>{_linked(lesson)}</th><td {left}>{level}</td>'
        f"<td>{minutes}</td><td {left}>{solved}</td></tr>"
    )


def _linked(text: str) -> str:
    """Return HTML in which the names of lessons that are found from here are links."""
    shown = escape(text)
    for lesson in lessons():
        # Seen from the notebook, whose directory may be one level down.
        for place in (lesson.path, Path("..", lesson.path)):
            if lesson.name in shown and place.exists():
                link = f'<a href="{place.as_posix()}">{lesson.name}</a>'
                shown = shown.replace(lesson.name, link)
                break
    return shown
