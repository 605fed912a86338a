"""Ask a program what it is, and end a process that we started."""

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
