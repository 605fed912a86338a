"""Quantities are numbers of their unit."""

import pytest

from helpers import quantities


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("0", 0.0),
        ("2", 2.0),
        ("-1", -1.0),
        ("0.5", 0.5),
        (".5", 0.5),
        ("5.", 5.0),
        ("100m", 0.1),
        ("250u", 0.00025),
        ("1n", 1e-9),
        ("1k", 1000.0),
        ("1Ki", 1024.0),
        ("1.5Gi", 1610612736.0),
        ("1E", 1e18),
        ("1Ei", 1152921504606846976.0),
        ("12e3", 12000.0),
        ("5E-1", 0.5),
    ],
)
def test_number(text, number):
    """Every suffix that the API has; E alone is one, E with a number is a power."""
    assert quantities.number(text) == number


@pytest.mark.parametrize("text", ["", "m", "1K", "1kb", "1 Gi", "1mi", "0x1", "NaN"])
def test_what_is_no_quantity(text):
    """It is nothing, and not zero."""
    assert quantities.number(text) is None


@pytest.mark.parametrize(
    ("path", "unit"),
    [
        (".spec.containers[0].resources.requests.cpu", "cores"),
        (".status.capacity.memory", "bytes"),
        (".status.capacity.ephemeral-storage", "bytes"),
        (".status.hard['requests.storage']", "bytes"),
        (".status.hard['limits.cpu']", "cores"),
        (".status.capacity.hugepages-2Mi", "bytes"),
        (".spec.volumes[0].emptyDir.sizeLimit", "bytes"),
        (".status.capacity.pods", "count"),
        (r".status.capacity.example\.com/gpu", "count"),
    ],
)
def test_unit(path, unit):
    """What is counted says in what."""
    assert quantities.unit(path) == unit
