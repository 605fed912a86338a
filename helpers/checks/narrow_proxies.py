"""Check what a proxy lets through, on this machine and in a pod."""

from collections.abc import Sequence

from cluster.waiting import until
from helpers import errors
from helpers.ambassadors import ask_ambassador
from helpers.command import current_namespace, patience
from helpers.exercise import exercise
from helpers.pods import Answer
from helpers.proxy import KubectlProxy
from helpers.unixhttp import Reply

#: what a proxy says when it refuses; the API server's own 403 is a Status in JSON
REFUSAL = "Forbidden"
#: seconds until an ambassador that was just started answers
STARTED = 20.0


@exercise
def hide_secrets(guards: Sequence[str]) -> None:
    """Start a proxy with these `--reject-paths`: pods pass, Secrets and exec do not."""
    inside = f"/api/v1/namespaces/{current_namespace()}"
    with KubectlProxy(reject_paths=guards) as proxy:
        if proxy.get(f"{inside}/pods").status != 200:
            raise errors.NotSolved(
                "The list of pods does not pass any more: a pattern is too wide."
            )
        for path in ("/api/v1/secrets", f"{inside}/secrets", f"{inside}/secrets/any"):
            if not _is_refusal(proxy.get(path)):
                raise errors.NotSolved(f"{path} passes: no pattern matches it.")
        for verb in ("exec", "attach"):
            if not _is_refusal(proxy.get(f"{inside}/pods/any/{verb}?command=ls")):
                raise errors.NotSolved(
                    f"{verb} passes: your list replaces kubectl's own, which blocked "
                    f"it, so name {verb} as well."
                )


@exercise
def narrow_ambassador(pod: str) -> None:
    """Ask from `main`: lists of pods and single pods pass, and nothing else does."""
    namespace = current_namespace()
    pods = f"/api/v1/namespaces/{namespace}/pods"
    if not until(lambda: ask_ambassador(pod, pods).status, patience(STARTED)):
        raise errors.NotSolved(
            f"Nothing responds at port 8001 of {pod}: `kubectl logs {pod} -c "
            "ambassador` shows why."
        )
    for path in (pods, f"{pods}/{pod}"):
        status = ask_ambassador(pod, path).status
        if status != 200:
            raise errors.NotSolved(
                f"GET {path} gives {status}, and the application needs it."
            )
    others = {
        f"{pods}/{pod}/log?container=main": "let the pattern end with `$`",
        f"/api/v1/namespaces/{namespace}/configmaps": "name the paths to accept",
        "/version": "name the paths to accept",
        "/api/v1/namespaces/default/pods": "name the namespace in the path",
    }
    for path, way_out in others.items():
        if not _is_refusal(ask_ambassador(pod, path)):
            raise errors.NotSolved(f"GET {path} still passes the proxy: {way_out}.")
    for method in ("POST", "PUT", "PATCH", "DELETE"):
        if not _is_refusal(ask_ambassador(pod, f"{pods}/nobody", "-X", method)):
            raise errors.NotSolved(
                f"{method} still passes the proxy: name the methods to reject."
            )


def _is_refusal(reply: Answer | Reply) -> bool:
    body = reply.body if isinstance(reply, Answer) else reply.text
    return reply.status == 403 and body.strip() == REFUSAL
