"""Show the progress of a learner: what is solved in each lesson, and where to go on.

Below the lessons are the sum of the core, what the ten questions and the exam came to,
and the next lesson.
"""

import json
import sys
from dataclasses import asdict, dataclass, replace
from html import escape
from pathlib import Path

from cluster.progress import columns
from helpers.course import Lesson, attempts, lessons
from helpers.course.exam import POINTS, best_exam, latest_exam
from helpers.course.questions import first_answers, gain
from helpers.errors import LabError
from helpers.language import mark, say

CORE, DEEPER = "core", "deeper"
_COLUMNS = (mark("LESSON"), mark("MINUTES"), mark("SOLVED"))
_LEFT = 'style="text-align: left"'
_PARTS = {CORE: mark("Core lessons"), DEEPER: mark("Deeper lessons")}


@dataclass(frozen=True)
class LessonRow:
    """A lesson; `left` counts the exercises to solve, without the optional ones."""

    lesson: str
    title: str
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
    def cells(self) -> tuple[str, str, str]:
        """Return the cells of the table, in the order of its columns."""
        solved = "–"
        if self.exercises:
            solved = say("{solved} of {all}", solved=self.solved, all=self.exercises)
            solved += " ✓" if self.done else ""
        return f"{self.lesson[:2]} {say(self.title)}", str(self.minutes), solved


@dataclass(frozen=True)
class Board:
    """The progress in each lesson; `go_on` is a sentence on the next lesson.

    `results` are sentences on the ten questions and the exam; `unread` counts lines of
    the learner's file that could not be read.
    """

    rows: tuple[LessonRow, ...]
    go_on: str
    unread: int = 0
    results: tuple[str, ...] = ()

    @property
    def finished(self) -> bool:
        """Return whether the core lessons are done."""
        return all(row.done for row in self.rows if row.level == CORE)

    def json(self) -> str:
        """Return the rows as JSON: `lessons`, `finished`, `go_on` and others."""
        document = {
            "lessons": [asdict(row) for row in self.rows],
            "finished": self.finished,
            "go_on": self.go_on,
            "unread": self.unread,
            "results": self.results,
        }
        return json.dumps(document, indent=2, ensure_ascii=False)

    def __repr__(self) -> str:
        if len(self.rows) == 1:
            return self._line()
        table = [tuple(map(say, _COLUMNS))]
        for words, rows in self._parts:
            table += [("", "", ""), (words, "", ""), *(row.cells for row in rows)]
        wide = [max(map(columns, column)) for column in zip(*table, strict=True)]
        lines = []
        for lesson, minutes, solved in table:
            gap = " " * (sum(wide[:2]) - columns(lesson + minutes))
            lines.append(f"{lesson}{gap}  {minutes}  {solved}".rstrip())
        return "\n".join([*lines, "", self.total, *self.results, *self._words()])

    def _repr_html_(self) -> str:
        if len(self.rows) == 1:
            return f"<p>{_link_lessons(self._line())}</p>"
        head = "".join(f'<th scope="col">{say(name)}</th>' for name in _COLUMNS)
        body = "".join(
            f'<tbody><tr><th scope="rowgroup" colspan="3" {_LEFT}>{words}</th></tr>'
            f"{''.join(map(_html_row, rows))}</tbody>"
            for words, rows in self._parts
        )
        notes = [*self.results, *self._words()]
        sentences = [escape(self.total), *map(_link_lessons, notes)]
        words = "".join(f"<p>{sentence}</p>" for sentence in sentences)
        return f"<table><thead><tr>{head}</tr></thead>{body}</table>{words}"

    @property
    def total(self) -> str:
        """Return a sentence on the core: exercises, and hours of lessons done."""
        core = [row for row in self.rows if row.level == CORE]
        done = sum(row.minutes for row in core if row.exercises and row.done)
        return say(
            "{solved} of {all} core exercises, {done} of {whole}.",
            solved=sum(row.solved for row in core),
            all=sum(row.exercises for row in core),
            done=_hours(done),
            whole=_hours(sum(row.minutes for row in core)),
        )

    @property
    def _parts(self) -> list[tuple[str, list[LessonRow]]]:
        """Return the parts of the course, each with its heading."""
        parts = [
            (say(words), [row for row in self.rows if row.level == level])
            for level, words in _PARTS.items()
        ]
        return [(words, rows) for words, rows in parts if rows]

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
    """Return the exercises that you have solved, your results, and the next lesson.

    A row per lesson, or only the lesson whose name begins with `lesson`; raise LabError
    if there is none. Only your own answers count, and no step of the exam: it has
    points. The same as `.venv/bin/kapi progress`.
    """
    lines = attempts.read_own()
    tried = [attempt for attempt in lines if isinstance(attempt, attempts.Attempt)]
    solved = {
        attempt.exercise for attempt in tried if attempt.passed and not attempt.result
    }
    whole = board(lessons(), solved, unread=len(lines) - len(tried))
    rows = tuple(row for row in whole.rows if row.lesson.startswith(lesson))
    if not rows:
        fault = mark("There is no lesson {lesson!r}. There are {numbers}.")
        numbers = ", ".join(row.lesson[:2] for row in whole.rows)
        raise LabError(say(fault, lesson=lesson, numbers=numbers))
    results = [gain(first_answers(tried))]
    exam = latest_exam(noted=tried)
    if exam and exam.first_answer is not None:
        results.append(repr(exam))
        best = best_exam(tried)
        if best and best.points > exam.points:
            text = mark("Your best exam: {seed}, {points} of {all} points.")
            about = {"seed": best.seed, "points": best.points, "all": POINTS}
            results.append(say(text, **about))
    return replace(whole, rows=rows, results=tuple(filter(None, results)))


def board(course: tuple[Lesson, ...], solved: set[str], *, unread: int = 0) -> Board:
    """Return the board for the names of the exercises that are solved; pure."""
    rows = tuple(
        LessonRow(
            lesson.name,
            lesson.title,
            CORE if lesson.is_core else DEEPER,
            lesson.minutes,
            len(solved.intersection(lesson.exercises)),
            len(lesson.exercises),
            len({*lesson.exercises} - {*lesson.optional} - solved),
        )
        for lesson in course
    )
    return Board(rows, _next_lesson(course, rows), unread)


def _next_lesson(course: tuple[Lesson, ...], rows: tuple[LessonRow, ...]) -> str:
    """Return the sentence that names the next lesson, core lessons first."""
    left = [lesson for lesson, row in zip(course, rows, strict=True) if not row.done]
    if not left:
        return say("You have finished the chapter, and all deeper lessons, too.")
    lesson = next((other for other in left if other.is_core), left[0])
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


def _hours(minutes: int) -> str:
    hours, rest = divmod(minutes, 60)
    if not hours:
        return say("{minutes} min", minutes=rest)
    return say("{hours} h {minutes} min", hours=hours, minutes=rest)


def _html_row(row: LessonRow) -> str:
    lesson, minutes, solved = row.cells
    place = _place(row.lesson)
    title = f'<a href="{place}">{escape(lesson)}</a>' if place else escape(lesson)
    return (
        f'<tr><th scope="row" {_LEFT}>{title}</th>'
        f"<td>{minutes}</td><td {_LEFT}>{solved}</td></tr>"
    )


def _place(name: str) -> str:
    """Return where a lesson is, seen from here; "" if it is not found."""
    path = next((lesson.path for lesson in lessons() if lesson.name == name), None)
    if not path:
        return ""
    # Seen from the notebook, whose directory may be one level down.
    above = Path("..", path)
    if sys.platform == "emscripten":
        # The pages of the site are there, and no file.
        return (above if Path.cwd().name == DEEPER else path).as_posix()
    return next((place.as_posix() for place in (path, above) if place.exists()), "")


def _link_lessons(text: str) -> str:
    """Return HTML in which the names of lessons that are found from here are links."""
    html = escape(text)
    for lesson in lessons():
        if lesson.name in html and (place := _place(lesson.name)):
            link = f'<a href="{place}">{lesson.name}</a>'
            html = html.replace(lesson.name, link)
    return html
