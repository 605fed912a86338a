"""Lists are read page by page, the next one asked for before this one is used."""

import gc

import pytest

from helpers import lists
from helpers.walk import Page


class Script:
    """A server whose pages are written down; `said` is what was asked and used."""

    def __init__(self, pages):
        self.pages, self.said = pages, []

    def ask(self, path, *, accept):
        self.said.append(path)
        return lambda: self.pages[path]


def test_pages():
    """The token of a page is in the next request, which names no moment of its own."""
    pages = {
        "/a?limit=2": Page([1, 2], "x=="),
        "/a?limit=2&continue=x%3D%3D": Page([3], ""),
        "/b?q=1&resourceVersion=5&resourceVersionMatch=Exact&limit=2": Page([4], "y"),
        "/b?q=1&limit=2&continue=y": Page([5], ""),
    }
    at = "/b?q=1&resourceVersion=5&resourceVersionMatch=Exact"
    server = Script(pages)
    found = []
    for path, items in lists.pages(
        server, ["/a", at], "x", lambda path, answer: answer, limit=2
    ):
        server.said.append(items)
        found.append((path, items))
    assert found == [("/a", [1, 2]), ("/a", [3]), (at, [4]), (at, [5])]
    a, b, c, d = pages
    assert server.said == [a, b, [1, 2], c, [3], d, [4], [5]]


@pytest.mark.parametrize(
    ("path", "is_list", "everywhere"),
    [
        ("/api/v1/pods", True, True),
        ("/api/v1/pods?labelSelector=a", True, True),
        ("/api/v1/namespaces/x/pods", True, False),
        ("/api/v1/namespaces/x/pods/y", False, False),
        ("/api/v1/namespaces/x/pods/y/status", False, False),
        ("/api/v1/namespaces", True, False),
        ("/api/v1/namespaces/x", False, False),
        ("/api/v1/nodes/n", False, False),
        ("/apis/batch/v1/jobs", True, True),
        ("/apis/batch/v1/namespaces/x/jobs/y", False, False),
    ],
)
def test_paths(path, is_list, everywhere):
    """Which is a list, and which of them reaches over all namespaces."""
    assert lists.is_list(path) == is_list
    assert lists.everywhere(path) == everywhere


@pytest.mark.parametrize(
    ("path", "inside"),
    [
        ("/api/v1/pods", "/api/v1/namespaces/x/pods"),
        ("/apis/batch/v1/jobs?a=b/c", "/apis/batch/v1/namespaces/x/jobs?a=b/c"),
    ],
)
def test_within(path, inside):
    """The same list in one namespace."""
    assert lists.within(path, "x") == inside


def test_the_collector_comes_back():
    """Also after an error, and it stays away for who had sent it away."""
    with lists.without_collector():
        assert not gc.isenabled()
    assert gc.isenabled()
    with pytest.raises(ValueError), lists.without_collector():
        raise ValueError
    assert gc.isenabled()
    gc.disable()
    try:
        with lists.without_collector():
            pass
        assert not gc.isenabled()
    finally:
        gc.enable()
