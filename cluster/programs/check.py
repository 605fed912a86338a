"""Check programs before somebody waits for them: whole, ours, for this machine."""

import os
import platform
import re
import shutil
import stat
import struct
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from cluster.language import say
from cluster.permissions import other_writers
from cluster.processes import SYSTEM_PATH
from cluster.programs.recipe import Step

#: how a program of macOS begins: of 64 bits, for this processor (mach/machine.h)
_MACHO = {
    "x86_64": bytes.fromhex("cffaedfe 07000001"),
    "arm64": bytes.fromhex("cffaedfe 0c000001"),
}
#: ELF, 64-bit: offset and number of the program headers; in a program header, offset
#: and length of its segment in the file, in bytes
_HEADERS, _SEGMENT = struct.Struct("<32xQ16xH"), struct.Struct("<8xQ16xQ16x")


def problem(path: Path) -> str | None:
    """Return why the file at `path` is no program for this machine, or None."""
    try:
        with path.open("rb") as file:
            head, facts = file.read(4096), os.fstat(file.fileno())
    except FileNotFoundError:
        return say("is missing")
    except OSError as error:
        return say("cannot be read ({reason})", reason=error.strerror)
    if sys.platform == "darwin":
        if not head.startswith(_MACHO.get(platform.machine(), _MACHO["arm64"])):
            return say("is no program for this Mac")
    elif len(head) < 64 or not head.startswith(b"\x7fELF"):
        return say("is not a Linux program")
    elif head[4:6] + head[18:20] != _own_format():
        return say("is for another kind of machine")
    elif facts.st_size < _end(head):
        return say("is cut short")
    if who := other_writers(facts):
        return say("can be written by {who}", who=who)
    return None if facts.st_mode & stat.S_IXUSR else say("is not executable")


def _end(head: bytes) -> int:
    """Return where headers and segments end, as far as the first 4096 bytes tell."""
    start, number = _HEADERS.unpack_from(head)
    length = number * _SEGMENT.size
    table = head[start:].ljust(length, b"\0")[:length]
    # A segment ends at its offset and size together.
    return max([start + length, *map(sum, _SEGMENT.iter_unpack(table))])


def _own_format() -> bytes:
    """Return word size, byte order and processor of the Python that runs this."""
    with open("/proc/self/exe", "rb") as file:
        head = file.read(20)
    return head[4:6] + head[18:20]


def program_version(command: Sequence[str | Path]) -> str:
    """Return the version that the command prints, as `v1.37.2`, or ""."""
    try:
        answer = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=30,
            # A CNI plugin must not believe that it is called to work.
            env={"HOME": "/", "PATH": os.defpath},
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    match = re.search(r"\bv?(\d+\.\d+\.\d+[\w.+-]*)", answer.stdout + answer.stderr)
    return f"v{match[1]}" if match else ""


def step_problem(step: Step, directory: Path) -> str | None:
    """Return why a step's ready-made programs are of no use here, or None."""
    for name in step.programs:
        reason = problem(directory / name)
        if not reason and not program_version(step.question(directory, name)):
            # As where the C library is older than the one it was linked with.
            reason = say("does not run here")
        if reason:
            return f"{name} {reason}"
    return None


def system_has(step: Step) -> bool:
    """Return whether the distribution's programs stand in for this step's."""
    return step.substitute and all(
        shutil.which(name, path=SYSTEM_PATH) for name in step.programs
    )
