"""An existing cluster: named once, by an account that its server confines.

All clusters are genuine API servers, and their audit logs say what they were asked.
"""

import json
import time
from dataclasses import replace

import pytest
import yaml

from cluster import errors, progress
from cluster.existing import account, rbac
from cluster.existing.kubectl import KubectlClient
from cluster.tests.commandline import helpers
from cluster.tests.existing.acting import kubectl, make_namespace, record
from cluster.tests.existing.conftest import use
from cluster.tests.existing.servers import Audited
from cluster.waiting import poll

IMAGE = "registry.example/team/toolbox:7"
MADE = "clusterroles,clusterrolebindings,serviceaccounts,namespaces"

# --- To name one ----------------------------------------------------------------------


def test_it_is_shown_and_asked_for_and_no_is_an_answer(mine, state, tmp_path):
    file = mine.kubeconfig(tmp_path / "mine.yaml", "mine")
    mine.forget()
    done = use(state, file, yes=False)
    assert done.returncode == 1 and "nothing was changed" in done.stderr
    for word in (mine.url, "UID of kube-system", "super-admin", "v1."):
        assert word in done.stderr
    for kind in (
        "ServiceAccount/learner",
        "ValidatingAdmissionPolicy/",
        "ClusterRole/",
    ):
        assert kind in done.stderr
    assert record(state) is None and mine.writes() == []
    assert not list(state["LAB_STATE_DIR"].glob("kubeconfig*"))


def test_it_is_asked_once_and_only_the_account_s_token_is_kept(mine, state, tmp_path):
    """And known again by its UID, also under another name of the context."""
    for name, answer in (("mine", "y\n"), ("renamed", "")):
        file = mine.kubeconfig(tmp_path / f"{name}.yaml", name)
        done = use(state, file, context=name, yes=False, input=answer)
        assert done.returncode == 0, done.stderr
        assert ("[y/N]" in done.stderr) == bool(answer)
        assert record(state).context == name
    for kept in ("existing.json", "kubeconfig"):
        assert (state["LAB_STATE_DIR"] / kept).stat().st_mode & 0o777 == 0o600
    document = json.loads((state["LAB_STATE_DIR"] / "kubeconfig").read_text())
    assert [list(each["user"]) for each in document["users"]] == [["token"]]
    assert record(state).user in kubectl(state, "auth", "whoami").stdout
    assert 3000 < record(state).expires - time.time() <= 3600


def test_without_a_name_it_is_said_how_to_give_one(state):
    done = helpers("up", env=state)
    assert done.returncode == 1 and ".venv/bin/kapi use" in done.stderr


def test_another_cluster_under_the_same_name_is_refused(production, used, tmp_path):
    """By `use`, and by `up`, where the token is worth nothing."""
    file = production.kubeconfig(tmp_path / "other.yaml", "mine")
    refused = use(used, file).stderr
    assert "Another cluster" in refused and ".venv/bin/kapi delete" in refused
    kept = used["LAB_STATE_DIR"] / "kubeconfig"
    document = json.loads(kept.read_text())
    there = yaml.safe_load(file.read_text())["clusters"][0]["cluster"]
    there["certificate-authority"] = str(tmp_path / "other.crt")
    document["clusters"][0]["cluster"] = there
    kept.write_text(json.dumps(document))
    done = helpers("up", env=used)
    assert done.returncode == 1 and "did not take the credential" in done.stderr
    assert helpers("status", env=used).returncode == 4
    assert kubectl(used, "get", "pods").returncode == 1
    assert production.writes() == []


# --- Where there is no policy ---------------------------------------------------------


def test_below_1_30_it_is_said_and_asked_once_more(older, state, tmp_path):
    file = older.kubeconfig(tmp_path / "older.yaml", "mine")
    done = use(state, file)
    assert done.returncode == 1 and "kind ValidatingAdmissionPolicy" in done.stderr
    assert "`--without-policy`" in done.stderr and older.writes() == []
    done = use(state, file, "--image", IMAGE)
    assert done.returncode == 1 and "MutatingAdmissionPolicy" in done.stderr
    done = use(state, file, yes=False, input="y\ny\n")
    assert done.returncode == 0 and done.stderr.count("[y/N]") == 2
    assert (record(state).account_made, record(state).has_policy) == (True, False)
    assert record(state).user in kubectl(state, "auth", "whoami").stdout
    helpers("delete", "--yes", env=state, check=True)
    assert older.names(MADE, f"--selector={rbac.ACCOUNT}") == [
        f"namespace/{name}"
        for name, phase in older.phases().items()
        if phase == "Terminating"
    ]


def test_who_may_make_nothing_is_told_whom_to_ask(mine, state, tmp_path):
    mine.kubectl("create", "serviceaccount", "poor", "--namespace=default")
    words = ("poor", "--verb=get", "--resource=namespaces")
    mine.kubectl("create", "clusterrole", *words)
    words = ("poor", "--clusterrole=poor", "--serviceaccount=default:poor")
    mine.kubectl("create", "clusterrolebinding", *words)
    token = mine.kubectl("create", "token", "poor", "--namespace=default").stdout
    file = mine.kubeconfig(tmp_path / "poor.yaml", "mine")
    document = yaml.safe_load(file.read_text())
    document["users"][0]["user"] = {"token": token.strip()}
    file.write_text(yaml.safe_dump(document))
    mine.forget()
    done = use(state, file)
    assert done.returncode == 1 and "You may not make an account" in done.stderr
    assert "kapi rbac --account NAME" in done.stderr
    done = use(state, file, "--image", IMAGE)
    assert done.returncode == 1 and "rbac --image" in done.stderr
    done = use(state, file, "--without-policy")
    assert done.returncode == 0 and mine.writes() == []
    assert (record(state).account_made, record(state).has_policy) == (False, False)
    assert "default:poor" in kubectl(state, "auth", "whoami").stdout


@pytest.mark.full("an API server that follows no policy")
def test_an_account_without_a_proof_is_taken_back(tmp_path, monkeypatch):
    """A server that keeps policies, and follows none of them."""
    monkeypatch.setattr(account, "TIMEOUT", 2.0)
    flags = {"--disable-admission-plugins": "ValidatingAdmissionPolicy"}
    with Audited(flags) as server:
        file = server.kubeconfig(tmp_path / "mine.yaml", "mine")
        view = progress.Silent()
        found = account.plan(file, "mine", None, None, view)
        assert found.record.has_policy and found.record.account_made
        with pytest.raises(errors.NotReady, match="may write to default"):
            account.apply(found, tmp_path, view)
        assert not (tmp_path / "kubeconfig").exists()
        marked = f"--selector={rbac.ACCOUNT}"
        assert server.names("clusterroles,clusterrolebindings", marked) == []
        assert server.phases()[rbac.home(found.record.state)] == "Terminating"


def test_a_policy_that_was_taken_away_is_noticed(mine, state, tmp_path):
    """By the next `up`, as `connect()` calls it; `use` puts it up again."""
    file = mine.kubeconfig(tmp_path / "mine.yaml", "mine")
    assert use(state, file).returncode == 0
    theirs = KubectlClient(file, "mine", mine.url)
    for each in rbac.objects(record(state).user)[:2]:
        theirs.run("delete", each["kind"], each["metadata"]["name"])

    def noticed():
        done = helpers("up", env=state)
        return done.stderr if done.returncode == 1 else ""

    # The server takes a moment to see that its own objects are gone.
    assert "no longer keeps" in poll(noticed, 30)
    # And no token is asked for that would open every namespace.
    due = time.time() + 600
    replace(record(state), expires=due).write(state["LAB_STATE_DIR"])
    said = helpers("up", env=state).stderr
    assert "was not renewed" in said and "no longer keeps" in said
    assert record(state).expires == due
    done = use(state, file, yes=False)
    assert done.returncode == 0 and "[y/N]" not in done.stderr
    assert helpers("up", env=state).returncode == 0


# --- The token ------------------------------------------------------------------------


def test_a_token_is_renewed_before_it_ends(used, mine):
    """With the learner's own credential, which nothing else opens."""
    kept, found = used["LAB_STATE_DIR"], record(used)
    old = json.loads((kept / "kubeconfig").read_text())
    mine.forget()
    helpers("up", env=used, check=True)
    assert mine.requests() == mine.requests(by=found.user) != []
    replace(found, expires=time.time() + 600).write(kept)
    of_kernel = kept / "kubeconfig.start-here.host.4711"
    of_kernel.write_text((kept / "kubeconfig").read_text())
    helpers("up", env=used, check=True)
    new = json.loads((kept / "kubeconfig").read_text())
    assert new["users"] != old["users"] and new["clusters"] == old["clusters"]
    assert json.loads(of_kernel.read_text()) == new
    assert 3000 < record(used).expires - time.time() <= 3600
    assert kubectl(used, "get", "namespaces").returncode == 0
    [(_, path, _)] = mine.writes()
    assert path.startswith(f"/api/v1/namespaces/{rbac.home(found.state)}")


@pytest.mark.parametrize("way", ["gone", "leads to production"])
def test_without_the_learner_s_credential_an_old_token_will_do(
    used, production, tmp_path, way
):
    """As long as it counts; and production is not asked for another."""
    file = tmp_path / "mine.yaml"
    if way == "leads to production":
        production.kubeconfig(file, "mine")
    found = replace(record(used), source=str(file))
    replace(found, expires=time.time() + 600).write(used["LAB_STATE_DIR"])
    production.forget()
    done = helpers("up", env=used)
    assert done.returncode == 0 and "was not renewed" in done.stderr, done.stderr
    replace(found, expires=time.time() - 1).write(used["LAB_STATE_DIR"])
    done = helpers("up", env=used)
    assert done.returncode == 1 and ".venv/bin/kapi use" in done.stderr
    assert production.requests() == []


# --- The image ------------------------------------------------------------------------


def test_a_registry_s_name_takes_the_place_of_toolbox(mine, state, tmp_path):
    """By the server, in each container, when a pod is made and when it changes."""
    file = mine.kubeconfig(tmp_path / "mine.yaml", "mine")
    done = use(state, file, "--image", IMAGE)
    assert done.returncode == 0 and IMAGE in done.stderr, done.stderr
    make_namespace(state, "imaged")
    box, other = ({"name": name, "image": name + ":1"} for name in ("toolbox", "other"))
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "a", "namespace": "imaged", "labels": {"a": "1"}},
        "spec": {"containers": [box, other], "initContainers": [box | {"name": "i"}]},
    }
    for value in "12":
        pod["metadata"]["labels"]["a"] = value
        done = kubectl(state, "apply", "-f", "-", input=json.dumps(pod))
        assert done.returncode == 0, done.stderr
    words = (
        "debug",
        "a",
        "--image=toolbox:1",
        "--profile=baseline",
        "--namespace=imaged",
    )
    kubectl(state, *words)
    assert kubectl(
        state,
        "get",
        "pod",
        "a",
        "--namespace=imaged",
        "-o",
        "jsonpath={.spec['initContainers','containers','ephemeralContainers'][*].image}",
    ).stdout.split() == [IMAGE, IMAGE, "other:1", IMAGE]


# --- The other verbs ------------------------------------------------------------------


def test_there_is_nothing_to_stop(used, mine):
    mine.forget()
    done = helpers("stop", env=used, check=True)
    assert done.stdout == "nothing was stopped: it is an existing cluster\n"
    assert mine.running and mine.requests() == []


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("logs", "etcd"), "an existing cluster"),
        (("images", "list"), "an existing cluster"),
        (("images", "add", "."), "use --image"),
        (("up", "--port", "6443"), "an existing cluster"),
    ],
)
def test_what_is_of_the_cluster_itself_is_not_ours_to_give(used, words, said):
    done = helpers(*words, env=used)
    assert done.returncode == 1 and said in done.stderr.replace("\n", " ")


def test_status_and_doctor_name_it(used, mine):
    assert mine.url in helpers("status", env=used, check=True).stdout
    found = json.loads(helpers("doctor", "--json", env=used).stdout)
    text = " ".join(finding["message"] for finding in found)
    assert mine.url in text and "existing" in text
    assert not [finding for finding in found if finding["level"] == "fatal"]
