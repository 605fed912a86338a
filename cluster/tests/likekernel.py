"""A process that stands for a kernel: it holds what should go with it."""

import contextlib
import subprocess
import sys
from collections.abc import Iterator


@contextlib.contextmanager
def like_a_kernel(source: str) -> Iterator[tuple[subprocess.Popen, list[int]]]:
    """Run `source` in a group of its own; yield the process and the pids it prints."""
    with subprocess.Popen(
        [sys.executable, "-c", source],
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        yield process, [int(pid) for pid in process.stdout.readline().split()]
        process.kill()
