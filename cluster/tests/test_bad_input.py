"""Every mistake and every poor machine gets one short message, and can be fixed.

Each row really makes the fault, in a child that it cannot leave: a namespace with a
limit, a file system of its own, an environment. "Short" means at most 10 lines and
1 kB, no traceback, the cause, and the next step.
"""

import os
import re
import shlex
import socket
import sys
from dataclasses import dataclass, field

import pytest

from cluster import programs
from cluster.machine import identity
from cluster.tests.commandline import helpers

ROOT = os.geteuid() == 0
#: runs what follows in a mount namespace of its own; as a user with the rights for it
MOUNTS = ("unshare", "--mount") + (() if ROOT else ("--user", "--map-root-user"))


def shell(script, wrapper=()):
    """Return a prefix: `script`, then what follows, in one shell."""
    return (*wrapper, "sh", "-ec", f'{script}; exec "$@"', "sh")


def mounted(options, wrapper=MOUNTS):
    """Return a prefix: with a file system of our own, of these options, at $PLACE."""
    return shell(f'mount -t tmpfs -o mode=700,{options} none "$PLACE"', wrapper)


#: in a user namespace that may have no further ones, without any rights in it
NO_NAMESPACES = shell(
    "echo 0 > /proc/sys/user/max_user_namespaces; "
    'exec setpriv --bounding-set=-all --inh-caps=-all "$@"',
    ("unshare", "--user", "--map-root-user"),
)
#: a user whom /etc/passwd does not know
NOBODY = ("unshare", "--user", "--map-user=54321")


@dataclass(frozen=True)
class Fault:
    """A fault: what is run and how, and the two halves of the message (patterns).

    `{place}` in them is an empty directory, which is $PLACE as well.
    """

    cause: str
    hint: str
    prefix: tuple[str, ...] = ()
    env: dict[str, str | None] = field(default_factory=dict)
    arguments: tuple[str, ...] = ("up",)


FAULTS = {
    "no user namespaces": Fault(
        r"making a user namespace was refused \(no more of them are allowed\)",
        r"sudo sysctl user.max_user_namespaces=15000",
        NO_NAMESPACES,
    ),
    "few open files": Fault(
        "too few open files: 512 needed, 128 available",
        "ulimit -n 512.*limits.conf",
        shell("ulimit -n 128"),
    ),
    "a state directory that is read-only": Fault(
        "{place}/lab: cannot be used: Read-only file system",
        "Make it writable, or name another directory in LAB_STATE_DIR",
        mounted("ro"),
        {"LAB_STATE_DIR": "{place}/lab"},
    ),
    "a state directory that is somebody else's": Fault(
        "holds files that are not of these notebooks",
        "new or empty directory in LAB_STATE_DIR",
        shell('touch "$PLACE/thesis.txt"'),
        {"LAB_STATE_DIR": "{place}"},
    ),
    "delete in a directory that is somebody else's": Fault(
        "holds files that are not of these notebooks",
        "new or empty directory in LAB_STATE_DIR",
        env={"LAB_STATE_DIR": "/usr"},
        arguments=("delete", "--yes"),
    ),
    "a state directory from which nothing may be started": Fault(
        "mounted noexec",
        "LAB_STATE_DIR",
        mounted("noexec"),
        {"LAB_STATE_DIR": "{place}"},
    ),
    "an environment from which nothing may be started": Fault(
        f"{sys.prefix}: programs may not be started from there .noexec",
        "Move this directory to another file system",
        shell(
            f"mount --bind {shlex.quote(sys.prefix)} {shlex.quote(sys.prefix)}; "
            f"mount -o remount,bind,noexec {shlex.quote(sys.prefix)}",
            MOUNTS,
        ),
    ),
    "a small disk for the state": Fault(
        "Not enough disk space for the cluster's state .*: 0.6 GB needed, 0.0 GB",
        "Free some, or name another directory in LAB_STATE_DIR",
        mounted("size=40m"),
        {"LAB_STATE_DIR": "{place}"},
    ),
    "a full disk for the state": Fault(
        "No space left on device",
        "Free some space there, or name another directory in LAB_STATE_DIR",
        mounted("size=4k,nr_inodes=3"),
        {"LAB_STATE_DIR": "{place}"},
    ),
    "a small disk for the image": Fault(
        "Not enough disk space to build the toolbox image .*: 0.6 GB needed",
        "LAB_CACHE_DIR",
        mounted("size=40m"),
        {"LAB_CACHE_DIR": "{place}", "LAB_ASSETS": "{binaries}"},
    ),
    "a small disk for the binaries": Fault(
        r"Building etcd, kubectl, kubernetes failed with exit code 1\.\n"
        r".*: no space left on device\n",
        r"has 0\.0 GB free: make room, or name directories on another disk in "
        "LAB_CACHE_DIR",
        mounted("size=6m"),
        {"LAB_CACHE_DIR": "{place}", "LAB_ASSETS": None},
    ),
    "a cache that is read-only": Fault(
        "{place}/.*: Read-only file system",
        "Fix that, or name another directory in LAB_CACHE_DIR",
        mounted("ro"),
        {"LAB_CACHE_DIR": "{place}", "LAB_ASSETS": None},
    ),
    "a port that is taken": Fault(
        r"Port 127.0.0.1:{port} is taken by .*\(pid \d+\)",
        "--port",
        arguments=("up", "--port", "{port}"),
    ),
    "no home": Fault(
        "no home directory",
        "Set HOME, or LAB_STATE_DIR and LAB_CACHE_DIR",
        NOBODY,
        {"HOME": None, "LAB_STATE_DIR": None, "LAB_CACHE_DIR": None},
    ),
}


@pytest.fixture
def place(tmp_path):
    directory = tmp_path / "place"
    directory.mkdir()
    return directory


@pytest.fixture(scope="module")
def state(tmp_path_factory):
    """Return the state directory that all faults meet, one after the other."""
    return tmp_path_factory.mktemp("bad") / "state"


@pytest.fixture
def taken():
    """Return a port that somebody else listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_told_shortly(name, state, place, taken):
    """Cause and next step, code 1, and nothing is left running."""
    fault = FAULTS[name]
    words = {"place": place, "port": taken, "binaries": programs.find()}
    env = {"LAB_STATE_DIR": state, "PLACE": place}
    env |= {key: value and value.format(**words) for key, value in fault.env.items()}
    arguments = [argument.format(**words) for argument in fault.arguments]
    done = helpers(*arguments, env=env, prefix=fault.prefix)
    assert (done.returncode, done.stdout) == (1, "")
    cause = fault.cause
    for word in ("place", "port"):
        cause = cause.replace(f"{{{word}}}", re.escape(str(words[word])))
    # The message as a person reads it, without progress.
    lines = [line for line in done.stderr.splitlines() if not line.startswith("[")]
    message = "\n".join(lines)
    assert "Traceback" not in done.stderr
    assert re.search(cause, message), message
    assert re.search(fault.hint, message), message
    assert len(lines) <= 10 and len(message) <= 1000, message
    assert not identity.is_running(state)
