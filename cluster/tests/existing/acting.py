"""Act as a learner with the account: kubectl in a shell cell, and namespaces."""

import json
import subprocess
from pathlib import Path

from cluster.existing.backend import Existing
from cluster.existing.record import Record
from cluster.tests.commandline import environment
from cluster.waiting import poll


def record(env) -> Record:
    """Return the record of a state directory."""
    return Record.read(Path(env["LAB_STATE_DIR"]))


def kubectl(env, *words, **more):
    """Run what `up` puts first in PATH, as a shell cell would."""
    state = Path(env["LAB_STATE_DIR"])
    return subprocess.run(
        [Existing(state).binaries() / "kubectl", *words],
        env=environment({"KUBECONFIG": state / "kubeconfig"}),
        capture_output=True,
        text=True,
        timeout=60,
        **more,
    )


def manifest(name, labels) -> str:
    """Return a Namespace as JSON."""
    metadata = {"name": name, "labels": labels}
    return json.dumps({"apiVersion": "v1", "kind": "Namespace", "metadata": metadata})


def make_namespace(env, name) -> None:
    """Make one as `create_namespace` does, and bind the rights of the lessons there."""
    backend = Existing(Path(env["LAB_STATE_DIR"]))
    labels = backend.namespace_labels()
    done = kubectl(env, "create", "-f", "-", input=manifest(name, labels))
    assert done.returncode == 0, done.stderr
    backend.admit(name)
    # No controller is here to make the ServiceAccount.
    words = ("create", "serviceaccount", "default", f"--namespace={name}")
    assert poll(lambda: kubectl(env, *words).returncode == 0, 20)
