"""Every mistake and every poor machine gets one short message, and can be mended.

Each row really makes the fault, in a child that it cannot leave: a namespace with a
limit, a file system of its own, an environment. "Short" means at most 10 lines and
1 kB, no traceback, the cause, and the next step.
"""

import contextlib
import json
import os
import re
import shlex
import shutil
import socket
import sys
from dataclasses import dataclass, field

import pytest

from cluster import programs
from cluster.machine import identity
from helpers import command, connect, errors
from tests.commandline import helpers, python

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

    `{place}` in them is an empty directory, which is $PLACE as well, `{ours}` the state
    directory of the session's cluster.
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
    "few processes": Fault(
        r"too few processes: \d+ needed, 100 available",
        r"ulimit -u \d+.*limits.conf",
        ("unshare", "--user", "--map-user=1000", "prlimit", "--nproc=100"),
    ),
    "little address space": Fault(
        "Not enough address space for a program: 13.0 GB needed, 4.1 GB available",
        "ulimit -v unlimited.*limits.conf",
        shell("ulimit -v 4000000"),
    ),
    "a small data segment": Fault(
        "Not enough data segment for a program: 0.6 GB needed, 0.3 GB available",
        "ulimit -d unlimited.*limits.conf",
        shell("ulimit -d 300000"),
    ),
    "few inotify instances": Fault(
        "too few inotify instances: 24 needed, 3 available",
        "sudo sysctl fs.inotify.max_user_instances=1024",
        shell(
            "echo 3 > /proc/sys/user/max_inotify_instances",
            ("unshare", "--user", "--map-root-user"),
        ),
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
        r"Building etcd failed with exit code 1\.\n.*: no space left on device\n",
        "free some, or name directories on another disk in LAB_CACHE_DIR",
        mounted("size=40m"),
        {"LAB_CACHE_DIR": "{place}", "LAB_ASSETS": None},
    ),
    "a cache that is read-only": Fault(
        "{place}/.*: Read-only file system",
        "Mend that, or name another directory in LAB_CACHE_DIR",
        mounted("ro"),
        {"LAB_CACHE_DIR": "{place}", "LAB_ASSETS": None},
    ),
    "assets with half a kubelet": Fault(
        "LAB_ASSETS={place}: kubelet is ",
        "unset LAB_ASSETS",
        shell(
            'ln -s "$BINARIES"/* "$PLACE"; rm "$PLACE/kubelet"; '
            'head -c 9999 "$BINARIES/kubelet" > "$PLACE/kubelet"; '
            'chmod +x "$PLACE/kubelet"'
        ),
        {"LAB_ASSETS": "{place}"},
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
    directory = tmp_path_factory.mktemp("bad") / "state"
    yield directory
    helpers("delete", "--yes", env={"LAB_STATE_DIR": directory}, check=True)


@pytest.fixture
def taken():
    """Return a port that somebody else listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


def check_message(text, cause, hint):
    """Judge what a person reads, progress aside."""
    message = "".join(
        line for line in text.splitlines(keepends=True) if not line.startswith("[")
    )
    assert "Traceback" not in text
    assert re.search(cause, message), message
    assert re.search(hint, message), message
    assert message.count("\n") <= 10 and len(message) <= 1000, message


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_told_shortly(name, cluster, state, place, taken):
    """Cause and next step, code 1, and nothing is left running."""
    fault = FAULTS[name]
    words = {
        "place": place,
        "port": taken,
        "binaries": programs.find(),
        "ours": cluster.kubeconfig.parent,
    }
    env = {"LAB_STATE_DIR": state, "PLACE": place, "BINARIES": words["binaries"]}
    env |= {key: value and value.format(**words) for key, value in fault.env.items()}
    arguments = [argument.format(**words) for argument in fault.arguments]
    done = helpers(*arguments, env=env, prefix=fault.prefix)
    assert (done.returncode, done.stdout) == (1, "")
    cause = fault.cause
    for word in ("place", "port"):
        cause = cause.replace(f"{{{word}}}", re.escape(str(words[word])))
    check_message(done.stderr, cause, fault.hint)
    assert not identity.running(state)


def test_after_all_of_these_it_starts(state):
    """No fault leaves anything behind that a start stumbles over."""
    done = helpers("up", env={"LAB_STATE_DIR": state})
    assert done.returncode == 0, done.stderr


# --- Kubeconfigs, as helpers in a notebook meet them -----------------------------


@pytest.fixture
def broken(cluster, tmp_path, monkeypatch):
    """Return a copy of the kubeconfig, to be broken; it is the one in use."""
    copy = tmp_path / "kubeconfig"
    shutil.copyfile(cluster.kubeconfig, copy)
    monkeypatch.setattr(command, "_kubeconfig", copy)
    monkeypatch.setenv("KUBECONFIG", str(copy))
    return copy


def renamed(path):
    document = json.loads(path.read_text())
    path.write_text(json.dumps(document | {"current-context": "production"}))


def a_directory(path):
    path.unlink()
    path.mkdir()


BREAKAGES = {
    "empty": (lambda path: path.write_text(""), "is empty"),
    "broken YAML": (lambda path: path.write_text("a: [1\nb: }"), "not YAML in line 2"),
    "binary": (lambda path: path.write_bytes(b"\xff\xfe\x00"), "is not YAML"),
    "missing": (lambda path: path.unlink(), "No such file"),
    "a directory": (a_directory, "Is a directory"),
    "a context that is gone": (renamed, "has no context 'production'"),
}


@pytest.mark.parametrize("name", BREAKAGES)
def test_a_broken_kubeconfig_is_told_and_nobody_is_asked(broken, name):
    """kubectl itself would go on to localhost:8080 with some of these."""
    damage, message = BREAKAGES[name]
    damage(broken)
    with pytest.raises(errors.KubeconfigError) as caught:
        command.kubectl("get", "nodes")
    assert caught.value.path == broken
    check_message(f"{caught.value}\n", message, "helpers up` and then the cell with")


def test_a_kubeconfig_without_permission_is_told(broken):
    """Also to root, once it may not read everything."""
    broken.chmod(0)
    program = (
        "import sys, pathlib; from cluster.kubeconfig import read_kubeconfig as read; "
        "read(pathlib.Path(sys.argv[1]))"
    )
    rights = ("setpriv", "--bounding-set=-dac_override,-dac_read_search")
    done = python("-c", program, broken, prefix=rights if ROOT else ())
    assert f"kubeconfig {broken}: cannot be read: Permission denied." in done.stderr


@pytest.mark.parametrize("content", ["", "garbage: [", '{"current-context": "x"}'])
def test_connect_writes_its_own_kubeconfig_anew(cluster, content):
    """The learner has not to do anything."""
    whole = json.loads(cluster.kubeconfig.read_text())
    cluster.kubeconfig.write_text(content)
    with kept_kubeconfig():
        again = connect()
    assert json.loads(cluster.kubeconfig.read_text()) == whole
    assert again.version == cluster.version


def test_connect_keeps_what_a_learner_added(cluster):
    """A namespace in the context, another context: they are right, so they stay."""
    document = json.loads(cluster.kubeconfig.read_text())
    before = json.dumps(document)
    document["contexts"][0]["context"]["namespace"] = "mine"
    added = {"name": "other", "context": {"cluster": "lab", "user": "ann"}}
    document["contexts"].append(added)
    cluster.kubeconfig.write_text(json.dumps(document))
    with kept_kubeconfig():
        connect()
    after = json.loads(cluster.kubeconfig.read_text())
    cluster.kubeconfig.write_text(before)
    assert after == document


@contextlib.contextmanager
def kept_kubeconfig():
    """Leave to the other tests the kubeconfig that they use."""
    before = command._kubeconfig
    yield
    command.use_kubeconfig(before)


def test_kubectl_before_connect_asks_nobody(tmp_path):
    """KUBECONFIG may name the learner's production cluster."""
    program = (
        "from helpers import errors, kubectl\n"
        "try: kubectl('delete', 'namespaces', '--all')\n"
        "except errors.NotConnected as error: print(error)"
    )
    done = python("-c", program, env={"KUBECONFIG": tmp_path / "production"})
    check_message(done.stdout, "No cluster is connected", "`cluster = connect.*first")
