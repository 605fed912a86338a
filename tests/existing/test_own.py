"""A learner's own cluster: named once, known by its UID, and written to with care.

Both clusters are genuine API servers, and their audit logs say what they were asked.
"""

import json
import os

import pytest

from tests.commandline import helpers
from tests.existing.acting import WRITE, kubectl, make_namespace, python, record

full = pytest.mark.full("infrastructure that lessons do not touch")

# --- To name one ----------------------------------------------------------------------


def test_it_is_shown_and_asked_for_and_no_is_an_answer(mine, state, tmp_path):
    """Nobody answers here, and that is a no."""
    file = mine.kubeconfig(tmp_path / "mine.yaml", "mine")
    before = len(mine.writes())
    done = helpers("use", "--kubeconfig", file, "--context", "mine", env=state)
    assert done.returncode == 1 and "nothing was changed" in done.stderr
    for word in (mine.url, "UID of kube-system", "super-admin", "v1.", "0 minor"):
        assert word in done.stderr
    assert record(state) is None and len(mine.writes()) == before
    assert not list(state["LAB_STATE_DIR"].glob("kubeconfig*"))


def test_it_is_asked_once_and_known_by_its_uid(mine, state, tmp_path):
    """Also under another name of the context, and keeps what it was told."""
    for name, answer in (("mine", "y\n"), ("renamed", "")):
        file = mine.kubeconfig(tmp_path / f"{name}.yaml", name)
        words = ("use", "--kubeconfig", file, "--context", name)
        image = () if name == "renamed" else ("--image", "r.example/t:1")
        done = helpers(*words, *image, env=state, input=answer)
        assert done.returncode == 0, done.stderr
        assert ("[y/N]" in done.stderr) == bool(answer)
        assert (record(state).context, record(state).image) == (name, "r.example/t:1")


def test_files_are_for_their_owner_alone(used):
    for name in ("own.json", "kubeconfig"):
        assert (used["LAB_STATE_DIR"] / name).stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (None, "cannot be read"),
        ("", "is empty"),
        ("a: [", "is not YAML"),
        ("kind: Config", "has no context 'mine'"),
    ],
)
def test_a_kubeconfig_that_is_of_no_use_is_one_line(state, tmp_path, text, said):
    """F18; and nobody asks localhost:8080."""
    file = tmp_path / "broken.yaml"
    if text is not None:
        file.write_text(text)
    done = helpers("use", "--kubeconfig", file, "--context", "mine", env=state)
    assert done.returncode == 1 and said in done.stderr and "8080" not in done.stderr
    assert len(done.stderr.splitlines()) == 2


def test_without_a_name_it_is_said_how_to_give_one(state):
    done = helpers("up", env=state)
    assert done.returncode == 1 and "python -m helpers use" in done.stderr


def test_another_cluster_under_the_same_name_is_refused(production, used, tmp_path):
    """F20: by `use`, by `up`, and by each write."""
    file = production.kubeconfig(tmp_path / "other.yaml", "mine")
    options = ("--kubeconfig", file, "--context", "mine", "--yes")
    assert "Another cluster" in helpers("use", *options, env=used).stderr
    kept = used["LAB_STATE_DIR"] / "kubeconfig"
    kept.write_text(file.read_text())
    done = helpers("up", env=used)
    assert done.returncode == 1 and "Another cluster" in done.stderr
    done = kubectl(used, *WRITE)
    assert done.returncode == 1 and "another cluster" in done.stderr
    assert helpers("status", env=used).returncode == 4
    assert kept.exists() and production.writes() == []


def test_a_copy_that_trusts_anybody_is_not_used(used):
    """The right UID is not enough where a stranger could pass it on."""
    kept = used["LAB_STATE_DIR"] / "kubeconfig"
    document = json.loads(kept.read_text())
    entry = document["clusters"][0]["cluster"]
    entry.pop("certificate-authority")
    entry["insecure-skip-tls-verify"] = True
    kept.write_text(json.dumps(document))
    done = helpers("up", env=used)
    assert done.returncode == 1 and "trusts another authority" in done.stderr


# --- To write -------------------------------------------------------------------------


def test_a_namespace_of_ours_is_written_to_and_no_other(used, mine):
    make_namespace(used, "own")
    done = python(
        used,
        """
name = "own"
kubectl("create", "configmap", "a", "--namespace=own")
other = kubectl("create", "configmap", "a", "--namespace=default", check=False)
assert other.exit_code == 1 and "default was not made by these" in other.stderr
inside, outside = (f"/api/v1/namespaces/{n}/configmaps" for n in (name, "default"))
admin = Caller.from_kubeconfig(cluster.kubeconfig)
body = {"metadata": {"name": "b"}}
assert admin.request("POST", inside, body=body).status == 201
from cluster import errors
for path in (outside, "/api/v1/nodes"):
    try:
        admin.request("POST", path, body=body)
    except errors.WriteRefused as error:
        print(error.reason)
from kubernetes import client
core = client.CoreV1Api(cluster.api_client())
core.create_namespaced_config_map(name, {"metadata": {"name": "c"}})
try:
    core.create_namespaced_config_map("default", body)
except errors.WriteRefused as error:
    print(error.reason)
""",
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("the namespace default was not made by these") == 2
    assert "/api/v1/nodes is in no namespace" in done.stdout
    assert not [p for v, p in mine.writes() if "namespaces/default/configmaps" in p]


def test_a_write_elsewhere_is_refused_in_one_line(used, mine):
    before = len(mine.writes())
    node = '{"apiVersion": "v1", "kind": "Node", "metadata": {"name": "a"}}'
    for words, text in (
        (("create", "clusterrolebinding", "a", "--clusterrole=b", "--user=c"), None),
        (("create", "-f", "-"), node),
        (("delete", "namespace", "default"), None),
        (("delete", "configmaps", "--all", "-A"), None),
        (("label", "namespace", "kube-system", "a=b"), None),
        (("apply", "-f", "-"), f"{node}\n---\na: ["),
        (("apply", "-f", "https://example.com/a.yaml"), None),
        (WRITE, None),
    ):
        done = kubectl(used, *words, input=text)
        assert done.returncode == 1 and len(done.stderr.splitlines()) == 1, done
        assert "this write was refused" in done.stderr
    assert len(mine.writes()) == before


def test_a_write_never_follows_the_environment(used, production, tmp_path):
    """F19: what a shell cell may set by accident; a read goes, as with kubectl."""
    file = production.kubeconfig(tmp_path / "production.yaml")
    joined = os.pathsep.join([str(file), "/nowhere"])
    before = len(production.requests())
    for changes, words in (
        ({"KUBECONFIG": file}, ()),
        ({"KUBECONFIG": joined}, ()),
        ({}, (f"--kubeconfig={file}",)),
    ):
        done = kubectl(used, *words, *WRITE, changes=changes)
        assert done.returncode == 1 and "another cluster" in done.stderr, done
    assert production.writes() == [] and len(production.requests()) > before


def test_the_log_of_production_is_alive(production, tmp_path):
    """Else none of this would prove anything."""
    with production.client() as core:
        made = {"metadata": {"generateName": "proof-"}}
        name = core.create_namespaced_config_map("default", made).metadata.name
        assert (
            "create",
            "/api/v1/namespaces/default/configmaps",
        ) in production.writes()
        core.delete_namespaced_config_map(name, "default")
    production.forget()
    assert production.writes() == []


# --- The other verbs ------------------------------------------------------------------


def test_there_is_nothing_to_stop(used, mine):
    before = len(mine.writes())
    done = helpers("stop", env=used, check=True)
    assert done.stdout == "nothing was stopped: it is a cluster of your own\n"
    assert mine.running and len(mine.writes()) == before


@full
@pytest.mark.parametrize(
    "words", [("logs", "etcd"), ("images", "list"), ("up", "--port", "6443")]
)
def test_what_is_of_the_cluster_itself_is_not_ours_to_give(used, words):
    done = helpers(*words, env=used)
    assert done.returncode == 1 and "a cluster of your own" in done.stderr


@full
def test_an_image_is_named_not_imported(used, tmp_path):
    done = helpers("images", "add", tmp_path, env=used)
    assert done.returncode == 1 and "use --image" in done.stderr.replace("\n", " ")


@full
def test_delete_takes_what_was_made_from_here_and_nothing_else(used, mine, tmp_path):
    """Another learner's namespaces carry our label as well, and another state."""
    theirs = used | {"LAB_STATE_DIR": tmp_path / "theirs"}
    file = mine.kubeconfig(tmp_path / "theirs.yaml", "theirs")
    options = ("--kubeconfig", file, "--context", "theirs", "--yes")
    helpers("use", *options, env=theirs, check=True)
    make_namespace(used, "here")
    make_namespace(theirs, "there")
    helpers("delete", "--yes", env=used, check=True)
    with mine.client() as core:
        phases = {n.metadata.name: n.status.phase for n in core.list_namespace().items}
    assert phases["here"] == "Terminating" and phases["there"] == "Active"
    assert phases["default"] == "Active" and not used["LAB_STATE_DIR"].exists()
    assert record(theirs) is not None


@full
def test_status_and_doctor_name_it(used, mine):
    assert mine.url in helpers("status", env=used, check=True).stdout
    found = json.loads(helpers("doctor", "--json", env=used).stdout)
    text = " ".join(finding["fact"] for finding in found)
    assert mine.url in text and "own" in text
    assert not [finding for finding in found if finding["level"] == "fatal"]
