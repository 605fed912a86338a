"""One context, taken out of a kubeconfig whole and for itself."""

from pathlib import Path

from cluster.existing.contexts import take

DOCUMENT = {
    "current-context": "production",
    "contexts": [
        {"name": "production", "context": {"cluster": "p", "user": "root"}},
        {
            "name": "mine",
            "context": {"cluster": "m", "user": "me", "namespace": "shop"},
        },
    ],
    "clusters": [
        {"name": "p", "cluster": {"server": "https://production.example"}},
        {
            "name": "m",
            "cluster": {
                "server": "https://mine.example",
                "certificate-authority": "keys/ca.crt",
            },
        },
    ],
    "users": [
        {"name": "root", "user": {"token": "secret of production"}},
        {
            "name": "me",
            "user": {
                "client-certificate": "/abs/me.crt",
                "client-key": "keys/me.key",
                "tokenFile": "../token",
                "exec": {"command": "./plugin", "args": ["a"]},
            },
        },
    ],
}


def taken():
    return take(DOCUMENT, "mine", Path("/home/me/.kube"), "/genuine/kubectl")


def test_nothing_of_another_context_comes_along():
    assert "production" not in str(taken())
    assert [len(taken()[part]) for part in ("contexts", "clusters", "users")] == [1] * 3


def test_the_copy_leads_to_that_context_and_to_no_namespace():
    assert taken()["current-context"] == "mine"
    assert taken()["contexts"][0]["context"] == {"cluster": "m", "user": "me"}


def test_names_of_files_count_from_where_the_original_is():
    cluster, user = taken()["clusters"][0]["cluster"], taken()["users"][0]["user"]
    assert cluster["certificate-authority"] == "/home/me/.kube/keys/ca.crt"
    assert user["client-certificate"] == "/abs/me.crt"
    assert user["client-key"] == "/home/me/.kube/keys/me.key"
    assert user["tokenFile"] == "/home/me/.kube/../token"


def test_a_credential_plugin_stays_one():
    """A bare name is looked for in PATH, so it stays bare."""
    assert taken()["users"][0]["user"]["exec"] == {
        "command": "/home/me/.kube/plugin",
        "args": ["a"],
    }
    assert taken_with("aws") == "aws"


def test_a_plugin_of_kubectl_is_run_by_the_genuine_one():
    """Else the one that checks writes would ask for a credential, and so itself."""
    assert taken_with("kubectl") == "/genuine/kubectl"
    assert taken_with("/usr/bin/kubectl") == "/usr/bin/kubectl"


def taken_with(command):
    user = {"name": "me", "user": {"exec": {"command": command}}}
    document = take(
        {**DOCUMENT, "users": [user]}, "mine", Path("/x"), "/genuine/kubectl"
    )
    return document["users"][0]["user"]["exec"]["command"]


def test_the_original_is_left_as_it_was():
    before = str(DOCUMENT)
    taken()["users"][0]["user"]["tokenFile"] = "changed"
    assert str(DOCUMENT) == before
