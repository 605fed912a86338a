"""Check the exercises: a module per lesson, with the names in course.toml.

A check reads the cluster or a value, never source text, and raises NotSolved with
one sentence on what is wrong and where to look.
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
    return [name for lesson in lessons() for name in lesson.exercises]
