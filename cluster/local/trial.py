"""Try the steps of a start in a child process and tell how far it gets.

It does what a start does, with the same functions, up to the first component; a
sysctl only says what should be possible, and sandboxes differ. Nothing is left behind.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from cluster import errors, paths, preflight
from cluster import syscalls as sc
from cluster.die_with_parent import die_with_parent
from cluster.local import namespaces, refusal, rootfs, storage

#: seconds; it takes a tenth of one
TIMEOUT = 20.0
#: where the machine's storage shows inside
_STORAGE = "/var/lib/containerd"
_PROGRAM = (
    "import sys; sys.path.insert(0, sys.argv[1]); "
    "from cluster.local.trial import main; main(sys.argv[2])"
)
_ALL = "trying the steps of a start"


@dataclass(frozen=True)
class Answer:
    """How far it got: the refused `step` and the kernel's `reason`, or "" twice.

    `user_namespace` is False where root does without one; `ids` is how many ids it
    has; `overlay` says whether containers can share the files of their image.
    """

    step: str = ""
    reason: str = ""
    user_namespace: bool = False
    ids: int = 0
    overlay: bool = False

    @property
    def refused(self) -> str:
        """Return what the kernel refused, as a clause; "" too if it did not end."""
        if self.step in ("", _ALL):
            return ""
        return f"{self.step} was refused ({self.reason})"

    @property
    def problem(self) -> errors.LabError | None:
        """Return what a start would raise, or None; the way out is this machine's."""
        return refusal.refused(self.step, self.reason) if self.step else None


def attempt(directory: Path) -> Answer:
    """Try it with storage in `directory`, which must be writable."""
    base = Path(tempfile.mkdtemp(prefix=".trial-", dir=directory))
    try:
        for name in (*storage.KEPT, *storage.VOLATILE, "bin"):
            (base / name).mkdir(parents=True, exist_ok=True)
        done = subprocess.run(
            # Isolated, like the start itself: no Python settings of the learner's.
            [sys.executable, "-I", "-c", _PROGRAM, namespaces.PACKAGES, str(base)],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=TIMEOUT,
        )
        if done.returncode:
            last = done.stderr.strip().splitlines()[-1:]
            return Answer(_ALL, last[0] if last else f"exit code {done.returncode}")
        return Answer(**json.loads(done.stdout))
    except subprocess.TimeoutExpired:
        return Answer(_ALL, f"no end after {TIMEOUT:.0f} s")
    finally:
        storage.remove_tree(base)


def attempt_here() -> Answer:
    """Try it where the state directory is or will be, else in /tmp."""
    directory = preflight.existing(paths.state_dir())
    return attempt(directory if os.access(directory, os.W_OK) else Path("/tmp"))


def require(directory: Path) -> None:
    """Raise NamespacesForbidden if a start would fail; made for `directory`."""
    problem = attempt(directory).problem
    if problem:
        raise problem


def main(base: str) -> None:
    """Be the child: print the answer as JSON."""
    before = os.readlink("/proc/self/ns/user")
    try:
        namespaces.enter()
    except rootfs.StepRefused as refusal:
        answer = {"step": refusal.step, "reason": refusal.reason}
    else:
        answer = _in_pid_1(lambda: _build(base))
        answer["user_namespace"] = os.readlink("/proc/self/ns/user") != before
    print(json.dumps(answer))


def _in_pid_1(look: Callable[[], dict]) -> dict:
    """Return what `look` returns in the first process of the new PID namespace."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        die_with_parent()
        try:
            answer = look()
        except rootfs.StepRefused as refusal:
            answer = {"step": refusal.step, "reason": refusal.reason}
        os.write(write, json.dumps(answer).encode())
        os._exit(0)
    os.close(write)
    with os.fdopen(read) as pipe:
        answer = pipe.read()
    os.waitpid(child, 0)
    return json.loads(answer)


def _build(base: str) -> dict:
    with rootfs.step("making a mount namespace"):
        sc.unshare(sc.CLONE_NEWNS)
    rootfs.build(rootfs.Sources(base, f"{base}/bin", sys.base_prefix))
    rootfs.configure_network()
    overlay = rootfs.can_overlay(_STORAGE)
    # From inside, where its owner is still root.
    shutil.rmtree(f"{_STORAGE}/overlay-probe")
    with open("/proc/self/uid_map") as file:
        ids = sum(int(line.split()[2]) for line in file)
    return {"overlay": overlay, "ids": ids}
