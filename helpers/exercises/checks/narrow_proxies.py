"""Check the requests that a proxy passes, on this machine and in a pod."""

import secrets
from collections.abc import Sequence
from itertools import product

from cluster.waiting import poll
from helpers.api.ambassadors import AMBASSADOR, ask_ambassador, ask_ambassador_all
from helpers.api.caller import Reply
from helpers.api.pods import PodResponse
from helpers.api.proxy import REFUSAL, KubectlProxy
from helpers.command import current_namespace, kubectl, time_limit
from helpers.course.exercise import exercise
from helpers.course.steps import name_step
from helpers.errors import NotReady, NotSolved, ProxyEnded
from helpers.language import mark, say

#: seconds until an ambassador that was just started answers
STARTED = 20.0
_END = mark(
    "GET {path} still passes the proxy: end the pattern with `$`, and let `[^/]+` be "
    "one part of the path."
)
_BEGIN = mark(
    "GET {path} still passes the proxy: begin the pattern with `^/api/v1/namespaces/`."
)
_ACCEPT = mark("GET {path} still passes the proxy: name the paths to accept.")
_NAMESPACE = mark("GET {path} still passes the proxy: name the namespace in the path.")


@exercise
def hide_secrets(guards: Sequence[str]) -> None:
    """Demand `--reject-paths` that pass pods, and neither Secrets nor exec."""
    # A name that no pattern can know.
    any_one = secrets.token_hex(4)
    namespaces = (current_namespace(), "kube-system", secrets.token_hex(4))
    homes = [f"/namespaces/{name}/" for name in namespaces]
    every = [("/", ""), *product(homes, ("", f"/{any_one}"))]
    try:
        proxy = KubectlProxy(reject_paths=guards).start()
    except (NotReady, ProxyEnded) as error:
        if isinstance(error, NotReady):
            if error.last != f"403: {REFUSAL}":
                raise
            fault = mark("{path} is blocked: a pattern is too wide.")
            raise NotSolved(say(fault, path="/version")) from None
        said = error.message.rpartition("] ")[2]
        fault = mark("kubectl proxy does not work with these patterns: {said}")
        raise NotSolved(say(fault, said=said)) from None
    with proxy:

        def is_blocked(path: str) -> bool:
            # A watch would not end.
            return _is_refusal(proxy.get(path, params={"timeoutSeconds": 1}))

        for home, name in every:
            if is_blocked(path := f"/api/v1{home}pods{name}"):
                fault = mark("{path} is blocked: a pattern is too wide.")
                raise NotSolved(say(fault, path=path))
        for start, (home, name) in product(("/api/v1", "/api/v1/watch"), every):
            if not is_blocked(path := f"{start}{home}secrets{name}"):
                raise NotSolved(say("{path} passes: no pattern matches it.", path=path))
        for home, verb in product(homes, ("exec", "attach")):
            if not is_blocked(path := f"/api/v1{home}pods/{any_one}/{verb}"):
                fault = mark(
                    "{path} passes: your list replaces kubectl's own, which blocked "
                    "it, so block {verb} as well, in every namespace."
                )
                raise NotSolved(say(fault, path=path, verb=verb))


@exercise
def narrow_ambassador(pod: str) -> None:
    """Demand an ambassador that passes lists of pods and single pods only."""
    namespace = current_namespace()
    pods = f"/api/v1/namespaces/{namespace}/pods"
    if not poll(lambda: ask_ambassador(pod, pods).status, time_limit(STARTED)):
        fault = mark(
            "Nothing responds at port 8001 of {pod}: `kubectl logs {pod} -c "
            "ambassador` shows why."
        )
        raise NotSolved(say(fault, pod=pod))
    name_step(say("sending requests to the proxy in {pod}", pod=pod))
    needed = {pods: 200, f"{pods}/{pod}": 200, f"{pods}/{secrets.token_hex(4)}": 404}
    faults, methods = _faults(namespace, pod), ("POST", "PUT", "PATCH", "DELETE")
    address = kubectl("get", "pod", pod, "-o", "jsonpath={.status.podIP}").stdout
    requests = [
        *([AMBASSADOR + path] for path in (*needed, *faults)),
        *(["-X", method, f"{AMBASSADOR}{pods}/nobody"] for method in methods),
        [f"http://{address}:8001{pods}"],
    ]
    responses = iter(ask_ambassador_all(pod, requests))
    for path, expected in needed.items():
        if (status := next(responses).status) != expected:
            fault = mark("GET {path} returns {status}, and the application needs it.")
            raise NotSolved(say(fault, path=path, status=status))
    for path, fault in faults.items():
        if not _is_refusal(next(responses)):
            raise NotSolved(say(fault, path=path))
    for method in methods:
        if not _is_refusal(next(responses)):
            fault = mark("{method} still passes the proxy: name the methods to reject.")
            raise NotSolved(say(fault, method=method))
    if next(responses).status:
        fault = mark("Every pod can reach the proxy at {address}: leave out --address.")
        raise NotSolved(say(fault, address=address))


def _faults(namespace: str, pod: str) -> dict[str, str]:
    """Return the paths that an ambassador has to refuse, and what to do about each."""
    here = f"/api/v1/namespaces/{namespace}"
    core = kubectl("get", "--raw", "/api/v1").json()["resources"]
    names = [one["name"] for one in core if one["namespaced"]]
    others = [name for name in names if "/" not in name and name != "pods"]
    return {
        f"{here}/pods/{pod}/log?container=main": _END,
        **{f"{here}/{name}": _ACCEPT for name in others},
        f"/apis/apps/v1/namespaces/{namespace}/deployments": _ACCEPT,
        "/api/v1/nodes": _ACCEPT,
        "/version": _ACCEPT,
        "/api/v1/namespaces/default/pods": _NAMESPACE,
        f"/api/v1/watch/namespaces/{namespace}/pods?timeoutSeconds=1": _BEGIN,
        f"/any{here}/pods": _BEGIN,
    }


def _is_refusal(reply: PodResponse | Reply) -> bool:
    body = reply.body if isinstance(reply, PodResponse) else reply.text
    return reply.status == 403 and body.strip() == REFUSAL
