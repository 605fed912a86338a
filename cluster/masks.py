"""Take secrets out of addresses and headers before anybody keeps them. Pure.

What is not known to be harmless goes: a name of a header or of a parameter that is not
in the lists below keeps its name and loses its value.
"""

import re
from collections.abc import Iterable
from urllib.parse import quote, unquote, urlsplit, urlunsplit

REMOVED = "(removed)"

#: headers whose values say nothing of who asks
HEADERS = frozenset(
    "accept accept-encoding accept-ranges age allow audit-id cache-control connection "
    "content-encoding content-length content-type date deprecation etag expires host "
    "if-match if-none-match kubectl-command last-modified retry-after server "
    "transfer-encoding upgrade user-agent vary warning x-content-type-options "
    "x-kubernetes-pf-flowschema-uid x-kubernetes-pf-prioritylevel-uid".split()
)
#: Parameters of the API whose values are not secret. `command` is not one of them: a
#: command line that runs in a pod may hold anything.
PARAMETERS = frozenset(
    "allowWatchBookmarks as container continue dryRun exact fieldManager fieldSelector "
    "fieldValidation follow force gracePeriodSeconds hash includeObject labelSelector "
    "limit limitBytes orphanDependents pretty previous propagationPolicy "
    "resourceVersion resourceVersionMatch sendInitialEvents shardSelector sinceSeconds "
    "sinceTime stderr stdin stdout stream tailLines timeout timeoutSeconds timestamps "
    "tty verbose watch".split()
)
#: what a secret looks like wherever it stands: keys, tokens, kubeconfigs, bearers
_SECRETS = re.compile(
    r"-----BEGIN[A-Z +]*PRIVATE[ +]KEY-----.*"
    r"|LS0tLS1CRUdJTi[\w+/=]+"
    r"|\beyJ[\w-]{8,}(?:\.[\w-]*){0,2}"
    r"|(?i:\b(?:bearer|basic|token)[ +]|\b(?:token|password|secret|key)[=:] ?)\S{8,}"
    # Who asks, in an address, as that of a proxy or a mirror.
    r"|(?<=://)[^/\s@]+(?=@)"
    # Bootstrap tokens, and what the clouds and GitHub give out.
    r"|\b[a-z0-9]{6}\.[a-z0-9]{16}\b"
    r"|\b(?:A3T[A-Z0-9]|AKIA|ASIA)[A-Z0-9]{16}\b"
    r"|\bgh[pousr]_\w{20,}|\bgithub_pat_\w{20,}|\bglpat-[\w-]{20,}"
    r"|\bxox[abposr]-[\w-]{10,}|\b[sr]k_live_\w{20,}|\bya29\.[\w-]{10,}",
    re.DOTALL,
)


def text(value: str) -> str:
    """Return a text without what looks like a secret."""
    return _SECRETS.sub(REMOVED, value)


def url(address: str) -> str:
    """Return an address without its user, and without values that may be secret."""
    try:
        parts = urlsplit(address)
    except ValueError:
        return REMOVED
    place = parts.netloc.rpartition("@")[2]
    path = quote(text(unquote(parts.path)), safe="/%:()=,;@+!*'$~&")
    query = "&".join(_parameter(part) for part in parts.query.split("&") if part)
    return urlunsplit((parts.scheme, place, path, query, ""))


def headers(pairs: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """Return headers; of those that are not known to be harmless the names alone."""
    return [
        (name, text(str(value)) if name.lower() in HEADERS else REMOVED)
        for name, value in pairs
    ]


def _parameter(part: str) -> str:
    name, equals, value = part.partition("=")
    if unquote(name) not in PARAMETERS:
        # A secret may stand without a name, too.
        return f"{text(unquote(name))}={REMOVED}" if equals else text(unquote(name))
    return f"{name}={REMOVED}" if text(unquote(value)) != unquote(value) else part
