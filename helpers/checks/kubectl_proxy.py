"""Check paths of the API: predicted from manifests, and heard from kubectl."""

from helpers import errors
from helpers.exercise import exercise
from helpers.proxy import KubectlProxy

_PREDICTED = (
    ("v1", "Service"),
    ("batch/v1", "CronJob"),
    ("v1", "Node"),
    ("rbac.authorization.k8s.io/v1", "ClusterRole"),
)
_HEARD = "PriorityClass"


@exercise
def predict_paths(server: KubectlProxy, namespace: str, *paths: str) -> None:
    """Check the path of the list of each kind, in the order of the exercise.

    In `namespace`, or for a cluster-scoped kind of the whole cluster. Each request is
    sent now.
    """
    for (api_version, kind), path in zip(_PREDICTED, paths, strict=True):
        if not path:
            raise errors.NotSolved(f"{kind} ({api_version}): there is no path yet.")
        wrong = wrong_path(api_version, kind, path, server, namespace)
        if wrong:
            raise errors.NotSolved(f"{kind} ({api_version}): {wrong}")


@exercise
def listen_to_kubectl(path: str, api_version: str, server: KubectlProxy) -> None:
    """Check which path lists PriorityClasses, and which apiVersion they have."""
    path = (path or "").partition("?")[0]
    if not path.startswith("/"):
        raise errors.NotSolved(
            f"{path!r} is not a path: that begins with `/`, after the server's address."
            if path
            else "There is no path yet: `-v=6` makes kubectl print it."
        )
    reply = server.get(path)
    found = reply.json() if reply.status == 200 else {}
    if found.get("kind") != f"{_HEARD}List":
        said = found.get("kind", reply.status)
        raise errors.NotSolved(
            f"{path} returns {said}, not {_HEARD}List. "
            "Copy the path from the line that `-v=6` prints."
        )
    if api_version != found["apiVersion"]:
        raise errors.NotSolved(
            f"{api_version!r} is not the apiVersion: in the path it is the part "
            "between `/apis/` and the resource."
        )


def wrong_path(
    api_version: str, kind: str, path: str, server: KubectlProxy, namespace: str
) -> str:
    """Return why a path does not list a kind, as a sentence, or ""."""
    root = f"/apis/{api_version}" if "/" in api_version else f"/api/{api_version}"
    if not path.startswith("/"):
        return "A path begins with `/`: leave out the address, as in http://localhost."
    if "{" in path:
        return "The name is not filled in: put an `f` before the first quote."
    if not path.startswith(f"{root}/"):
        return _wrong_root(api_version, path)
    reply = server.get(path)
    inside = f"/namespaces/{namespace}/"
    if reply.status != 200:
        return _wrong_end(root, path, server, namespace)
    found = reply.json()["kind"]
    if found != f"{kind}List":
        return f"{path} returns {found}, not {kind}List."
    if inside not in path and _is_namespaced(root, kind, server):
        named = "another namespace" if "/namespaces/" in path else "every namespace"
        return f"{path} lists {named}: put `{inside[1:-1]}` before the resource."
    return ""


def _wrong_root(api_version: str, path: str) -> str:
    group, _, version = api_version.rpartition("/")
    if not group:
        return f"The core group has no name: its paths begin with `/api/{version}/`."
    given, *rest = path.removeprefix("/apis/").split("/")
    if not path.startswith("/apis/"):
        return "A group with a name is below `/apis`."
    if given != group:
        return f"The group is not {given!r}: write it as in the apiVersion, {group!r}."
    return f"After the group comes its version, {version!r}, not {''.join(rest[:1])!r}."


def _wrong_end(root: str, path: str, server: KubectlProxy, namespace: str) -> str:
    """Return what is wrong behind the version of a path that lists nothing."""
    end, inside = path.removeprefix(root), f"/namespaces/{namespace}/"
    if end.startswith(f"/{namespace}/"):
        return f"The word `namespaces` is missing: write `namespaces/{namespace}`."
    if end.startswith("/namespace/"):
        return "The word before the namespace is in the plural: `namespaces`."
    if inside in end and server.get(path.replace(inside, "/")).status == 200:
        return "This kind has no namespace, so its path contains none."
    return f"{path} is not found: write the resource in lower case and in the plural."


def _is_namespaced(root: str, kind: str, server: KubectlProxy) -> bool:
    resources = server.read(root)["resources"]
    return any(r["namespaced"] for r in resources if r["kind"] == kind)
