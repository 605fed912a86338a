"""What the check of a function that turns pages says to a learner."""

import pytest

from helpers.checks.lists_and_watches import turn_pages
from helpers.errors import NotSolved

NAMES = ["a", "b", "c", "d", "e"]


class Listing:
    """Answer every path with five names."""

    def read(self, path):
        return {"items": [{"metadata": {"name": name}} for name in NAMES]}


def first_page(path, limit):
    return NAMES[:limit]


def a_page_twice(path, limit):
    return [*NAMES[:limit], *NAMES]


@pytest.mark.parametrize(
    ("names_of", "said"),
    [
        (first_page, "limit=1: the function returns 1 of 5 names"),
        (a_page_twice, "limit=1: a page came twice"),
        (lambda path, limit: None, "limit=1: the function returns 0 of 5 names"),
    ],
)
def test_it_is_tried_with_several_limits(names_of, said):
    """A full last page, a page more than full, and pages of one."""
    with pytest.raises(NotSolved, match=said):
        turn_pages(names_of, Listing(), "/any")
