"""Say why a pod is not Ready, or a Deployment not available: pure, from its JSON."""

import re
from dataclasses import dataclass

from helpers.language import mark, say

#: characters of a message; the runtime nests several, the last has the cause
LONGEST = 190

_PULLS = ("ErrImageNeverPull", "ErrImagePull", "ImagePullBackOff")
_PROGRAM = mark("Fix `command`: the image has to contain that program.")
#: reasons for which a container waits in vain, and the way out; "" is the image's
_HOPELESS = {
    **dict.fromkeys(_PULLS, ""),
    "InvalidImageName": mark("Fix `image` in the manifest."),
    "CreateContainerConfigError": mark("Make what it names, or fix the name."),
    "CreateContainerError": mark("Fix `command` in the manifest."),
    "RunContainerError": _PROGRAM,
    "StartError": _PROGRAM,
    "CrashLoopBackOff": mark(
        "Read `kubectl logs {pod} --previous`, fix its `command`."
    ),
}
#: what the scheduler says of a pod if each node fails for this one reason
_NO_SUCH_NODE = re.compile(
    r"0/(\d+) nodes are available: \1 node\(s\) didn't match Pod's node "
    r"affinity/selector"
)


@dataclass(frozen=True)
class Cause:
    """Why a pod is not Ready; `hopeless` if waiting alone will not fix it."""

    text: str
    hint: str = ""
    hopeless: bool = False


def why_not_ready(pod: dict, events: list[dict], image_hint: str = "") -> Cause:
    """Return why a pod is not Ready, from the pod and its events.

    `image_hint` is the backend's way out if the image cannot be pulled.
    """
    name, status = pod["metadata"]["name"], pod.get("status", {})
    if pod["metadata"].get("deletionTimestamp"):
        hint = say("Apply it again once it is gone.")
        return Cause(say("it is being deleted"), hint, True)
    containers = [
        *status.get("initContainerStatuses", []),
        *status.get("containerStatuses", []),
    ]
    for container in containers:
        waiting = container.get("state", {}).get("waiting", {})
        if waiting.get("reason") in _HOPELESS:
            # A program that is not there ends in the same loop, and has no log.
            reason = "StartError" if _start_error(container) else waiting["reason"]
            hint = _HOPELESS[reason]
            hint = say(hint, pod=name) if hint else image_hint
            return Cause(_sentence(container, waiting), hint, True)
    if status.get("phase") in ("Succeeded", "Failed"):
        text = _exit_message(status, containers)
        if unstarted := next(filter(None, map(_start_error, containers)), ""):
            return Cause(f"{text} ({_shorten(unstarted)})", say(_PROGRAM), True)
        hint = say("An ended pod is never Ready: use a command that keeps running.")
        return Cause(text, hint, True)
    refusal = _refusal_of_scheduler(status)
    if _NO_SUCH_NODE.match(refusal):
        message = _shorten(refusal.partition(". ")[0])
        hint = say("Fix `nodeSelector` or `affinity` in the manifest.")
        return Cause(say("not scheduled: {message}", message=message), hint, True)
    return Cause(_waiting_reason(status, containers, events))


def conditions(document: dict) -> str:
    """Return the conditions of an object other than a pod, and the failure."""
    listed = document.get("status", {}).get("conditions", [])
    parts = [f"{part['type']}={part['status']}" for part in listed]
    text = ", ".join(parts) or say("no condition yet")
    # A policy or a quota may refuse the pods that a Deployment wants.
    failed = (part for part in listed if part["type"] == "ReplicaFailure")
    why = [_shorten(part["message"]) for part in failed if part.get("message")]
    return f"{text} ({why[0]})" if why else text


def _sentence(container: dict, state: dict) -> str:
    message = state.get("message", "")
    if ended := container.get("lastState", {}).get("terminated"):
        code = say("it ended with exit code {code}", code=ended["exitCode"])
        message = _start_error(container) or code
    text = say("container {name}: {reason}", **{**container, **state})
    return f"{text} ({_shorten(message)})" if message else text


def _refusal_of_scheduler(status: dict) -> str:
    """Return what the scheduler says of a pod that has no node, else nothing."""
    for condition in status.get("conditions", []):
        if condition["type"] == "PodScheduled" and condition["status"] != "True":
            return condition.get("message", condition["status"])
    return ""


def _start_error(container: dict) -> str:
    """Return the runtime's message if the program never ran, else nothing."""
    for state in ("state", "lastState"):
        ended = container.get(state, {}).get("terminated", {})
        if ended.get("reason") == "StartError":
            return ended.get("message", "")
    return ""


def _shorten(message: str) -> str:
    """Return the beginning and the end of a runtime's message, in one line."""
    line = " ".join(message.split())
    return line if len(line) <= LONGEST else f"{line[:90]} … {line[-90:]}"


def _exit_message(status: dict, containers: list[dict]) -> str:
    parts = [
        say("container {name} ended with exit code {exitCode}", **(container | ended))
        for container in containers
        if (ended := container.get("state", {}).get("terminated"))
    ]
    return "; ".join(parts) or status.get("message") or status["phase"]


def _waiting_reason(status: dict, containers: list[dict], events: list[dict]) -> str:
    """Return what a pod is waiting for."""
    warnings = [event for event in events if event.get("type") == "Warning"]
    if warnings:
        # Events come in the order of their names, not of time.
        last = max(warnings, key=lambda event: event.get("lastTimestamp") or "")
        return f"{last['reason']}: {_shorten(last['message'])}"
    if refusal := _refusal_of_scheduler(status):
        return say("not scheduled: {message}", message=refusal)
    for container in containers:
        waiting = container.get("state", {}).get("waiting")
        if waiting and waiting.get("reason"):
            return _sentence(container, waiting)
    return say("phase {phase}, not Ready yet", phase=status.get("phase", "Unknown"))
