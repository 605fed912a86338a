"""Check the proofs of the summary, and its quiz."""

import json
import math
import time
from collections.abc import Mapping

from helpers.api.pods import exec_in_pod
from helpers.api.proxy import KubectlProxy
from helpers.command import Completed, current_namespace, kubectl, time_limit
from helpers.course.exercise import exercise
from helpers.errors import NotSolved
from helpers.exercises.checks.kubectl_proxy import wrong_options, wrong_path
from helpers.exercises.impostor import (
    GENUINE,
    IMPOSTOR,
    MISNAMED,
    PATH,
    TURNING,
    Meeting,
    Request,
    hear,
)
from helpers.exercises.repairs import demand_answer
from helpers.language import mark, say

SERVER = "https://kubernetes.default.svc"
RBAC = "rbac.authorization.k8s.io/v1"
#: seconds that a command may usually take, and its exit codes when `timeout` ended it
LIMIT, ENDED = 20.0, (124, 137)


@exercise
def list_role_bindings(path: str, proxy: KubectlProxy) -> None:
    """Demand the path of the RoleBindings of this namespace."""
    if not path:
        raise NotSolved(say("There is no path yet."))
    namespace = current_namespace()
    if fault := wrong_path(RBAC, "RoleBinding", path, proxy, namespace):
        raise NotSolved(fault)


@exercise
def send_sure_request(pod: str, request: str) -> None:
    """Demand a command for `bash -c` in the pod that lists the pods at `$SERVER`.

    The list must contain the pod. In a copy of it with other files, a server that they
    fit must receive the same request, and an impostor none.
    """
    # A text that came from Windows ends its lines in another way.
    request = request.replace("\r\n", "\n")
    # Whole, as `timeout` gets them: an end before a fraction of one is not its doing.
    seconds = math.ceil(time_limit(LIMIT))
    limit = ("timeout", "--kill-after=1", str(seconds))
    bash = ("env", f"SERVER={SERVER}", "bash", "-c", request)
    began = time.monotonic()
    done = exec_in_pod(pod, *limit, *bash)
    # A command that was killed early has such an exit code, too.
    if done.exit_code in ENDED and time.monotonic() - began >= seconds:
        fault = mark(
            "It still ran after {seconds} s and was ended: does it wait for input, "
            "or repeat for ever?"
        )
        raise NotSolved(say(fault, seconds=seconds))
    if done.exit_code:
        fault = mark("It exits with {code}: {line!r}.")
        raise NotSolved(say(fault, code=done.exit_code, line=_first_line(done)))
    try:
        answer = json.loads(done.stdout)
    except ValueError:
        fault = mark("It prints {line!r}, which is not JSON.")
        raise NotSolved(say(fault, line=_first_line(done))) from None
    kind = answer.get("kind") if isinstance(answer, dict) else None
    if kind == "Status":
        fault = mark("The server returns {code}: {message}")
        raise NotSolved(say(fault, code=answer["code"], message=answer["message"]))
    if kind != "PodList":
        text = json.dumps(answer)[:60]
        raise NotSolved(say("It prints {text} …, which is not a PodList.", text=text))
    names = [item["metadata"]["name"] for item in answer["items"]]
    if pod not in names:
        fault = mark("The list does not contain the pod {pod}: which namespace is it?")
        raise NotSolved(say(fault, pod=pod))
    found = kubectl("get", "pod", pod, "-o", "json").json()
    if fault := _fault_of_request(*hear(found, request, IMPOSTOR, MISNAMED, TURNING)):
        raise NotSolved(fault)


@exercise
def repair_copy(deployment: str) -> None:
    """Demand an application that works again."""
    demand_answer(deployment)


@exercise
def judge_statements(judged: Mapping[int, bool | None]) -> None:
    """Demand the right value for each statement of the quiz."""
    for number, reason in _REASONS.items():
        answer = judged.get(number)
        if not isinstance(answer, bool):
            fault = mark("Statement {number}: {answer!r} is not True or False.")
            raise NotSolved(say(fault, number=number, answer=answer))
        if answer != (number in _TRUE):
            fault = say("Look at statement {number} again.", number=number)
            raise NotSolved(fault + " " + say(reason))


#: the true statements of the page, and the reason why each is true or not
_TRUE = {4, 8, 9}
_REASONS = {
    1: mark("A variable is a copy. Only the file of a volume follows a change."),
    2: mark("A short name is completed with the pod's own namespace."),
    3: mark("With `-k` curl accepts any certificate, so any server gets the token."),
    4: mark("The proxy sends the credential of whoever started it."),
    5: mark("403 means that the server accepted the token; a wrong one gets 401."),
    6: mark("The server reads its rules for each request."),
    7: mark("A token expires, and the kubelet writes the next one into the file."),
    8: mark("No one can steal a token that is not there."),
    9: mark("A client library handles certificates, kinds, pages and errors for you."),
}


def _fault_of_request(
    genuine: Meeting, impostor: Meeting, misnamed: Meeting, turning: Meeting
) -> str:
    """Return what a command did wrong in a copy of the pod, or ""."""
    if impostor.given:
        return say("The impostor received the request: let curl check certificates.")
    if GENUINE not in genuine.reached:
        return say("The command does not use `$SERVER`: begin the URL with it.")
    if misnamed.given:
        return say(
            "A server with the certificate of another one received the request: check "
            "the name in the certificate, too."
        )
    if genuine.given or turning.given:
        return say(
            "An impostor on a later connection received a request: check the "
            "certificate on every connection."
        )
    for method, path, credential in genuine.heard:
        if method not in ("GET", "HEAD"):
            fault = mark("It sends {method} {path}: a list needs only GET.")
            return say(fault, method=method, path=path)
        if credential == "path":
            return say(
                "The token is in a URL, and servers log those: send it in the header "
                "`Authorization` alone."
            )
    _, path, credential = (genuine.heard or [Request("", "", "")])[-1]
    asked = path.partition("?")[0].rstrip("/")
    used = {"ca.crt": path, "token": credential == "own", "namespace": asked == PATH}
    fault = mark(
        "In a pod with another `{file}`, it does not use that one: read the file."
    )
    if unused := [file for file in used if not used[file]]:
        return say(fault, file=unused[0])
    if fault := wrong_options(path):
        return fault
    if not genuine.printed:
        return say("In a copy of the pod, it does not print the server's list.")
    return ""


def _first_line(done: Completed) -> str:
    """Return the first line that a command printed, of errors if there are any."""
    lines = (done.stderr + done.stdout).strip().splitlines()
    return lines[0][:160] if lines else ""
