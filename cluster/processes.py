"""Ask a program what it is, know a process again, and end one that we started."""

import os
import subprocess
from pathlib import Path


def end_process(process: subprocess.Popen, grace: float) -> None:
    """Ask a child to end, and end it after `grace` seconds; return when it is gone.

    SIGTERM, then SIGKILL. One that is gone already is no error.
    """
    process.terminate()
    try:
        process.wait(grace)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def ask_program(program: str | Path, option: str) -> tuple[bytes, bytes]:
    """Return what a program says on stdout and stderr, whatever its exit code.

    Both are empty if it cannot be started, or says nothing more within 10 seconds.
    """
    try:
        said = subprocess.run(
            [program, option],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=10,
        )
    except (OSError, subprocess.SubprocessError):
        return b"", b""
    return said.stdout, said.stderr


def start_time(pid: int) -> int | None:
    """Return when `pid` started, in clock ticks since boot, or None if it is gone.

    Together with the pid it names a process for good: proc(5), /proc/pid/stat (22).
    A zombie is gone: in a container nobody may ever reap it.
    """
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
        # The command may hold blanks and brackets; what follows the last one is fixed.
        fields = text.rpartition(")")[2].split()
        # The first thread may be one while others still end: PID 1's last thread
        # waits for everything in its namespace.
        if fields[0] in "ZX" and len(os.listdir(f"/proc/{pid}/task")) < 2:
            return None
    except OSError:
        return None
    return int(fields[19])
