"""Ask a cluster who it is, and whose its namespaces are. It only reads.

The genuine kubectl is used, as it alone knows every way to show a credential.
"""

import json
import os
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from helpers import errors

#: the namespace that every cluster has, and whose UID no two have
HOME = "kube-system"
#: seconds for one answer
TIMEOUT = 10


@dataclass(frozen=True)
class Seen:
    """The UID of a cluster, and the labels of those asked-for namespaces it has."""

    uid: str
    labels: Mapping[str, Mapping[str, str]]


def see(
    kubectl: str,
    options: Iterable[str] = (),
    namespaces: Iterable[str] = (),
    *,
    kubeconfig: Path | None = None,
) -> Seen:
    """Return what cluster answers, and the labels of some of its namespaces.

    `options` say which cluster, as kubectl's own command line does; without
    `kubeconfig` the environment counts. Raise Unreachable with kubectl's last line.
    """
    asked = dict.fromkeys([HOME, *namespaces])
    words = ["get", "namespaces", *asked, "--ignore-not-found", "-o", "json"]
    text = run(kubectl, *options, *words, kubeconfig=kubeconfig)
    found = json.loads(text or "{}")
    parts = {
        each["metadata"]["name"]: each["metadata"]
        for each in found.get("items", [found] if found else [])
    }
    uid = parts.get(HOME, {}).get("uid", "")
    return Seen(uid, {name: parts[name].get("labels", {}) for name in parts})


def server(kubectl: str, kubeconfig: Path) -> tuple[str, str]:
    """Return the versions of this kubectl and of the server; raise Unreachable."""
    found = json.loads(run(kubectl, "version", "-o", "json", kubeconfig=kubeconfig))
    return (
        found["clientVersion"]["gitVersion"],
        found.get("serverVersion", {}).get("gitVersion", ""),
    )


def user(kubectl: str, kubeconfig: Path) -> str:
    """Return as whom the server takes us; raise Unreachable."""
    text = run(kubectl, "auth", "whoami", "-o", "json", kubeconfig=kubeconfig)
    return json.loads(text)["status"]["userInfo"]["username"]


def cluster_scoped(kubectl: str, kubeconfig: Path) -> tuple[str, ...]:
    """Return names, short names and kinds of what is stored in no namespace there.

    Questions, as a TokenReview, are not stored, so they are not among them.
    """
    words = ("api-resources", "--namespaced=false", "--verbs=delete", "--no-headers")
    lines = run(kubectl, *words, kubeconfig=kubeconfig).splitlines()
    names = set()
    for line in lines:
        name, *short, _, _, kind = line.split()
        names |= {name, kind, kind.lower(), *",".join(short).split(",")}
    return tuple(sorted(names - {""}))


def run(kubectl: str, *words: str, kubeconfig: Path | None = None) -> str:
    """Return what kubectl prints; raise Unreachable or LacksRights."""
    environment = dict(os.environ)
    if kubeconfig is not None:
        environment["KUBECONFIG"] = str(kubeconfig)
    try:
        done = subprocess.run(
            [kubectl, f"--request-timeout={TIMEOUT}s", *words],
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=3 * TIMEOUT,
        )
    except subprocess.TimeoutExpired:
        raise errors.Unreachable(
            "The cluster", f"no answer in {3 * TIMEOUT} s"
        ) from None
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["kubectl says nothing"])[-1]
        if "orbidden" in last:
            raise errors.LacksRights(last)
        raise errors.Unreachable("The cluster", last.removesuffix("."))
    return done.stdout
