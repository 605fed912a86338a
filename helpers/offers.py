"""Keep what a server offers to be read up to date, with as few bytes as it takes."""

import json

from cluster import errors
from helpers import explorer
from helpers.answers import SILENCE
from helpers.caller import Caller
from helpers.discovery import AGGREGATED, PATHS
from helpers.explorer import ROOT, Resource

SPACES = "/api/v1/namespaces?limit=500"
METADATA = "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io"
#: looks between two lists of the namespaces, which have no ETag
SPACES_EVERY = 5


class Offers:
    """Paths, resources and namespaces; `look` renews them. One thread at a time."""

    def __init__(self, caller: Caller, namespace: str) -> None:
        """Know nothing but `/` and one namespace; nothing is sent."""
        self._caller, self._own = caller, namespace
        self.resources: list[Resource] = []
        self.paths = [ROOT]
        self.namespaces = [namespace] if namespace else []
        #: how often the server was asked with success
        self.looks = 0
        # ETag and document of each path of discovery.
        self._known: dict[str, tuple[str, dict]] = {}

    def look(self) -> bool:
        """Ask what has changed, and say whether anything has.

        Raise ApiError if discovery is refused, and what `Caller.stream` raises.
        """
        changed = [self._renewed(path) for path in PATHS]
        spaces = not self.looks % SPACES_EVERY and self._renew_namespaces()
        if any(changed):
            documents = [document for _, document in self._known.values()]
            self.resources = explorer.resources(documents)
            self._renew_paths()
        self.looks += 1
        return spaces or any(changed)

    def offer_path(self, path: str) -> None:
        """Take in a path that `/` does not list."""
        if path not in self.paths:
            self.paths = [*self.paths, path]

    def offer_namespace(self, name: str) -> None:
        """Take in a namespace that was not listed."""
        if name and name not in self.namespaces:
            self.namespaces = sorted([*self.namespaces, name])

    def _renewed(self, path: str) -> bool:
        tag, _ = self._known.get(path, ("", {}))
        headers = {"Accept": AGGREGATED}
        if tag:
            headers["If-None-Match"] = tag
        status, body, tag = self._get(path, headers)
        if status == 304:
            return False
        if status >= 400:
            raise errors.ApiError("GET", path, status, body.decode(errors="replace"))
        self._known[path] = (tag, json.loads(body))
        return True

    def _renew_paths(self) -> None:
        status, body, _ = self._get(ROOT, {"Accept": explorer.JSON})
        if status == 200:
            listed = explorer.paths(json.loads(body))
            # What was asked for by hand stays.
            more = [path for path in self.paths if path not in listed]
            self.paths = [*listed, *more]

    def _renew_namespaces(self) -> bool:
        status, body, _ = self._get(SPACES, {"Accept": METADATA})
        if status != 200:
            return False  # not everybody may list them
        found = {name for _, name in explorer.names(json.loads(body))}
        found |= {self._own} - {""}
        changed = found != set(self.namespaces)
        self.namespaces = sorted(found)
        return changed

    def _get(self, path: str, headers: dict[str, str]) -> tuple[int, bytes, str]:
        answer = self._caller.stream(path, headers=headers, silence=SILENCE)
        try:
            return answer.status, answer.read(), answer.headers.get("ETag", "")
        finally:
            answer.close()
