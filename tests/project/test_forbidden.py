"""The filter that stands in for a host without namespaces leaves no way to one."""

import ctypes
import errno
import json
import platform
import sys

import pytest

from tests.commandline import python

pytestmark = pytest.mark.full("infrastructure that lessons do not touch")
NEW_USER, NEW_TIME, CHILD_ENDS = 0x10000000, 0x80, 17
#: asks the kernel directly, as a program that is linked with no C library
PROGRAM = """
import ctypes, json, os, sys

libc = ctypes.CDLL(None, use_errno=True)
found = []
for number, *arguments in json.loads(sys.argv[1]):
    ctypes.set_errno(0)
    pid = libc.syscall(number, *map(ctypes.c_long, arguments))
    if pid == 0 and arguments[1:]:
        os._exit(0)
    found.append(ctypes.get_errno())
print(json.dumps(found))
"""
CALLS = {
    "x86_64": {"unshare": 272, "setns": 308, "clone": 56},
    "aarch64": {"unshare": 97, "setns": 268, "clone": 220},
}[platform.machine()]


def filtered(program: str, *words: str) -> str:
    """Return what a Python program says below the filter."""
    done = python(
        *("tests/forbidden.py", sys.executable, "-c", program, *words),
        # Without it only root may install a filter.
        preexec_fn=lambda: ctypes.CDLL(None).prctl(38, 1, 0, 0, 0),
        check=True,
    )
    return done.stdout


def answers(*calls: tuple[int, ...]) -> list[int]:
    """Return the kernel's error for each system call, 0 for none."""
    return json.loads(filtered(PROGRAM, json.dumps(calls)))


@pytest.mark.parametrize("flags", [NEW_USER, NEW_TIME, 0x20000])
def test_neither_unshare_nor_clone_nor_setns_makes_or_enters_one(flags):
    found = answers(
        (CALLS["unshare"], flags),
        (CALLS["clone"], flags | CHILD_ENDS, 0, 0, 0, 0),
        (CALLS["setns"], -1, flags),
    )
    assert found == [errno.EPERM] * 3


def test_processes_and_threads_are_made_as_ever():
    assert answers((CALLS["clone"], CHILD_ENDS, 0, 0, 0, 0)) == [0]
    thread = "from threading import Thread; Thread(target=print, args=['here']).start()"
    assert filtered(thread) == "here\n"
