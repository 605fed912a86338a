"""The walls around the programs of a node, in a process of its own."""

import ctypes
import errno
import itertools
import json
import platform
import re
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from cluster.tests import filters
from cluster.usermode import walls

#: prints what it may still do
PROGRAM = """
import ctypes, json, os, socket, sys
from pathlib import Path
from cluster.usermode import walls

shown, own, other, port, closed = sys.argv[1:]
walls.confine([shown, "/not-there"], [own], connect=[int(port)])
def connect(port):
    with socket.socket() as client:
        client.connect(("127.0.0.1", int(port)))
def trace(pid):
    SEIZE = 0x4206
    if ctypes.CDLL(None).ptrace(SEIZE, pid, None, None) == -1:
        raise PermissionError
attempts = {
    "read": lambda: Path(shown, "file").read_text(),
    "write what is shown": lambda: Path(shown, "file").write_text(""),
    "write its own": lambda: Path(own, "file").write_text("mine"),
    "read another": lambda: Path(other, "file").read_text(),
    "truncate another": lambda: os.truncate(Path(other, "file"), 0),
    "list another": lambda: os.listdir(other),
    "connect": lambda: connect(port),
    "connect elsewhere": lambda: connect(closed),
    "listen": lambda: socket.socket().bind(("127.0.0.1", 0)),
    "UDP": lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM).close(),
    "UDP 6": lambda: socket.socket(socket.AF_INET6, socket.SOCK_DGRAM).close(),
    "a socket by path": lambda: socket.socket(socket.AF_UNIX).close(),
    "signals": lambda: os.kill(os.getppid(), 0),
    "trace another": lambda: trace(os.getppid()),
}
got = []
for name, attempt in attempts.items():
    try:
        attempt()
        got.append(name)
    except OSError:
        pass
os.chmod(other, 0o777)
os.utime(other, (1, 1))
print(json.dumps(got))
"""
#: since which Landlock what else is refused
SINCE = {
    "connect elsewhere": walls.WHOLE,
    "listen": walls.WHOLE,
    "signals": 6,
}


#: sockets that a program without a port may still make
WITHOUT = """
import socket
from cluster.usermode import walls

walls.confine(["/"], [])
for kind in (socket.SOCK_SEQPACKET, socket.SOCK_DGRAM, socket.SOCK_STREAM):
    socket.socketpair(type=kind)
for kind in (socket.SOCK_SEQPACKET, socket.SOCK_DGRAM):
    socket.socket(socket.AF_UNIX, kind)
for family in (socket.AF_UNIX, socket.AF_INET, socket.AF_INET6):
    try:
        socket.socket(family)
    except PermissionError:
        print(family.name)
"""
X86_64 = pytest.mark.skipif(
    platform.machine() != "x86_64", reason="user-mode-linux is for x86-64 alone"
)


@pytest.mark.parametrize(
    ("number", "off"), [(errno.EOPNOTSUPP, True), (errno.ENOSYS, False)]
)
def test_a_landlock_that_is_not_enabled_is_told_from_none(monkeypatch, number, off):
    class Kernel:
        def syscall(self, *_):
            ctypes.set_errno(number)
            return -1

    monkeypatch.setattr(walls, "_libc", Kernel())
    assert walls.version() == 0
    assert walls.is_switched_off() is off


#: calls of modes, owners, times and extended attributes, and those that are refused
SETTERS = re.compile(
    r"[fl]?chown|fchownat|f?chmod|fchmodat2?|utime|utimes|futimesat|utimensat|"
    r"[fl]?(set|remove)xattr(at)?"
)
REFUSED = {"truncate", "io_uring_setup"}
#: until Linux 6.13; a libseccomp may know no newer ones
OLDER = 463


def test_modes_owners_and_times_are_pretended_and_nothing_else():
    known, program = filters.names(filters.X86_64), walls.program(streams=True)
    names = {number: known.get(number, "") for number in range(max(*known, OLDER))}
    said = {nr: filters.answer(program, filters.X86_64, nr) for nr in names}
    pretended = {name for nr, name in names.items() if said[nr] == filters.PRETEND}
    assert pretended == {name for name in names.values() if SETTERS.fullmatch(name)}
    assert {names[nr] for nr in said if said[nr] == filters.REFUSE} == REFUSED


@pytest.mark.parametrize("streams", [True, False])
def test_a_socket_is_refused_by_its_family_and_kind(streams):
    """Flags such as SOCK_CLOEXEC change nothing."""
    [number] = [n for n, s in filters.names(filters.X86_64).items() if s == "socket"]
    program = walls.program(streams=streams)
    families = (socket.AF_UNIX, socket.AF_INET, socket.AF_INET6)
    kinds = (socket.SOCK_STREAM, socket.SOCK_DGRAM, socket.SOCK_SEQPACKET)
    allowed = {
        (family.name, kind.name)
        for family, kind in itertools.product(families, kinds)
        for flags in [socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK]
        if filters.ALLOW
        == filters.answer(
            program, filters.X86_64, number, family=family, kind=kind | flags
        )
    }
    by_path = {("AF_UNIX", "SOCK_DGRAM"), ("AF_UNIX", "SOCK_SEQPACKET")}
    streamed = {(family.name, "SOCK_STREAM") for family in families}
    assert allowed == by_path | (streamed if streams else set())


@pytest.mark.parametrize("arch", [filters.I386, filters.AARCH64], ids=hex)
def test_a_program_of_another_architecture_gets_nothing(arch):
    program = walls.program(streams=True)
    x32 = filters.answer(program, filters.X86_64, 0x40000000)
    assert {x32, filters.answer(program, arch, 0)} == {filters.REFUSE}


def test_no_wall_is_left_out_where_its_calls_are_not_known(monkeypatch):
    monkeypatch.setattr(platform, "machine", lambda: "aarch64")
    with pytest.raises(OSError, match="no filter of system calls for aarch64"):
        walls.confine([], [])


@X86_64
def test_a_program_without_a_port_reaches_no_engine_of_containers():
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT],
        cwd=Path(walls.__file__).parents[2],
        capture_output=True,
        text=True,
    )
    assert done.stdout.split() == ["AF_UNIX", "AF_INET", "AF_INET6"], done.stderr


@X86_64
@pytest.mark.skipif(not walls.version(), reason="this kernel has no Landlock")
def test_what_is_not_named_cannot_be_reached(tmp_path):
    places = [tmp_path / name for name in ("shown", "own", "other")]
    for place in places:
        place.mkdir(mode=0o700)
        (place / "file").write_text("text")
    before = places[2].stat()
    with (
        socket.create_server(("127.0.0.1", 0)) as named,
        socket.create_server(("127.0.0.1", 0)) as other,
    ):
        ports = [each.getsockname()[1] for each in (named, other)]
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM, *map(str, (*places, *ports))],
            cwd=Path(walls.__file__).parents[2],
            capture_output=True,
            text=True,
            timeout=60,
        )
    assert done.returncode == 0, done.stderr
    older = {name for name, since in SINCE.items() if walls.version() < since}
    allowed = {"read", "write its own", "connect", "a socket by path"}
    assert {*json.loads(done.stdout)} == allowed | older
    assert places[2].stat() == before
    assert [(place / "file").read_text() for place in places] == [
        "text",
        "mine",
        "text",
    ]
