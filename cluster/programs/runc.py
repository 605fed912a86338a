"""Find the runc that starts the containers of pods, and say whether it has seccomp.

Debian's and the released one have seccomp; a built one has it only if the headers of
libseccomp were there.
"""

import shutil
from dataclasses import dataclass
from pathlib import Path

from cluster.processes import SYSTEM_PATH, ask_program


@dataclass(frozen=True)
class Runc:
    """A runc: its path, whether it can filter system calls, and whose it is."""

    path: str
    seccomp: bool
    system: bool


def find_runc(binaries: Path | None) -> Runc | None:
    """Return the distribution's runc, else the one in `binaries`, else None."""
    system = shutil.which("runc", path=SYSTEM_PATH)
    if system:
        return Runc(system, seccomp=True, system=True)
    built = binaries and shutil.which("runc", path=str(binaries))
    return Runc(built, _has_seccomp(Path(built)), system=False) if built else None


def _has_seccomp(runc: Path) -> bool:
    """Return whether this runc has libseccomp: linked, or in it as in the release."""
    return b"\nlibseccomp:" in ask_program(runc, "--version")[0]
