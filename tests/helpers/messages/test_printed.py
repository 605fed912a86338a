"""A message of the rules was printed by the real program, and its rule explains it.

printed.toml has the commands. Digits and blanks are not compared: ports, times and how
a line is broken are no part of a message.
"""

import base64
import ipaddress
import json
import os
import re
import socket
import ssl
import struct
import subprocess
import sys
import threading
import time
import tomllib
from pathlib import Path

import pytest
from cryptography import x509

from cluster import errors
from cluster.tests.authority import DAY, Authority
from cluster.tests.running import apply, sleeper
from helpers.api.tokens import Token, backdate, tamper
from helpers.command import kubectl
from helpers.messages import explain_text
from helpers.messages.rules import rules

pytestmark = pytest.mark.follow("programs whose versions are pinned")
PRINTED = tomllib.loads(Path(__file__).with_name("printed.toml").read_text("utf-8"))
COMMANDS = PRINTED["server"] | PRINTED["node"]
#: namespaces of these tests, which their messages name
NAMESPACES = ("shop", "shop-limits", "shop-restricted", "shop-ending")
RBAC = "rbac.authorization.k8s.io"
#: the Python client, as the token in its first argument
CLIENT = """
import os, sys
from kubernetes import client
settings = client.Configuration()
settings.host, settings.ssl_ca_cert = os.environ['SERVER'], os.environ['CA']
settings.api_key = {'authorization': 'Bearer ' + sys.argv[1]}
api = client.CoreV1Api(client.ApiClient(settings))
"""
HOSTNAME = """
import os, socket, ssl
host, port = os.environ['SERVER'].removeprefix('https://').split(':')
context = ssl.create_default_context(cafile=os.environ['CA'])
connection = socket.create_connection((host, int(port)))
context.wrap_socket(connection, server_hostname='other.example')
"""
PRELUDE = r"""
BARE="--kubeconfig=/dev/null --server=$SERVER --certificate-authority=$CA -n shop"
BARE_NO_CA="--kubeconfig=/dev/null --server=$SERVER -n shop"
AS="--as=system:serviceaccount:shop:clerk"
ghost() {
  echo '{apiVersion: v1, kind: Pod, metadata: {name: '"${2-ghost}"'},'
  echo 'spec: {serviceAccountName: '"$1"','
  echo 'containers: [{name: main, image: toolbox:1}]}}'
}
job() {
  echo '{apiVersion: batch/v1, kind: Job, metadata: {name: sum},'
  echo 'spec: {'"$1"', template: {spec: {restartPolicy: Never,'
  echo 'containers: [{name: main, image: x}]}}}}'
}
shared() {
  echo '{apiVersion: v1, kind: ConfigMap, metadata: {name: shared},'
  echo 'data: {k: "'"$1"'"}}'
}
await() {
  word=$1; shift
  for _ in $(seq 300); do
    said=$("$@" 2>&1); case $said in *"$word"*) break;; esac; sleep 0.2
  done
  echo "$said"
}
events() { await "$2" kubectl get events --field-selector "involvedObject.name=$1"; }
user() {
  cat >own <<END
apiVersion: v1
kind: Config
current-context: own
contexts: [{name: own, context: {cluster: own, user: me, namespace: shop}}]
clusters: [{name: own, cluster: {server: "$SERVER", certificate-authority: "$CA"}}]
users: [{name: me, user: $1}]
END
}
sent() {
  curl -s --cacert $CA --cert client.crt --key client.key -X "$1" \
    -H "Content-Type: $2" ${4:+--data "$4"} "$SERVER$3"
}
reviewed() { kubectl create -o 'jsonpath={.status.error}' -f "$1.json"; }
proxied() {
  kubectl proxy --port=8123 >/dev/null & proxy=$!
  for _ in $(seq 50); do
    curl -s 127.0.0.1:8123/version >/dev/null && break; sleep 0.1
  done
  "$@"; kill $proxy
}
"""


def masked(text: str) -> str:
    """Return what is compared of a text."""
    return re.sub(r"\d+", "0", " ".join(text.replace('\\"', '"').split()))


def listen(answer) -> int:
    """Answer each connection to a new port in a thread; return the port."""
    server = socket.create_server(("127.0.0.1", 0))

    def serve_one(connection: socket.socket) -> None:
        with connection:
            answer(connection)

    def serve() -> None:
        while True:
            connection, _ = server.accept()
            threading.Thread(target=serve_one, args=(connection,), daemon=True).start()

    threading.Thread(target=serve, daemon=True).start()
    return server.getsockname()[1]


def end_with(data: bytes | None):
    """Return an answer: some bytes, or with None a reset, and the end."""

    def answer(connection: socket.socket) -> None:
        connection.recv(65536)
        if data is None:
            linger = struct.pack("ii", 1, 0)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        elif data:
            connection.sendall(data)

    return answer


def present(pem: Path):
    """Return an answer: a certificate, and nothing else."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)

    def answer(connection: socket.socket) -> None:
        try:
            with context.wrap_socket(connection, server_side=True) as secured:
                secured.recv(1)
        except OSError:
            pass

    return answer


def ports(place: Path) -> dict[str, int]:
    """Start servers that fail in their ways; return the port of each."""
    authority = Authority("tests")
    address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
    old = authority.issue("old", address, ends=-DAY)
    (place / "expired.pem").write_text(old)
    (place / "expired.crt").write_text(authority.pem)
    chain = authority.issue("new", address) + authority.pem
    (place / "chain.pem").write_text(chain)
    return {
        "SILENT": listen(lambda connection: time.sleep(600)),
        "RESET": listen(end_with(None)),
        "EMPTY": listen(end_with(b"")),
        "PLAIN": listen(end_with(b"HTTP/1.1 400 Bad Request\r\n\r\n")),
        "EXPIRED": listen(present(place / "expired.pem")),
        "CHAIN": listen(present(place / "chain.pem")),
    }


def kind(
    name: str, namespace: str | None = "shop", group="v1", of=None, **parts
) -> dict:
    """Return an object; `of` is its kind if its name does not say it."""
    meta = {"name": name} | ({"namespace": namespace} if namespace else {})
    return {"apiVersion": group, "kind": of, "metadata": meta} | parts


def rbac(name: str, role: str, *rules: dict) -> list[dict]:
    """Return an account, its binding to a role, and that role if it has rules."""
    group = f"{RBAC}/v1"
    who = {"kind": "ServiceAccount", "name": name, "namespace": "shop"}
    reference = {"apiGroup": RBAC, "kind": "Role", "name": role}
    bound = [
        kind(name, of="ServiceAccount"),
        kind(name, of="RoleBinding", group=group, subjects=[who], roleRef=reference),
    ]
    roles = [kind(role, of="Role", group=group, rules=[*rules])] if rules else []
    return bound + roles


def objects() -> list[dict]:
    """Return what these messages are about."""
    waiting = sleeper("placed")["spec"] | {"schedulerName": "nobody"}
    template = {"spec": waiting | {"restartPolicy": "Never"}}
    port = [{"port": 80, "targetPort": 9}]
    limited = {"limits.memory": "1Gi"}
    level = {"pod-security.kubernetes.io/enforce": "restricted"}
    restricted = kind("shop-restricted", None, of="Namespace")
    restricted["metadata"]["labels"] = level
    held = kind("held", "shop-ending", of="ConfigMap")
    held["metadata"] |= {"finalizers": ["example.com/held"]}
    return [
        *(
            kind(name, None, of="Namespace")
            for name in NAMESPACES
            if name != "shop-restricted"
        ),
        restricted,
        *rbac(
            "clerk",
            "writer",
            {"apiGroups": [RBAC], "resources": ["roles"], "verbs": ["create"]},
            {"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]},
        ),
        *rbac("visitor", "typo"),
        *(kind(name, of="ServiceAccount") for name in ("gone",)),
        kind("small", of="ResourceQuota", spec={"hard": {"secrets": "0"}}),
        kind("measured", "shop-limits", of="ResourceQuota", spec={"hard": limited}),
        kind("colors", of="ConfigMap", data={"k": "1"}),
        kind("hooked", of="ConfigMap"),
        held,
        kind("empty", of="Service", spec={"selector": {"a": "none"}, "ports": port}),
        kind("placed", of="Pod", spec=waiting),
        kind("doomed", of="Pod", spec=waiting),
        *pods(),
        *cluster_objects(),
        kind(
            "frozen",
            of="Job",
            group="batch/v1",
            spec={"suspend": True, "template": template},
        ),
    ]


def pods() -> list[dict]:
    """Return pods that fail, each in its way, except for the first."""
    reference = {"name": "nosuch"}
    volume = {"name": "settings", "configMap": reference}
    mounted = [{"name": "settings", "mountPath": "/settings"}]
    failing = [
        sleeper("client"),
        sleeper("no-image", image="nosuch:1"),
        sleeper("no-map", envFrom=[{"configMapRef": reference}]),
        sleeper("no-volume", volumeMounts=mounted),
        sleeper("crash", command=["false"]),
        sleeper("too-big", resources={"requests": {"memory": "1000Gi"}}),
    ]
    for pod in failing:
        pod["metadata"] |= {
            "namespace": "shop",
            "labels": {"app": pod["metadata"]["name"]},
        }
    failing[3]["spec"]["volumes"] = [volume]
    budget = {"minAvailable": 1, "selector": {"matchLabels": {"app": "client"}}}
    return [
        *failing,
        kind("kept", of="PodDisruptionBudget", group="policy/v1", spec=budget),
    ]


def cluster_objects() -> list[dict]:
    """Return what refuses some ConfigMaps of these tests, and a kind without a past."""
    group = "admissionregistration.k8s.io"
    rule = {"apiGroups": [""], "apiVersions": ["v1"], "resources": ["configmaps"]}
    there = {"matchLabels": {"kubernetes.io/metadata.name": "shop"}}
    policy = {
        "matchConstraints": {
            "resourceRules": [rule | {"operations": ["CREATE"]}],
            "namespaceSelector": there,
        },
        "validations": [
            {"expression": "object.metadata.name != 'late'", "message": "too late"}
        ],
    }
    webhook = {
        "name": "gone.example.com",
        "clientConfig": {"service": {"name": "gone", "namespace": "shop"}},
        "rules": [rule | {"operations": ["UPDATE"]}],
        "namespaceSelector": there,
        "objectSelector": {"matchLabels": {"hooked": "yes"}},
        "sideEffects": "None",
        "timeoutSeconds": 1,
        "admissionReviewVersions": ["v1"],
    }
    schema = {"openAPIV3Schema": {"type": "object"}}
    served = {"name": "v1", "served": True, "storage": True, "schema": schema}
    tickets = {
        "group": "shop.example.com",
        "scope": "Namespaced",
        "names": {"kind": "Ticket", "plural": "tickets"},
        "versions": [served],
    }
    api = "apiextensions.k8s.io/v1"
    bound = {"policyName": "no-late", "validationActions": ["Deny"]}
    version = f"{group}/v1"
    return [
        kind("no-late", None, version, "ValidatingAdmissionPolicy", spec=policy),
        kind("no-late", None, version, "ValidatingAdmissionPolicyBinding", spec=bound),
        kind(
            "gone", None, version, "ValidatingWebhookConfiguration", webhooks=[webhook]
        ),
        kind(
            "tickets.shop.example.com",
            None,
            api,
            "CustomResourceDefinition",
            spec=tickets,
        ),
    ]


@pytest.fixture(scope="module")
def shop(cluster, tmp_path_factory):
    """Yield a function that runs a command in a directory, with all that it needs."""
    place = tmp_path_factory.mktemp("printed")
    apply(objects())
    config = kubectl("config", "view", "--raw", "--minify", "-o", "json").json()
    config["contexts"][0]["context"]["namespace"] = "shop"
    (place / "kubeconfig").write_text(json.dumps(config))
    user = config["users"][0]["user"]
    for name in ("certificate", "key"):
        pem = base64.b64decode(user[f"client-{name}-data"])
        (place / f"client.{'crt' if name == 'certificate' else name}").write_bytes(pem)
    known = config["clusters"][0]["cluster"]
    ca = base64.b64decode(known["certificate-authority-data"])
    (place / "ca.crt").write_bytes(ca)
    token = create_token_of("clerk")
    names = {
        "KUBECONFIG": place / "kubeconfig",
        "SERVER": known["server"],
        "CA": place / "ca.crt",
        "TOKEN": token.text,
        "PYTHON": sys.executable,
        "CLIENT": f"{CLIENT}api.list_namespaced_pod('shop')",
        "HOSTNAME_CHECK": HOSTNAME,
        "HOME": place,
        "PYTHONWARNINGS": "ignore",
    }
    env = os.environ | {
        key: str(value) for key, value in (names | ports(place)).items()
    }
    write_reviews(cluster, place, token)
    kubectl("delete", "namespace", "shop-ending", "--wait=false")
    (place / "empty").touch()

    def run(line: str) -> str:
        done = subprocess.run(
            ["bash", "-c", f"{PRELUDE}\n{line}"],
            cwd=place,
            env=env,
            capture_output=True,
            text=True,
            timeout=120,
        )
        return done.stdout + done.stderr

    run("shared 1 | kubectl apply --server-side --field-manager=other -f -")
    hard = "-o jsonpath={.status.hard}"
    run(f"await secrets kubectl get quota small {hard}")
    run(f"await memory kubectl get quota measured -n shop-limits {hard}")
    yield run
    kubectl(
        "patch",
        "configmap",
        "held",
        "-n",
        "shop-ending",
        "--type=merge",
        "-p",
        '{"metadata": {"finalizers": null}}',
    )
    names = [f"{one['kind']}/{one['metadata']['name']}" for one in cluster_objects()]
    kubectl("delete", *names)
    kubectl("delete", "namespace", *NAMESPACES, "--wait=false", check=False)


def create_token_of(account: str, *options: str) -> Token:
    line = ("create", "token", account, "-n", "shop", *options)
    return Token(kubectl(*line).stdout.strip())


def write_reviews(cluster, place: Path, token: Token) -> None:
    """Write a TokenReview for each fault of a token."""
    gone = create_token_of("gone")
    kubectl("delete", "serviceaccount", "gone", "-n", "shop")
    binding = ("--bound-object-kind=Pod", "--bound-object-name=doomed")
    unbound = create_token_of("default", *binding)
    kubectl("delete", "pod", "doomed", "-n", "shop")
    tokens = {
        "vault": create_token_of("clerk", "--audience=vault"),
        "gone": gone,
        "unbound": unbound,
        "tampered": tamper(token, sub="other"),
    }
    try:
        tokens["expired"] = backdate(cluster, token, expired_for=60)
    except errors.NoSigningKey:
        pass
    for name, each in tokens.items():
        review = kind(name, None, "authentication.k8s.io/v1", "TokenReview")
        review["spec"] = {"token": each.text}
        (place / f"{name}.json").write_text(json.dumps(review))


EXAMPLES = [
    pytest.param(rule, message, line, id=f"{rule.id}-{number}")
    for rule in rules()
    for number, (message, line) in enumerate(
        zip(rule.messages, COMMANDS.get(rule.id, ()), strict=True)
    )
]


@pytest.mark.parametrize(("rule", "message", "line"), EXAMPLES)
def test_a_message_is_what_the_program_prints(cluster, shop, rule, message, line):
    # Elsewhere there may be no image, and no key that signs an expired token.
    needs_local = rule.id in {*PRINTED["node"], "token-expired"}
    if needs_local and cluster.backend != "local":
        pytest.skip("on this backend, images have to be pulled")
    output = shop(line)
    assert masked(message) in masked(output)
    assert explain_text(output).rule == rule.id


ROLES = [pytest.param(rule, id=rule.id) for rule in rules() if rule.role]


@pytest.mark.parametrize("rule", ROLES)
def test_the_check_says_no_before_the_role_and_yes_after(shop, rule):
    """For each rule: the object's name and the subresource are in both, or in none."""
    account = f"reader-{rule.id}"
    message = re.sub(
        "serviceaccount:[a-z]+:[a-z]+",
        f"serviceaccount:shop:{account}",
        rule.examples[0],
    )
    advice = explain_text(message.replace('namespace "default"', 'namespace "shop"'))
    assert advice.rule == rule.id
    assert "no" in shop(advice.ask).split()
    try:
        for command in advice.commands:
            assert "created" in shop(command), command
        assert "yes" in shop(f"await yes {advice.ask}").split()
    finally:
        for command in advice.commands:
            shop(command.replace("create", "delete", 1).partition(" --")[0])
