"""The copy of a pod in which a command meets an impostor.

What a command does there is among the answers to the exercises of lessons 08, 26 and
27, in `tests/helpers/exercises/checks/answers.toml`.
"""

import os
import runpy
import socket
import ssl
import subprocess
import sys
import threading

from helpers.api.tokens import FILES
from helpers.exercises import impostor


def test_each_connection_to_the_server_shows_its_certificate(tmp_path):
    """A client that resumed a session would check none, so no session is resumed."""
    program = runpy.run_path(str(impostor._PROGRAM))
    certificate = tmp_path / "ca.crt"
    context = program["server_context"](certificate)
    client = ssl.create_default_context(cafile=str(certificate))
    listener = socket.create_server(("127.0.0.1", 0))
    session = None
    for _ in range(2):

        def respond():
            with context.wrap_socket(listener.accept()[0], server_side=True) as server:
                server.sendall(b"x")

        thread = threading.Thread(target=respond)
        thread.start()
        plain = socket.create_connection(listener.getsockname())
        with client.wrap_socket(
            plain, server_hostname="localhost", session=session
        ) as connection:
            # What resumes a session comes after the handshake.
            assert connection.recv(1) == b"x"
            assert not connection.session_reused
            session = connection.session
        thread.join()
    listener.close()


def test_a_command_is_at_work_while_it_has_left_something_behind(tmp_path):
    """What runs in the background sends requests, in a session of its own, too."""
    end = tmp_path / "end"
    os.mkfifo(end)
    program = f"""
import ctypes, runpy, subprocess
module = runpy.run_path({str(impostor._PROGRAM)!r})
ctypes.CDLL(None).prctl(module["SUBREAPER"], 1)
child = subprocess.Popen(["bash", "-c", "setsid cat {end} & exit 0"])
child.wait()
print(module["_is_at_work"](child), flush=True)
while module["_is_at_work"](child):
    pass
print("ended")
"""
    with subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout.readline() == "True\n"
        # Its reader gets an end of file, and ends.
        end.open("w").close()
        assert process.communicate(timeout=60)[0] == "ended\n"


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


def test_a_copy_has_its_own_token_and_namespace_wherever_the_pod_has_them():
    """A token that is renewed is the pod's own at any path; a copied one stays."""
    env = [
        {"name": "TOKEN", "value": "/own/jwt"},
        {"name": "NAMESPACE", "value": "here"},
        {
            "name": "HOME",
            "valueFrom": {"fieldRef": {"fieldPath": "metadata.namespace"}},
        },
        {"name": "POD", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
    ]
    own, copied = {"name": "own", "mountPath": "/own"}, {"name": "c", "mountPath": "/c"}
    container = {"name": "main", "env": env, "volumeMounts": [own, copied]}
    token = {"serviceAccountToken": {"path": "jwt"}}
    volumes = [{"name": "own", "projected": {"sources": [token]}}]
    volumes.append({"name": "c", "secret": {"secretName": "c"}})
    pod = {"metadata": {"name": "app", "namespace": "here"}}
    pod["spec"] = {"containers": [container], "volumes": volumes}
    [made] = impostor._copy(pod)["spec"]["containers"]
    mounts = [(one["name"], one["mountPath"]) for one in made["volumeMounts"]]
    assert mounts == [("copy", "/own"), ("c", "/c"), ("copy", FILES)]
    assert made["env"] == [
        env[0],
        {"name": "NAMESPACE", "value": "elsewhere"},
        {"name": "HOME", "value": "elsewhere"},
        env[3],
    ]
