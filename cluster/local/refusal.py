"""Explain why the kernel refused a step of making the machine, and the way out.

It reads this machine's settings; it changes nothing and tries nothing.
"""

import errno
import os
from pathlib import Path

from cluster import errors


def refused(step: str, reason: str) -> errors.LabError:
    """Return the error for a step that the kernel refused, with the way out."""
    if reason == os.strerror(errno.ENOSPC):
        # The kernel's number for too many namespaces; nobody's disk is full.
        reason = "no more of them are allowed"
    return errors.NamespacesForbidden(step, reason, way_out_of(step))


def way_out_of(step: str) -> str:
    """Say what may be done about a refused step, from this machine's settings."""
    for setting, value, advice in (
        ("kernel/apparmor_restrict_unprivileged_userns", "1", "=0"),
        ("kernel/unprivileged_userns_clone", "0", "=1"),
        ("user/max_user_namespaces", "0", "=15000"),
    ):
        try:
            found = Path("/proc/sys", setting).read_text().strip()
        except OSError:
            continue
        if found == value:
            name = setting.replace("/", ".")
            return (
                f"User namespaces are restricted ({name}={value}). An administrator "
                f"can allow them: `sudo sysctl {name}{advice}`."
            )
    return (
        "This is usual inside a container: give it --privileged, or use Docker and "
        "kind on the host."
    )
