"""Say what may be written to a cluster of the learner's own, and what not. Pure.

=====================  ===========================================================
what is written        what has to hold
=====================  ===========================================================
anything               kube-system has the UID that the learner has agreed to
in a namespace         it carries our label, and that of this state directory
a namespace itself     the same; a new one is made with both labels
in no namespace        never, but for questions that nobody stores: a TokenReview
=====================  ===========================================================
"""

import re
from collections.abc import Iterable, Mapping, Sequence

from helpers.own.commandline import OF_CLUSTER, Attempt
from helpers.own.record import TOOLBOX, Record

#: what tells our namespaces from all others, also for `helpers.cluster`
LABEL, MANAGER = "app.kubernetes.io/managed-by", "kubernetes-api-notebooks"
STATE = "kubernetes-api-notebooks/state"
_NAMESPACES = {"namespace", "namespaces", "ns"}
#: groups whose cluster-scoped objects are questions
_QUESTIONS = re.compile(r".*/apis/auth(entication|orization)\.k8s\.io/")
_IN_NAMESPACE = re.compile(r"/namespaces/([^/?]+)")


class Refused(Exception):
    """A write that may not be; its text is a clause."""


def labels(record: Record) -> dict[str, str]:
    """Return the labels by which a namespace is known as ours."""
    return {LABEL: MANAGER, STATE: record.state}


def touched(
    attempt: Attempt, documents: Sequence[dict], here: str, record: Record
) -> list[str]:
    """Return the namespaces that a kubectl command would write to; raise Refused.

    `documents` are its manifests, `here` is the namespace if none is named.
    """
    if attempt.everywhere:
        raise Refused("it is about all namespaces at once")
    if attempt.raw:
        return path_touches(attempt.raw)
    if attempt.command in OF_CLUSTER:
        raise Refused(f"`kubectl {attempt.command}` is about the whole cluster")
    if attempt.command == "proxy":
        return []  # what is sent through it is not here yet
    home = attempt.namespace or here
    found = [
        name for kind in attempt.types for name in _of(kind, attempt, home, record)
    ]
    for document in documents:
        found += _document_touches(attempt, document, home, record)
    # Such as `exec`, and a manifest that nobody can read.
    return found if attempt.types or documents else [home]


def _of(word: str, attempt: Attempt, home: str, record: Record) -> list[str]:
    kind = word.lower()  # kubectl takes any spelling
    if kind in _NAMESPACES:
        if attempt.command == "create":
            raise Refused("namespaces are made by `create_namespace()`")
        # Of `label namespace NAME KEY=VALUE KEY-`, and of `delete namespace NAME`.
        names = [name for name in attempt.names if not re.search("=|-$", name)]
        if not names:
            raise Refused("it is about namespaces, and names none")
        return names
    if kind in record.cluster_scoped:
        raise Refused(f"{kind} is in no namespace")
    return [home]


def path_touches(path: str) -> list[str]:
    """Return the namespace that a path of the API is in; raise Refused for none."""
    inside = _IN_NAMESPACE.search(path)
    if inside:
        return [inside[1]]
    if _QUESTIONS.match(path):
        return []
    raise Refused(f"{path.partition('?')[0]} is in no namespace")


def judge(
    record: Record,
    uid: str,
    namespaces: Iterable[str],
    found: Mapping[str, Mapping[str, str]],
) -> None:
    """Raise Refused unless it is the right cluster, and these namespaces are ours.

    `found` are the labels of those that are there. One that is not cannot be harmed.
    """
    if uid != record.uid:
        there = uid or "unknown"
        raise Refused(f"it would go to another cluster (UID {there}, not {record.uid})")
    for name in namespaces:
        if name in found and not labels(record).items() <= found[name].items():
            raise Refused(f"the namespace {name} was not made by these notebooks")


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
    metadata = document.get("metadata")
    metadata = metadata if isinstance(metadata, dict) else {}
    if kind == "Namespace":
        marks = (metadata.get("labels") or {}).items()
        if attempt.command == "create" and labels(record).items() <= marks:
            return []
        return [str(metadata.get("name"))]
    if kind in record.cluster_scoped:
        raise Refused(f"a {kind} is in no namespace")
    if _QUESTIONS.match(f"/apis/{document.get('apiVersion')}"):
        return []
    return [str(metadata.get("namespace") or home)]
