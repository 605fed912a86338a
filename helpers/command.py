"""Run kubectl from Python, always with a deadline and never with an ambient context.

Lessons call `!kubectl` in shell cells; this is for helpers and checks.
"""

import json
import os
import shutil
import subprocess
from dataclasses import dataclass

from helpers import errors

#: seconds that one call may take before it is ended
TIMEOUT = 60.0


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


def kubectl(
    *args: str,
    input: str | None = None,
    check: bool = True,
    timeout: float = TIMEOUT,
) -> Completed:
    """Run kubectl with `args`; raise KubectlFailed unless it ends with 0.

    It uses the kubeconfig that `connect()` chose: without one, kubectl would ask
    http://localhost:8080, and NotConnected is raised instead. With `check=False` a
    failure is a value: the lesson may want to look at it. `timeout` in seconds.
    """
    if not os.environ.get("KUBECONFIG"):
        raise errors.NotConnected
    program = shutil.which("kubectl")
    if program is None:
        raise errors.MissingTool(
            "kubectl", "talk to the cluster", "Run `python -m helpers setup`."
        )
    try:
        done = subprocess.run(
            [program, *args],
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
