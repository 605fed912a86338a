"""The question of `tools/setup.sh`: did the archive bring all that is needed?"""

import pytest

from cluster import backends, errors
from cluster.bundle import ready
from cluster.cli import fetch


class Backend:
    def __init__(self, prepared):
        self.is_prepared = lambda: prepared


@pytest.mark.parametrize(
    ("prepared", "taken", "code"),
    [(True, None, 0), (False, True, 0), (False, False, 1)],
)
def test_packages_are_wanted_only_where_something_is_left(
    monkeypatch, prepared, taken, code
):
    asked = []
    monkeypatch.setattr(backends, "current", lambda *_: Backend(prepared))
    monkeypatch.setattr(ready, "ensure", lambda view: asked.append(view) or taken)
    assert fetch.main() == code
    assert len(asked) == (0 if prepared else 1)


@pytest.mark.parametrize("prepared", [True, False])
def test_the_way_to_a_local_cluster_is_told_before_a_download(
    monkeypatch, capsys, prepared
):
    """Not where nothing is fetched: the set-up itself tells it next."""

    def current(_, view):
        view.update("looking")
        view.finish(backends.HINT)
        return Backend(prepared)

    def ensure(view):
        view.finish("fetched")
        return True

    monkeypatch.setattr(backends, "current", current)
    monkeypatch.setattr(ready, "ensure", ensure)
    assert fetch.main() == 0
    shown = [line.partition("] ")[2] for line in capsys.readouterr().err.splitlines()]
    assert shown == ([] if prepared else [backends.HINT, "fetched"])


def test_a_machine_without_a_backend_hears_so_from_the_set_up(monkeypatch):
    def refuse(*_):
        raise errors.LabError("no")

    monkeypatch.setattr(backends, "current", refuse)
    assert fetch.main() == 0
