"""Find secrets in what a notebook shows.

The detectors of detect-secrets know what tokens and keys of the world look like;
`cluster.secrets` knows how Kubernetes and Jupyter write theirs.
"""

from collections.abc import Iterator, Mapping

from detect_secrets.core.plugins.util import get_mapping_from_secret_type_to_class
from detect_secrets.core.scan import scan_line
from detect_secrets.settings import get_settings

from cluster.secrets import PUBLISHED

#: Digests, UIDs and addresses are all over the lessons, and are no secrets.
NOT_HERE = {"Base64HighEntropyString", "HexHighEntropyString", "IPPublicDetector"}
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
    own_kinds = {kind for kind, pattern in PUBLISHED.items() if pattern.search(text)}
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
