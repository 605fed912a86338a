"""Say when a cluster will end by itself, and why a cluster ended.

At the end of an account's last login systemd ends the account's manager, and with it
all that is below, unless the account lingers.
"""

import pwd
import re
import shutil
from pathlib import Path

from cluster.machine import identity, systemd

#: one file for each account that lingers, loginctl(1)
_LINGERING = Path("/var/lib/systemd/linger")


def when(state: Path) -> str:
    """Say when a running cluster will end by itself; "" if it will not."""
    leader = identity.pid_of(state, "outer")
    user = leader and _whose_manager(systemd.own_cgroup(leader))
    if not user or (_LINGERING / user).exists():
        return ""
    command = "loginctl enable-linger"
    if not shutil.which("pkcheck"):
        # Without polkit only root may.
        command = f"sudo {command} {user}"
    return f"10 s after your last logout; `{command}` prevents that"


def reason(last: identity.Run, phase: str, boot: str) -> str | None:
    """Return why a cluster does not run that was not stopped, or None; pure.

    `phase` is the last of the cluster, `boot` the present id of the computer.
    """
    if phase in ("starting", "failed"):
        return None  # the start has told it
    if last.boot != boot:
        return "it ended with a restart of this machine"
    if phase not in ("stopping", "stopped"):
        return "its processes were killed"
    if _whose_manager(last.cgroup):
        return "it was ended from outside, as by a last logout"
    return "it was ended from outside, by a signal"


def _whose_manager(cgroup: str) -> str:
    """Return the account whose manager a cgroup is below, or ""."""
    found = re.search(r"/user@(\d+)\.service/", cgroup)
    if not found:
        return ""
    try:
        return pwd.getpwuid(int(found[1])).pw_name
    except KeyError:
        return ""
