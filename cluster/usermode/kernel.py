"""Find the programs that a node in user-mode Linux needs, or say which are missing."""

import os
import platform
import shutil
from dataclasses import dataclass
from pathlib import Path

from cluster import packages
from cluster.processes import SYSTEM_PATH, ask_program

#: `none` does without a node where one could be had
VARIABLE = "LAB_NODE"
#: where Debian's package keeps the kernel's modules, by version
MODULES = "/usr/lib/uml/modules"
CPUINFO = "/proc/cpuinfo"
#: file name of each program, and the package that has it
PROGRAMS = {
    "linux.uml": "user-mode-linux",
    "slirp4netns": "slirp4netns",
    "mkfs.ext4": "e2fsprogs",
    "mksquashfs": "squashfs-tools",
}


@dataclass(frozen=True)
class Kernel:
    """The programs: the kernel, its network, and the tools that make its disks.

    With `seccomp` the kernel runs its processes by that, quicker than by ptrace.
    """

    linux: str
    slirp: str
    mkfs: str
    mksquashfs: str
    seccomp: bool = False

    @property
    def mode(self) -> str:
        """Return `seccomp` or `ptrace`, by which the kernel runs its processes."""
        return "seccomp" if self.seccomp else "ptrace"


def find() -> tuple[Kernel | None, str]:
    """Return the programs, or None and a clause that says why no node can run."""
    if os.environ.get(VARIABLE) == "none":
        return None, f"{VARIABLE} says none"
    if platform.machine() != "x86_64":
        return None, f"user-mode-linux is for x86-64, and this is {platform.machine()}"
    paths = {name: shutil.which(name, path=SYSTEM_PATH) for name in PROGRAMS}
    missing = [PROGRAMS[name] for name, path in paths.items() if not path]
    if not paths["linux.uml"] and not packages.has_package(PROGRAMS["linux.uml"]):
        return None, "only Debian has a package user-mode-linux"
    if missing:
        *others, last = missing
        named = f"{', '.join(others)} and {last} are" if others else f"{last} is"
        return None, f"{named} not installed"
    if not list(Path(MODULES).glob("*/modules.dep")):
        return None, f"{MODULES} has no modules for it"
    linux, slirp, mkfs, mksquashfs = filter(None, paths.values())
    # A newer one can serve a user-mode Linux, and not only a namespace.
    if not _helps_with(slirp, b"bess"):
        return None, f"{slirp} is older than 1.2"
    seccomp = _helps_with(linux, b"\nseccomp=")
    if not seccomp and has_amx():
        # A host with AMX takes registers (PTRACE_SETREGSET) in the processor's size
        # only, for which user-mode Linux asks since 6.13; packages go on with 6.16 and
        # seccomp.
        return None, f"{linux} must be Linux 6.13 or newer for this processor (AMX)"
    return Kernel(linux, slirp, mkfs, mksquashfs, seccomp), ""


def has_amx() -> bool:
    """Return whether this is a processor with AMX, which has more registers to keep."""
    try:
        return "amx_tile" in Path(CPUINFO).read_text().split()
    except OSError:  # not Linux
        return False


def _helps_with(program: str, word: bytes) -> bool:
    """Return whether a program's help has the word."""
    return word in b"".join(ask_program(program, "--help"))
