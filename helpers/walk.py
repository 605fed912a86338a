"""Take the values of columns out of many objects at once, place by place.

A place is read from all objects before the next one is: a loop over columns, not over
objects, and what columns share is read once. Where the objects come from, JSON or
protobuf, is in the functions that a `Place` is given.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

#: values in the order of the objects; None is what is missing
Values = list


class Page(NamedTuple):
    """One page of a list: its objects, and the token of the next page or ""."""

    items: list
    token: str


@dataclass
class Place:
    """A place in objects: how to get there from the place above, and who wants it.

    `take` turns the values above into those here. `names` are the columns that want
    them, after `convert`. If `each`, the values are lists, and what is below is read
    of every element.
    """

    take: Callable[[Values], Values]
    names: list[str] = field(default_factory=list)
    convert: Callable[[Values], Values] | None = None
    below: list["Place"] = field(default_factory=list)
    each: bool = False

    def collect(self, above: Values) -> Iterator[tuple[str, Values]]:
        """Yield the values of each column that is wanted here or below."""
        values = self.take(above)
        if self.each:
            lengths = [None if value is None else len(value) for value in values]
            values = [element for value in values if value for element in value]
        found = self._here(values)
        yield from (
            ((n, _regrouped(v, lengths)) for n, v in found) if self.each else found
        )

    def _here(self, values: Values) -> Iterator[tuple[str, Values]]:
        if self.names:
            converted = self.convert(values) if self.convert else values
            yield from ((name, converted) for name in self.names)
        for place in self.below:
            yield from place.collect(values)


def _regrouped(values: Values, lengths: list[int | None]) -> Values:
    """Return lists of these lengths; an empty one is missing, as in protobuf."""
    rest = iter(values)
    return [
        [next(rest) for _ in range(length)] if length else None for length in lengths
    ]


def element(index: int) -> Callable[[Values], Values]:
    """Return what takes the element at `index` of each list, if it is there."""
    enough = index if index >= 0 else -index - 1
    return lambda lists: [
        one[index] if one is not None and len(one) > enough else None for one in lists
    ]


def same(values: Values) -> Values:
    """Return the values as they are."""
    return values
