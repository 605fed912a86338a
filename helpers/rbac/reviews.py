"""Ask the API server to review a token or a permission; no review is stored."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import product

from helpers.api.tokens import Token
from helpers.command import current_namespace, kubectl
from helpers.rbac.objects import Attributes


@dataclass(frozen=True)
class Review:
    """The API server's verdict on a token; `error` is the reason of a refusal."""

    authenticated: bool
    user: str = ""
    groups: tuple[str, ...] = ()
    audiences: tuple[str, ...] = ()
    error: str = ""


@dataclass(frozen=True)
class Account:
    """A user and its groups."""

    user: str
    groups: tuple[str, ...] = ()

    @classmethod
    def read(cls, name: str, namespace: str) -> "Account":
        """Return a ServiceAccount, or a user (with : or @), and the server's groups."""
        if ":" not in name and "@" not in name:
            name = f"system:serviceaccount:{namespace}:{name}"
        group = "unauthenticated" if name == "system:anonymous" else "authenticated"
        groups = [f"system:{group}"]
        if name.startswith("system:serviceaccount:"):
            home = name.split(":")[2]
            every = "system:serviceaccounts"
            groups = [every, f"{every}:{home}", *groups]
        return cls(name, tuple(groups))


def review_token(token: Token, *, audience: str = "") -> Review:
    """Ask the API server to review a token for an audience, by default itself.

    The same as creating a TokenReview, which an ordinary ServiceAccount may not do.
    """
    spec = {"token": token.text, **({"audiences": [audience]} if audience else {})}
    body = {
        "apiVersion": "authentication.k8s.io/v1",
        "kind": "TokenReview",
        "spec": spec,
    }
    done = kubectl("create", "-f", "-", "-o", "json", input=body)
    status = done.json()["status"]
    user = status.get("user", {})
    return Review(
        status.get("authenticated", False),
        user.get("username", ""),
        tuple(user.get("groups", ())),
        tuple(status.get("audiences", ())),
        status.get("error", ""),
    )


def permissions_of(
    who: Account, verbs: Iterable[str], resources: Iterable[str]
) -> list[tuple[str, str]]:
    """Return the pairs of a verb and a row of `resources` that are allowed."""
    found = permissions_of_all([who], verbs, resources)
    return [(verb, row) for _, verb, row in found]


def permissions_of_all(
    accounts: Iterable[Account], verbs: Iterable[str], resources: Iterable[str]
) -> list[tuple[Account, str, str]]:
    """Return each account, verb and row that the API server allows together."""
    reviews = review_all(accounts, verbs, resources)
    return [one for one, (allowed, _) in reviews.items() if allowed]


def review_all(
    accounts: Iterable[Account], verbs: Iterable[str], resources: Iterable[str]
) -> dict[tuple[Account, str, str], tuple[bool, str]]:
    """Return for each account, verb and row whether it is allowed, and the reason.

    The reason is the API server's: "RBAC: allowed by RoleBinding …".
    """
    here, asked = current_namespace(), list(product(accounts, verbs, resources))
    items = [
        access_review(attributes_of(who.user, verb, row, here), who.groups)
        for who, verb, row in asked
    ]
    document = {"apiVersion": "v1", "kind": "List", "items": items}
    # A single process and connection asks all; each answer is a line.
    line = 'jsonpath={.status.allowed} {.status.reason}{"\\n"}'
    done = kubectl("create", "-f", "-", "-o", line, input=document)
    answers = [line.partition(" ") for line in done.stdout.splitlines()]
    return {
        one: (allowed == "true", reason)
        for one, (allowed, _, reason) in zip(asked, answers, strict=True)
    }


def attributes_of(user: str, verb: str, row: str, namespace: str) -> Attributes:
    """Return the request behind one field of the table of `can_i`.

    After a resource, a row may name an object: "pods/log web".
    """
    words, _, elsewhere = row.partition(" -")
    if elsewhere.startswith("n "):
        namespace = elsewhere[2:].strip()
    what, _, name = words.strip().partition(" ")
    kind, _, subresource = what.partition("/")
    resource, _, group = kind.partition(".")
    where = "" if elsewhere == "A" else namespace
    return Attributes(user, verb, resource, group, subresource, name, where)


def access_review(
    request: Attributes, groups: Iterable[str], extra: dict | None = None
) -> dict:
    """Return the SubjectAccessReview that asks whether a request is allowed."""
    names = ("verb", "group", "resource", "subresource", "name", "namespace", "path")
    attributes = {name: value for name in names if (value := getattr(request, name))}
    kind = "nonResourceAttributes" if request.path else "resourceAttributes"
    spec = {"user": request.user, "groups": [*groups], "extra": extra or {}}
    return {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SubjectAccessReview",
        "spec": {**spec, kind: attributes},
    }
