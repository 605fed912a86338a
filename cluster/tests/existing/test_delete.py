"""`delete` takes back what was made; of a cluster that is gone, the state alone."""

import pytest
import yaml

from cluster.existing import rbac
from cluster.tests.commandline import helpers
from cluster.tests.existing.acting import make_namespace, record
from cluster.tests.existing.conftest import use

MADE = (
    "clusterroles,clusterrolebindings,validatingadmissionpolicies,"
    "validatingadmissionpolicybindings"
)
#: how the learner's own file may lead nowhere, and what is said of it
WAYS = {
    "another cluster": "leads elsewhere by now",
    "expired": "did not take the credential",
}


def test_delete_takes_what_was_made_from_here_and_nothing_else(mine, used, tmp_path):
    here = {"LAB_STATE_DIR": tmp_path / "here", "LAB_BACKEND": "existing"}
    file = mine.kubeconfig(tmp_path / "here.yaml", "mine")
    use(here, file, check=True)
    make_namespace(here, "here")
    make_namespace(used, "there")
    found = record(here)
    marks = f"--selector={rbac.ACCOUNT}={rbac.key(found.user)}"
    assert len(mine.names(MADE, marks)) == 5
    done = helpers("delete", env=here, input="y\n")
    assert done.returncode == 0 and ", the account" in done.stderr, done.stderr
    phases = mine.phases()
    assert phases["here"] == phases[rbac.home(found.state)] == "Terminating"
    assert phases["there"] == phases["default"] == "Active"
    assert mine.names(MADE, marks) == [] and not here["LAB_STATE_DIR"].exists()
    assert helpers("up", env=used).returncode == 0


@pytest.mark.parametrize("way", WAYS)
def test_without_the_learner_s_credential_the_state_alone_goes(
    used, mine, production, tmp_path, way
):
    """`delete` asks the server first, then says what is left and how to remove it."""
    file, found = tmp_path / "mine.yaml", record(used)
    if way == "another cluster":
        production.kubeconfig(file, "mine")
    else:
        document = yaml.safe_load(mine.kubeconfig(file, "mine").read_text())
        document["users"][0]["user"] = {"token": "expired"}
        file.write_text(yaml.safe_dump(document))
    kept = used["LAB_STATE_DIR"]
    text = (kept / "existing.json").read_text()
    (kept / "existing.json").write_text(text.replace(found.source, str(file)))
    mine.forget()
    production.forget()
    done = helpers("delete", env=used, input="n\n")
    assert done.returncode == 1 and WAYS[way] in done.stderr, done.stderr
    assert "and nothing from https://127.0.0.1:" in done.stderr
    assert record(used) is not None
    done = helpers("delete", "--yes", env=used)
    assert done.returncode == 1 and "What is here was deleted" in done.stderr
    assert f"{rbac.ACCOUNT}={rbac.key(found.user)}`" in done.stderr
    assert not kept.exists()
    assert mine.writes() == production.requests() == []
