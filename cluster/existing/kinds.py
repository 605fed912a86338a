"""Know which kinds are in namespaces, from what a cluster says. Pure.

It is a list of what may be written. What is not in it, such as a kind that came later,
is asked for once more, and then it is refused.
"""

import re
from collections.abc import Collection

#: columns of `kubectl api-resources -o wide`: short names and categories may be empty
_ROW = re.compile(
    r"(?P<name>\S+)\s+(?:(?P<short>\S+)\s+)?(?P<version>(?:\S+/)?v\d\w*)\s+"
    r"(?P<namespaced>true|false)\s+(?P<kind>\w+)(?:\s+\S+)?(?:\s+(?P<categories>\S+))?$"
)
#: the only category that may be written to: others are anybody's
_ALL = "all"
_VERSION = re.compile(r"v\d\w*\.")


def namespaced(table: str) -> tuple[str, ...]:
    """Return the words for what is in namespaces, as `pods`, `po` and `pods.GROUP`.

    A word that can also mean something outside of them is left out.
    """
    inside, outside = {_ALL}, set()
    for line in table.splitlines():
        row = _ROW.match(line.rstrip())
        if row is None:
            continue
        group = row["version"].rpartition("/")[0]
        short = (row["short"] or "").split(",")
        names = {row["name"], row["kind"].lower(), *short} - {""}
        words = names | {f"{name}.{group}" for name in names}
        if row["namespaced"] == "true":
            inside |= words
        else:
            outside |= words
            # Else `delete all --all` would reach beyond the namespace.
            outside |= {_ALL} & set((row["categories"] or "").split(","))
    return tuple(sorted(inside - outside))


def is_namespaced(word: str, known: Collection[str]) -> bool:
    """Say whether a word of a command line names what is in namespaces.

    It is as kubectl takes it, in any spelling: `pods`, `pods.v1.`, `deployments.apps`.
    """
    name, dot, rest = word.lower().partition(".")
    if not dot:
        return name in known
    return f"{name}.{rest}" in known or f"{name}.{_VERSION.sub('', rest, 1)}" in known


def of_document(document: dict) -> str:
    """Return the word for the kind of a manifest, with its group."""
    group = str(document.get("apiVersion") or "").rpartition("/")[0]
    return f"{document.get('kind')}.{group}".lower()
