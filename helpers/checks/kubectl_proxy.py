"""Check paths of the API: predicted from manifests, and heard from kubectl."""

from collections.abc import Mapping

from helpers import errors
from helpers.exercise import exercise
from helpers.proxy import KubectlProxy

_RBAC = "rbac.authorization.k8s.io/v1"
_PREDICTED = (
    ("v1", "Service"),
    ("batch/v1", "CronJob"),
    ("v1", "Node"),
    (_RBAC, "ClusterRole"),
)
_CORE = "the core group, `v1`, is older than groups and is below `/api`"
_GROUP = "a named group is below `/apis`, and its version follows it"
_HEARD = "PriorityClass"


@exercise
def predict_paths(
    paths: Mapping[tuple[str, str], str | None], server: KubectlProxy, namespace: str
) -> None:
    """Check the path of the list of each kind, in the order of the exercise.

    `paths` maps (apiVersion, kind) to the path: in `namespace`, or for a cluster-scoped
    kind of the whole cluster. Each request is sent now.
    """
    for api_version, kind in _PREDICTED:
        path = paths.get((api_version, kind))
        if not path:
            raise errors.NotSolved(f"There is no path yet for {kind} of {api_version}.")
        wrong = wrong_path(api_version, kind, path, server, namespace)
        if wrong:
            raise errors.NotSolved(f"{kind} of {api_version}: {path}: {wrong}.")


@exercise
def listen_to_kubectl(path: str, api_version: str, server: KubectlProxy) -> None:
    """Check which path lists PriorityClasses, and which apiVersion they have."""
    path = (path or "").partition("?")[0]
    if not path.startswith("/"):
        raise errors.NotSolved(
            f"{path!r} is no path: it begins with `/`, after the address of the server."
            if path
            else "There is no path yet: have kubectl print it, with `-v=6`."
        )
    reply = server.get(path)
    found = reply.json() if reply.status == 200 else {}
    if found.get("kind") != f"{_HEARD}List":
        said = found.get("kind", reply.status)
        raise errors.NotSolved(
            f"{path} answers with {said}, not with {_HEARD}List. "
            "Copy the path from the line that `-v=6` prints."
        )
    if api_version != found["apiVersion"]:
        raise errors.NotSolved(
            f"{api_version!r} is not the apiVersion. In the path it is the part "
            "between `/apis/` and the resource."
        )


def wrong_path(
    api_version: str, kind: str, path: str, server: KubectlProxy, namespace: str
) -> str:
    """Say why a path does not list a kind, or return an empty string."""
    root = f"/apis/{api_version}" if "/" in api_version else f"/api/{api_version}"
    if not path.startswith(f"{root}/"):
        return _GROUP if "/" in api_version else _CORE
    if "{" in path:
        return "the name is not filled in: put an `f` before the first quote"
    reply = server.get(path)
    inside = f"/namespaces/{namespace}/"
    if reply.status == 404 and inside in path:
        elsewhere = server.get(path.replace(inside, "/"))
        if elsewhere.status == 200:
            return "404: this kind has no namespace, so its path names none"
    if reply.status != 200:
        return f"{reply.status}: the resource is the kind in lower case and plural"
    found = reply.json()["kind"]
    if found != f"{kind}List":
        return f"it answers with {found}, not with {kind}List"
    if inside not in path and _is_namespaced(root, kind, server):
        named = "another namespace" if "/namespaces/" in path else "every namespace"
        return f"it lists {named}; put `{inside[1:-1]}` before the resource"
    return ""


def _is_namespaced(root: str, kind: str, server: KubectlProxy) -> bool:
    resources = server.read(root)["resources"]
    return any(r["namespaced"] for r in resources if r["kind"] == kind)
