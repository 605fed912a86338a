"""Run kubectl from Python, always with a deadline and never with an ambient context.

Lessons call `!kubectl` in shell cells; this is for helpers and checks.
"""

import json
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from helpers import errors
from helpers.kubeconfig import read_kubeconfig

#: seconds that one call may take before it is ended
TIMEOUT = 60.0

#: What `connect()` chose. Not the environment alone: before that, KUBECONFIG may name
#: the learner's production cluster.
_kubeconfig: Path | None = None


@dataclass(frozen=True)
class Completed:
    """What a command did, like `subprocess.CompletedProcess`."""

    args: list[str]
    stdout: str
    stderr: str
    exit_code: int

    def json(self) -> dict:
        """Return stdout as the JSON document that it is."""
        return json.loads(self.stdout)


def use_kubeconfig(path: Path) -> None:
    """Make `path` the kubeconfig of this kernel: of our helpers and of shell cells."""
    global _kubeconfig
    _kubeconfig = path
    os.environ["KUBECONFIG"] = str(path)


def kubeconfig_in_use() -> Path:
    """Return the kubeconfig that `connect()` chose.

    Raise NotConnected before that, KubeconfigError if it is broken by now: kubectl
    would ask http://localhost:8080, where somebody else may listen.
    """
    if _kubeconfig is None:
        raise errors.NotConnected
    read_kubeconfig(_kubeconfig)
    return _kubeconfig


def kubectl(
    *args: str,
    input: str | None = None,
    check: bool = True,
    timeout: float = TIMEOUT,
) -> Completed:
    """Run kubectl with `args`; raise KubectlFailed unless it ends with 0.

    It uses the kubeconfig that `connect()` chose, and no other; raise NotConnected
    before that. With `check=False` a failure is a value: the lesson may want to look
    at it. `timeout` in seconds.
    """
    kubeconfig = kubeconfig_in_use()
    program = shutil.which("kubectl")
    if program is None:
        raise errors.MissingTool(
            "kubectl", "talk to the cluster", "Run `python -m helpers setup`."
        )
    try:
        done = subprocess.run(
            [program, *args],
            env={**os.environ, "KUBECONFIG": str(kubeconfig)},
            input=input,
            stdin=subprocess.DEVNULL if input is None else None,
            capture_output=True,
            text=True,
            timeout=timeout + 5,
        )
    except subprocess.TimeoutExpired as expired:
        raise errors.NotReady(
            f"kubectl {' '.join(args)}",
            timeout + 5,
            "no answer from the API server",
            "Look at `python -m helpers status`.",
        ) from expired
    result = Completed(list(args), done.stdout, done.stderr, done.returncode)
    if check and result.exit_code != 0:
        raise errors.KubectlFailed(result.args, result.exit_code, result.stderr)
    return result
