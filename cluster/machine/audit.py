"""Describe the audit log of our API servers, and read its files.

The log has each request at the level Metadata: who asked for what, when, and which code
came back; no headers and no bodies.
"""

import contextlib
from pathlib import Path

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
_READS = ["get", "list", "watch"]
_CHATTER = [
    {"group": "coordination.k8s.io", "resources": ["leases"]},
    {"group": "", "resources": ["events"]},
    {"group": "events.k8s.io", "resources": ["events"]},
]


def policy() -> dict:
    """Return the audit policy; the first rule that fits decides.

    The reads, leases and events of components are left out: with them a file would hold
    minutes instead of hours.
    """
    components = ({"users": [*USERS]}, {"userGroups": [*GROUPS]})
    return {
        "apiVersion": "audit.k8s.io/v1",
        "kind": "Policy",
        # A watch has a start and an end; everything else is noted once, at its end.
        "omitStages": ["RequestReceived"],
        "rules": [
            *({"level": "None", **who, "verbs": _READS} for who in components),
            *({"level": "None", **who, "resources": _CHATTER} for who in components),
            # The API server asks itself for the roles and classes it starts with.
            {"level": "None", "users": ["system:apiserver"]},
            # kind's kubelet asks for these without credentials, every few seconds.
            {
                "level": "None",
                "users": ["system:anonymous"],
                "nonResourceURLs": ["/healthz*", "/livez*", "/readyz*"],
            },
            {"level": "Metadata"},
        ],
    }


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
