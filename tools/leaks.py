"""Find secrets in what a notebook shows.

The detectors of detect-secrets know what tokens and keys of the world look like; the
patterns here know how Kubernetes and Jupyter write theirs.
"""

import re
from collections.abc import Mapping

from detect_secrets.core.plugins.util import get_mapping_from_secret_type_to_class
from detect_secrets.core.scan import scan_line
from detect_secrets.settings import transient_settings

#: Digests, UIDs and addresses are all over the lessons, and are no secrets.
NOT_HERE = {"Base64HighEntropyString", "HexHighEntropyString", "IPPublicDetector"}

#: In base64, as in a kubeconfig, "-----BEGIN PRIVATE KEY", "... RSA ..." and "... EC".
PATTERNS = {
    "a private key": re.compile(
        r"-----BEGIN [A-Z ]*PRIVATE KEY-----"
        r"|LS0tLS1CRUdJTi(BQUklWQVRF|BSU0EgUFJJVkFURS|BFQyBQUklWQVRF)"
    ),
    "a token": re.compile(r"\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]{16,}"),
    "a bearer header": re.compile(r"Bearer [\w.~+/-]{24,}"),
    # A key of YAML or JSON, and not "failed to create token: TokenRequest…".
    "a key of a kubeconfig": re.compile(
        r"(?m)(?:^|[{,])\s*[\"']?(?:client-key-data|token|password)[\"']?:"
        r" *[\"']?[\w.~+/-]{16,}={0,2}(?!…)\b"
    ),
    "a token in an address": re.compile(r"[?&](token|access_token)=[\w.~+/-]{12,}"),
}


#: What the detectors call the kinds that are named above.
OUR_WORDS = {"JSON Web Token": "a token", "Private Key": "a private key"}


def find(text: str) -> list[str]:
    """Return the kinds of secrets in a text, sorted, each once."""
    ours = {kind for kind, pattern in PATTERNS.items() if pattern.search(text)}
    theirs = {OUR_WORDS.get(kind, kind) for kind in _by_detectors(text)}
    return sorted(ours | theirs)


def _by_detectors(text: str) -> set[str]:
    plugins: Mapping[str, type] = get_mapping_from_secret_type_to_class()
    detectors = [
        {"name": plugin.__name__}
        for plugin in plugins.values()
        if plugin.__name__ not in NOT_HERE
    ]
    with transient_settings({"plugins_used": detectors}):
        return {secret.type for line in text.splitlines() for secret in scan_line(line)}
