"""Try the steps of a start in a child process, up to the first component.

Sysctls only say what should be possible, and sandboxes differ: they are read to say how
a refused step can be allowed. Nothing is left behind.
"""

import errno
import json
import os
import pwd
import subprocess
import sys
import tempfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from cluster import errors, paths, preflight, syscalls as sc
from cluster.findings import BUG
from cluster.language import mark, say
from cluster.local import images, init, namespaces, network, rootfs
from cluster.machine import apparmor, cgroups, layout, storage
from cluster.processes import python_command

#: seconds; a tenth of one is usual
TIMEOUT = 20.0
_ALL = mark("trying the steps of a start")


@dataclass(frozen=True)
class TrialResult:
    """The result of a trial: the refused `step` and the kernel's `reason`, or "" twice.

    `overlay` says whether containers can share the files of their image, `limits`
    whether limits can be enforced, `no_limits` why no cgroup could be made.
    """

    step: str = ""
    reason: str = ""
    ids: int = 0
    overlay: bool = False
    limits: bool = False
    no_limits: str = ""
    nft: bool = False

    @property
    def clause(self) -> str | None:
        """Return why no start gets far, or None."""
        if self.step == _ALL:
            text = mark("{step} failed ({reason})")
            return say(text, step=say(self.step), reason=self.reason)
        # ENOSPC is the kernel's number for too many namespaces; no disk is full.
        full = self.reason == os.strerror(errno.ENOSPC)
        reason = say("no more of them are allowed") if full else self.reason
        text = mark("{step} was refused ({reason})")
        return say(text, step=say(self.step), reason=reason) if self.step else None

    @property
    def problem(self) -> errors.LabError | None:
        """Return the error that a start would raise, with a hint, or None."""
        return refusal(self.step, self.reason) if self.step else None


def attempt(directory: Path) -> TrialResult:
    """Try a start with storage in `directory`, which must be writable."""
    base = Path(tempfile.mkdtemp(prefix=".trial-", dir=directory))
    try:
        (base / "bin").mkdir()
        done = storage.try_machine("cluster.local.trial.main", base, seconds=TIMEOUT)
        if done.returncode:
            code = say("exit code {code}", code=done.returncode)
            *_, last = (code, *done.stderr.strip().splitlines())
            return TrialResult(_ALL, last)
        return TrialResult(**json.loads(done.stdout))
    except subprocess.TimeoutExpired:
        return TrialResult(_ALL, say("no end after {seconds:.0f} s", seconds=TIMEOUT))
    except ValueError:
        return TrialResult(_ALL, say("it ended without an answer"))
    finally:
        cgroups.remove(base)
        storage.remove_tree(base)


def attempt_here() -> TrialResult:
    """Try a start where the state directory is or will be, else in /tmp."""
    directory = preflight.existing_parent(paths.state_dir())
    return attempt(directory if os.access(directory, os.W_OK) else Path("/tmp"))


def attempt_as(account: str) -> TrialResult:
    """Try a start as another account, in a directory of its own; only root can."""
    entry = pwd.getpwnam(account)
    # Not where root's own temporary files are, which may be only for root.
    with tempfile.TemporaryDirectory(dir="/tmp") as directory:
        os.chown(directory, entry.pw_uid, entry.pw_gid)
        try:
            done = subprocess.run(
                python_command("cluster.local.trial.print_attempt", directory),
                user=entry.pw_uid,
                group=entry.pw_gid,
                extra_groups=(),
                # Where root is may be closed to that account.
                cwd="/",
                env={"PATH": layout.PATH, "LANG": "C.UTF-8", "HOME": directory},
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=2 * TIMEOUT,
            )
        except OSError as error:  # as in a directory of root's
            return TrialResult(_ALL, f"{error.filename}: {error.strerror}")
    if done.returncode:
        *_, last = ("", *done.stderr.strip().splitlines())
        return TrialResult(_ALL, last)
    return TrialResult(**json.loads(done.stdout))


def print_attempt(directory: str) -> None:
    """Be the other account: print how far a start gets, as JSON."""
    print(json.dumps(asdict(attempt(Path(directory)))))


def refusal(step: str, reason: str) -> errors.LabError:
    """Return the error for a step that the kernel refused, with a hint."""
    text = mark("The local cluster cannot start: {reason}.")
    message = say(text, reason=TrialResult(step, reason).clause)
    return errors.LabError(message, hint_of(step))


#: settings that restrict user namespaces: file, the value that does, and another
_SETTINGS = (
    (str(apparmor.SETTING), "1", "0"),
    ("/proc/sys/kernel/unprivileged_userns_clone", "0", "1"),
    ("/proc/sys/user/max_user_namespaces", "0", "15000"),
    ("/sys/fs/selinux/enforce", "1", ""),
)


def hint_of(step: str) -> str:
    """Return the hint for a refused step, from this machine's settings."""
    if step == _ALL:
        return say(BUG)
    in_container = say(
        "This is usual inside a container: give it --privileged, or use Docker and "
        "kind on the host."
    )
    hints = (_advice(*setting) for setting in _SETTINGS)
    return next(filter(None, hints), in_container)


def _advice(file: str, restricts: str, allows: str) -> str:
    """Return the hint for a setting with the restricting value, else ""."""
    try:
        if Path(file).read_text().strip() != restricts:
            return ""
    except OSError:
        return ""
    if "selinux" in file:
        return _selinux()
    name = file.removeprefix("/proc/sys/").replace("/", ".")
    setting, switch = f"{name}={restricts}", f"`sudo sysctl {name}={allows}`"
    if "apparmor" in file:
        if problem := apparmor.copy_problem():
            text = mark("{problem} An administrator makes it: `{command}`.")
            return say(text, problem=problem, command=apparmor.command())
        text = mark(
            "AppArmor restricts user namespaces ({found}). An administrator can allow "
            "them to these notebooks alone: `{command}`. To every program: {switch}."
        )
        return say(text, found=setting, command=apparmor.command(), switch=switch)
    text = mark(
        "User namespaces are restricted ({found}). An administrator can allow them: "
        "{switch}."
    )
    return say(text, found=setting, switch=switch)


def _selinux(attribute: Path = Path("/proc/self/attr/current")) -> str:
    """Return the hint where SELinux enforces, by the label of this process."""
    with suppress(OSError):
        user, _, domain, *_ = attribute.read_text().split(":")
        # The last is of services, which no login changes.
        if user not in ("unconfined_u", "system_u"):
            text = mark(
                "SELinux confines this account, which is {domain}. An administrator "
                "can lift that: `sudo semanage login -a -s unconfined_u $USER`, before "
                "you log in again."
            )
            return say(text, domain=domain)
    return say(
        "SELinux is enforcing here: `sudo ausearch -m AVC -ts recent` says whether it "
        "was that, and an administrator can allow it."
    )


def main(base: str) -> None:
    """Be the child: print the answer as JSON."""
    read, write = os.pipe()
    cgroup, no_limits = namespaces.make_cgroup(Path(base))

    def look() -> int:
        answer = {"no_limits": no_limits, **_answer(lambda: _look(cgroup))}
        os.write(write, json.dumps(answer).encode())
        return 0

    def start() -> dict:
        sources = rootfs.Sources(base, f"{base}/bin", sys.base_prefix)
        child, _ = namespaces.start(sources, look)
        os.close(write)
        with os.fdopen(read) as pipe:
            written = pipe.read()
        os.waitpid(child, 0)
        return json.loads(written)

    print(json.dumps(_answer(start)))


def _answer(act: Callable[[], dict]) -> dict:
    try:
        return act()
    except sc.StepRefused as refusal:
        return {"step": refusal.step, "reason": refusal.reason}
    except Exception as error:
        # A bug of ours is told as well.
        return {"step": _ALL, "reason": f"{type(error).__name__}: {error}"}


def _look(cgroup: int | None) -> dict:
    rootfs.enter(cgroup)
    limits = cgroups.divide()
    network.configure_network()
    nft = network.guard_loopback()
    overlay = rootfs.can_overlay(str(images.CONTAINERD))
    return {"overlay": overlay, "limits": limits, "nft": nft, "ids": init.count_ids()}
