"""The set-up of kind gets what else can be had beside kind and kubectl."""

from cluster import errors, programs
from cluster.kind import backend
from cluster.kind.backend import Kind
from cluster.programs.recipe import API_SERVER
from cluster.tests.progress import Notes


def test_without_an_api_server_all_lessons_but_23_can_be_had(tmp_path, monkeypatch):
    def ensure(progress, recipe, **_):
        if recipe == API_SERVER:
            raise errors.LabError(
                "etcd, kube-apiserver could not be downloaded", "Fix it."
            )
        return tmp_path

    monkeypatch.setattr(programs, "find", lambda recipe, **_: None)
    monkeypatch.setattr(programs, "ensure", ensure)
    monkeypatch.setattr(backend.image_find, "ensure", lambda *_: tmp_path / "image")
    view = Notes()
    assert Kind(tmp_path)._prepare(view) == (tmp_path, tmp_path / "image")
    (line,) = view.kept
    said = "no notebook can start an API server of its own: etcd, kube-apiserver"
    assert line.startswith(said)
