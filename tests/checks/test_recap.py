"""What the checks of the recap say of paths, requests, programs and statements."""

import os
import re
import subprocess

import pytest

from helpers import pods
from helpers.checks import recap
from helpers.drills import FILES
from helpers.errors import NotSolved
from helpers.proxy import KubectlProxy
from tests.notebooks import source

BY_VARIABLE = "printenv KUBERNETES_SERVICE_HOST"
BY_NAME = "getent hosts kubernetes.default.svc"
PODS = "$SERVER/api/v1/namespaces/$(cat namespace)/pods"
TOKEN = '-H "Authorization: Bearer $(cat token)"'


@pytest.fixture(scope="module", autouse=True)
def client(namespace):
    """Make the account and the pod of the lesson."""
    _, _, script = source("08-recap", "identity-made").partition("\n")
    environment = os.environ | {"NAMESPACE": namespace}
    bash = ["bash", "-euo", "pipefail", "-c", script]
    subprocess.run(bash, env=environment, check=True, timeout=120)
    pods.wait_for("condition=Ready", "pod/client")
    return "client"


def diagnosis_of(check, *answer, **named):
    """Return what a check says, or nothing of a right answer."""
    try:
        check(*answer, **named)
    except NotSolved as wrong:
        return wrong.fact
    return ""


@pytest.fixture(scope="module")
def proxy(cluster):
    with KubectlProxy() as proxy:
        yield proxy


RBAC = "/apis/rbac.authorization.k8s.io/v1"


@pytest.mark.parametrize(
    ("path", "said"),
    [
        (f"{RBAC}/rolebindings", "Put `namespaces/"),
        (f"{RBAC}/namespaces/NAMESPACE/roles", "of the kind RoleList"),
        (f"{RBAC}/namespaces/NAMESPACE/rolebinding", "answers 404"),
        ("/livez", "is no JSON"),
        ("/apis", "of the kind APIGroupList"),
        ("", "There is no path yet."),
    ],
)
def test_a_path_leads_to_the_role_bindings(proxy, namespace, path, said):
    """The list of all namespaces holds those of kube-system, for one."""
    path = path.replace("NAMESPACE", namespace)
    diagnosis = diagnosis_of(recap.list_role_bindings, path, proxy)
    assert said in diagnosis


@pytest.mark.parametrize(
    ("by_variable", "by_name", "said"),
    [
        ("true", BY_NAME, "by_variable: it says nothing, and the address is"),
        (BY_NAME, BY_NAME, "by_variable: it does not read KUBERNETES_SERVICE_HOST"),
        (f"kubectl exec client -- {BY_VARIABLE}", BY_NAME, "runs in the pod already"),
        (BY_VARIABLE, BY_VARIABLE, "by_name: it says nothing, and the address is"),
        (BY_VARIABLE, "echo 10.96.0.1", "by_name: 10.96.0.1 is written down in it"),
        (BY_VARIABLE, "no-such-program", "by_name: it says 'sh: 1: no-such-program"),
    ],
)
def test_two_ways_find_the_server(by_variable, by_name, said):
    """Each in its own way: neither the other way, nor an address by heart."""
    diagnosis = diagnosis_of(
        recap.find_api_server, "client", by_variable=by_variable, by_name=by_name
    )
    assert said in diagnosis


@pytest.mark.parametrize(
    ("curl", "said"),
    [
        (f"curl -s -k {TOKEN} {PODS}", "An impostor was asked, and has the token"),
        (
            f"curl -s --cacert ca.crt {TOKEN} {PODS} || curl -s -k $SERVER",
            "An impostor was asked, and believed",
        ),
        (f"curl -sS {PODS}", "exit code 60: "),
        (f"curl -s --cacert ca.crt {TOKEN} $SERVER/api", "is no PodList: it begins"),
        (f"curl -s --cacert ca.crt {TOKEN} $SERVER/livez", "'ok'; that is no JSON"),
        (
            f"curl -s --cacert ca.crt {TOKEN} '{PODS}?labelSelector=none=none'".replace(
                "'$SERVER", '"$SERVER'
            ).replace("none'", 'none"'),
            "does not hold the pod client itself",
        ),
    ],
)
def test_a_request_is_sure_or_the_fault_is_named(curl, said):
    """In the order of the layers; the impostor comes last."""
    diagnosis = diagnosis_of(recap.send_sure_request, "client", f"cd {FILES}; {curl}")
    assert said in diagnosis
    assert "eyJ" not in diagnosis and len(diagnosis.splitlines()) <= 1


NAMES = f"""
from kubernetes import client, config
config.load_incluster_config()
namespace = open("{FILES}/namespace").read()
for pod in client.CoreV1Api().list_namespaced_pod(namespace).items:
    print(pod.metadata.name)
"""


@pytest.mark.parametrize(
    ("program", "said"),
    [
        ("print('x')", "It does not print client; it says 'x'."),
        ("import nothing", "exit code 1: \"ModuleNotFoundError: No module named 'not"),
        (NAMES + "print('more')", "It prints more, which is no pod's name."),
    ],
)
def test_a_program_prints_the_pods_or_the_fault_is_named(program, said):
    diagnosis = diagnosis_of(recap.list_pods_by_program, "client", program)
    assert said in diagnosis


TRUE = (4, 8, 9)
NUMBERS = [
    int(found)
    for found in re.findall(r"^(\d)\. ", source("08-recap", "quiz-task"), re.M)
]
RIGHT = {number: number in TRUE for number in NUMBERS}


def test_right_answers_pass():
    """The page and the check know the same statements."""
    assert NUMBERS == list(range(1, 10))
    assert diagnosis_of(recap.judge_statements, RIGHT) == ""


@pytest.mark.parametrize("number", NUMBERS)
def test_a_wrong_answer_is_told_with_the_reason(number):
    wrong = RIGHT | {number: not RIGHT[number]}
    said = diagnosis_of(recap.judge_statements, wrong)
    assert re.match(rf"Statement {number}: \S+ .*\.$", said)


@pytest.mark.parametrize("answer", [None, "no", 1])
def test_what_is_no_answer_is_no_wrong_answer(answer):
    said = diagnosis_of(recap.judge_statements, RIGHT | {1: answer})
    assert said == f"Statement 1: {answer!r} is not True or False."
    assert diagnosis_of(recap.judge_statements, {}).startswith("Statement 1: None")
