"""The copy of a pod in which a command meets an impostor.

What a command does there is among the answers to the exercises of lessons 08, 26 and
27, in `tests/helpers/exercises/checks/answers.toml`.
"""

from helpers.api.tokens import FILES
from helpers.exercises import impostor


def test_a_copy_sleeps_without_a_token_and_is_its_own_server():
    """It keeps what its command needs, and the pod that is copied does not change."""
    script = {"name": "script", "mountPath": "/app"}
    token = {"name": "token", "mountPath": FILES}
    container = {"name": "main", "args": ["sh", "/app/ask.sh"], "env": []}
    container["volumeMounts"] = [script, token]
    volumes = [{"name": "script"}, {"name": "token"}]
    pod = {"spec": {"containers": [container], "volumes": volumes}}
    pod["metadata"] = {"name": "app-7f9-x2k", "generateName": "app-7f9-"}
    made = impostor._copy(pod)
    assert made["metadata"] == {"generateName": "app-7f9-"}
    spec = made["spec"]
    # A command cannot tell by its host's name, nor by waiting, where it is.
    assert spec["hostname"] == "app-7f9-x2k"
    [copied] = spec["containers"]
    assert spec["automountServiceAccountToken"] is False
    assert (copied["command"], copied["args"]) == (["sleep", "infinity"], None)
    assert copied["volumeMounts"] == [script, {"name": "copy", "mountPath": FILES}]
    [alias] = spec["hostAliases"]
    assert alias == {"ip": "127.0.0.1", "hostnames": ["kubernetes.default.svc"]}
    assert container["args"] == ["sh", "/app/ask.sh"]
    assert pod["spec"]["volumes"] == volumes


def test_a_name_that_is_no_host_s_is_left_to_the_cluster():
    """A pod's name may have dots, and be longer."""
    container = {"name": "main", "volumeMounts": []}
    for name in ("a.b", "a" * 64):
        pod = {"metadata": {"name": name}, "spec": {"containers": [container]}}
        pod["spec"]["volumes"] = []
        assert "hostname" not in impostor._copy(pod)["spec"]


def test_only_a_request_after_the_first_connection_tells():
    """The first one reached the server that fits."""
    assert not impostor.is_turned({"heard": [["/api", "own", 1]]})
    assert not impostor.is_turned({"heard": []})
    assert impostor.is_turned({"heard": [["/api", "own", 1], ["/api", "own", 2]]})
