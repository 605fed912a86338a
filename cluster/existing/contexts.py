"""Take one context out of a learner's kubeconfig, whole and for itself. Pure.

The copy is what is used from then on: switching the context in the learner's own file
changes nothing here, whenever it happens.
"""

import copy
import hashlib
from pathlib import Path

from cluster.kubeconfig import pem_of

#: what names a file, in the entry of a cluster and of a user
_FILES = {
    "cluster": ("certificate-authority",),
    "user": ("client-certificate", "client-key", "tokenFile"),
}


def take(document: dict, context: str, folder: Path, kubectl: str) -> dict:
    """Return a kubeconfig of one context of another one, with its cluster and user.

    Relative names of files count from `folder`, and come out absolute. A credential
    plugin stays one; if it is called `kubectl`, as `kubectl oidc-login`, it becomes
    the genuine one, `kubectl`: the first in PATH will be the one that checks writes.
    Lessons choose the namespace, so the context's own is left out.
    """
    chosen = copy.deepcopy(_entry(document, "context", context))
    chosen.pop("namespace", None)
    parts = {}
    for kind, names in _FILES.items():
        entry = parts[kind] = copy.deepcopy(_entry(document, kind, chosen[kind]))
        for name in names:
            if name in entry:
                entry[name] = str(folder / entry[name])
    plugin = parts["user"].get("exec", {})
    # As kubectl does it: a bare name is looked for in PATH, a path is relative.
    if "/" in plugin.get("command", ""):
        plugin["command"] = str(folder / plugin["command"])
    elif plugin.get("command") == "kubectl":
        plugin["command"] = kubectl
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": context,
        "contexts": [{"name": context, "context": chosen}],
        **{f"{k}s": [{"name": chosen[k], k: parts[k]}] for k in _FILES},
    }


def authority(document: dict, path: Path) -> str:
    """Return the SHA-256 of what a kubeconfig of one context trusts, "" for nothing."""
    [entry] = document["clusters"]
    text = pem_of(entry["cluster"], "certificate-authority", path)
    return hashlib.sha256(text.encode()).hexdigest() if text else ""


def _entry(document: dict, kind: str, name: str) -> dict:
    [found] = [each[kind] for each in document[f"{kind}s"] if each["name"] == name]
    return found
