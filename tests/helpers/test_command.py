"""Whatever kubectl is given, a learner gets its sentence or ours, and no traceback."""

import json

import pytest

from helpers import errors
from helpers.command import kubectl
from helpers.pods import exec_in_pod
from tests.running import apply, run, sleeper


def configmap(**data: str) -> dict:
    return {"apiVersion": "v1", "kind": "ConfigMap", "data": data} | {
        "metadata": {"name": "given"}
    }


HEAD = "apiVersion: v1\nkind: ConfigMap\nmetadata: "
#: manifests, and the words of kubectl or the API server that say what is wrong
REFUSED = {
    "2 MB": (json.dumps(configmap(a="x" * 2**21)), "Request entity too large"),
    "NUL": (f"{HEAD}{{name: given}}\ndata: {{a: 'x\0y'}}", "control characters"),
    "an emoji as its name": (f"{HEAD}{{name: 🎉}}", "lowercase RFC 1123 subdomain"),
    "half an emoji": (f"{HEAD}{{name: '\ud83c'}}", "lowercase RFC 1123 subdomain"),
    "tabs": (f"{HEAD}\n\tname: given", "line 4: found character that cannot start"),
    "nothing": ("", "no objects passed to apply"),
    "a bomb of aliases": (
        "a0: &a0 [x]\n"
        + "\n".join(f"a{n}: &a{n} [{f'*a{n - 1},' * 9}]" for n in range(1, 9)),
        "excessive aliasing",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_manifest_that_cannot_be_taken_is_told_in_a_line(namespace, name):
    """And nothing is made of it."""
    text, said = REFUSED[name]
    with pytest.raises(errors.KubectlFailed) as caught:
        apply(text)
    assert said in caught.value.stderr
    assert caught.value.stderr.count("\n") == 1 and len(str(caught.value)) < 500
    assert kubectl("get", "configmap", "given", check=False).exit_code


def test_what_json_may_hold_is_kept(namespace):
    """NUL and emoji, to the last bit."""
    data = {"a": "x\0y", "b": "🎉\t"}
    apply(configmap(**data))
    assert kubectl("get configmap given -o json").json()["data"] == data
    kubectl("delete configmap given")


@pytest.mark.parametrize(
    "arguments", [("get pods 'web",), ("get", "pod", "a\0b"), ("get", "pod", "\ud83c")]
)
def test_a_command_line_that_is_none_is_told(namespace, arguments):
    """Before anything is asked."""
    with pytest.raises(errors.LabError, match="this command line") as caught:
        kubectl(*arguments)
    assert len(str(caught.value).splitlines()) == 2


def test_output_that_is_no_text_is_a_value(namespace):
    """As the log of a pod may be."""
    run(sleeper("binary"))
    done = exec_in_pod("binary", "printf", r"a\377b")
    assert done.stdout == "a\ufffdb"
