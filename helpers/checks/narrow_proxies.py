"""Check the requests that a proxy passes, on this machine and in a pod."""

from collections.abc import Sequence

from cluster.waiting import poll
from helpers.caller import Reply
from helpers.command import current_namespace, scaled
from helpers.course.exercise import exercise
from helpers.deeper.ambassadors import ask_ambassador
from helpers.errors import NotSolved
from helpers.language import mark, say
from helpers.pods import PodResponse
from helpers.proxy import KubectlProxy

#: the body of a proxy's 403; the API server's own is a Status in JSON
REFUSAL = "Forbidden"
#: seconds until an ambassador that was just started answers
STARTED = 20.0
_END = mark("GET {path} still passes the proxy: let the pattern end with `$`.")
_ACCEPT = mark("GET {path} still passes the proxy: name the paths to accept.")
_NAMESPACE = mark("GET {path} still passes the proxy: name the namespace in the path.")


@exercise
def hide_secrets(guards: Sequence[str]) -> None:
    """Demand `--reject-paths` that pass pods, and neither Secrets nor exec."""
    inside = f"/api/v1/namespaces/{current_namespace()}"
    with KubectlProxy(reject_paths=guards) as proxy:
        if proxy.get(f"{inside}/pods").status != 200:
            raise NotSolved(say("The list of pods is blocked: a pattern is too wide."))
        for path in ("/api/v1/secrets", f"{inside}/secrets", f"{inside}/secrets/any"):
            if not _is_refusal(proxy.get(path)):
                raise NotSolved(say("{path} passes: no pattern matches it.", path=path))
        for verb in ("exec", "attach"):
            if not _is_refusal(proxy.get(f"{inside}/pods/any/{verb}?command=ls")):
                fault = mark(
                    "{verb} passes: your list replaces kubectl's own, which blocked "
                    "it, so name {verb} as well."
                )
                raise NotSolved(say(fault, verb=verb))


@exercise
def narrow_ambassador(pod: str) -> None:
    """Demand an ambassador that passes lists of pods and single pods only."""
    namespace = current_namespace()
    pods = f"/api/v1/namespaces/{namespace}/pods"
    if not poll(lambda: ask_ambassador(pod, pods).status, scaled(STARTED)):
        fault = mark(
            "Nothing responds at port 8001 of {pod}: `kubectl logs {pod} -c "
            "ambassador` shows why."
        )
        raise NotSolved(say(fault, pod=pod))
    for path in (pods, f"{pods}/{pod}"):
        status = ask_ambassador(pod, path).status
        if status != 200:
            fault = mark("GET {path} returns {status}, and the application needs it.")
            raise NotSolved(say(fault, path=path, status=status))
    others = {
        f"{pods}/{pod}/log?container=main": _END,
        f"/api/v1/namespaces/{namespace}/configmaps": _ACCEPT,
        "/version": _ACCEPT,
        "/api/v1/namespaces/default/pods": _NAMESPACE,
    }
    for path, fault in others.items():
        if not _is_refusal(ask_ambassador(pod, path)):
            raise NotSolved(say(fault, path=path))
    for method in ("POST", "PUT", "PATCH", "DELETE"):
        if not _is_refusal(ask_ambassador(pod, f"{pods}/nobody", "-X", method)):
            fault = mark("{method} still passes the proxy: name the methods to reject.")
            raise NotSolved(say(fault, method=method))


def _is_refusal(reply: PodResponse | Reply) -> bool:
    body = reply.body if isinstance(reply, PodResponse) else reply.text
    return reply.status == 403 and body.strip() == REFUSAL
