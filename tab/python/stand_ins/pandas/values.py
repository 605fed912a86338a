"""Single values and lists of them: what is missing, types, texts, sums."""

import collections
import datetime
import math
import statistics
from collections.abc import Callable, Iterable
from typing import Any

from .limits import NotHere, refuse

#: what is not there, where labels had no value
NAN = math.nan


class _Missing:
    """A value that is not there, as `pandas.NA`."""

    def __repr__(self) -> str:
        return "<NA>"

    def __bool__(self) -> bool:
        raise TypeError("boolean value of NA is ambiguous")


NA = _Missing()


class Array(list):
    """Values without labels."""

    def tolist(self) -> list:
        """Return them as a list."""
        return list(self)

    def __getattr__(self, name: str) -> Any:
        raise refuse("array", name)

    def _refuse(self, _: object) -> Any:
        raise NotHere("arithmetic with an array")

    # A list would do other things by these than an array does.
    __add__ = __radd__ = __mul__ = __rmul__ = _refuse  # type: ignore[assignment]
    __lt__ = __gt__ = __le__ = __ge__ = __eq__ = __ne__ = _refuse  # type: ignore
    __hash__ = None  # type: ignore[assignment]


class Objects(Array):
    """Values of the type `object`, whatever they are."""


def is_missing(value: Any) -> bool:
    """Return whether a value is not there."""
    return value is NA or value is None or (isinstance(value, float) and value != value)


def present(values: Iterable) -> list:
    """Return the values that are there."""
    return [value for value in values if not is_missing(value)]


def is_number(value: Any) -> bool:
    """Return whether a value is a number, and no bool."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def typed(values: Iterable) -> Array:
    """Return a column of values: whole numbers beside others, or gaps, are floats."""
    if isinstance(values, Objects):
        return Objects(values)
    column = Array(values)
    if not any(isinstance(value, float) or value is None for value in column):
        return column
    if all(is_number(value) or value is None for value in column) and any(
        value is not None for value in column
    ):
        return Array(NAN if value is None else float(value) for value in column)
    return column


def type_name(values: Iterable) -> str:
    """Return what pandas calls the type of a column."""
    if isinstance(values, Objects):
        return "object"
    kinds = {type(value) for value in values}
    gaps = kinds & {float, type(None)}
    if kinds == {datetime.datetime}:
        zones = {str(value.tzinfo or "") for value in values}
        return f"datetime64[us{''.join(f', {zone}' for zone in zones if zone)}]"
    if str in kinds and kinds - gaps == {str} and not present_floats(values):
        return "str"
    names = {bool: "bool", int: "int64", float: "float64"}
    return names.get(kinds.pop(), "object") if len(kinds) == 1 else "object"


def present_floats(values: Iterable) -> bool:
    """Return whether a float is among the values, besides gaps."""
    return any(isinstance(value, float) for value in present(values))


def texts(values: Iterable) -> list[str]:
    """Return a column as pandas shows it: floats have as many digits as one needs."""
    values = list(values)
    if not any(isinstance(value, float) for value in values):
        return [text_of(value) for value in values]
    numbers = [value for value in present(values) if isinstance(value, float)]
    if not all(isinstance(value, float) for value in values):
        return [text_of(value) for value in values]
    finite = [abs(value) for value in numbers if math.isfinite(value) and value]
    if finite and (max(finite) >= 1e15 or max(finite) < 1e-4):
        return ["NaN" if is_missing(value) else f"{value:.6e}" for value in values]
    digits = [f"{value:.6f}".rstrip("0").partition(".")[2] for value in numbers]
    most = max(1, *map(len, digits), 0) if digits else 1
    return ["NaN" if is_missing(value) else f"{value:.{most}f}" for value in values]


def text_of(value: Any) -> str:
    """Return a value as pandas shows it: a list has no quotes."""
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(text_of, value))}]"
    if isinstance(value, float):
        text = f"{value:.6f}".rstrip("0")
        return "NaN" if value != value else f"{text}0" if text[-1] == "." else text
    return str(value)


def convert(values: Iterable, kind: Any) -> Array:
    """Return values of another type; raise what Python raises for one that cannot."""
    name = kind if isinstance(kind, str) else getattr(kind, "__name__", str(kind))
    if name in ("object", "O"):
        return Objects(values)
    functions: dict[str, Callable] = {
        **dict.fromkeys(("int", "int64"), _whole_number),
        **dict.fromkeys(("float", "float64"), _float),
        "bool": bool,
        "str": lambda value: NAN if is_missing(value) else str(value),
    }
    if name not in functions:
        raise NotHere(f"`astype({name!r})`")
    return Array(map(functions[name], values))


def _whole_number(value: Any) -> int:
    if is_missing(value):
        raise ValueError("Cannot convert non-finite values (NA or inf) to integer")
    return int(value)


def _float(value: Any) -> float:
    return NAN if is_missing(value) else float(value)


def numbers(values: Iterable, name: str) -> list:
    """Return the numbers that are there; raise TypeError for other values."""
    found = present(values)
    if any(not isinstance(value, int | float) for value in found):
        raise TypeError(f"Cannot perform reduction {name!r} with values of this type")
    return found


def total(values: Iterable) -> Any:
    """Return a sum; texts follow one another."""
    found = present(values)
    if found and all(isinstance(value, str) for value in found):
        return "".join(found)
    return sum(numbers(found, "sum"))


def mean(values: Iterable) -> float:
    """Return the mean."""
    found = numbers(values, "mean")
    return statistics.fmean(found) if found else NAN


def median(values: Iterable) -> float:
    """Return the median."""
    return quantile(numbers(values, "median"), 0.5)


def deviation(values: Iterable) -> float:
    """Return the standard deviation of a sample."""
    found = numbers(values, "std")
    return statistics.stdev(found) if len(found) > 1 else NAN


def quantile(values: Iterable, part: float) -> float:
    """Return the value below which a part of them is."""
    found = sorted(present(values))
    if not found:
        return NAN
    place = part * (len(found) - 1)
    low = int(place)
    high = min(low + 1, len(found) - 1)
    return float(found[low] + (found[high] - found[low]) * (place - low))


def least(values: Iterable) -> Any:
    """Return the least value."""
    return min(present(values), default=NAN)


def greatest(values: Iterable) -> Any:
    """Return the greatest value."""
    return max(present(values), default=NAN)


def distinct(values: Iterable) -> list:
    """Return each value once, in the order of its first; gaps are one value."""
    seen: dict = {}
    for value in values:
        seen.setdefault(key_of(value), value)
    return list(seen.values())


def key_of(value: Any) -> Any:
    """Return by what values are alike."""
    return ("missing",) if is_missing(value) else value


def counts(values: Iterable) -> list[tuple]:
    """Return values and how often each is there, the most frequent first."""
    return collections.Counter(values).most_common()


def ordered(places: Iterable[int], values: list, ascending: bool) -> list[int]:
    """Return places in the order of their values; gaps come last."""
    places = list(places)
    gaps = [at for at in places if is_missing(values[at])]
    rest = [at for at in places if not is_missing(values[at])]
    return sorted(rest, key=values.__getitem__, reverse=not ascending) + gaps


#: what is made of a column, by the names of pandas
REDUCTIONS: dict[str, Callable[[Iterable], Any]] = {
    "count": lambda values: len(present(values)),
    "sum": total,
    "mean": mean,
    "median": median,
    "std": deviation,
    "min": least,
    "max": greatest,
    "nunique": lambda values: len(distinct(present(values))),
}
