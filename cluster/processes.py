"""Run programs, query their version, recognize a process, and end a child."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from cluster import die_with_parent

#: the directory that holds our packages
PACKAGES = str(Path(__file__).resolve().parents[1])
#: where the distribution keeps programs, whatever PATH the learner has
SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
#: seconds between two looks at a program that runs
TICK = 0.2


def python_command(
    function: str, *words: str, python: str = sys.executable
) -> list[str]:
    """Return the command line that calls `function`, as "cluster.local.trial.main"."""
    module, _, name = function.rpartition(".")
    program = (
        "import sys; sys.path.insert(0, sys.argv[1]); "
        f"from {module} import {name}; sys.exit({name}(*sys.argv[2:]))"
    )
    # Isolated: neither the learner's PYTHONPATH nor the current directory counts.
    return [python, "-I", "-c", program, PACKAGES, *words]


def run(
    command: Sequence[str | Path],
    *,
    log: Path,
    output: Path,
    watch: Callable[[int], None],
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
) -> int:
    """Run `command`; return its exit code.

    Its standard output goes to the new file `output`, its standard error is added to
    `log`. `watch` is called a few times a second. Any end of the wait (an interrupt,
    an error in `watch`, the death of this process) ends the program and all that it
    started.
    """
    with output.open("wb") as answer, log.open("ab") as errors:
        process = subprocess.Popen(
            die_with_parent.command(*map(str, command), group=True),
            cwd=cwd,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=answer,
            stderr=errors,
            # Ctrl-C is for us: we decide what ends, and in which order.
            start_new_session=True,
        )
    try:
        while process.poll() is None:
            watch(process.pid)
            time.sleep(TICK)
        return process.returncode
    finally:
        if process.returncode is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def end_process(process: subprocess.Popen, grace: float) -> None:
    """End a child by SIGTERM, and after `grace` seconds by SIGKILL; return then."""
    process.terminate()
    try:
        process.wait(grace)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def ask_program(program: str | Path, option: str) -> tuple[bytes, bytes]:
    """Return a program's stdout and stderr, empty if it does not answer in 10 s."""
    try:
        done = subprocess.run(
            [program, option],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=10,
        )
    except (OSError, subprocess.SubprocessError):
        return b"", b""
    return done.stdout, done.stderr


def start_time(pid: int) -> int | None:
    """Return when `pid` started, or None for an ended process or a zombie.

    Together with the pid it names a process for good. In clock ticks since boot:
    proc(5), /proc/pid/stat (22). Without /proc (macOS): in seconds since the epoch.
    """
    if sys.platform != "linux":
        return _start_time(pid)
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
    # In a container nobody may ever reap a zombie.
    return int(fields[19])


def _start_time(pid: int) -> int | None:
    import psutil  # takes long to load

    try:
        process = psutil.Process(pid)
        gone = process.status() == psutil.STATUS_ZOMBIE
        return None if gone else int(process.create_time())
    except psutil.NoSuchProcess:
        return None


def is_same_start(now: int, then: int) -> bool:
    """Return whether two start times of one pid are those of one process."""
    # A Mac's change when its clock is set.
    return now == then if sys.platform == "linux" else abs(now - then) < 3600
