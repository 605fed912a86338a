"""The kubectl that checks writes, in front of a genuine API server."""

import json
import os
import stat
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from cluster.existing import guard, rules
from cluster.waiting import until
from tests.commandline import helpers
from tests.existing.acting import WRITE, kubectl, make_namespace, python, record

full = pytest.mark.full
INFRASTRUCTURE = full("infrastructure that lessons do not touch")
NODE = '{"apiVersion": "v1", "kind": "Node", "metadata": {"name": "a"}}'
BARE = '{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "bare"}}'
BROKEN = BARE.replace('"bare"', '"bare", "labels": "x"')


def refused(env, *words, text=None, **more):
    """Run a write that must not be; return the one line that says so."""
    done = kubectl(env, *words, input=text, **more)
    assert done.returncode == 1 and not done.stdout, done
    [line] = done.stderr.splitlines()
    assert line.startswith("error: this write was refused: "), line
    return line


#: command lines, standard input, and a part of the refusal
REFUSED = [
    (("exec", "-itn", "kube-system", "etcd-0", "--", "sh"), None, "kube-system"),
    (("delete", "configmaps", "-Al", "app=x"), None, "all namespaces"),
    (("apply", "-Rf", "/tmp"), None, "/tmp is no file"),
    (("cp", "/etc/hostname", "kube-system/etcd-0:/x"), None, "kube-system"),
    ((*WRITE, "--namespace=own", "-n", "kube-system"), None, "kube-system"),
    (
        ("set", "subject", "clusterrolebinding", "a", "--user=b"),
        None,
        "rolebinding",
    ),
]
MORE = [
    (("apply", "edit-last-applied", "node", "n1"), None, "node is in no namespace"),
    (("rollout", "restart", "node/a"), None, "node is in no namespace"),
    (("delete", "--", "node", "a"), None, "node is in no namespace"),
    (("delete", "configmaps", "--all", "--help=false"), None, "default was not"),
    (("delete", "configmaps", "a", "--unknown", "b"), None, "'--unknown'"),
    (("oidc-login", "get-token"), None, "'oidc-login'"),
    (("delete", "api-extensions", "--all"), None, "api-extensions is in no"),
    (("replace", "--raw", "/api/v1/namespaces/bare", "-f", "-"), BARE, "be made"),
    (("create", "-f", "-"), BARE, "lacks the labels"),
    (("apply", "-f", "-"), BARE, "lacks the labels"),
    (("apply", "--server-side", "-f", "-"), BROKEN, "lacks the labels"),
    (("apply", "-f", "-"), NODE, "a Node is in no namespace"),
    (("apply", "-f", "a" * 300), None, "cannot be read: File name too long"),
    (("apply", "-f", "/proc/self/mem"), None, "cannot be read: "),
    (("apply", "-f", "-"), "a: 2026-13-13", "not YAML"),
]


@pytest.mark.parametrize(
    ("words", "text", "said"),
    [*REFUSED, *(pytest.param(*row, marks=full("many wrong answers")) for row in MORE)],
)
def test_what_is_not_for_sure_a_write_of_ours_is_refused_in_one_line(
    used, mine, words, text, said
):
    before = mine.writes()
    line = refused(used, *words, text=text)
    assert said in line and "Traceback" not in line
    assert mine.writes() == before


def test_what_is_understood_and_ours_passes(used, mine):
    """The same shapes, in a namespace of ours."""
    make_namespace(used, "shapes")
    for words in (
        (*WRITE, "--namespace=default", "-n", "shapes"),
        ("label", "-n", "shapes", "cm/a", "example.com/b=c", "--overwrite"),
        ("annotate", "-nshapes", "configmaps.v1.", "a", "b=c"),
        ("delete", "-n=shapes", "--wait=false", "--", "configmap", "a"),
    ):
        done = kubectl(used, *words)
        assert done.returncode == 0, done
    done = kubectl(used, "exec", "-itn", "shapes", "a", "--", "sh")
    assert 'pods "a" not found' in done.stderr  # kubectl's own word


def test_a_namespace_with_our_labels_can_be_applied(used, mine):
    labels = rules.labels(record(used))
    manifest = json.loads(BARE) | {"metadata": {"name": "applied", "labels": labels}}
    done = kubectl(used, "apply", "-f", "-", input=json.dumps(manifest))
    assert done.returncode == 0, done.stderr
    assert mine.labels("applied").items() >= labels.items()


@INFRASTRUCTURE
def test_a_kind_that_came_later_is_asked_for_and_one_outside_is_refused(used, mine):
    """The list was made when the cluster was named."""
    make_namespace(used, "later")
    definitions = [crd("Later", "Namespaced"), crd("Outside", "Cluster")]
    done = mine.apply(
        json.dumps({"apiVersion": "v1", "kind": "List"} | {"items": definitions})
    )
    assert done.returncode == 0, done.stderr
    try:
        version = "example.com/v1"
        asked = ("get", "--raw", f"/apis/{version}")
        assert until(lambda: '"outsides"' in kubectl(used, *asked).stdout, 20)
        for kind, code in (("Later", 0), ("Outside", 1)):
            manifest = {"apiVersion": version, "kind": kind, "metadata": {"name": "a"}}
            text = json.dumps(manifest)
            done = kubectl(used, "create", "-n", "later", "-f", "-", input=text)
            assert done.returncode == code, done
        assert "Outside is in no namespace" in done.stderr
        done = kubectl(used, "delete", "-n", "later", "laters", "a")
        assert done.returncode == 0, done
        assert "outsides is in no" in refused(used, "delete", "outsides", "a")
    finally:
        mine.remove_kinds("laters.example.com", "outsides.example.com")


def crd(kind, scope):
    names = {"kind": kind, "plural": f"{kind.lower()}s"}
    schema = {"openAPIV3Schema": {"type": "object"}}
    version = {"name": "v1", "served": True, "storage": True, "schema": schema}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{names['plural']}.example.com"},
        "spec": {
            "group": "example.com",
            "scope": scope,
            "names": names,
            "versions": [version],
        },
    }


@INFRASTRUCTURE
def test_preferences_of_kubectl_change_no_command(used, mine, tmp_path):
    """A default of `delete` would reach beyond the namespace that was checked."""
    make_namespace(used, "preferred")
    home = tmp_path / "home"
    (home / ".kube").mkdir(parents=True)
    options = [{"name": "all-namespaces", "default": "true"}]
    preference = {
        "apiVersion": "kubectl.config.k8s.io/v1beta1",
        "kind": "Preference",
        "defaults": [{"command": "delete", "options": options}],
    }
    (home / ".kube" / "kuberc").write_text(yaml.safe_dump(preference))
    changes = {"HOME": home, "KUBERC": None, "KUBECTL_KUBERC": None}
    make_namespace(used, "beside")
    with mine.client() as core:
        core.create_namespaced_config_map("beside", {"metadata": {"name": "kept"}})
        words = ("-n", "preferred", "configmaps", "--all")
        done = kubectl(used, "delete", *words, changes=changes)
        assert done.returncode == 0, done
        assert core.read_namespaced_config_map("kept", "beside")


# --- The genuine kubectl --------------------------------------------------------------


@INFRASTRUCTURE
def test_a_kubectl_that_is_gone_is_said_and_how_to_get_it(used):
    """As after the cache was removed; of a read, a write, and `delete`."""
    state = Path(used["LAB_STATE_DIR"])
    genuine = record(used).kubectl
    replace(record(used), kubectl="/gone/kubectl").write(state)
    for words in (("get", "pods"), WRITE, ("-n", "a", "get", "pods")):
        # By itself, or by the record if it was written for another one.
        for path in (
            {"/gone/kubectl", genuine} if words[0] != "get" else {"/gone/kubectl"}
        ):
            guard.write(state / "bin", state, path)
            done = kubectl(used, *words)
            assert done.returncode == 1 and "helpers up" in done.stderr, done
            assert "/gone/kubectl" in done.stderr and "Traceback" not in done.stderr
            assert len(done.stderr.splitlines()) <= 2
    done = helpers("status", env=used)
    assert done.returncode == 4 and "Traceback" not in done.stderr, done


PLUGIN = """#!/bin/sh
# What a plugin does that asks kubectl for what it needs, and shows a certificate.
kubectl config view > /dev/null || exit 1
cat {credential}
"""


@pytest.fixture
def plugin(mine, tmp_path):
    """Return a PATH with a plugin of kubectl, and what it is called by."""
    known = mine.api_client().configuration
    status = {
        "clientCertificateData": Path(known.cert_file).read_text(),
        "clientKeyData": Path(known.key_file).read_text(),
    }
    version = "client.authentication.k8s.io/v1"
    credential = {"apiVersion": version, "kind": "ExecCredential", "status": status}
    (tmp_path / "credential.json").write_text(json.dumps(credential))
    script = tmp_path / "kubectl-lab_login"
    script.write_text(PLUGIN.format(credential=tmp_path / "credential.json"))
    script.chmod(script.stat().st_mode | stat.S_IXUSR)
    execution = {"apiVersion": version, "interactiveMode": "Never"}
    return tmp_path, [
        execution | {"command": "kubectl", "args": ["lab-login", "get-token"]},
        execution | {"command": "kubectl-lab_login"},
    ]


@INFRASTRUCTURE
@pytest.mark.parametrize("number", [0, 1])
def test_a_credential_plugin_that_is_or_calls_kubectl_comes_to_an_end(
    mine, state, plugin, number, tmp_path
):
    """With the program that checks first in PATH, each would start the next."""
    folder, executions = plugin
    file = mine.kubeconfig(tmp_path / "mine.yaml", "mine")
    document = yaml.safe_load(file.read_text())
    document["users"][0]["user"] = {"exec": executions[number]}
    file.write_text(yaml.safe_dump(document))
    checks = Path(state["LAB_STATE_DIR"]) / "bin"
    # No kubectl but the one that checks, and the plugin.
    path = os.pathsep.join(map(str, (checks, folder, tools(tmp_path))))
    env = state | {"PATH": path}
    options = ("--kubeconfig", file, "--context", "mine", "--yes")
    done = helpers("use", *options, env=env, timeout=60)
    assert done.returncode == 0, done.stderr
    make_namespace(env, f"plugin-{number}", changes=env)
    done = kubectl(env, *WRITE, "-n", f"plugin-{number}", changes=env)
    assert done.returncode == 0, done.stderr
    # Of the learner's own file, which was not changed, and still says `kubectl`.
    theirs = f"--kubeconfig={file}"
    for words in (("get", "namespaces", theirs), (theirs, "get", "namespaces")):
        done = kubectl(env, *words, changes=env)
        assert done.returncode == 0, done.stderr
    done = python(
        env,
        f"""
from kubernetes import client
core = client.CoreV1Api(cluster.api_client())
core.delete_namespaced_config_map("a", "plugin-{number}")
""",
    )
    assert done.returncode == 0, done.stderr


def tools(folder):
    """Return a directory with the programs that a shell script calls, and no more."""
    directory = folder / "tools"
    directory.mkdir()
    for name in ("sh", "cat"):
        (directory / name).symlink_to(f"/bin/{name}")
    return directory


def test_the_kubectl_that_was_chosen_is_kept_whatever_path_becomes(used, mine):
    """`%env PATH=...` in a cell: the genuine one alone would ask nobody."""
    genuine = Path(record(used).kubectl).parent
    before = mine.writes()
    done = python(
        used,
        f"""
import os
os.environ["PATH"] = "{genuine}:/usr/bin:/bin"
done = kubectl("create", "configmap", "a", "--namespace=default", check=False)
print(done.stderr)
""",
    )
    assert done.returncode == 0, done.stderr
    assert "default was not made by these" in done.stdout
    assert mine.writes() == before
