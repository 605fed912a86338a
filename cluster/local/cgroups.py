"""Divide the machine's cgroup: by those of pods, Linux enforces what they ask for.

Only version 2 is used: of the first an ordinary user gets none.
"""

from pathlib import Path

MOUNT = Path("/sys/fs/cgroup")
#: the controllers without which the kubelet cannot do its part
NEEDED = {"cpu", "memory", "pids"}
#: those that it wants where the kernel has them
_MORE = {"cpuset", "hugetlb"}


def divide(root: Path = MOUNT) -> bool:
    """Leave `root` to the kubelet, which makes cgroups in it; say whether it can.

    The calling process moves on into a cgroup beside those: one that has processes
    gives no controllers to its children.
    """
    try:
        have = set((root / "cgroup.controllers").read_text().split())
        if not have >= NEEDED:
            return False
        ours = root / "components"
        ours.mkdir(exist_ok=True)
        (ours / "cgroup.procs").write_text("0")
        wanted = sorted(have & (NEEDED | _MORE))
        (root / "cgroup.subtree_control").write_text(
            " ".join(f"+{name}" for name in wanted)
        )
    except OSError:
        return False
    return True
