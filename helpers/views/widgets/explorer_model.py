"""The choices of the API explorer, and the request for a choice. Pure."""

import json
from typing import Any, NamedTuple
from urllib.parse import quote

from helpers.api.discovery import Resource
from helpers.errors import UnknownKind
from helpers.language import mark, say

#: the first choice besides the groups: the paths that `/` lists
ROOT = "/"
#: the core group has no name
CORE = ""
#: objects that are asked for at once, so that 5,000 neither freeze a page nor a server
LIMIT = 100
#: Paths that are no resources answer in forms of their own.
ACCEPT = "application/json, */*;q=0.5"


class Offer(NamedTuple):
    """The choices; versions in the server's order, the preferred version first."""

    paths: tuple[str, ...] = (ROOT,)
    resources: tuple[Resource, ...] = ()
    namespaces: tuple[str, ...] = ()

    def groups(self) -> list[str]:
        """Return the names of the groups, the core group's empty one first."""
        return sorted({item.group for item in self.resources})

    def versions(self, group: str) -> list[str]:
        """Return the versions of a group, the preferred one first."""
        versions = [item.version for item in self.resources if item.group == group]
        return list(dict.fromkeys(versions))

    def of_version(self, group: str, version: str) -> list[Resource]:
        """Return the resources of a group version, sorted by name."""
        place = (group, version)
        return sorted(item for item in self.resources if item[:2] == place)

    def find(
        self, group: str, version: str | None, resource: str | None
    ) -> Resource | None:
        """Return a resource; None means the preferred version, or any resource."""
        for item in self.resources:
            if item[:3] == (group, version or item.version, resource or item.name):
                return item
        return None

    def unknown(self, group: str, version: str | None, name: str) -> UnknownKind:
        """Return the error that names what there is instead of a resource."""
        version = version or next(iter(self.versions(group)), "")
        place = "/".join(filter(None, (group, version)))
        if names := [item.name for item in self.of_version(group, version)]:
            return UnknownKind(place, name, names)
        names = [f"{group}/{version}".strip("/") for version in self.versions(group)]
        # The core group has no name.
        return UnknownKind(place, "", names or [*filter(None, self.groups())])


class Choice(NamedTuple):
    """A choice: a path if the group is `/`, else a resource, perhaps an object.

    An empty `namespace` means all, an empty `name` the list.
    """

    group: str = ROOT
    version: str = ""
    resource: str = ROOT
    namespace: str = ""
    name: str = ""


class ExplorerAnswer(NamedTuple):
    """A request and its answer; the token in `sent` is masked."""

    choice: Choice
    path: str
    sent: dict[str, str]
    #: the line that reads the same
    kubectl: str
    status: int
    reason: str
    type: str
    milliseconds: float
    size: int
    content: Any

    def sentence(self) -> str:
        """Return the status with the server's message, or a note on a long list."""
        note = remainder(self.content)
        if self.status >= 400 and isinstance(self.content, dict):
            note = self.content.get("message", "")
        head = f"{self.status} {self.reason}".strip(), f"{self.milliseconds:,.0f} ms"
        size = say("{count:,} bytes", count=self.size)
        facts = ", ".join([*head, size, self.type.partition(";")[0]])
        return f"{facts}. {note}".strip()

    def lines(self) -> list[str]:
        """Return the content as lines of text."""
        if isinstance(self.content, str):
            return self.content.splitlines()
        return json.dumps(self.content, indent=1, ensure_ascii=False).splitlines()


class ExplorerState(NamedTuple):
    """The offer, the choice and the answer, with a count of the requests."""

    choice: Choice
    offer: Offer = Offer()
    #: the objects of the list that was answered last
    names: tuple[str, ...] = ()
    asked: int = 0
    answered: int = 0
    answer: ExplorerAnswer | None = None
    #: why there is no answer, and why the offer is not known; "" while all is well
    trouble: str = ""
    unknown: str = ""

    @property
    def resource(self) -> Resource | None:
        """Return the resource that is chosen; None for a path."""
        listed = self.offer.of_version(self.choice.group, self.choice.version)
        name = self.choice.resource
        return next((item for item in listed if item.name == name), None)

    @property
    def sentence(self) -> str:
        """Return the status line."""
        answer = self.answer.sentence() if self.answer else say("Sending the request.")
        return f"{self.trouble or answer} {self.unknown}".strip()


class Chosen(NamedTuple):
    """A choice was made; the same choice again sends the request again."""

    choice: Choice


class Loaded(NamedTuple):
    """The choices were loaded, or `trouble` says why not."""

    offer: Offer
    trouble: str = ""


class Answered(NamedTuple):
    """A request has ended, with an answer or with `trouble`."""

    number: int
    answer: ExplorerAnswer | None
    trouble: str = ""


def reduce(state: ExplorerState, event: Chosen | Loaded | Answered) -> ExplorerState:
    """Return the state after an event; another number of `asked` wants a request."""
    match event:
        case Chosen(choice):
            choice = nearest_choice(choice, state.offer)
            if choice[:4] != state.choice[:4]:
                state = state._replace(names=())
            return state._replace(choice=choice, asked=state.asked + 1)
        case Loaded(offer, trouble):
            choice = nearest_choice(state.choice, offer)
            asked = state.asked + (choice != state.choice)
            state = state._replace(offer=offer, unknown=trouble)
            return state._replace(choice=choice, asked=asked)
        case Answered(number, answer, trouble) if number == state.asked:
            state = state._replace(answered=number, trouble=trouble)
            return _with_answer(state, answer) if answer else state
    # An answer to a choice before the last one.
    return state


def nearest_choice(choice: Choice, offer: Offer) -> Choice:
    """Return the choice, with the nearest choice for what is not offered."""
    if choice.group not in offer.groups():
        path = choice.resource if choice.resource.startswith("/") else ROOT
        # A group of which nothing can be read.
        if f"/apis/{choice.group}" in offer.paths:
            path = f"/apis/{choice.group}"
        return choice._replace(group=ROOT, version="", resource=path, name="")
    versions = offer.versions(choice.group)
    version = choice.version if choice.version in versions else versions[0]
    listed = offer.of_version(choice.group, version)
    resource = choice.resource
    if resource not in [item.name for item in listed]:
        listable = [item.name for item in listed if "list" in item.verbs]
        resource = [*listable, listed[0].name][0]
    return choice._replace(version=version, resource=resource)


def path_of(state: ExplorerState) -> str:
    """Return the path of what is chosen; a list is cut to its first objects."""
    choice, resource = state.choice, state.resource
    if resource is None:
        return choice.resource
    parts = [f"/apis/{resource.group}" if resource.group else "/api", resource.version]
    if resource.namespaced and choice.namespace:
        parts += ["namespaces", quote(choice.namespace, safe="")]
    parts.append(resource.name)
    if not choice.name:
        return f"{'/'.join(parts)}?limit={LIMIT}"
    return "/".join([*parts, quote(choice.name, safe="")])


def names(document: Any) -> tuple[str, ...]:
    """Return the names of the objects in a list."""
    objects = document.get("items") if isinstance(document, dict) else None
    metadata = [item.get("metadata", {}) for item in objects or () if item]
    return tuple(item["name"] for item in metadata if "name" in item)


def remainder(document: Any) -> str:
    """Return a sentence if a list is longer than what came, or ""."""
    metadata = document.get("metadata") if isinstance(document, dict) else None
    if not isinstance(metadata, dict) or not metadata.get("continue"):
        return ""
    # With a selector the server does not know how many remain.
    rest = metadata.get("remainingItemCount")
    if rest is None:
        return say("These are the first {count}; the server has more.", count=LIMIT)
    text = mark("These are the first {count}; the server has {rest:,} more.")
    return say(text, count=LIMIT, rest=rest)


def _with_answer(state: ExplorerState, answer: ExplorerAnswer) -> ExplorerState:
    resource, choice = state.resource, answer.choice
    # Objects of several namespaces need more than a name.
    one_place = choice.namespace or (resource and not resource.namespaced)
    if one_place and not choice.name and answer.status == 200:
        state = state._replace(names=names(answer.content))
    return state._replace(answer=answer)
