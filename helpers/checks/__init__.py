"""Check what a learner did, and say what is wrong and where to look.

One module per lesson, named like it; what it checks are the `exercises` of the lesson
in course.toml. Each check reads the cluster or a value, never source text; it raises
NotSolved, and returns a line that says so when all is well.
"""

import importlib

from helpers.course import lessons


def __getattr__(name: str) -> object:
    """Load a check from the module of its lesson on first use."""
    for lesson in lessons():
        if name in lesson.exercises:
            module = f"{__name__}.{lesson.topic.replace('-', '_')}"
            return getattr(importlib.import_module(module), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    """List the checks, for completion."""
    return [name for lesson in lessons() for name in lesson.exercises]
