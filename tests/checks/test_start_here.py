"""What the first two checks say to a learner."""

import pytest

from helpers.checks import start_here
from helpers.command import kubectl
from helpers.errors import NotSolved


def test_the_label_is_missing_or_wrong(namespace):
    """Each state has a sentence of its own."""
    with pytest.raises(NotSolved, match="has no label mood yet; it has .*metadata"):
        start_here.label_namespace(namespace)
    kubectl(f"label namespace {namespace} mood=tired")
    with pytest.raises(NotSolved, match="'tired', not 'curious'"):
        start_here.label_namespace(namespace)


def test_there_is_no_such_namespace(cluster):
    with pytest.raises(NotSolved, match="There is no namespace no-such"):
        start_here.label_namespace("no-such")


def test_the_version_is_missing_or_wrong(cluster):
    """It is the server's own word for it."""
    with pytest.raises(NotSolved, match="no answer yet"):
        start_here.read_version("")
    with pytest.raises(NotSolved, match="goVersion"):
        start_here.read_version("1")
