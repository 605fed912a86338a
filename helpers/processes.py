"""End a process that we started."""

import subprocess


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
