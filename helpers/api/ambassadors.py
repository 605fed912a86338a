"""Run pods with an ambassador, ask them, and renew their tokens as the kubelet does."""

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

import yaml

from cluster.waiting import poll
from helpers import errors
from helpers.api.pods import PodResponse, exec_in_pod, wait_for, wait_for_log
from helpers.api.tokens import MOUNTED, Token, create_token, read_token, write_token
from helpers.command import kubectl, time_limit
from helpers.language import say

#: the ambassador's address in its pod
AMBASSADOR = "http://localhost:8001"
#: the line of a `kubectl proxy` that listens
LISTENS = "Starting to serve on"
#: seconds until it has to
STARTS_WITHIN = 20.0
#: seconds until a token that has ended is refused: the server remembers a good answer
#: for 10, and a program written in Go the token for up to a minute
FORGOTTEN = 60.0
#: seconds between two requests while that is waited for: each starts a process in a pod
BETWEEN = 1.0
#: ends each response of several; no JSON has it
_END = "\x1e"
#: label of the Secrets with which `play_kubelet` ends tokens: the name of the pod
LABEL = "kubernetes-api-notebooks/token-of"

_MANIFEST = Path(__file__).parents[1] / "data" / "ambassador.yaml"


def run_ambassador(pod: str, script: str, *, played: bool = False) -> Token:
    """Run a pod whose container `ambassador` runs a script; wait until it listens.

    Return its first token. Only the ambassador has the files of the account `app`; the
    containers `main` and `neighbour` have curl. `main` and the ambassador share the
    directory `/socket`. With `played`, `play_kubelet(pod)` renews the token instead of
    the kubelet. Raise NotReady with the last words if `kubectl proxy` does not listen.
    """
    kubectl("delete", "pod", pod, "--ignore-not-found")
    manifest = ambassador_pod(pod, script, played=played)
    kubectl("apply", "-f", "-", input=manifest)
    if played:
        started = "jsonpath={.status.initContainerStatuses[0].state.running}"
        wait_for(started, f"pod/{pod}")
        play_kubelet(pod, container="files")
    wait_for("condition=Ready", f"pod/{pod}")
    within = time_limit(STARTS_WITHIN)
    wait_for_log(pod, LISTENS, container="ambassador", timeout=within)
    return read_token(pod, container="ambassador")


def ask_ambassador(
    pod: str,
    path: str,
    *options: str,
    container: str = "main",
    at: str = AMBASSADOR,
    expect: int | None = None,
) -> PodResponse:
    """Send a request from a container of a pod with curl, and return the PodResponse.

    The status is 0 without a response. `options` are curl's. With `expect`, ask again
    until the status is that, for up to a minute, and return the last answer. The same
    as `kubectl exec POD -c CONTAINER -- curl OPTIONS http://localhost:8001/PATH`.
    """
    curl = ("curl", "-s", "--max-time", "10", "-w", "\n%{http_code}")
    answer = PodResponse(0, "")

    def came() -> bool:
        nonlocal answer
        done = exec_in_pod(pod, *curl, *options, at + path, container=container)
        body, _, status = done.stdout.rpartition("\n")
        answer = PodResponse(int(status), body.strip())
        return expect in (None, answer.status)

    what = say("{status} from {pod}", status=expect, pod=pod)
    limit = time_limit(FORGOTTEN)
    poll(came, limit, what=what, state=lambda: f"{answer}", pause=BETWEEN)
    return answer


def proxy_lines(pod: str) -> list[str]:
    """Return the command line of each kubectl in a pod's ambassador, if that runs."""
    try:
        done = exec_in_pod(pod, "ps", "-eo", "args", container="ambassador")
    except errors.KubectlFailed as failed:
        if "container not found" not in failed.stderr:
            raise
        return []
    lines = done.stdout.splitlines()
    # A copy of it can have any name.
    return [one for one in lines if re.match(r"(\S*/)?kubectl |\S+ proxy ", one)]


def ask_ambassador_all(
    pod: str, requests: Iterable[Sequence[str]], *, container: str = "main"
) -> list[PodResponse]:
    """Send requests with one curl; return the responses, as `ask_ambassador` does.

    Each is a URL, and options of curl before it. That takes as long as one.
    """
    line = ["curl", "-s"]
    for request in requests:
        options = ("-s", "--max-time", "10", "-w", f"\n%{{http_code}}{_END}")
        line += [*options, *request, "--next"]
    done = exec_in_pod(pod, *line[:-1], container=container)
    parts = [part.rpartition("\n") for part in done.stdout.split(_END)[:-1]]
    return [PodResponse(int(status), body.strip()) for body, _, status in parts]


def play_kubelet(
    pod: str, *, path: str = MOUNTED, container: str = "ambassador"
) -> Token:
    """Write a new token of the pod's account to a file of the pod; end the last token.

    A token is bound to a Secret, so it ends when the Secret is deleted. Raise NotAToken
    if the file cannot be written.
    """
    manifest = kubectl("get", "pod", pod, "-o", "json").json()
    account = manifest["spec"]["serviceAccountName"]
    selector = f"--selector={LABEL}={pod}"
    before = kubectl("get", "secrets", selector, "-o", "name").stdout.split()
    secret = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"generateName": f"{pod}-", "labels": {LABEL: pod}},
    }
    created = kubectl("create", "-f", "-", "-o", "name", input=secret)
    token = create_token(account, bound_to=created.stdout.strip())
    write_token(pod, token, path=path, container=container)
    if before:
        kubectl("delete", *before)
    return token


def ambassador_pod(pod: str, script: str, *, played: bool) -> dict:
    """Return the manifest of such a pod; pure."""
    manifest = yaml.safe_load(_MANIFEST.read_text("utf-8"))
    manifest["metadata"]["name"] = pod
    spec = manifest["spec"]
    ambassador = spec["initContainers"][-1]
    ambassador["command"] = ["sh", "-c", script]
    if not played:
        # The kubelet fills one directory with the token and the authority.
        token = {"serviceAccountToken": {"path": "token"}}
        identity, authority, _ = spec["volumes"]
        sources = [token, {"configMap": authority["configMap"]}]
        spec["volumes"][0] = {
            "name": identity["name"],
            "projected": {"sources": sources},
        }
        spec["initContainers"], ambassador["volumeMounts"][2:] = [ambassador], []
    return manifest
