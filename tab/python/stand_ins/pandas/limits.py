"""Say in one sentence what of pandas is not here."""

import functools
import inspect
from collections.abc import Callable
from typing import Any, TypeVar

_Class = TypeVar("_Class", bound=type)


class NotHere(NotImplementedError, AttributeError):
    """A part of pandas that a tab does not have."""

    def __init__(self, part: str) -> None:
        from helpers.language import say

        missing = say("Not here: {part}.", part=part)
        small = say("pandas here is a small part of it; in JupyterLab it is whole.")
        super().__init__(f"{missing} {small}")

    def _render_traceback_(self) -> list[str]:
        """Return what IPython shows: the lines of this package help nobody."""
        return [str(self)]


def refuse(part: str, name: str) -> NotHere | AttributeError:
    """Return the error of an attribute; Python itself asks for those with a `_`."""
    if name.startswith("_"):
        return AttributeError(name)
    return NotHere(f"`{part}.{name}`")


def whole(cls: _Class) -> _Class:
    """Let each method of a class refuse in a sentence the parameters it lacks."""
    for name, value in vars(cls).copy().items():
        if not name.startswith("_") and inspect.isfunction(value):
            setattr(cls, name, _checked(value, f"{cls.__name__}.{name}"))
    return cls


def _checked(function: Callable, part: str) -> Callable:
    signature = inspect.signature(function)

    @functools.wraps(function)
    def call(*values: Any, **options: Any) -> Any:
        try:
            signature.bind(*values, **options)
        except TypeError as error:
            raise NotHere(f"`{part}` with these parameters ({error})") from None
        return function(*values, **options)

    return call
