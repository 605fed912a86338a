"""Check the proofs of the summary, and its quiz."""

import json
import math
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor, wait

from cluster.waiting import PASSING
from helpers.api.pods import exec_in_pod
from helpers.api.proxy import KubectlProxy
from helpers.command import Completed, current_namespace, kubectl, time_limit
from helpers.course.exercise import exercise
from helpers.errors import NotSolved, Undecided
from helpers.exercises.checks.kubectl_proxy import (
    WATCH,
    WATCHED,
    wrong_options,
    wrong_path,
)
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
#: seconds after which a command that still runs is looked at in a copy, too
PROMPT = 1.0
#: how curl ends without a response, as it may at a server that is slow
NO_RESPONSE = (6, 7, 28, 35, 52, 56)


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
    pool = ThreadPoolExecutor(1)

    def run() -> tuple[Completed, float]:
        done = exec_in_pod(pod, *limit, *bash, timeout=2.0 * seconds)
        return done, time.monotonic() - began

    running = pool.submit(run)
    pool.shutdown(wait=False)
    wait([running], PROMPT)
    if not running.done():
        # Whether it ever ends, a copy shows without the API server.
        [met] = _meet(pod, request)
        fault = _fault_of_stay(met)
        # It may have ended meanwhile.
        if fault and not running.done():
            raise NotSolved(say(fault, seconds=round(time.monotonic() - began)))
    done, took = running.result()
    # A command that was killed early has such an exit code, too.
    if done.exit_code in ENDED and took >= seconds:
        raise Undecided(say("a response to the command"))
    if done.exit_code:
        if done.exit_code in NO_RESPONSE and not _responds(pod):
            raise Undecided(say("a response to the command"), _summary(done))
        fault = mark("It exits with {code}: {line!r}.")
        raise NotSolved(say(fault, code=done.exit_code, line=_summary(done)))
    try:
        answer = json.loads(done.stdout)
    except ValueError:
        fault = mark("It prints {line!r}, which is not JSON.")
        raise NotSolved(say(fault, line=_summary(done))) from None
    kind = answer.get("kind") if isinstance(answer, dict) else None
    if kind == "Status" and answer["code"] in PASSING:
        raise Undecided(say("a response to the command"), answer["message"])
    if kind == "Status":
        fault = mark("The server returns {code}: {message}")
        raise NotSolved(say(fault, code=answer["code"], message=answer["message"]))
    if kind == "List":
        fault = mark(
            "It prints a List, which kubectl has put together: `kubectl get --raw` "
            "prints what the server returns."
        )
        raise NotSolved(say(fault))
    if kind != "PodList":
        text = json.dumps(answer)[:60]
        raise NotSolved(say("It prints {text} …, which is not a PodList.", text=text))
    names = [item["metadata"]["name"] for item in answer["items"]]
    if pod not in names:
        fault = mark("The list does not contain the pod {pod}: which namespace is it?")
        raise NotSolved(say(fault, pod=pod))
    others = (IMPOSTOR, MISNAMED, TURNING)
    if fault := _fault_of_request(*_meet(pod, request, *others, took=took)):
        raise NotSolved(fault)


def _meet(pod: str, request: str, *others: str, took: float = 0.0) -> list[Meeting]:
    found = kubectl("get", "pod", pod, "-o", "json").json()
    return hear(found, request, *others, took=took)


def _fault_of_stay(genuine: Meeting) -> str:
    """Return why a command never ends, as its copy shows, or ""."""
    if any(WATCHED.search(path) for _, path, _ in genuine.heard):
        return WATCH
    if genuine.ended:
        return ""
    return mark(
        "It still ran after {seconds} s and was ended: does it wait for input, or "
        "repeat for ever?"
    )


def _responds(pod: str) -> bool:
    """Return whether curl in the pod gets a response of the API server in good time."""
    curl = ("curl", "-q", "-s", "-k", "-o", "/dev/null", "--max-time", "2.5")
    return not exec_in_pod(pod, *curl, f"{SERVER}/version").exit_code


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
    if not (genuine.reached or genuine.ended):
        return say("In a copy of the pod, it still runs, and has reached no server.")
    if GENUINE not in genuine.reached:
        return say("The command does not use `$SERVER`: begin the URL with it.")
    if not impostor.reached:
        return say("When it runs again, it sends no request: send one each time.")
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


def _summary(done: Completed) -> str:
    """Return the line that says most of what a command printed, of errors if any.

    That is the first line, but the last of a traceback.
    """
    lines = (done.stderr.strip() or done.stdout.strip()).splitlines() or [""]
    # An error of syntax has no such head, only the place.
    heads = ("Traceback", 'File "')
    is_traceback = any(line.startswith(heads) for line in lines)
    return lines[-1 if is_traceback else 0][:160]
