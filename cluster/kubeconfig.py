"""Read a kubeconfig and say in one line what is wrong with it.

Only what is read is checked; kubectl and the server judge the rest.
"""

import contextlib
import json
from pathlib import Path

from cluster import errors

_AGAIN = "Run `python -m helpers up` and then the cell with `connect()`: both renew it."


def read_kubeconfig(
    path: Path, *, context: str | None = None, way_out: str = _AGAIN
) -> dict:
    """Return a kubeconfig as a dict; raise KubeconfigError with the way out.

    Its current context, and the cluster and user which that names, are there. With
    `context` it is that one which must be, whatever the file calls the current one;
    raise UnknownContext, which lists them, if it is not there.
    """
    try:
        document = _parsed(path.read_text(encoding="utf-8"))
    except UnicodeDecodeError:
        raise errors.KubeconfigError(path, "is not YAML.", way_out) from None
    except OSError as error:
        fact = f"cannot be read: {error.strerror}."
        raise errors.KubeconfigError(path, fact, way_out) from None
    except _NotYaml as error:
        raise errors.KubeconfigError(path, str(error), way_out) from None
    if context and document and isinstance(document, dict):
        names = _names(document)
        if context not in names:
            raise errors.UnknownContext(path, context, names)
    fact = problem(document, context)
    if fact:
        raise errors.KubeconfigError(path, fact, way_out)
    return document


def problem(document: object, wanted: str | None = None) -> str:
    """Return what keeps a kubeconfig from being used, or "" if nothing does.

    `wanted` is the context that counts; None takes the current one.
    """
    if not document:
        return "is empty."
    if not isinstance(document, dict):
        return "is not a kubeconfig."
    name = wanted or document.get("current-context")
    if not name:
        return "has no current context."
    context = _entry(document, "context", name)
    if context is None:
        called = "." if wanted else ", which it calls the current one."
        return f"has no context {name!r}{called}"
    for kind in ("cluster", "user"):
        if _entry(document, kind, context.get(kind)) is None:
            return f"has no {kind} {context.get(kind)!r}, which its context names."
    if not _entry(document, "cluster", context["cluster"]).get("server"):
        return f"has no server for the cluster {context['cluster']!r}."
    return ""


def holds(document: object, ours: dict) -> bool:
    """Say whether all entries of `ours` are in `document`, whatever else is there.

    A namespace that was added to a context does not count as a difference.
    """
    if problem(document):
        return False
    return all(
        _without_namespace(_entry(document, kind, entry["name"])) == entry[kind]
        for kind in ("cluster", "user", "context")
        for entry in ours[f"{kind}s"]
    )


def server_of(document: dict, context: str) -> str:
    """Return the URL of the API server that `context` of a kubeconfig names."""
    return _entry(document, "cluster", _entry(document, "context", context)["cluster"])[
        "server"
    ]


def _entry(document: dict, kind: str, name: object) -> dict | None:
    entries = document.get(f"{kind}s")
    for entry in entries if isinstance(entries, list) else ():
        if isinstance(entry, dict) and entry.get("name") == name:
            found = entry.get(kind)
            return found if isinstance(found, dict) else None
    return None


def _names(document: dict) -> list[str]:
    """Return the names of the contexts that can be named, sorted."""
    found = document.get("contexts")
    entries = found if isinstance(found, list) else ()
    names = [each.get("name") for each in entries if isinstance(each, dict)]
    return sorted(name for name in names if isinstance(name, str))


def _without_namespace(entry: dict | None) -> dict | None:
    if entry is None:
        return None
    return {key: value for key, value in entry.items() if key != "namespace"}


class _NotYaml(ValueError):
    """Says where a text stops being YAML."""


def _parsed(text: str) -> object:
    # JSON is YAML too, and it is what `up` writes. It spares the first answer of a
    # fresh process the YAML library, which takes half as long to load as Python.
    with contextlib.suppress(ValueError):
        return json.loads(text)
    import yaml

    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f" in line {mark.line + 1}" if mark else ""
        raise _NotYaml(f"is not YAML{where}.") from None
