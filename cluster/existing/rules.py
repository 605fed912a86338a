"""Say what may be written to a cluster of the learner's own, and what not. Pure.

=====================  ===========================================================
what is written        what has to hold
=====================  ===========================================================
anything               kube-system has the UID that the learner has agreed to
in a namespace         it carries our label, and that of this state directory
a namespace itself     the same; a new one is made with both labels
in no namespace        never, but for questions that nobody stores: a TokenReview
a kind not known       never: it may be in no namespace
=====================  ===========================================================
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from cluster.existing import kinds, requestpath
from cluster.existing.commandline import OF_CLUSTER, Attempt
from cluster.existing.record import TOOLBOX, Record

#: what tells our namespaces from all others, also for `helpers.connection`
LABEL, MANAGER = "app.kubernetes.io/managed-by", "kubernetes-api-notebooks"
STATE = "kubernetes-api-notebooks/state"
#: as a word of kubectl, in any spelling
_NAMESPACES = re.compile(r"(ns|namespaces?)(\.(v1\.)?)?", re.IGNORECASE)
#: groups whose cluster-scoped objects are questions
_QUESTIONS = re.compile(r"auth(entication|orization)\.k8s\.io/")
_NAME = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")
#: what `kubectl create` makes in no namespace
_OUTSIDE = {"clusterrole", "clusterrolebinding", "priorityclass"}


class Refused(Exception):
    """A write that may not be; its text is a clause."""


class UnknownKind(Refused):
    """A kind of which it is not known that it is in namespaces."""

    def __init__(self, kind: str) -> None:
        """Name it."""
        super().__init__(
            f"{kind} is in no namespace, or is no kind that this cluster has"
        )


def labels(record: Record) -> dict[str, str]:
    """Return the labels by which a namespace is known as ours."""
    return {LABEL: MANAGER, STATE: record.state}


def touched(
    attempt: Attempt, documents: Sequence[dict], here: str, record: Record
) -> list[str]:
    """Return the namespaces that a kubectl command would write to.

    `documents` are its manifests, `here` is the namespace if none is named. Raise
    Refused, UnknownKind for a kind that is to be asked for.
    """
    first, _, second = attempt.command.partition(" ")
    if attempt.everywhere:
        raise Refused("it is about all namespaces at once")
    if attempt.raw:
        return path_touches(attempt.raw)
    if first in OF_CLUSTER:
        raise Refused(f"`kubectl {first}` is about the whole cluster")
    if second == "namespace":
        raise Refused("namespaces are made by `create_namespace()`")
    if first == "create" and second in _OUTSIDE:
        raise Refused(f"a {second} is in no namespace")
    if first == "proxy":
        return []  # what is sent through it is not here yet
    homes = [name or here for name in attempt.namespaces]
    found = [name for each in attempt.resources for name in _of(*each, attempt, record)]
    for document in documents:
        found += _document_touches(attempt, document, homes[0], record)
    # Such as `exec`, and a manifest that nobody can read.
    used = found if attempt.resources or documents else homes
    return [name or homes[0] for name in used]


def _of(
    kind: str, names: Sequence[str], attempt: Attempt, record: Record
) -> Iterator[str]:
    """Yield the namespaces that resources of one kind are in, "" for the usual one."""
    if _NAMESPACES.fullmatch(kind):
        if attempt.chosen or not names:
            raise Refused("it is about namespaces, and does not name each")
        yield from names
    elif kinds.is_namespaced(kind, record.namespaced):
        yield ""
    else:
        raise UnknownKind(kind)


def path_touches(path: str) -> list[str]:
    """Return the namespace that a path of the API is in; raise Refused for none."""
    found = requestpath.read(path)
    if found is None:
        raise Refused(f"{path.partition('?')[0]} is no path that is understood here")
    if found.namespace:
        return [found.namespace]
    if _QUESTIONS.match(found.version):
        return []
    raise Refused(f"{found.path} is in no namespace")


def judge(
    record: Record,
    uid: str,
    namespaces: Iterable[str],
    found: Mapping[str, Mapping[str, str]],
    *,
    made: Iterable[str] = (),
) -> None:
    """Raise Refused unless it is the right cluster, and these namespaces are ours.

    `found` are the labels of those that are there. One that is not cannot be harmed,
    but for those in `made`, which the write would make, and without our labels.
    """
    if uid != record.uid:
        there = uid or "unknown"
        raise Refused(f"it would go to another cluster (UID {there}, not {record.uid})")
    for name in namespaces:
        if name in found and not labels(record).items() <= found[name].items():
            raise Refused(f"the namespace {name} was not made by these notebooks")
    for name in made:
        if name not in found:
            raise Refused(f"the namespace {name} is not there, and would be made")


def require_names(namespaces: Iterable[str]) -> None:
    """Raise Refused for what is no name of a namespace: a server might read it so."""
    for name in namespaces:
        if not _NAME.fullmatch(name):
            raise Refused(f"{name!r} is no name of a namespace")


def with_image(text: str, image: str) -> str:
    """Return a manifest or an argument with `image` where it has that of lessons."""
    if image == TOOLBOX:
        return text
    return re.sub(rf"(?<![\w./:@-]){re.escape(TOOLBOX)}(?![\w.-])", image, text)


def _document_touches(
    attempt: Attempt, document: dict, home: str, record: Record
) -> list[str]:
    kind, items = str(document.get("kind")), document.get("items")
    if kind.endswith("List") and isinstance(items, list):
        parts = [each for each in items if isinstance(each, dict)]
        return [
            name
            for each in parts
            for name in _document_touches(attempt, each, home, record)
        ]
    metadata = _mapping(document, "metadata")
    word = kinds.of_document(document)
    if word == "namespace.":
        ours = labels(record).items() <= _mapping(metadata, "labels").items()
        if not ours and attempt.command != "delete":
            raise Refused("its manifest of a Namespace lacks the labels of a lesson's")
        # It is new, or nothing happens.
        return [] if attempt.command == "create" else [str(metadata.get("name"))]
    if _QUESTIONS.match(str(document.get("apiVersion"))):
        return []
    if word not in record.namespaced:
        raise UnknownKind(f"a {kind}")
    return [str(metadata.get("namespace") or home)]


def _mapping(parent: dict, key: str) -> dict:
    found = parent.get(key)
    return found if isinstance(found, dict) else {}
