"""The methods of text, for each value of a Series."""

import re
from typing import TYPE_CHECKING, Any

from .limits import NotHere, refuse, whole
from .values import NAN, is_missing

if TYPE_CHECKING:
    from .series import Series

#: those that text itself has, by the same name and with the same parameters
_OWN = (
    "capitalize endswith isdigit isupper islower lower lstrip removeprefix "
    "removesuffix rstrip startswith strip title upper zfill"
).split()


@whole
class Text:
    """The methods of text; a value that is not there stays so."""

    def __init__(self, series: "Series") -> None:
        self._series = series

    def __getattr__(self, name: str) -> Any:
        if name not in _OWN:
            raise refuse("str", name)
        absent = False if name.endswith("with") else NAN
        return lambda *values: self._each(
            lambda text: getattr(text, name)(*values), absent
        )

    def __getitem__(self, place: Any) -> "Series":
        return self._each(
            lambda text: text[place] if isinstance(place, slice) else _at(text, place)
        )

    def _each(self, function: Any, absent: Any = NAN) -> "Series":
        return self._series.map(
            lambda value: absent if is_missing(value) else function(value)
        )

    def len(self) -> "Series":
        """Return the lengths."""
        return self._each(len)

    def contains(
        self, pat: str, case: bool = True, na: Any = False, regex: bool = True
    ) -> "Series":
        """Say of each text whether an expression is in it."""
        pattern = re.compile(
            pat if regex else re.escape(pat), 0 if case else re.IGNORECASE
        )
        return self._each(lambda text: bool(pattern.search(text)), na)

    def replace(self, pat: Any, repl: str, regex: bool = False) -> "Series":
        """Return the texts with an expression replaced."""
        if not isinstance(pat, str) or not isinstance(repl, str):
            raise NotHere("`str.replace` of what is no text")
        if regex:
            return self._each(lambda text: re.sub(pat, repl, text))
        return self._each(lambda text: text.replace(pat, repl))

    def split(self, pat: str | None = None, *, n: int = -1) -> "Series":
        """Return the parts of each text."""
        if pat is not None and len(pat) > 1:
            raise NotHere("`str.split` by an expression")
        return self._each(lambda text: text.split(pat, n or -1))


def _at(text: Any, place: int) -> Any:
    return text[place] if -len(text) <= place < len(text) else NAN
