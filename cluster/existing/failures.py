"""Say why kubectl got no answer that is of use: who failed, where, what helps.

kubectl prints it in many words of its own; a learner needs to know whether anything
answered at all.
"""

import contextlib
import json
import os
import re
from collections.abc import Iterable
from pathlib import Path

from cluster import errors

_USE = "`python -m helpers use`"
_FACT = re.compile(r"error: |Error from server|Unable to connect|The connection")
#: what `cluster.existing.guard` says, where it is asked in kubectl's place
_REFUSED = "error: this write was refused: "
#: what stands before the fact in that line
_BEFORE = re.compile(r"(error: |Unable to connect to the server: )+")
_CREDENTIAL = re.compile(r"Unauthorized|must be logged in|provide credentials")
_PLUGIN = re.compile(r"getting credentials: ")
_TLS = re.compile(r"x509: |tls: |certificate|HTTP response to HTTPS client")


def of(
    stderr: str, words: Iterable[str], kubeconfig: Path | None = None
) -> errors.LabError:
    """Return the error for what kubectl printed on stderr, and how it was called."""
    lines = stderr.strip().splitlines() or ["kubectl says nothing"]
    # Advice may follow, as where a credential plugin is not installed.
    last = next((line for line in reversed(lines) if _FACT.match(line)), lines[-1])
    if last.startswith(_REFUSED):
        return errors.WriteRefused(last.removeprefix(_REFUSED))
    if "orbidden" in last:
        return errors.LacksRights(last)
    reason = _BEFORE.sub("", last).removesuffix(".")
    server = address(words, kubeconfig) or "The cluster"
    if _CREDENTIAL.search(last):
        return errors.NotAdmitted(
            server,
            f"answered, and did not take the credential: {reason}",
            f"Renew it, as it may have expired, and name the cluster again: {_USE} "
            "copies what is new.",
        )
    if _PLUGIN.search(last):
        return errors.NotAdmitted(
            server,
            f"was not asked, as there was no credential: {reason}",
            "Run the credential plugin of your kubeconfig by hand: it says why.",
        )
    if _TLS.search(last):
        return errors.NotAdmitted(
            server,
            f"answers, and no TLS connection came about: {reason}",
            f"Look at the address and the authority in your kubeconfig, then {_USE}.",
        )
    return errors.Unreachable(
        server, reason, "See that it runs and can be reached from here, then try again."
    )


def gone(kubectl: str, error: OSError) -> errors.MissingTool:
    """Return the error for a kubectl that cannot be run."""
    return errors.MissingTool(
        kubectl,
        f"ask the cluster ({error.strerror})",
        "`python -m helpers up` gets it again.",
    )


def address(words: Iterable[str], kubeconfig: Path | None = None) -> str:
    """Return the server that a command asks, "" if that is not plain to see."""
    for word in words:
        if word.startswith("--server="):
            return word.partition("=")[2]
        if re.match("--(kubeconfig|context|cluster)=", word):
            return ""
    path = kubeconfig or os.environ.get("KUBECONFIG", "")
    # One that these notebooks wrote; of others kubectl may take another part.
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
        [cluster] = json.loads(Path(path).read_text())["clusters"]
        return cluster["cluster"]["server"]
    return ""
