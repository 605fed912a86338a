"""Run kubectl from Python, always with a deadline and never with an ambient context.

Lessons call `!kubectl` in shell cells; helpers and checks call `kubectl()`.
"""

import json
import os
import re
import shlex
import shutil
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from cluster import paths
from cluster.kubeconfig import namespace_of, read_kubeconfig
from cluster.waiting import poll
from helpers import errors
from helpers.language import say

# Only for its name: to load a backend takes longer than to run kubectl.
if TYPE_CHECKING:
    from cluster.backend import Backend

Found = TypeVar("Found")

#: seconds that one call may usually take before it is ended
TIMEOUT = 60.0
#: seconds in which a server that responds at all does so
RESPONSE = 10.0

#: kubectl repeats the name of the context in it, which it does not find
_NOT_CONNECTED = Path(__file__).parent / "data" / "not-connected.json"
#: what kubectl, or what it runs, says when a server does not answer
_NO_ANSWER = re.compile(r"refused|[Tt]imeout|Unable to connect|EOF")

#: The choice of `connect()`. The environment does not count: before `connect()`,
#: KUBECONFIG may name the learner's production cluster.
_kubeconfig: Path | None = None
#: the backend that runs that cluster
_backend: "Backend | None" = None


@dataclass(frozen=True)
class Completed:
    """The result of a command, like `subprocess.CompletedProcess`."""

    args: list[str]
    stdout: str
    stderr: str
    exit_code: int

    def json(self) -> dict:
        """Return stdout, parsed as JSON."""
        return json.loads(self.stdout)


def forbid_before_connect() -> None:
    """Let `!kubectl` say that `connect()` comes first, instead of using `default`.

    Where `make lab` has named our cluster; a kubeconfig of the learner's own stays.
    """
    named = os.environ.get("KUBECONFIG", "")
    if _kubeconfig is None and Path(named).is_relative_to(paths.state_dir()):
        os.environ["KUBECONFIG"] = str(_NOT_CONNECTED)


def use_kubeconfig(path: Path) -> None:
    """Make `path` the kubeconfig of this kernel, for helpers and shell cells alike."""
    global _kubeconfig
    _kubeconfig = path
    os.environ["KUBECONFIG"] = str(path)


def use_backend(backend: "Backend") -> None:
    """Remember the backend of the cluster that this kernel is connected with."""
    global _backend
    _backend = backend


def backend_in_use() -> "Backend":
    """Return the backend that `connect()` chose; raise NotConnected."""
    if _backend is None:
        raise errors.NotConnected
    return _backend


def demand_cluster() -> None:
    """Raise ClusterDown if the cluster of `connect()` does not answer."""
    phase = _backend.full_status()["phase"] if _backend else "ready"
    if phase not in ("ready", "degraded"):
        raise errors.ClusterDown(phase)


def time_limit(seconds: float, timeout: float | None = None) -> float:
    """Return `timeout`, or else `seconds` scaled by how slowly the cluster started."""
    if timeout is not None:
        return timeout
    return seconds * (_backend.slowness() if _backend else 1.0)


def wait(
    look: Callable[[float], tuple[Found, str]],
    seconds: float,
    what: str,
    *,
    pause: float = 0.2,
    tell: bool = True,
) -> tuple[Found, float]:
    """Look until something is found; return it, and the seconds that it took.

    `look` takes the seconds that are left, and returns what it found, or an empty
    value, and what it saw; the progress shows that unless `tell` is False. Raise
    NotReady with what it saw last.
    """
    began, seen = time.monotonic(), ""

    def waited() -> float:
        return time.monotonic() - began

    def ask() -> Found:
        nonlocal seen
        result, seen = look(seconds - waited())
        return result

    def state() -> str:
        return seen.rpartition("\n")[2] if tell else ""

    result = poll(ask, seconds, what=what, state=state, pause=pause)
    if not result:
        demand_cluster()
        raise errors.NotReady(what, waited(), seen)
    return result, waited()


def program(purpose: str) -> str:
    """Return the path of kubectl; raise MissingTool with the purpose."""
    path = shutil.which("kubectl")
    if path is None:
        hint = say("Run `.venv/bin/kapi setup`.")
        raise errors.MissingTool("kubectl", purpose, hint)
    return path


def environment() -> dict[str, str]:
    """Return the environment for kubectl; raise NotConnected before `connect()`."""
    return {**os.environ, **no_editor(), "KUBECONFIG": str(kubeconfig_in_use())}


def no_editor() -> dict[str, str]:
    """Return variables that let `kubectl edit` fail at once, with what to use instead.

    An editor without a terminal waits for ever for keys that never come.
    """
    sentence = say(
        "A cell has no editor: use `kubectl patch`, `kubectl label`, `kubectl set` or "
        "`kubectl apply`, or run this command in a terminal."
    )
    # kubectl gives the line to `sh -c`, with the name of a file behind it.
    line = f"sh -c {shlex.quote(f'echo {shlex.quote(sentence)} >&2; exit 1')}"
    return {"KUBE_EDITOR": line, "EDITOR": line, "VISUAL": line}


def kubeconfig_in_use() -> Path:
    """Return the kubeconfig that `connect()` chose; raise NotConnected before that.

    Raise KubeconfigError if the file is broken: kubectl would use localhost:8080.
    """
    if _kubeconfig is None:
        raise errors.NotConnected
    read_kubeconfig(_kubeconfig)
    return _kubeconfig


def current_namespace() -> str:
    """Return the namespace that kubectl uses when none is named; raise NotConnected.

    The same as `kubectl config view --minify -o jsonpath={..namespace}`.
    """
    return namespace_of(kubeconfig_in_use())


def _server_responds(path: str, settings: dict[str, str]) -> bool:
    """Return whether the API server responds at all, be it with a refusal."""
    try:
        done = subprocess.run(
            [path, "get", "--raw=/readyz", f"--request-timeout={RESPONSE:.0f}s"],
            env=settings,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=2 * RESPONSE,
        )
    except subprocess.TimeoutExpired:
        return False
    return not (done.returncode and _NO_ANSWER.search(done.stderr))


def kubectl(
    *args: str,
    input: str | dict | None = None,
    check: bool = True,
    timeout: float | None = None,
) -> Completed:
    """Run kubectl; raise KubectlFailed unless it exits with 0.

    A single string is split as a shell splits it: `kubectl("get pods -o json")`. A
    dict as `input` is sent as JSON. Only the kubeconfig of `connect()` is used; raise
    NotConnected before that. With `check=False` a failure is a value, unless the
    cluster does not answer: that is ClusterDown. `timeout` is in seconds, by default a
    minute; raise DoesNotEnd after that, or NotReady if the API server is silent. Bytes
    of the output that are not UTF-8 become U+FFFD.
    """
    settings = environment()
    path = program(say("talk to the cluster"))
    timeout = time_limit(TIMEOUT, timeout)
    if isinstance(input, dict):
        input = json.dumps(input)
    try:
        words = shlex.split(args[0]) if len(args) == 1 else list(args)
        done = subprocess.run(
            [path, *words],
            env=settings,
            input=input,
            stdin=subprocess.DEVNULL if input is None else None,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=timeout + 5,
        )
    except ValueError as error:
        raise errors.LabError(
            say("kubectl cannot be given this command line: {error}.", error=error),
            say("Quotes come in pairs, and no argument may contain a NUL."),
        ) from error
    except subprocess.TimeoutExpired as expired:
        demand_cluster()
        if not _server_responds(path, settings):
            silence = say("no answer from the API server")
            status = say("Look at `.venv/bin/kapi status`.")
            line = " ".join(["kubectl", *words])
            raise errors.NotReady(line, timeout + 5, silence, status) from expired
        raise errors.DoesNotEnd(words, timeout + 5) from expired
    result = Completed(words, done.stdout, done.stderr, done.returncode)
    if result.exit_code and _NO_ANSWER.search(result.stderr):
        demand_cluster()
    if check and result.exit_code != 0:
        raise errors.KubectlFailed(result.args, result.exit_code, result.stderr)
    return result
