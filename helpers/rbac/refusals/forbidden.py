"""Diagnose a 403, from RBAC by its sentence, or from admission. Pure."""

import re

from helpers.language import mark, say
from helpers.rbac import objects as rbac
from helpers.rbac.objects import Attributes, Objects
from helpers.rbac.refusals.request import DeniedRequest, Diagnosis
from helpers.rbac.reviews import Account

ANONYMOUS = "system:anonymous"

_SENTENCE = re.compile(
    r'User "(?P<user>[^"]*)" cannot (?P<verb>\S+) '
    r'(?:path "(?P<path>[^"]*)"|resource "(?P<resource>[^"/]+)(?:/(?P<sub>[^"]+))?" '
    r'in API group "(?P<group>[^"]*)" '
    r'(?:in the namespace "(?P<namespace>[^"]*)"|at the cluster scope))'
    r"(?:: (?P<reason>.*))?",
    re.DOTALL,
)
_NAMED = re.compile(r'^\S+ "(?P<name>[^"]+)" is forbidden: ')

_ADMISSION = (
    ("exceeded quota", mark("A ResourceQuota of the namespace is used up.")),
    ("violates PodSecurity", mark("The namespace enforces a Pod Security standard.")),
    ("is being terminated", mark("The namespace is being deleted.")),
    (
        "error looking up service account",
        mark("The pod names a ServiceAccount that does not exist."),
    ),
    ("", mark("The request was allowed, and then refused for its content.")),
)
_NO_REASON = mark(
    "The sentence ends after its colon: over a WebSocket exec, attach and "
    "port-forward are a GET, and since 1.35 they need the verb `create` as well."
)
#: part of the sentence of this 403 only
ESCALATION = "attempting to grant RBAC permissions not currently held"


def attributes_of(
    denied: DeniedRequest, *, user: str = "", namespace: str = ""
) -> Attributes | None:
    """Return who tried what; None if the sentence is not RBAC's.

    `user` and `namespace` complete the sentence that ends after its colon: exec, attach
    or port-forward over a WebSocket without the verb `create`.
    """
    sentence = _SENTENCE.search(denied.message)
    name = _NAMED.search(denied.message)
    if sentence:
        return Attributes(
            user=sentence["user"],
            verb=sentence["verb"],
            resource=sentence["resource"] or "",
            group=sentence["group"] or "",
            subresource=sentence["sub"] or "",
            name=denied.name or (name["name"] if name and sentence["resource"] else ""),
            namespace=sentence["namespace"] or "",
            path=sentence["path"] or "",
        )
    if name and denied.message.endswith(": "):
        parts = denied.upgrade
        return Attributes(
            user=Account.read(user, namespace).user if user else "",
            verb="create",
            resource="pods",
            subresource=parts.get("subresource", "exec"),
            name=name["name"],
            namespace=parts.get("namespace", namespace),
        )
    return None


def diagnose(
    denied: DeniedRequest, request: Attributes | None, objects: Objects | None = None
) -> Diagnosis:
    """Return why a request was forbidden; `objects` are the RBAC objects, if known."""
    if request is None:
        return _diagnose_admission(denied.message)
    if request.user == ANONYMOUS:
        return Diagnosis(
            mark("no credential"),
            mark(
                "The request carried no credential, so its user is `{anonymous}`, who "
                "can read the version and the health checks."
            ),
            mark(
                "Send `Authorization: Bearer TOKEN`, spelled like this. Never grant "
                "anything to `{anonymous}`: it is everyone who reaches the server."
            ),
        ).translate(anonymous=ANONYMOUS)
    if not request.user:
        hint = say("Name the sender: explain(error, token=TOKEN).")
        return Diagnosis("not allowed", say(_NO_REASON), hint)
    manifest = rbac.to_yaml(rbac.minimal_objects(request))
    why = _why(denied, request, objects)
    return Diagnosis(mark("not allowed"), why, _hint(request), manifest)


def _why(denied: DeniedRequest, request: Attributes, objects: Objects | None) -> str:
    near = rbac.near_misses(request, objects) if objects else []
    sentence = _SENTENCE.search(denied.message)
    if not sentence:
        return " ".join([say(_NO_REASON), *near])
    if request.namespace:
        text = mark(
            "The server knows `{user}`, but no rule allows it the verb `{verb}` on "
            "`{what}` in namespace {namespace}."
        )
    else:
        text = mark(
            "The server knows `{user}`, but no rule allows it the verb `{verb}` on "
            "`{what}` in the whole cluster."
        )
    sentences = [say(text, **vars(request), what=request.path or request.what)]
    if sentence["reason"]:
        sentences.append(say("It adds: {reason}.", reason=sentence["reason"].strip()))
    return " ".join([*sentences, *near])


def _hint(request: Attributes) -> str:
    if request.path:
        return say(
            "An application usually needs no such rule: it reads resources, and every "
            "account can read discovery under /api and /apis. This opens the path:"
        )
    if not request.namespace:
        return say(
            "If one namespace is enough, name it in the request, and a Role will do. "
            "This opens the whole cluster:"
        )
    return say("Apply this; it allows that one verb and nothing else:")


def _diagnose_admission(message: str) -> Diagnosis:
    if ESCALATION in message:
        why = say("No one may grant what they do not have themselves.")
        hint = say("Let someone who has these permissions grant them.")
        return Diagnosis(mark("escalation"), why, hint)
    why = next(say(why) for sign, why in _ADMISSION if sign in message)
    hint = say("No Role helps here: change the request.")
    return Diagnosis(mark("refused by admission"), why, hint)
