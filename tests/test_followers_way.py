"""A follower finds its kubectl anew each time, and an error never ends it silently."""

import os
import queue

import pytest
import yaml

from cluster import errors, ownserver
from helpers.followers import BROKEN, Follower
from helpers.wirelog import WireLog

pytestmark = pytest.mark.full("infrastructure that lessons do not touch")
TIMEOUT = 20.0
#: nobody answers there, which kubectl says in a moment
KUBECONFIG = {
    "apiVersion": "v1",
    "kind": "Config",
    "current-context": "c",
    "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
    "clusters": [{"name": "c", "cluster": {"server": "https://127.0.0.1:1"}}],
    # Without one, kubectl would ask for a name and wait.
    "users": [{"name": "u", "user": {"token": "none"}}],
}


@pytest.fixture
def path(tmp_path, monkeypatch):
    """Put the genuine kubectl on PATH, for a server that is away; return PATH."""
    place = tmp_path / "kubeconfig"
    place.write_text(yaml.safe_dump(KUBECONFIG))
    monkeypatch.setattr("helpers.command._kubeconfig", place)
    # In a run with a cluster that one was chosen, and would be found on any PATH.
    monkeypatch.setattr("helpers.command._programs", None)
    path = os.pathsep.join([str(ownserver.programs()), os.defpath])
    monkeypatch.setenv("PATH", path)
    return path


@pytest.fixture
def ears(path, monkeypatch):
    """Return what a follower hears, who looks again soon; end it after the test."""
    monkeypatch.setattr("helpers.followers.FIRST_PAUSE", 0.1)
    heard = queue.Queue()
    heard.follower = Follower("nobody", "/file", heard.put, namespace="default")
    yield heard
    heard.follower.stop()


def heard(ears, part: str) -> None:
    """Wait for a word of trouble that has a part."""
    while part not in (seen := ears.get(timeout=TIMEOUT)).text:
        assert seen.kind == BROKEN


def test_a_wire_log_that_closes_takes_no_way_with_it(ears):
    """Its kubectl came first on PATH when the follower began, and is gone."""
    with WireLog():
        ears.follower.start()
        heard(ears, "refused")
    for _ in range(3):
        heard(ears, "refused")


def test_a_kubectl_that_is_gone_is_told_and_tried_again(ears, path, monkeypatch):
    """And followed on when it is back."""
    ears.follower.start()
    heard(ears, "refused")
    monkeypatch.setenv("PATH", "/nowhere")
    heard(ears, "kubectl cannot be started")
    monkeypatch.setenv("PATH", path)
    heard(ears, "refused")


def test_no_kubectl_at_the_start_is_an_error_of_the_cell(ears, monkeypatch):
    """With the way out, and no thread."""
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(errors.MissingTool):
        ears.follower.start()
    assert not ears.follower._thread.is_alive()
