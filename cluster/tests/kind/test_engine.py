"""A container engine that answers is found, and the reason is said if none does."""

import json
import socket

import pytest

from cluster import errors
from cluster.image import engine as image_engine
from cluster.kind import engine
from cluster.kind.engine import Engine, detect, problem
from cluster.tests.kind.conftest import DOCKER, PODMAN
from cluster.tests.slowness import scaled


def down(words):
    """Return a docker whose daemon does not answer."""
    known = 'case "$1" in --version) echo Docker version 28; exit;; esac'
    return f"{known}; echo '{words}' >&2; exit 1"


DOCKER_INFO = {
    "CgroupDriver": "systemd",
    "CgroupVersion": "2",
    "MemoryLimit": True,
    "PidsLimit": True,
    "CPUShares": True,
    "SecurityOptions": ["name=seccomp,profile=builtin", "name=rootless"],
}
PODMAN_INFO = {
    "cgroupVersion": "v2",
    "cgroupControllers": ["cpu", "memory", "pids"],
    "security": {"rootless": True},
}
DOWN = "Cannot connect to the Docker daemon at unix:///var/run/docker.sock"
FORBIDDEN = "permission denied while trying to connect to the Docker daemon socket at u"
UNFIT = {"host": PODMAN_INFO | {"cgroupVersion": "v1"}}


@pytest.mark.parametrize(
    ("programs", "found", "reason"),
    [
        ({"docker": DOCKER, "podman": PODMAN}, "docker 28.2.2", ""),
        ({"podman": PODMAN}, "podman 5.4.0", ""),
        ({}, "None", "docker and podman not found"),
        # The package of Podman that calls itself docker.
        ({"docker": PODMAN, "podman": PODMAN}, "podman 5.4.0", ""),
        # kind would publish the API server's port there, and we would ask here.
        (
            {"docker": DOCKER | {"context": "tcp://192.0.2.7:2376"}},
            "None",
            "docker works on another machine (tcp://192.0.2.7:2376)",
        ),
        (
            {"docker": down(f"{DOWN}. Is the docker daemon running?")},
            "None",
            f"docker does not answer ({DOWN})",
        ),
        (
            {"docker": down(f"{FORBIDDEN}: Get http://%2Fvar%2Frun: dial unix")},
            "None",
            f"docker does not answer ({FORBIDDEN})",
        ),
        (
            {"podman": PODMAN | {"info": json.dumps(UNFIT)}},
            "None",
            "podman is rootless, and kind needs cgroup v2 for that",
        ),
    ],
)
def test_the_first_engine_that_answers_and_is_fit_is_taken(
    only, programs, found, reason
):
    only(**programs)
    engine, why = detect()
    assert (str(engine), why) == (found, reason)


@pytest.mark.parametrize(
    ("program", "told", "reason"),
    [
        ("docker", {}, ""),
        ("docker", {"CPUShares": False}, "rootless and lacks the cgroup controllers c"),
        (
            "docker",
            {"CgroupDriver": "none"},
            "lacks the cgroup controllers memory, pids, cpu (systemd: Delegate=yes)",
        ),
        ("docker", {"CgroupVersion": "1"}, "is rootless, and kind needs cgroup v2"),
        # With root none of it matters.
        ("docker", {"CgroupVersion": "1", "SecurityOptions": []}, ""),
        ("podman", {}, ""),
        (
            "podman",
            {"cgroupControllers": ["memory", "pids"]},
            "is rootless and lacks the cgroup controllers cpu",
        ),
        ("podman", {"cgroupVersion": "v1"}, "is rootless, and kind needs cgroup v2"),
        ("podman", {"security": None}, ""),
    ],
)
def test_a_rootless_engine_must_be_fit_for_a_node(program, told, reason):
    """By kind's own checks: it would fail, where our cluster runs."""
    info = DOCKER_INFO | told if program == "docker" else {"host": PODMAN_INFO | told}
    said = problem(program, json.dumps(info))
    assert bool(said) == bool(reason) and reason in (said or "")


@pytest.mark.parametrize("mark", engine.MARKS)
def test_the_hosts_engine_in_a_container_is_no_good(tmp_path, mark):
    told = json.dumps({"Name": "the-host", "SecurityOptions": []})
    assert engine.problem("docker", told, tmp_path) is None
    (tmp_path / mark).parent.mkdir(exist_ok=True)
    (tmp_path / mark).touch()
    why = engine.problem("docker", told, tmp_path)
    assert why == (
        "docker is that of the host (the-host), whose 127.0.0.1 is not this container's"
    )
    # An engine inside the container, as in a dev container, has our host name.
    ours = json.dumps({"Name": socket.gethostname(), "SecurityOptions": []})
    assert engine.problem("docker", ours, tmp_path) is None


@pytest.mark.parametrize("told", ["", "Cannot connect", "[]", "{}", "null"])
def test_an_engine_that_tells_nothing_is_taken_as_it_is(told):
    assert engine.problem("docker", told) is engine.problem("podman", told) is None


def test_a_daemon_that_hangs_is_none(only, monkeypatch):
    monkeypatch.setattr(image_engine, "LOOK", scaled(0.5))
    known = 'case "$1" in --version) echo Docker version 28; exit;; context) exit 1;; '
    only(docker=f"{known} esac; while :; do :; done")
    reason = f"no answer in {scaled(0.5):.0f} s"
    assert detect() == (None, f"docker does not answer ({reason})")


def test_the_learners_choice_of_kind_holds_here_too(only, monkeypatch):
    only(docker=DOCKER, podman=PODMAN)
    monkeypatch.setenv("KIND_EXPERIMENTAL_PROVIDER", "podman")
    assert detect()[0] == Engine("podman", "5.4.0")
    monkeypatch.setenv("KIND_EXPERIMENTAL_PROVIDER", "nerdctl")
    assert detect() == (None, "nerdctl not found")


def test_an_operation_that_fails_has_the_engines_words(only):
    only(docker=down("out of disk"))
    with pytest.raises(errors.EngineFailed, match="docker ps --all failed: out of dis"):
        Engine("docker").state("lab-1")
