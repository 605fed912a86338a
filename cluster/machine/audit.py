"""Describe the audit log of our API servers, and read its files.

The log has each request at the level Metadata: who asked for what, when, and which code
came back; no headers and no bodies. Paths have their queries, as the command of an
exec.
"""

import contextlib
import json
from pathlib import Path
from string import Template

from cluster.statedir import read_shared

#: the log that is being written, and those that are full, with the time in their names
NAME, FULL = "audit.log", "audit-*.log"
#: users that are parts of the cluster, and groups of such users; `super-admin` is ours
USERS = (
    "kubernetes-super-admin",
    "system:apiserver",
    "system:coredns",
    "system:kube-controller-manager",
    "system:kube-proxy",
    "system:kube-scheduler",
)
GROUPS = (
    "system:nodes",
    "system:serviceaccounts:kube-system",
    # kind's provisioner of volumes
    "system:serviceaccounts:local-path-storage",
)
#: bytes that are read of one file; the API server begins a new one long before
LIMIT = 64_000_000
#: Read while the package can still be seen: PID 1 leaves the host's files behind.
_POLICY = Template(
    Path(__file__).with_name("config").joinpath("audit.yaml").read_text()
)


def policy() -> str:
    """Return the audit policy in YAML."""
    groups = {"users": json.dumps(USERS), "groups": json.dumps(GROUPS)}
    return _POLICY.substitute(groups)


def options(policy_file: str, directory: str) -> dict[str, str]:
    """Return the API server's options, by name without dashes, for both paths."""
    return {
        "audit-policy-file": policy_file,
        # The API server makes the file with the mode 0600.
        "audit-log-path": f"{directory}/{NAME}",
        # A request is in the log before its response ends; with `batch` up to 30 s
        # later.
        "audit-log-mode": "blocking",
        # MB; about ten thousand requests, and as many again in the file before.
        "audit-log-maxsize": "10",
        "audit-log-maxbackup": "1",
        # days
        "audit-log-maxage": "30",
    }


def read(directory: Path) -> str:
    """Return the log in a directory: an event per line in JSON, oldest first.

    A file that becomes full while this reads may be missing as a whole: read again.
    """
    # The time in the name of a full file sorts; the current file is the newest.
    full = sorted(directory.glob(FULL))
    text = ""
    for path in (*full, directory / NAME):
        with contextlib.suppress(OSError):
            text += read_shared(path, LIMIT)
    return text
