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
    [copied] = spec["containers"]
    assert spec["automountServiceAccountToken"] is False
    assert (copied["command"], copied["args"]) == (["sleep", "infinity"], None)
    assert copied["volumeMounts"] == [script, {"name": "copy", "mountPath": FILES}]
    [alias] = spec["hostAliases"]
    assert alias == {"ip": "127.0.0.1", "hostnames": ["kubernetes.default.svc"]}
    assert container["args"] == ["sh", "/app/ask.sh"]
    assert pod["spec"]["volumes"] == volumes
