"""What a check says of requests from a pod, and what an impostor gets of them."""

import re

import pytest

from helpers import pods
from helpers.checks import recap
from helpers.drills import FILES
from tests.notebooks import run_in_shell, source

BY_VARIABLE = "printenv KUBERNETES_SERVICE_HOST"
BY_NAME = "getent hosts kubernetes.default.svc"
PODS = "$SERVER/api/v1/namespaces/$(cat namespace)/pods"
TOKEN = '-H "Authorization: Bearer $(cat token)"'


@pytest.fixture(scope="module", autouse=True)
def client(namespace):
    """Make the account and the pod of the lesson."""
    run_in_shell("10-recap", "identity-made", namespace)
    pods.wait_for("condition=Ready", "pod/client")
    return "client"


@pytest.mark.parametrize(
    ("by_variable", "by_name", "said"),
    [
        (BY_VARIABLE, BY_NAME, ""),
        ("true", BY_NAME, "by_variable: it says nothing, and the address is"),
        (BY_NAME, BY_NAME, "by_variable: it does not read KUBERNETES_SERVICE_HOST"),
        (BY_VARIABLE, BY_VARIABLE, "by_name: it says nothing, and the address is"),
        (BY_VARIABLE, "echo 10.96.0.1", "by_name: 10.96.0.1 is written down in it"),
        (BY_VARIABLE, "no-such-program", "by_name: it says 'sh: 1: no-such-program"),
    ],
)
def test_two_ways_find_the_server(by_variable, by_name, said):
    """Each in its own way: neither the other way, nor an address by heart."""
    diagnosis = recap.server_is_found(
        "client", by_variable=by_variable, by_name=by_name
    )
    assert said in diagnosis and bool(said) == bool(diagnosis)


@pytest.mark.parametrize(
    ("curl", "said"),
    [
        (f"curl -s --cacert ca.crt {TOKEN} {PODS}", ""),
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
    diagnosis = recap.request_is_sure("client", f"cd {FILES}; {curl}")
    assert said in diagnosis and bool(said) == bool(diagnosis)
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
        (NAMES, ""),
        ("print('x')", "It does not print client; it says 'x'."),
        ("import nothing", "exit code 1: \"ModuleNotFoundError: No module named 'not"),
        (NAMES + "print('more')", "It prints more, which is no pod's name."),
    ],
)
def test_a_program_prints_the_pods_or_the_fault_is_named(program, said):
    diagnosis = recap.program_lists("client", program)
    assert said in diagnosis and bool(said) == bool(diagnosis)


TRUE = ("proxy", "none", "library")
WORDS = re.findall(r"^- \*\*([\w ]+):\*\*", source("10-recap", "quiz-task"), re.M)
RIGHT = {word: word in TRUE for word in WORDS}


def test_right_answers_pass():
    """The page and the check know the same statements."""
    assert len(WORDS) == 9 and recap.statements_judged(RIGHT) == ""


@pytest.mark.parametrize("word", WORDS)
def test_a_wrong_answer_is_told_with_the_reason(word):
    said = recap.statements_judged(RIGHT | {word: not RIGHT[word]})
    assert re.match(rf"{word}: it is (true|false), for \S+ .*\.$", said)


@pytest.mark.parametrize("answer", [None, "no", 1])
def test_what_is_no_answer_is_no_wrong_answer(answer):
    said = recap.statements_judged(RIGHT | {"env": answer})
    assert said == f"env: {answer!r}; write True or False."
    assert recap.statements_judged({}).startswith("env: None")
