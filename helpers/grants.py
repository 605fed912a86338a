"""Put two tables of answers side by side, and say which right is too much, and whence.

Pure: the answers are the server's (`reviews`), the reasons are read from bindings. Too
much is what an account has only because a whole crowd may do everything.
"""

import threading
from dataclasses import dataclass, field

import pandas as pd

from helpers import rbac
from helpers.rbac import Attempt, Objects
from helpers.reviews import Account
from helpers.watch import BROKEN, LISTED, RECONNECTED, REFUSED, Event

TOO_MUCH = "TOO MUCH"
COLUMNS = ["RESOURCE", "VERB", "BEFORE", "AFTER", TOO_MUCH, "GRANTED BY"]

#: the path of each kind that a right comes from
PATHS = {
    kind: f"/apis/{rbac.GROUP}/v1/{kind.lower()}s"
    for kind in ("Role", "ClusterRole", "RoleBinding", "ClusterRoleBinding")
}
#: what the book applied, to try it without applying it
PERMISSIVE = {
    "kind": "ClusterRoleBinding",
    "metadata": {"name": "permissive-binding"},
    "roleRef": {"kind": "ClusterRole", "name": "cluster-admin"},
    "subjects": [{"kind": "Group", "name": "system:serviceaccounts"}],
}


@dataclass(frozen=True)
class Field:
    """One field of the matrix: may they? Before, now, and by which bindings."""

    resource: str
    verb: str
    before: str
    after: str
    by: tuple[str, ...] = ()
    too_much: bool = False

    @property
    def words(self) -> str:
        """Return it in words: "no", "no → yes", "no → yes, TOO MUCH"."""
        changed = self.before not in ("", self.after)
        told = f"{self.before} → {self.after}" if changed else self.after
        return f"{told}, {TOO_MUCH}" if self.too_much else told


def fields(
    before: pd.DataFrame | None,
    after: pd.DataFrame,
    attempts: dict[tuple[str, str], Attempt],
    who: Account,
    objects: Objects,
) -> list[Field]:
    """Return the fields of two tables of `can_i`, row by row.

    `attempts` are by resource and verb, as the tables have them. A field that `before`
    lacks is not compared.
    """
    # Only a few bindings speak of this account: look for those once.
    mine = [one for one in objects.bindings if names(one, who)]
    crowds = rbac.over_grants(Objects(mine, objects.roles))
    beyond = {(one["binding"], one["where"]) for one in crowds}
    found = []
    for resource in after.index:
        for verb in after.columns:
            now = after.loc[resource, verb]
            known = before is not None and resource in before.index
            was = before.loc[resource, verb] if known and verb in before else ""
            by = []
            if now == "yes":
                by = granting(attempts[resource, verb], mine, objects)
            excess = bool(by) and all(_place(one) in beyond for one in by)
            named = tuple(called(one) for one in by)
            found.append(Field(resource, verb, was, now, named, excess))
    return found


def granting(attempt: Attempt, bindings: list[dict], objects: Objects) -> list[dict]:
    """Return those of the bindings whose role allows an attempt, where it is made."""
    return [
        binding
        for binding in bindings
        if rbac.role_allows(binding, attempt, objects.roles)
    ]


def names(binding: dict, who: Account) -> bool:
    """Say whether a binding names an account, or a group that it is in."""
    return any(
        subject["name"] in who.groups
        if subject["kind"] == "Group"
        else _user(subject) == who.user
        for subject in binding.get("subjects") or ()
    )


def called(binding: dict) -> str:
    """Return a binding by kind and name, as kubectl would find it."""
    return f"{binding['kind']} {binding['metadata']['name']}"


def frame(found: list[Field]) -> pd.DataFrame:
    """Return a row per field: RESOURCE, VERB, BEFORE, AFTER, TOO MUCH, GRANTED BY."""
    rows = [
        [f.resource, f.verb, f.before, f.after, f.too_much, ", ".join(f.by)]
        for f in found
    ]
    return pd.DataFrame(rows, columns=COLUMNS)


def attempt_of(review: dict) -> Attempt:
    """Return what a SubjectAccessReview asks about, as RBAC decides on it."""
    asked = review["spec"]["resourceAttributes"]
    keys = ("verb", "resource", "group", "subresource", "namespace")
    return Attempt(review["spec"]["user"], **{key: asked.get(key, "") for key in keys})


@dataclass
class Rules:
    """The bindings and roles of the cluster, as watches tell of them; thread-safe."""

    found: dict[str, dict[tuple[str, str], dict]] = field(default_factory=dict)
    #: by kind, why its watch is broken
    troubles: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Make the lock, and room for lists that come in pages."""
        self.lock = threading.Lock()
        self._fresh: dict[str, dict[tuple[str, str], dict]] = {}

    def hear(self, kind: str, event: Event) -> bool:
        """Take an event of the watch of a kind; say whether rights may have changed."""
        with self.lock:
            if event.type in (BROKEN, REFUSED):
                self.troubles[kind] = event.object["message"]
                return False
            self.troubles.pop(kind, None)
            if event.type == LISTED:
                return self._take_page(kind, event.object, first=event.first)
            if event.type in ("ADDED", "MODIFIED"):
                self.found.setdefault(kind, {})[_key(event.object)] = event.object
            elif event.type == "DELETED":
                self.found.get(kind, {}).pop(_key(event.object), None)
            else:
                return event.type == RECONNECTED
            return True

    def complete(self) -> bool:
        """Say whether each kind was listed, or is known not to be."""
        with self.lock:
            return {*self.found, *self.troubles} >= PATHS.keys()

    def objects(self) -> Objects:
        """Return all of them, each with its kind: items of a list have none."""
        with self.lock:
            pairs = [
                (kind, {**one, "kind": kind})
                for kind, items in self.found.items()
                for one in items.values()
            ]
        return Objects(
            [one for kind, one in pairs if kind.endswith("Binding")],
            [one for kind, one in pairs if not kind.endswith("Binding")],
        )

    def _take_page(self, kind: str, page: dict, *, first: bool) -> bool:
        if first:
            self._fresh.pop(kind, None)
        fresh = self._fresh.setdefault(kind, {})
        fresh |= {_key(one): one for one in page["items"]}
        if page.get("metadata", {}).get("continue"):
            return False
        self.found[kind] = self._fresh.pop(kind)
        return True


def _place(binding: dict) -> tuple[str, str]:
    metadata = binding["metadata"]
    return metadata["name"], metadata.get("namespace", "the whole cluster")


def _key(item: dict) -> tuple[str, str]:
    return item["metadata"].get("namespace", ""), item["metadata"]["name"]


def _user(subject: dict) -> str:
    if subject["kind"] == "ServiceAccount":
        return f"system:serviceaccount:{subject.get('namespace', '')}:{subject['name']}"
    return subject["name"]
