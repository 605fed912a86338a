"""The cluster in a browser's tab: it is there, and stays as it is."""

import base64
import json
import stat
from unittest.mock import call, create_autospec

import pytest

from cluster import errors
from cluster.backend import STATUS
from cluster.progress import Progress
from cluster.tab.backend import SERVER, Tab


@pytest.fixture
def tab(tmp_path) -> Tab:
    """Return a backend whose program has made its keys."""
    keys = tmp_path / "keys"
    keys.mkdir()
    for name in ("ca.crt", "admin.crt", "admin.key", "sa.key"):
        (keys / name).write_text(name)
    return Tab(tmp_path / "state", keys)


def test_the_kubeconfig_is_the_administrators(tab):
    assert not tab.running()
    tab.up()
    assert tab.running()
    document = json.loads(tab.kubeconfig.read_text())
    [cluster], [user] = document["clusters"], document["users"]
    assert cluster["cluster"]["server"] == SERVER
    key = base64.b64decode(user["user"]["client-key-data"])
    assert key == (tab.keys / "admin.key").read_bytes()
    assert document["current-context"] == tab.context
    assert stat.S_IMODE(tab.kubeconfig.stat().st_mode) == 0o600


def test_a_second_connection_keeps_the_kubeconfig_and_says_nothing(tab):
    tab.up()
    tab.kubeconfig.write_text("changed")
    view = create_autospec(Progress, instance=True)
    tab.up(view)
    assert tab.kubeconfig.read_text() == "changed"
    assert view.mock_calls == [call.clear()]


def test_it_is_always_ready(tab):
    status = tab.full_status()
    assert status.keys() == STATUS.keys()
    assert (status["phase"], status["server"]) == ("ready", SERVER)
    assert tab.is_prepared() and tab.binaries() is None
    assert "ends with this tab" in tab.news(None)[0]


@pytest.mark.parametrize(
    "change",
    [
        lambda tab: tab.stop(),
        lambda tab: tab.delete(),
        lambda tab: tab.log("etcd", 10),
        lambda tab: tab.add_image("archive"),
        lambda tab: tab.audit_log(),
    ],
    ids=["stop", "delete", "log", "add_image", "audit_log"],
)
def test_it_says_what_it_cannot(tab, change):
    with pytest.raises(errors.LabError, match="not possible") as caught:
        change(tab)
    assert "Reload the page" in caught.value.hint


def test_it_signs_as_its_server_does(tab):
    assert tab.signing_key() == b"sa.key"
