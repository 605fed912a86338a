"""Find secrets in what a notebook shows.

The detectors of detect-secrets know what tokens and keys of the world look like; the
patterns here know how Kubernetes and Jupyter write theirs.
"""

import re
from collections.abc import Iterator, Mapping

from detect_secrets.core.plugins.util import get_mapping_from_secret_type_to_class
from detect_secrets.core.scan import scan_line
from detect_secrets.settings import get_settings

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


#: The detectors' names of the kinds above, and ours.
OUR_WORDS = {"JSON Web Token": "a token", "Private Key": "a private key"}

_DETECTORS: Mapping[str, type] = get_mapping_from_secret_type_to_class()
# Once for all threads: the settings are the process's, and a scan of a line without a
# file would take the filter out while another one reads them.
get_settings().configure_plugins(
    [
        {"name": plugin.__name__}
        for plugin in _DETECTORS.values()
        if plugin.__name__ not in NOT_HERE
    ]
).disable_filters("detect_secrets.filters.common.is_invalid_file")


def find(text: str) -> list[str]:
    """Return the kinds of secrets in a text, sorted, each once."""
    own_kinds = {kind for kind, pattern in PATTERNS.items() if pattern.search(text)}
    secrets = {secret.type for line in text.splitlines() for secret in scan_line(line)}
    return sorted(own_kinds | {OUR_WORDS.get(kind, kind) for kind in secrets})


def find_in(outputs: object) -> list[str]:
    """Return the kinds of secrets in the outputs of a cell, in whatever form.

    Not even one that is dead may be shown: outputs are kept and passed on.
    """
    return find("\n".join(_texts(outputs)))


def _texts(output: object) -> Iterator[str]:
    """Yield every text of an output: streams, all its forms, tracebacks."""
    if isinstance(output, str):
        yield output
    elif isinstance(output, dict):
        for value in output.values():
            yield from _texts(value)
    elif isinstance(output, list):
        for value in output:
            yield from _texts(value)
