"""Operators on single values, for a Series and for a DataFrame."""

import operator
from collections.abc import Callable, Iterable
from typing import Any

from .limits import NotHere
from .values import NAN, is_missing


def _filled(operation: Callable) -> Callable:
    """Return an operation whose result is missing where a value is."""
    return lambda a, b: NAN if is_missing(a) or is_missing(b) else operation(a, b)


def _compared(operation: Callable) -> Callable:
    return lambda a, b: not (is_missing(a) or is_missing(b)) and operation(a, b)


def _divide(a: Any, b: Any) -> Any:
    if b == 0:
        return NAN if a == 0 else float("inf") * (1 if a > 0 else -1)
    return a / b


def _both(a: Any, b: Any) -> bool:
    return bool(a and b)


def _either(a: Any, b: Any) -> bool:
    return bool(a or b)


class Labelled:
    """Operators, each on single values; another of the same labels joins by them."""

    def _join(self, other: Any, join: Callable) -> Any:
        raise NotImplementedError

    def map(self, function: Callable) -> Any:
        """Return the function's results."""
        raise NotImplementedError

    def __bool__(self) -> bool:
        name = type(self).__name__
        raise ValueError(
            f"The truth value of a {name} is ambiguous. "
            "Use a.empty, a.item(), a.any() or a.all()."
        )

    def __eq__(self, other: object) -> Any:
        return self._join(other, _compared(operator.eq))

    def __ne__(self, other: object) -> Any:
        return self._join(other, lambda a, b: not _compared(operator.eq)(a, b))

    def __lt__(self, other: object) -> Any:
        return self._join(other, _compared(operator.lt))

    def __le__(self, other: object) -> Any:
        return self._join(other, _compared(operator.le))

    def __gt__(self, other: object) -> Any:
        return self._join(other, _compared(operator.gt))

    def __ge__(self, other: object) -> Any:
        return self._join(other, _compared(operator.ge))

    def __and__(self, other: object) -> Any:
        return self._join(other, _both)

    def __or__(self, other: object) -> Any:
        return self._join(other, _either)

    def __add__(self, other: object) -> Any:
        return self._join(other, _filled(operator.add))

    def __radd__(self, other: object) -> Any:
        return self._join(other, _filled(lambda a, b: b + a))

    def __sub__(self, other: object) -> Any:
        return self._join(other, _filled(operator.sub))

    def __rsub__(self, other: object) -> Any:
        return self._join(other, _filled(lambda a, b: b - a))

    def __mul__(self, other: object) -> Any:
        return self._join(other, _filled(operator.mul))

    __rmul__ = __mul__

    def __truediv__(self, other: object) -> Any:
        return self._join(other, _filled(_divide))

    def __rtruediv__(self, other: object) -> Any:
        return self._join(other, _filled(lambda a, b: _divide(b, a)))

    def __neg__(self) -> Any:
        return self._join(-1, _filled(operator.mul))

    def __invert__(self) -> Any:
        def inverse(value: Any) -> bool:
            if not isinstance(value, bool):
                raise NotHere("`~` of what is neither True nor False")
            return not value

        return self.map(inverse)

    def isna(self) -> Any:
        """Say of each value whether it is not there."""
        return self.map(is_missing)

    def notna(self) -> Any:
        """Say of each value whether it is there."""
        return self.map(lambda value: not is_missing(value))

    __hash__ = None  # type: ignore[assignment]


def flags(kept: Iterable, count: int) -> list[bool]:
    """Return what of `count` is kept; raise an error for what does not say so."""
    found = list(kept)
    if len(found) != count:
        raise IndexError(f"Item wrong length {len(found)} instead of {count}.")
    if not all(isinstance(keep, bool) for keep in found):
        raise NotHere("a choice by what is neither True nor False")
    return found


def is_mask(key: Any) -> bool:
    """Return whether a list chooses by True and False."""
    return (
        isinstance(key, list)
        and bool(key)
        and all(isinstance(keep, bool) for keep in key)
    )
