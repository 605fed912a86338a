"""Run commands in pods, and wait for pods, files and logs, in kubectl's words."""

import json
import re
import subprocess
import time
from dataclasses import dataclass

from cluster.waiting import poll
from helpers import errors
from helpers.api.podstatus import Cause, conditions, why_not_ready
from helpers.command import (
    Completed,
    backend_in_use,
    environment,
    kubectl,
    program,
    time_limit,
    wait,
)
from helpers.language import say

#: seconds of one `kubectl wait`; between two of them the pod is looked at
SLICE = 2.0
#: seconds between two commands in a pod; each costs a process there
PAUSE = 0.1
#: seconds that a condition of an object, or a line of a log, may usually take
UNTIL_MET = 60.0
#: seconds that a file may: some kubelets notice a change only once a minute
UNTIL_IN_FILE = 100.0
#: seconds that the API server may usually take to learn of a new rule: it watches them
PROPAGATION = 5.0

#: The book's request: $1 is the method, $2 the path. The token is not passed as an
#: argument: any account on the node can read those.
_ASK = """
cd /var/run/secrets/kubernetes.io/serviceaccount
printf 'Authorization: Bearer %s' "$(cat token)" | curl -sS --cacert ca.crt -H @- \\
  -X "$1" -w '\\n%{http_code}' "https://kubernetes.default.svc$2"
"""

#: Look for the text $1 in the file $2, $3 times. In the pod, because the start of a
#: command takes a hundred times as long.
_FIND = """
for _ in $(seq $3); do grep -qsF -e "$1" "$2" && break; sleep 0.1; done; cat "$2"
"""

#: kinds that are ready when their pods are, as lessons write them
_OF_PODS = ("pod", "pods", "po", "job", "deployment", "daemonset", "statefulset")

#: the line that kubectl adds when the command itself ran and failed
_TERMINATED = "command terminated with exit code"


def exec_in_pod(
    pod: str,
    *command: str,
    container: str | None = None,
    input: str | None = None,
    timeout: float | None = None,
) -> Completed:
    """Run a command in a pod and return its stdout, stderr and exit code.

    The failure of a command is a value; raise KubectlFailed if it could not run (no
    such pod, no such program, 403). The same as `kubectl exec POD -- COMMAND`.
    """
    options = ["--stdin"] if input is not None else []
    options += ["--container", container] if container else []
    done = kubectl(
        "exec", pod, *options, "--", *command, input=input, check=False, timeout=timeout
    )
    output, termination, _ = done.stderr.rpartition(_TERMINATED)
    if done.exit_code and not termination:
        raise errors.KubectlFailed(done.args, done.exit_code, done.stderr)
    return Completed(
        done.args, done.stdout, output if termination else done.stderr, done.exit_code
    )


@dataclass(frozen=True)
class PodResponse:
    """A response to a pod: the status code, and the body as text."""

    status: int
    body: str

    def json(self) -> dict:
        """Return the body, parsed as JSON."""
        return json.loads(self.body)

    def __repr__(self) -> str:
        count = len(self.body)
        return say("Answer: {status}, {count} characters", count=count, **vars(self))


def ask(
    pod: str, path: str, *, method: str = "GET", expect: int | None = None
) -> PodResponse:
    """Send a request from a pod, with its CA and its token, and return the PodResponse.

    401 and 403 are values. With `expect`, ask again until the status is that, for up to
    5 seconds, because the API server takes a moment to learn of a new rule. Raise
    KubectlFailed if curl got no response. The pod's image needs curl.
    The same as `kubectl exec POD -- curl --cacert … -H "Authorization: …" URL`.
    """
    answers = []

    def came() -> bool:
        done = exec_in_pod(pod, "sh", "-c", _ASK, "sh", method, path)
        if done.exit_code:
            raise errors.KubectlFailed(done.args, done.exit_code, done.stderr)
        body, _, status = done.stdout.rpartition("\n")
        answers.append(PodResponse(int(status), body))
        return expect in (None, answers[-1].status)

    poll(came, time_limit(PROPAGATION), pause=PAUSE)
    return answers[-1]


def wait_for(condition: str, resource: str, *, timeout: float | None = None) -> None:
    """Wait until `resource` meets `condition`; raise NotReady with the cause.

    Give up before `timeout` (seconds) if waiting cannot help, as without an image.
    Raise KubectlFailed if there is no such resource, NoNode if it needs pods and the
    cluster has no node. The same as `kubectl wait --for=CONDITION RESOURCE`.
    """
    began = time.monotonic()
    what = say("{condition} of {object}", condition=condition, object=resource)

    def look(left: float) -> tuple[bool, str]:
        if _meets(condition, resource, min(left, SLICE)):
            return True, ""
        if resource.partition("/")[0] in _OF_PODS:
            backend_in_use().require_node(resource, wait=False)
        cause = _cause(resource)
        if cause.hopeless:
            waited = time.monotonic() - began
            raise errors.NotReady(what, waited, cause.text, cause.hint)
        return False, cause.text

    wait(look, time_limit(UNTIL_MET, timeout), what, pause=0)


def wait_for_file(
    pod: str, path: str, text: str, *, timeout: float | None = None
) -> float:
    """Wait until a file in a pod holds `text`; return the seconds that it took.

    Raise NotReady after `timeout` seconds, with the file's last contents. The same as
    `kubectl exec POD -- grep -qF TEXT PATH`, repeated.
    """

    def look(left: float) -> tuple[bool, str]:
        looks = str(max(1, int(min(left, SLICE) / PAUSE)))
        done = exec_in_pod(pod, "sh", "-c", _FIND, "sh", text, path, looks)
        if done.exit_code:
            return False, done.stderr.strip()
        return text in done.stdout, done.stdout.strip()

    what = say("{text!r} in {path} of pod {pod}", text=text, path=path, pod=pod)
    # A file may hold a token, which no progress line shows.
    timeout = time_limit(UNTIL_IN_FILE, timeout)
    return wait(look, timeout, what, pause=PAUSE, tell=False)[1]


def wait_for_log(
    pod: str, text: str, *, container: str | None = None, timeout: float | None = None
) -> str:
    """Wait until a line of a pod's log holds `text`; return the first such line.

    `pod` is a name, or `deployment/NAME`, as for `kubectl logs`.
    Raise NotReady after `timeout` seconds, with the last line. The same as `kubectl
    logs --follow POD | grep -m1 TEXT`.
    """
    options = ["--container", container] if container else []
    last = say("nothing")

    def look(left: float) -> tuple[str, str]:
        nonlocal last
        line, read = _follow((pod, *options), text, min(left, SLICE))
        # A look that is cut short reads nothing of what is there.
        last = read or last
        return line, last

    what = say("{text!r} in the log of {pod}", text=text, pod=pod)
    return wait(look, time_limit(UNTIL_MET, timeout), what, pause=PAUSE)[0]


def _follow(pod: tuple[str, ...], text: str, seconds: float) -> tuple[str, str]:
    """Read a log from its beginning until a line holds `text`, for `seconds` at most.

    Return that line or "", and what was read last, if anything.
    """
    # kubectl ends by itself, even if this kernel is killed.
    limit = f"--request-timeout={max(seconds, PAUSE):.1f}s"
    last = ""
    with subprocess.Popen(
        [program(say("read a log")), "logs", "--follow", limit, *pod],
        env=environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        errors="replace",
    ) as logs:
        assert logs.stdout and logs.stderr
        try:
            for line in logs.stdout:
                last = line.rstrip("\n")
                if text in last:
                    return last, last
        finally:
            logs.kill()
        problem = logs.stderr.read().strip()
        if re.search("deadline exceeded|[Tt]imeout", problem):
            problem = ""  # the deadline, which we set
        return "", last or problem


def _meets(condition: str, resource: str, seconds: float) -> bool:
    # kubectl takes 0 for "look once" and less than that for a week.
    limit = f"--timeout={max(seconds, 0.1):.1f}s"
    done = kubectl("wait", f"--for={condition}", resource, limit, check=False)
    if done.exit_code and "timed out" not in done.stderr:
        raise errors.KubectlFailed(done.args, done.exit_code, done.stderr)
    return done.exit_code == 0


def _cause(resource: str) -> Cause:
    kind, _, name = resource.partition("/")
    reply = kubectl("get", resource, "-o", "json", check=False)
    if reply.exit_code:
        return Cause(reply.stderr.strip())
    if kind not in ("pod", "pods", "po"):
        return Cause(conditions(reply.json()))
    selector = f"--field-selector=involvedObject.name={name}"
    events = kubectl("get", "events", selector, "-o", "json").json()["items"]
    return why_not_ready(reply.json(), events, backend_in_use().image_hint())
