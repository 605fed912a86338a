"""What a learner does on a cluster of their own: in a shell cell, and in Python."""

import json
import subprocess
import sys
from pathlib import Path

from cluster.existing import rules
from cluster.existing.record import Record
from tests.commandline import environment
from tests.notebooks import ROOT

WRITE = ("create", "configmap", "a", "--from-literal=b=c")


def record(env):
    return Record.read(Path(env["LAB_STATE_DIR"]))


def kubectl(env, *words, changes=None, **more):
    """Run what `up` puts first in PATH, as a shell cell would."""
    program = Path(env["LAB_STATE_DIR"]) / "bin" / "kubectl"
    kubeconfig = Path(env["LAB_STATE_DIR"]) / "kubeconfig"
    return subprocess.run(
        [program, *words],
        env=environment({"KUBECONFIG": kubeconfig} | (changes or {})),
        capture_output=True,
        text=True,
        timeout=60,
        **more,
    )


def make_namespace(env, name, changes=None):
    """Make one as `create_namespace` does; nobody adds a ServiceAccount here."""
    metadata = {"name": name, "labels": rules.labels(record(env))}
    manifest = {"apiVersion": "v1", "kind": "Namespace", "metadata": metadata}
    text = json.dumps(manifest)
    done = kubectl(env, "create", "-f", "-", input=text, changes=changes)
    assert done.returncode == 0, done.stderr


def python(env, program):
    """Run a program below `connect()` in a process of its own."""
    head = "from helpers import connect, kubectl, Caller\ncluster = connect()\n"
    return subprocess.run(
        [sys.executable, "-c", head + program],
        cwd=ROOT,
        env=environment(env),
        capture_output=True,
        text=True,
        timeout=120,
    )
