"""`delete` where the cluster that was agreed to is gone: the state goes, no more."""

import json

import pytest

from cluster.existing.record import Record
from cluster.existing.rules import STATE
from tests.commandline import helpers

pytestmark = pytest.mark.full("infrastructure that lessons do not touch")
#: how a cluster can be gone, and what is said of it
WAYS = {
    "stopped": "does not answer",
    "made anew with other keys": "certificate",
    "another one that takes the credential": "Another cluster is at",
    "only a broken copy leads there": "kubeconfig",
}


@pytest.fixture(params=WAYS)
def gone(request, used, production):
    """Return the environment, and what has to be said.

    A notebook that was killed has left the kubeconfig of its namespace.
    """
    kept = used["LAB_STATE_DIR"] / "kubeconfig"
    document = json.loads(kept.read_text())
    [cluster], [user] = document["clusters"], document["users"]
    known = production.api_client().configuration
    if request.param == "stopped":
        cluster["cluster"]["server"] = "https://127.0.0.1:1"
    if request.param == "made anew with other keys":
        cluster["cluster"]["server"] = known.host
    if request.param == "another one that takes the credential":
        trusted = {"server": known.host, "certificate-authority": known.ssl_ca_cert}
        cluster["cluster"] = trusted
        user["user"] = {
            "client-certificate": known.cert_file,
            "client-key": known.key_file,
        }
    kept.write_text(json.dumps(document))
    if request.param == "only a broken copy leads there":
        kept.write_text("{")
    (kept.parent / "kubeconfig.pod-metadata-2.4711").touch()
    return used, WAYS[request.param]


def test_the_state_goes_and_no_cluster_is_touched(gone, mine, production):
    """It is asked first; then it is said what was not removed, and how it can be."""
    env, said = gone
    state = Record.read(env["LAB_STATE_DIR"]).state
    before = len(mine.writes()), len(production.writes())
    done = helpers("delete", env=env, input="n\n")
    assert done.returncode == 1 and said in done.stderr
    assert "and nothing there? [y/N]" in done.stderr
    assert Record.read(env["LAB_STATE_DIR"]) is not None
    done = helpers("delete", "--yes", env=env)
    assert (done.returncode, done.stdout) == (0, "deleted\n"), done.stderr
    assert said in done.stderr.splitlines()[0]
    assert "no namespaces were removed" in done.stderr
    assert "(pod-metadata-2)" in done.stderr and f"{STATE}={state}`" in done.stderr
    assert not env["LAB_STATE_DIR"].exists()
    assert (len(mine.writes()), len(production.writes())) == before


def test_a_cluster_that_was_made_anew_can_be_named_again(
    used, mine, production, tmp_path
):
    """The way out that is told: `use` refuses, `delete` forgets, `use` takes it."""
    file = production.kubeconfig(tmp_path / "anew.yaml", "mine")
    options = ("--kubeconfig", file, "--context", "mine", "--yes")
    refused = helpers("use", *options, env=used)
    assert refused.returncode == 1 and "python -m helpers delete" in refused.stderr
    kept = used["LAB_STATE_DIR"] / "kubeconfig"
    kept.write_text(kept.read_text().replace(mine.url, "https://127.0.0.1:1"))
    helpers("delete", "--yes", env=used, check=True)
    assert helpers("use", *options, env=used).returncode == 0
    assert Record.read(used["LAB_STATE_DIR"]).server == production.url
    production.forget()
