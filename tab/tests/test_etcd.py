"""The etcd in memory answers as etcd does."""

import pytest


@pytest.mark.full("10,000 objects in two stores, and a random mix of requests")
def test_it_answers_as_etcd(go, genuine):
    """Each unit is asked of both, and then a mix of three thousand requests."""
    tested = go("test", "-vet=all", "-count=1", "-v", "./etcd", ETCD=f"{genuine}/etcd")
    assert tested.returncode == 0, tested.stdout + tested.stderr
    assert "/genuine" in tested.stdout and "SKIP" not in tested.stdout
