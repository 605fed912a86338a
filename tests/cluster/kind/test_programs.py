"""What the set-up of kind gets beside kind and kubectl."""

import pytest

from cluster import errors, programs
from cluster.kind import backend
from cluster.kind.backend import Kind
from cluster.programs.recipe import API_SERVER
from tests.progress import Notes


@pytest.fixture
def got(tmp_path, monkeypatch):
    """Return the recipes of what is got on a machine that has nothing yet."""
    got = []

    def ensure(progress, *recipes):
        got.append(recipes[-1])
        return tmp_path

    monkeypatch.setattr(programs, "find", lambda *recipes: None)
    monkeypatch.setattr(programs, "ensure", ensure)
    monkeypatch.setattr(backend.image_find, "ensure", lambda *_: tmp_path / "image")
    return got


def test_the_api_server_of_lesson_23_is_got_by_the_set_up(got, tmp_path):
    Kind(tmp_path)._prepare(Notes())
    assert API_SERVER in got


def test_without_it_all_other_lessons_can_be_had(got, tmp_path, monkeypatch):
    def ensure(progress, *recipes):
        if API_SERVER in recipes:
            raise errors.LabError("etcd, kube-apiserver did not come", "Mend it.")
        return tmp_path

    monkeypatch.setattr(programs, "ensure", ensure)
    view = Notes()
    assert Kind(tmp_path)._prepare(view) == (tmp_path, tmp_path / "image")
    (line,) = view.kept
    assert line.startswith("lesson 23 cannot start an API server: etcd, kube-apiserver")
