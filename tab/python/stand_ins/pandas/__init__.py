"""The part of pandas that lessons and helpers use; pandas itself is not made for a tab.

Pyodide's own pandas comes from another host, which no page of the course asks, and
neither PyPI nor npm has one for this Python. To build it takes Emscripten 5.0.3 with
its own LLVM. Rows and columns are labelled lists; answers are those of pandas, and one
sentence says if there is none.
"""

import datetime
from collections.abc import Iterable
from typing import Any

from .frame import DataFrame, concat, merge
from .labelled import Labelled
from .limits import NotHere, refuse
from .series import Index, Series
from .styler import Styler
from .values import NA, is_missing

__all__ = [
    "NA",
    "DataFrame",
    "Index",
    "NaT",
    "Series",
    "Styler",
    "Timestamp",
    "concat",
    "isna",
    "merge",
    "notna",
    "to_datetime",
]
__version__ = "0+tab"
#: a time that is not there
NaT = NA


def __getattr__(name: str) -> Any:
    raise refuse("pandas", name)


def isna(value: Any) -> Any:
    """Return whether a value is not there, or say it of each value."""
    if isinstance(value, Labelled):
        return value.isna()
    if isinstance(value, list | tuple):
        raise NotHere("`pandas.isna` of a list")
    return is_missing(value)


def notna(value: Any) -> Any:
    """Return whether a value is there, or say it of each value."""
    return ~there if isinstance(there := isna(value), Labelled) else not there


isnull, notnull = isna, notna


def Timestamp(value: Any) -> datetime.datetime:
    """Return a time, also of its text."""
    if isinstance(value, datetime.datetime):
        return value
    if not isinstance(value, str):
        raise NotHere("`pandas.Timestamp` of what is no text")
    return datetime.datetime.fromisoformat(value.replace("Z", "+00:00"))


def to_datetime(values: Any, utc: bool = False) -> Any:
    """Return the times of texts, in UTC if asked."""

    def time_of(value: Any) -> Any:
        if is_missing(value):
            return NaT
        time = Timestamp(value)
        if not utc:
            return time
        if time.tzinfo is None:
            return time.replace(tzinfo=datetime.UTC)
        return time.astimezone(datetime.UTC)

    if isinstance(values, Series):
        return values.map(time_of)
    if isinstance(values, Iterable) and not isinstance(values, str):
        raise NotHere("`pandas.to_datetime` of a list")
    return time_of(values)
