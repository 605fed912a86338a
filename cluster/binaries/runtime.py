"""Find the OCI runtime that starts the containers of pods.

Debian's runc has seccomp; ours, built where there is none, has it only if the
headers of libseccomp were there; the released one has it.
"""

import shutil
from dataclasses import dataclass
from pathlib import Path

from cluster.processes import ask_program

#: where the distribution keeps programs, whatever PATH the learner has
SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


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
    """Say whether this runc has libseccomp: linked, or in it as in the release."""
    return b"\nlibseccomp:" in ask_program(runc, "--version")[0]
