"""Run pods and commands in them, in kubectl's words; say why a pod is not Ready.

Lessons show `kubectl apply`, `wait` and `exec` in shell cells first; these give the
same as values. Anything finer is kubectl's own work.
"""

import json
import time
from dataclasses import dataclass

from cluster import errors, progress
from helpers.command import Completed, backend_in_use, kubectl

#: seconds of one `kubectl wait`; between two of them the pod is looked at
SLICE = 2.0

#: characters of a message; the runtime nests several, the last has the cause
LONGEST = 190

#: kinds that are ready by their pods, in the words of lessons
_OF_PODS = ("pod", "pods", "po", "job", "deployment", "daemonset", "statefulset")

#: the line that kubectl adds when the command itself ran and failed
_TERMINATED = "command terminated with exit code"

_PULLS = ("ErrImageNeverPull", "ErrImagePull", "ImagePullBackOff")
#: what a container may wait for that no waiting brings: reason, way out
_HOPELESS = {
    **dict.fromkeys(_PULLS, "{image}"),
    "InvalidImageName": "Mend `image` in the manifest.",
    "CreateContainerConfigError": "Make what the manifest names, or mend the name.",
    "CreateContainerError": "Mend `command` in the manifest.",
    "RunContainerError": "Mend `command`: the image has to hold that program.",
    "StartError": "Mend `command`: the image has to hold that program.",
    "CrashLoopBackOff": "Read `kubectl logs {pod} --previous`, mend its `command`.",
}


@dataclass(frozen=True)
class Cause:
    """Why a pod is not Ready; `hopeless` if waiting alone will not mend it."""

    text: str
    way_out: str = ""
    hopeless: bool = False


def apply(manifest: str | dict | list[dict]) -> Completed:
    """Create or change what `manifest` describes; raise KubectlFailed if refused.

    A str is YAML or JSON, a dict one object, a list several. The same as
    `kubectl apply -f -`; the server's own words are the message of the error.
    """
    if isinstance(manifest, list):
        manifest = {"apiVersion": "v1", "kind": "List", "items": manifest}
    text = manifest if isinstance(manifest, str) else json.dumps(manifest)
    return kubectl("apply", "-f", "-", input=text)


def exec_in_pod(
    pod: str,
    *command: str,
    container: str | None = None,
    input: str | None = None,
    timeout: float = 60.0,
) -> Completed:
    """Run a command in a pod and return its stdout, stderr and exit code.

    A command that fails is a value, as the lesson may want to look at it; a command
    that could not be run (no such pod, no such program, 403) raises KubectlFailed.
    `timeout` in seconds. The same as `kubectl exec POD -- COMMAND`.
    """
    options = ["--stdin"] if input is not None else []
    options += ["--container", container] if container else []
    input = input and backend_in_use().with_image(input)
    done = kubectl(
        "exec", pod, *options, "--", *command, input=input, check=False, timeout=timeout
    )
    own, said, _ = done.stderr.rpartition(_TERMINATED)
    if done.exit_code and not said:
        raise errors.KubectlFailed(done.args, done.exit_code, done.stderr)
    return Completed(
        done.args, done.stdout, own if said else done.stderr, done.exit_code
    )


def wait_for(condition: str, resource: str, *, timeout: float = 60.0) -> None:
    """Wait until `resource` meets `condition`; raise NotReady with the cause.

    It ends before `timeout` (seconds) if the pod is in a state that waiting does not
    mend, as an image that is not there. Raise KubectlFailed if there is no such
    resource, NoNode for what runs in pods where there is nothing to run them. The same
    as `kubectl wait --for=CONDITION RESOURCE`.
    """
    began = time.monotonic()
    view = None
    while True:
        left = timeout - (time.monotonic() - began)
        if _meets(condition, resource, min(left, SLICE)):
            break
        if resource.partition("/")[0] in _OF_PODS:
            backend_in_use().require_node(resource, wait=False)
        cause = _cause(resource)
        waited = time.monotonic() - began
        if cause.hopeless or waited >= timeout:
            what = f"{condition} of {resource}"
            raise errors.NotReady(what, waited, cause.text, cause.way_out)
        view = view or progress.for_here()
        view.update(f"waiting for {condition} of {resource}: {cause.text}")
    if view:
        view.finish(f"{resource} meets {condition}")


def why_not_ready(pod: dict, events: list[dict], image_hint: str = "") -> Cause:
    """Say why a pod is not Ready, from the pod and its events as the API gives them.

    `image_hint` is the way out if its image cannot be pulled: it depends on what runs
    the cluster.
    """
    name, status = pod["metadata"]["name"], pod.get("status", {})
    if pod["metadata"].get("deletionTimestamp"):
        return Cause("it is being deleted", "Apply it again once it is gone.", True)
    containers = [
        *status.get("initContainerStatuses", []),
        *status.get("containerStatuses", []),
    ]
    for container in containers:
        waiting = container.get("state", {}).get("waiting", {})
        if waiting.get("reason") in _HOPELESS:
            # A program that is not there ends in the same loop, and has no log.
            reason = "StartError" if _unstarted(container) else waiting["reason"]
            way_out = _HOPELESS[reason].format(pod=name, image=image_hint)
            return Cause(_sentence(container, waiting), way_out, True)
    if status.get("phase") in ("Succeeded", "Failed"):
        return Cause(
            _ended(status, containers),
            "A pod that has ended is not Ready: give it a command that keeps running.",
            True,
        )
    return Cause(_still(status, containers, events))


def _meets(condition: str, resource: str, seconds: float) -> bool:
    # kubectl takes 0 for "look once" and less than that for a week.
    limit = f"--timeout={max(seconds, 0.1):.1f}s"
    done = kubectl("wait", f"--for={condition}", resource, limit, check=False)
    if done.exit_code and "timed out" not in done.stderr:
        raise errors.KubectlFailed(done.args, done.exit_code, done.stderr)
    return done.exit_code == 0


def _cause(resource: str) -> Cause:
    kind, _, name = resource.partition("/")
    found = kubectl("get", resource, "-o", "json", check=False)
    if found.exit_code:
        return Cause(found.stderr.strip())
    if kind not in ("pod", "pods", "po"):
        return Cause(_conditions(found.json()))
    selector = f"--field-selector=involvedObject.name={name}"
    events = kubectl("get", "events", selector, "-o", "json").json()["items"]
    return why_not_ready(found.json(), events, backend_in_use().image_hint())


def _conditions(found: dict) -> str:
    conditions = found.get("status", {}).get("conditions", [])
    parts = [f"{part['type']}={part['status']}" for part in conditions]
    text = ", ".join(parts) or "no condition yet"
    # As where a policy or a quota refuses the pods that a Deployment wants.
    failed = (part for part in conditions if part["type"] == "ReplicaFailure")
    why = next(failed, {}).get("message")
    return f"{text} ({_short(why)})" if why else text


def _sentence(container: dict, state: dict) -> str:
    message = state.get("message", "")
    ended = container.get("lastState", {}).get("terminated")
    if ended:
        code = f"it ended with exit code {ended['exitCode']}"
        message = _unstarted(container) or code
    text = f"container {container['name']}: {state['reason']}"
    return f"{text} ({_short(message)})" if message else text


def _unstarted(container: dict) -> str:
    """Return the runtime's message if the program never ran, else nothing."""
    ended = container.get("lastState", {}).get("terminated", {})
    return ended.get("message", "") if ended.get("reason") == "StartError" else ""


def _short(message: str) -> str:
    """Return a message of the runtime in one line: the beginning and the end."""
    line = " ".join(message.split())
    return line if len(line) <= LONGEST else f"{line[:90]} … {line[-90:]}"


def _ended(status: dict, containers: list[dict]) -> str:
    parts = [
        f"container {container['name']} ended with exit code {ended['exitCode']}"
        for container in containers
        if (ended := container.get("state", {}).get("terminated"))
    ]
    return "; ".join(parts) or status.get("message") or f"it has {status['phase']}"


def _still(status: dict, containers: list[dict], events: list[dict]) -> str:
    """Say what a pod is waiting for that may yet come."""
    warnings = [event for event in events if event.get("type") == "Warning"]
    if warnings:
        # Events come in the order of their names, not of time.
        last = max(warnings, key=lambda event: event.get("lastTimestamp") or "")
        return f"{last['reason']}: {_short(last['message'])}"
    for condition in status.get("conditions", []):
        if condition["type"] == "PodScheduled" and condition["status"] != "True":
            return f"not scheduled: {condition.get('message', 'no node yet')}"
    for container in containers:
        waiting = container.get("state", {}).get("waiting")
        if waiting and waiting.get("reason"):
            return _sentence(container, waiting)
    return f"phase {status.get('phase', 'unknown')}, not Ready yet"
