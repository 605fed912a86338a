"""Split the path of a request, as the API server does for its authorizers. Pure."""

from urllib.parse import parse_qs, unquote, urlsplit

from helpers.rbac.objects import Attributes

#: subresources of a namespace, which follow `namespaces/NAME` as resources do
_OF_NAMESPACES = ("status", "finalize")


def attributes_of_get(path: str, user: str) -> Attributes:
    """Return the attributes of a GET; a path that leads to no resource is their `path`.

    https://kubernetes.io/docs/reference/access-authn-authz/authorization has the table.
    """
    parts = urlsplit(path)
    group, words = _split(parts.path)
    if not words:
        return Attributes(user, "get", path=parts.path)
    namespace = ""
    if words[0] == "namespaces" and len(words) > 1:
        namespace = words[1]
        if len(words) > 2 and words[2] not in _OF_NAMESPACES:
            words = words[2:]
    resource, name, subresource, *_ = [*words, "", ""]
    verb = "get"
    if not name:
        watch = parse_qs(parts.query, keep_blank_values=True).get("watch", ["false"])
        verb = "list" if watch[0].lower() in ("false", "0") else "watch"
    return Attributes(user, verb, resource, group, subresource, name, namespace)


def _split(path: str) -> tuple[str, list[str]]:
    """Return the API group and the words after its version; [] for other paths."""
    words = [unquote(word) for word in path.split("/") if word]
    if words[:1] == ["api"]:
        return "", words[2:]
    if words[:1] == ["apis"] and len(words) > 3:
        return words[1], words[3:]
    return "", []
