"""Play a Mac: run a module of ours where nothing is that only Linux has.

`python -m cluster.tests.kind.mac MODULE ARGUMENT...`. Programs are those of the machine
that plays; what it does not show: Docker Desktop's virtual machine, and how it shares
files.
"""

import ctypes
import importlib
import os
import platform
import resource
import runpy
import select
import signal
import socket
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]
#: names that the standard library of a Mac lacks, of those that are used here
LACKS = {
    os: (
        "sched_getaffinity",
        "sched_setaffinity",
        "memfd_create",
        "pidfd_open",
        "O_PATH",
        "O_TMPFILE",
        "O_DIRECT",
        "ST_NOEXEC",
        "ST_NODEV",
        "ST_NOSUID",
        "getresuid",
        "pipe2",
        "eventfd",
        "splice",
        "fdatasync",
        "posix_fallocate",
    ),
    socket: ("AF_NETLINK", "AF_PACKET", "SO_PEERCRED"),
    select: ("epoll",),
    signal: ("pidfd_send_signal", "SIGRTMIN", "sigtimedwait", "sigwaitinfo"),
    resource: ("prlimit",),
}
#: choose for their system when they are imported: they are of the one that plays
OTHERS = (
    "asyncio",
    "http.server",
    "httpx",
    "multiprocessing",
    "platformdirs",
    "psutil",
    "selectors",
    "ssl",
    "subprocess",
    "tarfile",
    "tempfile",
)


def become() -> None:
    """Change this process for good."""
    for name in OTHERS:
        importlib.import_module(name)
    for module, names in LACKS.items():
        for name in names:
            vars(module).pop(name, None)
    sys.platform = "darwin"
    platform.system = lambda: "Darwin"
    platform.freedesktop_os_release = _nothing
    ctypes.CDLL = lambda *_, **__: object()
    sys.addaudithook(_refuse)
    from cluster.programs import check

    check._MACHO = dict.fromkeys((platform.machine(), "arm64"), b"\x7fELF")


def _nothing():
    raise FileNotFoundError("/etc/os-release")


def _refuse(event: str, arguments: tuple) -> None:
    """Have no /proc and /sys for our own modules; psutil of Linux needs it."""
    if event not in ("open", "os.listdir", "os.scandir"):
        return
    path = str(arguments[0])
    if path.startswith(("/proc/", "/sys/")) and _asks() in ("cluster", "helpers"):
        raise FileNotFoundError(path)


def _asks() -> str:
    """Return the directory of ours whose module asks, not through another's."""
    frame = sys._getframe(2)
    while frame and "/lib/python3" in frame.f_code.co_filename:
        if "site-packages" in frame.f_code.co_filename:
            return ""
        frame = frame.f_back
    path = Path(frame.f_code.co_filename) if frame else Path()
    return path.relative_to(ROOT).parts[0] if path.is_relative_to(ROOT) else ""


if __name__ == "__main__":
    become()
    del sys.argv[0]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
