"""Read the list of lessons, `helpers/data/course.toml`."""

import functools
import tomllib
from dataclasses import dataclass
from pathlib import Path

FILE = Path(__file__).parents[1] / "data" / "course.toml"


@dataclass(frozen=True)
class Lesson:
    """A lesson; course.toml explains the fields. `minutes` is a count."""

    name: str
    title: str
    book: str
    needs: list[str]
    summary: str
    can: list[str]
    minutes: int
    pods: bool
    exercises: list[str]
    read: list[tuple[str, str]]
    knows: str = ""
    short: str = ""
    after: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()
    exam: int = 0

    @property
    def number(self) -> str:
        """Return the two digits of its name."""
        return self.name[:2]

    @property
    def topic(self) -> str:
        """Return the name without its number, as its namespace is called."""
        return self.name[3:]

    @property
    def is_core(self) -> bool:
        """Return whether the lesson is on the core path."""
        return not self.after

    @property
    def path(self) -> Path:
        """Return where the notebook is, from the directory of the notebooks."""
        return Path("" if self.is_core else "deeper", f"{self.name}.ipynb")


@functools.cache
def lessons() -> tuple[Lesson, ...]:
    """Return all lessons, core first, in the order of their numbers."""
    rows = tomllib.loads(FILE.read_text("utf-8"))["lesson"]
    return tuple(Lesson(**row) for row in rows)
