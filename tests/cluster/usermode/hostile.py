"""Try from a privileged pod what the node's kernel could do for it on the host.

Runs in a pod: `python3 - HOME STATE API OTHER < hostile.py`. HOME is a directory of the
learner's with a file `secret`, STATE the state directory, API and OTHER are ports of
the host's loopback device. Printed is JSON: which attempts raised nothing.
"""

import ctypes
import json
import os
import socket
import sys
from contextlib import suppress

LIBC = ctypes.CDLL(None, use_errno=True)
#: numbers of x86-64: the kernel of the node knows no other machine
INIT_MODULE = 175
HOST, DNS = "10.0.2.2", "10.0.2.3"
#: asks for the address of `example.com`
QUESTION = b"\x12\x34\1\0\0\1\0\0\0\0\0\0\x07example\3com\0\0\1\0\1"
MOUNT = "/mnt/host"


def main(home: str, state: str, api: str, other: str) -> None:
    os.makedirs(MOUNT, exist_ok=True)
    home, state = MOUNT + home, MOUNT + state
    secret, own = f"{home}/secret", f"{state}/guest/etc"
    files = {
        "the host's files": lambda: call(
            LIBC.mount, b"none", MOUNT.encode(), b"hostfs", 0, b"/"
        ),
        "programs": lambda: os.listdir(f"{MOUNT}/usr"),
        "its own directory": lambda: open(f"{own}/mark", "w").close(),
        "read": lambda: open(secret).read(),
        "list": lambda: os.listdir(home),
        "write": lambda: open(secret, "a").close(),
        "make": lambda: open(f"{home}/made", "w").close(),
        "make a directory": lambda: os.mkdir(f"{home}/made"),
        "truncate": lambda: os.truncate(secret, 0),
        "move away": lambda: os.rename(secret, f"{own}/moved"),
        "link": lambda: os.link(secret, f"{own}/linked"),
        "remove": lambda: os.unlink(secret),
        "the keys": lambda: open(f"{state}/pki/ca.key").read(),
        "the plan": lambda: open(f"{state}/run/node.json", "a").close(),
        "the disk of all": lambda: os.close(os.open(f"{state}/run/disk", os.O_RDWR)),
        "environments": lambda: open(f"{MOUNT}/proc/self/environ").read(),
    }
    got = [name for name, attempt in files.items() if succeeds(attempt)]
    # These may pretend to: whoever reads this looks at the file itself.
    for change in (
        lambda: os.chmod(home, 0o777),
        lambda: os.chmod(secret, 0o777),
        lambda: os.chown(secret, 1, 1),
        lambda: os.utime(secret, (1, 1)),
    ):
        succeeds(change)
    LIBC.umount2(MOUNT.encode(), 2)
    with open("/proc/1/ns/net") as namespace:
        call(LIBC.setns, namespace.fileno(), 0)
    device, images = "/tmp/memory", "/tmp/images"
    os.mknod(device, 0o20600, os.makedev(1, 1))
    os.mknod(images, 0o60600, os.makedev(98, 16))
    others = {
        "the API server": lambda: connect(api),
        "the host's loopback device": lambda: connect(other),
        "UDP": ask_udp,
        "memory": lambda: os.open(device, os.O_RDWR),
        "read the images": lambda: os.open(images, os.O_RDONLY),
        "write to the images": lambda: write_again(images),
        # Nothing is one: whom the kernel lets, it tells so.
        "a module": lambda: refused(LIBC.syscall, INIT_MODULE, b"", 0, b""),
    }
    got += [name for name, attempt in others.items() if succeeds(attempt)]
    print(json.dumps(got))


def write_again(device: str) -> None:
    """Write what is there: they are everybody's."""
    descriptor = os.open(device, os.O_RDWR)
    block = os.pread(descriptor, 4096, 0)
    os.pwrite(descriptor, block, 0)
    os.fsync(descriptor)


def succeeds(attempt) -> bool:
    with suppress(OSError):
        attempt()
        return True
    return False


def call(function, *arguments) -> None:
    if function(*arguments) == -1:
        raise OSError(ctypes.get_errno(), "refused")


def refused(*arguments) -> None:
    """Raise PermissionError alone."""
    try:
        call(*arguments)
    except PermissionError:
        raise
    except OSError:
        pass


def connect(port: str) -> None:
    socket.create_connection((HOST, int(port)), timeout=10).close()


def ask_udp() -> None:
    """Ask for a name; where nobody answers that says nothing."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(3)
        client.sendto(QUESTION, (DNS, 53))
        client.recv(512)


main(*sys.argv[1:])
