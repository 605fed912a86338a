"""The doctor judges many machines, and looks at this one, without changing it."""

import dataclasses
import json
import re
from pathlib import Path

import pytest

from cluster import doctor
from cluster.backends import Choice
from cluster.errors import NotEnough
from cluster.findings import BUG, fatal, ok, warning
from cluster.image.topics import Image
from cluster.kind.topics import Engine
from cluster.local.topics import Learners, Limits, Namespaces
from cluster.local.trial import TrialResult
from cluster.machine import idmap
from cluster.machine.topics import Kernel
from cluster.preflight import Account
from cluster.programs.runc import Runc
from cluster.programs.topics import Build, Runtime, Shell
from cluster.tests.commandline import helpers
from cluster.usermode.topics import Node

ROOT_USER = idmap.IdFacts(uid=0, gid=0, privileged=True)
USER = idmap.IdFacts(uid=1000, gid=1000, privileged=False)
GRANTED = {"subuid": (100000, 65536), "subgid": (100000, 65536)}
PLENTY = Account(20000, 90000, threads=80, watchers=24, memory=16_000_000_000)
DISTRIBUTION = Runc("/usr/sbin/runc", seccomp=True, system=True)
RUNTIME = Runtime(DISTRIBUTION, True)
BUILD = Build(True, runc=True)
IMAGE = Image(Path("/i/a.tar"), True, 10**10)
DISK = doctor.Directory(
    "state", Path("/s"), "LAB_STATE_DIR", True, None, True, 50_000_000_000, 600_000_000
)
IDLE = doctor.Cluster(None)
STATUS = {
    "phase": "ready",
    "awaited": [],
    "server": "https://127.0.0.1:7",
    "problem": None,
}
FULL = str(NotEnough("disk space", "in /s", 10**8, 0, "Free some."))


def namespaces(facts=ROOT_USER, **found):
    answer = TrialResult(**{"ids": 65536, "overlay": True, "nft": True, **found})
    return Namespaces(answer, None, facts, "ann")


def chosen(name, reason, hint="", about="Kubernetes"):
    return doctor.Chosen(Choice(name, reason, hint), about)


def change(topic, **values):
    return dataclasses.replace(topic, **values)


def one_directory(**values):
    """Return a topic of a single directory."""
    return doctor.Directories(change(DISK, **values), change(DISK, name="cache"))


#: machine → topic, name of the finding, level, what the message and the hint say
MACHINES = {
    "a machine with Docker that restricts namespaces": (
        chosen("kind", "x was refused", "Allow it: `sudo x`."),
        "local cluster",
        "ok",
        "^Allow it: `sudo x`. Then run `.venv/bin/kapi up`.$",
    ),
    "a machine with Docker where the trial itself failed": (
        chosen("kind", "trying the steps of a start failed (x)", BUG),
        "local cluster",
        "ok",
        "^This is a bug of .* report it with what `.venv/bin/kapi report` writes.$",
    ),
    "a machine that has nothing": (
        chosen("none", "kind was asked for, and docker is down", about=""),
        "backend",
        "fatal",
        "docker is down",
        "LAB_BACKEND",
    ),
    "Google Colab": (
        doctor.Colab(here=True),
        "Colab",
        "warning",
        "this is Google Colab, .* ipywidgets 7",
        "run in your browser, on their pages of the site",
    ),
    "no node": (
        Node("", "slirp4netns is not installed"),
        "node",
        "warning",
        "slirp4netns is not .* skipped",
        "^Namespaces are allowed here: `.venv/bin/kapi up --backend auto` starts",
    ),
    "no node of a control plane that is kept": (
        Node("", "slirp4netns is not installed", kept=True),
        "node",
        "warning",
        "slirp4netns is not .* skipped",
        "here: `.venv/bin/kapi delete`, and `.venv/bin/kapi up --backend auto` starts",
    ),
    "no node where one command allows namespaces": (
        Node("", "slirp4netns is not installed", hint="Allow it: `sudo x`."),
        "node",
        "warning",
        "slirp4netns is not .* skipped",
        "^Allow it: `sudo x`. Then run `.venv/bin/kapi up`.$",
    ),
    "no node where the trial itself failed": (
        Node("", "slirp4netns is not installed", hint=BUG, kept=True),
        "node",
        "warning",
        "slirp4netns is not .* skipped",
        "`.venv/bin/kapi report` writes.$",
    ),
    "a node where one command allows namespaces": (
        Node(hint="Allow it: `sudo x`.", kept=True),
        "local cluster",
        "ok",
        "^Allow it: `sudo x`. Then run `.venv/bin/kapi delete`, and `up`.$",
    ),
    "a node without walls": (
        Node(landlock=0),
        "node",
        "warning",
        "all of your files: .* has no Landlock",
        "you trust there.$",
    ),
    "a node without walls that could be had": (
        Node(landlock=0, switched_off=True),
        "node",
        "warning",
        "all of your files: .* not enabled L",
        "lsm=landlock,",
    ),
    "a node that reaches ports": (
        Node(landlock=3),
        "node",
        "warning",
        "ports of this machine: .* too old",
        "that you trust",
    ),
    "a node whose kernel a pod can become": (
        Node("seccomp", landlock=5),
        "node",
        "warning",
        "A pod in it can end your processes",
        "that you trust",
    ),
    "a node with walls": (Node(), "node", "ok", "in user-mode Linux", ""),
    "no engine": (
        Engine("", "docker does not answer", ""),
        "engine",
        "fatal",
        "docker does not answer",
        "LAB_BACKEND=local",
    ),
    "a newuidmap that refuses": (
        namespaces(ids=1),
        "user ids",
        "warning",
        "gave fewer than /etc/subuid",
        "/etc/subgid",
    ),
    "no overlay": (
        namespaces(overlay=False),
        "overlay",
        "warning",
        "copy",
        "LAB_STATE_DIR",
    ),
    "no cgroup": (
        namespaces(no_limits="version 1 of cgroups has memory"),
        "limits",
        "ok",
        "recorded, not enforced: version 1 of cgroups has memory$",
    ),
    "cgroups of both versions in WSL": (
        change(namespaces(no_limits="version 1 of cgroups has memory"), wsl=True),
        "limits",
        "ok",
        "version 1 of cgroups has memory; .*cgroups=v1.*`wsl --update` in Windows",
    ),
    "no cgroup in WSL for another reason": (
        change(namespaces(no_limits="systemd does not answer"), wsl=True),
        "limits",
        "ok",
        "recorded, not enforced: systemd does not answer$",
    ),
    "a cgroup": (namespaces(limits=True), "limits", "ok", "are enforced"),
    "a user without newuidmap and subuid": (
        namespaces(facts=USER, ids=1),
        "user ids",
        "warning",
        "refused, .* as root",
        "uidmap && sudo .* ann$",
    ),
    "a user without subuid": (
        namespaces(facts=change(USER, has_newuidmap=True), ids=1),
        "user ids",
        "warning",
        "grant none to ann",
        "^sudo usermod .* ann$",
    ),
    "no_new_privs": (
        namespaces(
            facts=change(USER, has_newuidmap=True, no_new_privs=True, **GRANTED), ids=1
        ),
        "user ids",
        "warning",
        "no_new_privs",
        "sandbox",
    ),
    "root of some ids": (
        namespaces(facts=change(ROOT_USER, available=1000), ids=1000),
        "user ids",
        "warning",
        "only 1000 .* beyond them stay",
        "sandbox",
    ),
    "some memory": (
        Limits(change(PLENTY, memory=1_000_000_000), False),
        "memory",
        "warning",
        "1.0 GB",
        "[Cc]lose",
    ),
    "no memory": (
        Limits(change(PLENTY, memory=300_000_000), False),
        "account",
        "fatal",
        "0.5 GB needed, 0.3 GB available",
        "[Cc]lose",
    ),
    "no memory left by our own cluster": (
        Limits(change(PLENTY, memory=300_000_000), True),
        "memory",
        "ok",
        "0.3 GB",
    ),
    "a read-only state directory": (
        one_directory(reason="/s is not writable"),
        "state",
        "fatal",
        "not writable",
        "LAB_STATE_DIR",
    ),
    "a read-only cache that a teacher has filled": (
        one_directory(reason="/s is not writable", filled=True),
        "state",
        "ok",
        "read-only; all that is needed is there",
    ),
    "a state directory without programs": (
        one_directory(executable=False),
        "state",
        "fatal",
        "noexec",
        "LAB_STATE_DIR",
    ),
    "a home on a server": (
        one_directory(system="nfs4"),
        "state",
        "warning",
        "NFS",
        "on a disk of this machine in LAB_STATE_DIR",
    ),
    "a state directory on a disk of Windows": (
        one_directory(system="drvfs"),
        "state",
        "fatal",
        "disk of Windows.* no sockets",
        "Linux' own file system in LAB_STATE_DIR",
    ),
    "a cache on a disk of Windows": (
        doctor.Directories(
            DISK, change(DISK, variable="LAB_CACHE_DIR", system="drvfs")
        ),
        "state",
        "warning",
        "more slowly",
        "Linux' own file system in LAB_CACHE_DIR",
    ),
    "a checkout on a disk of Windows": (
        doctor.Directories(DISK, change(DISK, name="cache"), "drvfs"),
        "environment",
        "warning",
        "thousands of files",
        "Clone into Linux' own file system",
    ),
    "a full disk": (
        one_directory(free=100_000_000),
        "state",
        "fatal",
        "0.1 GB free, 0.6 GB needed",
        "LAB_STATE_DIR",
    ),
    "a runc without seccomp": (
        change(RUNTIME, runc=Runc("/c/runc", seccomp=False, system=False)),
        "runc",
        "warning",
        "without seccomp",
        "install .* runc",
    ),
    "no runc": (
        change(RUNTIME, runc=None),
        "runc",
        "fatal",
        "no container",
        "install .* runc",
    ),
    "no runc before the build": (
        change(RUNTIME, runc=None, built=False),
        "runc",
        "ok",
        "will be built",
    ),
    "no nft": (
        namespaces(nft=False),
        "nft",
        "warning",
        "only `kubernetes` and DNS",
        "install .* nftables",
    ),
    "no jq": (Shell(("curl",)), "jq", "warning", "cells", "install .* jq"),
    "no image and no mmdebstrap": (
        change(IMAGE, archive=None, possible=False),
        "image",
        "fatal",
        "mmdebstrap",
        "install .* mmdebstrap",
    ),
    "root of a machine that restricts all others": (
        Learners(True, "no profile of AppArmor allows it"),
        "other accounts",
        "warning",
        "because no profile of AppArmor allows it: learners of a class",
        "kapi apparmor --write`, if others learn here",
    ),
    "root of a machine that has the profile": (
        Learners(True),
        "other accounts",
        "ok",
        "can make namespaces, by a profile",
    ),
    "no image and no room": (
        change(IMAGE, archive=None, free=10**8),
        "image",
        "fatal",
        "takes 0.6 GB, .* 0.1 GB free",
        "LAB_CACHE_DIR",
    ),
    "an image and no mmdebstrap": (
        change(IMAGE, possible=False, free=0),
        "image",
        "ok",
        "/i/a.tar",
    ),
    "no downloads": (BUILD, "downloads", "ok", "LAB_NO_DOWNLOADS"),
    "no downloads and no C compiler": (
        change(BUILD, runc=False),
        "C compiler",
        "fatal",
        "not found",
        "install .* runc.* gcc libc6-dev",
    ),
    "a cluster that hangs": (
        change(IDLE, status={**STATUS, "phase": "not answering", "problem": "mute"}),
        "cluster",
        "warning",
        "it is not answering: mute",
        "`stop` and `up`",
    ),
    "a cluster whose etcd has ended": (
        change(IDLE, status={**STATUS, "phase": "degraded", "awaited": ["etcd"]}),
        "cluster",
        "warning",
        "it is degraded: waiting for etcd",
        "`stop` and `up`",
    ),
    "a full disk under a cluster": (
        change(IDLE, status={**STATUS, "problem": FULL}),
        "cluster",
        "warning",
        "it is ready: Not .* 0.1 GB needed, 0.0 GB",
        "Free some",
    ),
}


def test_each_way_is_told_once():
    """A control plane's topic tells it, with what the machine lacks."""
    topic = chosen("control-plane", "x was refused", "Allow it: `sudo x`.")
    assert [finding.name for finding in topic.findings()] == ["backend"]


@pytest.mark.parametrize("machine", MACHINES)
def test_each_machine_is_judged(machine):
    topic, name, level, message, *hint = MACHINES[machine]
    findings = {finding.name: finding for finding in topic.findings()}
    found = findings[name]
    assert found.level == level
    assert re.search(message, found.message)
    assert bool(found.hint) == (level != "ok")
    for pattern in hint:
        assert re.search(pattern, found.hint)


def test_only_what_is_wrong_is_found_wrong():
    for name, (topic, _, level, *_) in MACHINES.items():
        bad = {f.name for f in topic.findings() if f.level != "ok"}
        assert len(bad) <= (level != "ok"), name


class Broken:
    @classmethod
    def read(cls):
        raise RuntimeError("no such thing")


def test_colab_is_known_by_the_package_that_it_has(tmp_path, monkeypatch):
    assert not [*doctor.Colab.read().findings()]
    package = tmp_path / "google" / "colab"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("")
    monkeypatch.syspath_prepend(tmp_path)
    assert doctor.Colab.read().here


def test_a_look_that_crashes_hides_no_other():
    broken, fine = doctor.examine((Broken, Kernel))
    assert (broken.name, broken.level) == ("broken", "fatal")
    assert "RuntimeError: no such thing" in broken.message
    assert (fine.name, fine.level) == ("kernel", "ok")


LONG = "words and more words " * 12
FINDINGS = [
    ok("fine", "it is"),
    warning("odd", LONG, "sudo apt-get install -y --no-install-recommends x"),
    fatal("broken", "it is", "fix it"),
]


def test_a_report_has_problems_first_and_fits():
    text = doctor.report(FINDINGS)
    lines = text.splitlines()
    assert [line for line in lines if not line.startswith(" ") and line] == [
        "Problems",
        "Facts",
        "1 problem keeps the cluster from starting. 1 warning.",
    ]
    assert text.index("broken") < text.index("odd") < text.index("fine")
    assert max(map(len, lines)) <= 100
    assert "-> fix it" in text
    assert doctor.report([]).endswith("Nothing keeps the cluster from starting.")


def test_a_command_is_never_broken():
    """However long: from two lines of a report nobody can paste it."""
    command = f"`{'word ' * 40}end`"
    text = doctor.report([warning("odd", LONG, f"{LONG} {command}. {LONG}")])
    [line] = [line for line in text.splitlines() if "`" in line]
    assert line.strip() == f"{command}."


NAMES = {
    "kernel",
    "backend",
    "namespaces",
    "user ids",
    "memory",
    "state",
    "cache",
    "binaries",
    "image",
    "runc",
    "curl",
    "jq",
    "cluster",
}


def test_this_machine_can_run_the_cluster(cluster):
    done = helpers("doctor", "--json")
    found = {entry["name"]: entry for entry in json.loads(done.stdout)}
    assert done.returncode == 0, done.stdout
    assert {*found} >= NAMES
    assert "could not be examined" not in done.stdout
    assert found["cluster"]["message"] == f"ready at {cluster.server}"


def test_a_machine_before_the_set_up_is_examined(tmp_path):
    env = {name: str(tmp_path / name) for name in ("LAB_STATE_DIR", "LAB_CACHE_DIR")}
    done = helpers("doctor", "--json", env={**env, "LAB_ASSETS": ""})
    found = {entry["name"]: entry for entry in json.loads(done.stdout)}
    assert "could not be examined" not in done.stdout
    assert found["downloads"]["message"] == "dl.k8s.io, github.com"
    env["LAB_MIRROR"] = "http://mirror.example"
    assert (
        "LAB_MIRROR=http://mirror.example: is no https"
        in helpers("doctor", env=env).stdout
    )
    assert list(tmp_path.iterdir()) == []


def test_forbidden_namespaces_are_found_by_trying(tmp_path):
    """In a user namespace that may have no further ones; the rest is examined too."""
    script = (
        "echo 0 > /proc/sys/user/max_user_namespaces; "
        'exec setpriv --bounding-set=-all --inh-caps=-all "$@"'
    )
    prefix = ("unshare", "--user", "--map-root-user", "sh", "-ec", script, "sh")
    done = helpers(
        "doctor", "--json", env={"LAB_STATE_DIR": str(tmp_path)}, prefix=prefix
    )
    found = {entry["name"]: entry for entry in json.loads(done.stdout)}
    assert done.returncode == 1
    assert "making a user namespace was refused" in found["namespaces"]["message"]
    assert "sysctl user.max_user_namespaces" in found["namespaces"]["hint"]
    assert {*found} >= NAMES - {"user ids"}
    assert list(tmp_path.iterdir()) == []
