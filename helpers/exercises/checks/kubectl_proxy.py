"""Check paths of the API, from manifests and from kubectl."""

import re
from difflib import get_close_matches
from urllib.parse import unquote

from helpers.api.proxy import KubectlProxy
from helpers.course.exercise import exercise
from helpers.errors import NotSolved
from helpers.language import mark, say

_PREDICTED = (
    ("v1", "Service"),
    ("batch/v1", "CronJob"),
    ("v1", "Node"),
    ("rbac.authorization.k8s.io/v1", "ClusterRole"),
)
WATCH = mark("`watch` reports changes and never ends: leave the word out.")
WATCHED = re.compile(r"/v[^/]+/watch/|[?&]watch\b(?!=(?i:false|0)(&|$))")
_ONE = mark("{path} names one object: the path of a list ends with the resource.")


@exercise
def predict_paths(server: KubectlProxy, namespace: str, *paths: str) -> None:
    """Demand the path of the list of each kind, in `namespace` if it is namespaced."""
    for (api_version, kind), path in zip(_PREDICTED, paths, strict=True):
        if not path:
            fault = mark("{kind} ({version}): there is no path yet.")
            raise NotSolved(say(fault, kind=kind, version=api_version))
        if wrong := wrong_path(api_version, kind, path, server, namespace):
            fault = mark("The path for {kind} ({version}) is wrong.")
            fault = say(fault, kind=kind, version=api_version)
            raise NotSolved(fault + " " + wrong)


@exercise
def listen_to_kubectl(path: str, api_version: str, server: KubectlProxy) -> None:
    """Demand the path of the PriorityClasses, and their apiVersion."""
    if fault := wrong_options(path or ""):
        raise NotSolved(fault)
    path = (path or "").strip().partition("?")[0]
    if not path:
        raise NotSolved(say("There is no path yet: `-v=6` makes kubectl print it."))
    if not path.startswith("/"):
        fault = mark(
            "{path!r} is not a path: start at the `/` after the server's address."
        )
        raise NotSolved(say(fault, path=path))
    reply = server.get(path)
    found = reply.json() if reply.status == 200 else {}
    if found.get("kind") != "PriorityClassList":
        said = found.get("kind", reply.status)
        fault = mark(
            "{path} returns {found}, not PriorityClassList. Copy the path from the "
            "line that `-v=6` prints."
        )
        raise NotSolved(say(fault, path=path, found=said))
    if str(api_version).strip() != found["apiVersion"]:
        fault = mark(
            "{version!r} is not the apiVersion: in the path it is the part between "
            "`/apis/` and the resource."
        )
        raise NotSolved(say(fault, version=api_version))


def wrong_options(path: str) -> str:
    """Return why the response to a path is no list of all objects, or ""; pure."""
    address = path.partition("?")[0]
    if found := re.search(r"(?<!:)//|(?<=/)\.\.?(?=/|$)|[#%]", address):
        fault = mark("A path of the API has no `{part}`: write each part of it out.")
        return say(fault, part=found[0])
    # As the server reads them.
    path = unquote(path)
    if WATCHED.search(path):
        return say(WATCH)
    # A limit of three digits is kubectl's, and ends no list of a lesson; 0 is no limit.
    if found := re.search(
        r"[?&](labelSelector|fieldSelector|continue|limit(?!=(0|[1-9]\d\d+)\b))\b", path
    ):
        fault = mark("`{option}` leaves objects out of the list: remove it.")
        return say(fault, option=found[1])
    return ""


def wrong_path(
    api_version: str, kind: str, path: str, server: KubectlProxy, namespace: str
) -> str:
    """Return why a path does not list a kind, as a sentence, or ""."""
    root = f"/apis/{api_version}" if "/" in api_version else f"/api/{api_version}"
    whole = path.strip()
    path = whole.partition("?")[0].rstrip("/") or "/"
    if not path.startswith("/"):
        return say("A path begins with `/`, and has no address before it.")
    if "$" in path:
        return say("Python does not fill in a `$`: write an f-string.")
    if "{" in path:
        return say("The name is not filled in: put an `f` before the first quote.")
    if path == root:
        fault = mark("{path} lists the resources: the path has to name one of them.")
        return say(fault, path=path)
    if not path.startswith(f"{root}/"):
        return _wrong_root(api_version, path)
    if fault := wrong_options(whole):
        return fault
    reply, inside = server.get(path), f"/namespaces/{namespace}/"
    if reply.status != 200:
        return _wrong_end(root, path, server, namespace)
    found = reply.json()["kind"]
    if found == kind:
        return say(_ONE, path=path)
    if found != f"{kind}List":
        fault = mark("{path} returns {found}, not {kind}List.")
        return say(fault, path=path, found=found, kind=kind)
    if inside not in path and any(
        one["namespaced"]
        for one in server.read(root)["resources"]
        if one["kind"] == kind
    ):
        fault = mark("{path} lists other namespaces: put `{part}` before the resource.")
        return say(fault, path=path, part=inside[1:-1])
    return ""


def _wrong_root(api_version: str, path: str) -> str:
    group, _, version = api_version.rpartition("/")
    if not group:
        return say("The core group has no name: its paths begin with `/api/v1/`.")
    if path == "/apis":
        return say("`/apis` lists the groups: the path has to name one of them.")
    given, _, rest = path.removeprefix("/apis/").partition("/")
    if not path.startswith("/apis/"):
        return say("A group with a name is under `/apis`.")
    if given != group:
        fault = mark("The group is not {given!r}, but {group!r}, as in the apiVersion.")
        return say(fault, given=given, group=group)
    if not rest:
        return say("After the group comes its version, {version!r}.", version=version)
    fault = mark("After the group comes its version, {version!r}, not {given!r}.")
    return say(fault, version=version, given=rest.partition("/")[0])


def _wrong_end(root: str, path: str, server: KubectlProxy, namespace: str) -> str:
    """Return the fault after the version of a path that lists nothing."""
    end, inside = path.removeprefix(root), f"/namespaces/{namespace}/"
    if end.startswith(f"/{namespace}/"):
        fault = mark("The word `namespaces` is missing: write `namespaces/{name}`.")
        return say(fault, name=namespace)
    if end.startswith("/namespace/"):
        return say("The word before the namespace is in the plural: `namespaces`.")
    known = {one["name"]: one for one in server.read(root)["resources"]}
    last = known.get(end.removeprefix("/namespaces/"), {"namespaced": True})
    without = path.replace(inside, "/")
    listed = without != path and "/namespaces/" not in without
    listed = listed and server.get(without).status == 200
    if listed or not last["namespaced"]:
        return say("This kind is cluster-scoped, so its path has no namespace.")
    if "/namespaces/" in end[1:]:
        return say("`namespaces/NAME` comes before the resource.")
    word, _, name = re.sub("^/namespaces/[^/]+", "", end)[1:].partition("/")
    if word in known and name:
        return say(_ONE, path=path)
    for full, one in known.items():
        if word in one.get("shortNames", ()):
            return say("`{word}` is short for `{full}`.", word=word, full=full)
    [near] = get_close_matches(word, known, 1) or [""]
    if near and word.lower() not in (near, known[near]["singularName"]):
        fault = mark("There is no resource `{word}`: did you mean `{near}`?")
        return say(fault, word=word, near=near)
    fault = mark("{path} is not found: resources are in lower case and in the plural.")
    return say(fault, path=path)
