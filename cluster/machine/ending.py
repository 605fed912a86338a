"""Say when a cluster will end by itself, and why one has ended."""

import pwd
import re
import shutil
from pathlib import Path

from cluster.language import mark, say
from cluster.machine import cgroups, identity

#: a file for each account that lingers, loginctl(1): systemd ends the manager of any
#: other account at its last logout, and all that is below
_LINGERING = Path("/var/lib/systemd/linger")


def planned_end(state: Path) -> str:
    """Say when a running cluster will end by itself; "" if it will not."""
    leader = identity.pid_of(state, "outer")
    user = leader and _manager_account(cgroups.cgroup_of(leader))
    if not user or (_LINGERING / user).exists():
        return ""
    command = "loginctl enable-linger"
    if not shutil.which("pkcheck"):
        # Without polkit only root may.
        command = f"sudo {command} {user}"
    text = mark("10 s after your last logout; `{command}` prevents that")
    return say(text, command=command)


def end_reason(last: identity.Run, phase: str, boot: str) -> str | None:
    """Return why a cluster ended without `stop`, or None; `phase` was its last."""
    if phase in ("starting", "failed"):
        return None  # the start has told it
    if last.boot != boot:
        return mark("this machine restarted")
    if phase not in ("stopping", "stopped"):
        return mark("its processes were killed")
    if _manager_account(last.cgroup):
        return mark("it was ended from outside, as by a last logout")
    return mark("it was ended from outside, by a signal")


def _manager_account(cgroup: str) -> str:
    """Return the account whose manager a cgroup is below, or ""."""
    match = re.search(r"/user@(\d+)\.service/", cgroup)
    if not match:
        return ""
    try:
        return pwd.getpwuid(int(match[1])).pw_name
    except KeyError:
        return ""
