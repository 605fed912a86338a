"""Credentials that a clock made which was wrong, at the real API server.

The clock of a machine cannot be set for a test, and components are static programs that
ask the kernel: it is the credentials that are made with other times.
"""

import base64
import datetime as dt
import json
import shutil

import pytest

from cluster.kubeconfig import read_kubeconfig
from cluster.machine import pki
from helpers.caller import Caller
from helpers.refusals import explain
from helpers.tokens import backdate, create_token

HOUR = 3600


@pytest.mark.parametrize(
    ("expired_for", "cause", "hint"),
    [(-2 * HOUR, "not valid yet", "clock"), (HOUR, "expired", "fresh")],
    ids=["ahead", "behind"],
)
def test_a_token_of_a_clock_that_is_an_hour_off_is_explained(
    cluster, namespace, expired_for, cause, hint
):
    """It is refused until, or since, its time by the server's clock."""
    token = backdate(cluster, create_token(), expired_for=expired_for)
    answer = Caller.bearer(token).get("/api")
    assert answer.status == 401
    found = explain(answer, token=token)
    assert found.cause == cause and hint in found.hint


@pytest.mark.parametrize(("hours", "status"), [(-1, 200), (1, 200), (48, 401)])
def test_a_client_certificate_of_a_clock_that_was_ahead(
    cluster, tmp_path, monkeypatch, hours, status
):
    """Ours begin a day early, so that an hour does not matter; two days do."""
    made = cluster.kubeconfig.with_name("pki")
    if not made.exists():
        pytest.skip("only the local cluster's authority is on this machine")
    for name in ("ca.crt", "ca.key"):
        shutil.copy(made / name, tmp_path)
    authority = pki._load(tmp_path, "ca")
    ahead = dt.datetime.now(dt.UTC) + dt.timedelta(hours=hours)
    monkeypatch.setattr(pki, "_now", lambda: ahead)
    [admin] = [leaf for leaf in pki.LEAVES if leaf.stem == "admin"]
    pki._issue(tmp_path, admin, authority)
    document = read_kubeconfig(cluster.kubeconfig)
    user = document["users"][0]["user"]
    for field, name in (("certificate", "admin.crt"), ("key", "admin.key")):
        pem = (tmp_path / name).read_bytes()
        user[f"client-{field}-data"] = base64.b64encode(pem).decode()
    (tmp_path / "config").write_text(json.dumps(document))
    answer = Caller.from_kubeconfig(tmp_path / "config").get("/api")
    assert answer.status == status
