"""Pods with an ambassador, and who in them has the token; lesson 19 runs them."""

import pytest

from helpers.api.ambassadors import ambassador_pod


@pytest.mark.parametrize("played", [False, True])
def test_the_ambassador_alone_has_the_token(played):
    """Nothing else in the pod mounts the directory, but what holds it open."""
    spec = ambassador_pod("p", "true", played=played)["spec"]
    assert spec["automountServiceAccountToken"] is False
    mounts = {
        one["name"]: [mount["name"] for mount in one.get("volumeMounts", [])]
        for one in spec["initContainers"] + spec["containers"]
    }
    having = [name for name, names in mounts.items() if "identity" in names]
    assert having == (["files", "ambassador"] if played else ["ambassador"])
    assert "socket" in mounts["main"] and "socket" not in mounts["neighbour"]
