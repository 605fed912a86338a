"""Ask a cluster who it is, and whose its namespaces are. It only reads.

The genuine kubectl is used, as it alone knows every way to show a credential.
"""

import json
import os
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from cluster.existing import failures, kinds, surroundings

#: the namespace that every cluster has, and whose UID no two have
HOME = "kube-system"
#: seconds for one answer
TIMEOUT = 10
#: what kubectl says when a part of the API is away, below the list of all the rest
_INCOMPLETE = "unable to retrieve the complete list of server APIs"


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
    `kubeconfig` the environment counts. Raises what `run` raises.
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
    """Return the versions of this kubectl and of the server; see `run`."""
    found = json.loads(run(kubectl, "version", "-o", "json", kubeconfig=kubeconfig))
    return (
        found["clientVersion"]["gitVersion"],
        found.get("serverVersion", {}).get("gitVersion", ""),
    )


def user(kubectl: str, kubeconfig: Path) -> str:
    """Return as whom the server takes us; see `run`."""
    text = run(kubectl, "auth", "whoami", "-o", "json", kubeconfig=kubeconfig)
    return json.loads(text)["status"]["userInfo"]["username"]


def namespaced(
    kubectl: str, options: Iterable[str] = (), *, kubeconfig: Path | None = None
) -> tuple[str, ...]:
    """Return the words for what is in namespaces there; see `kinds`, and `run`.

    An API that another server should serve, and does not, keeps only its own away.
    """
    words = (*options, "api-resources", "--no-headers", "-o", "wide")
    done = _run(kubectl, words, kubeconfig)
    if done.returncode and not (done.stdout and _INCOMPLETE in done.stderr):
        raise failures.of(done.stderr, words, kubeconfig)
    return kinds.namespaced(done.stdout)


def run(kubectl: str, *words: str, kubeconfig: Path | None = None) -> str:
    """Return what kubectl prints.

    Raise Unreachable, NotAdmitted if an answer came and it was no, LacksRights, and
    MissingTool if kubectl itself is gone.
    """
    done = _run(kubectl, words, kubeconfig)
    if done.returncode:
        raise failures.of(done.stderr, words, kubeconfig)
    return done.stdout


def _run(
    kubectl: str, words: Iterable[str], kubeconfig: Path | None
) -> subprocess.CompletedProcess:
    environment = surroundings.of(kubectl, os.environ)
    if kubeconfig is not None:
        environment["KUBECONFIG"] = str(kubeconfig)
    try:
        return subprocess.run(
            [kubectl, f"--request-timeout={TIMEOUT}s", *words],
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=3 * TIMEOUT,
        )
    except subprocess.TimeoutExpired:
        raise failures.of(f"no answer in {3 * TIMEOUT} s", words, kubeconfig) from None
    except OSError as error:
        raise failures.gone(kubectl, error) from None
