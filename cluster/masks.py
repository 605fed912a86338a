"""Take out of a text what looks like a secret, before anybody passes it on. Pure."""

import re

REMOVED = "(removed)"

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
