"""A Mac with Docker Desktop, simulated: nothing of it was run on macOS."""

import platform

import pytest

from cluster.programs import check
from cluster.tests.commandline import python
from cluster.tests.kind.conftest import DOCKER

MAC = ("-m", "cluster.tests.kind.mac")


def doctor(path, **env):
    """Run it on a Mac with the programs in the directory `path` and no others."""
    return python(*MAC, "helpers", "doctor", env={"PATH": path, **env})


@pytest.fixture
def states(tmp_path):
    """Return the variables of a Mac that has no cluster and no programs."""
    names = ("LAB_STATE_DIR", "LAB_CACHE_DIR")
    paths = {name: tmp_path / "Application Support" / name for name in names}
    return {**paths, "LAB_BACKEND": None, "LAB_ASSETS": None}


def test_the_doctor_of_a_mac_with_docker_has_no_objection(only, states):
    said = doctor(only(docker=DOCKER), **states)
    assert said.returncode == 0, said.stdout + said.stderr
    words = " ".join(said.stdout.split())
    assert "this is macOS, and docker 28.2.2 answers" in words
    assert "could not be examined" not in words
    assert "engine docker 28.2.2" in words
    for name in ("namespaces", "newuidmap", "runc", "mmdebstrap"):
        assert name not in said.stdout


def test_the_doctor_of_a_mac_without_an_engine_names_the_way_out(only, states):
    said = doctor(only(), **states)
    assert said.returncode == 1
    words = " ".join(said.stdout.split())
    assert "could not be examined" not in words
    assert "docker and podman not found" in words
    assert "on macOS it needs Docker or Podman" in words
    assert "Start one of them" in words
    # A single cause is a single problem.
    assert "1 problem keeps" in said.stdout and "LAB_BACKEND" not in said.stdout


MACHO = "cffaedfe" + {"x86_64": "07000001", "arm64": "0c000001"}[platform.machine()]


@pytest.mark.parametrize(
    ("head", "mode", "reason"),
    [
        (MACHO, 0o755, None),
        (MACHO, 0o644, "is not executable"),
        ("7f454c46", 0o755, "is no program for this Mac"),
        ("cffaedfe12000001", 0o755, "is no program for this Mac"),
        ("", 0o755, "is no program for this Mac"),
    ],
)
def test_programs_of_a_mac_are_known_by_their_first_bytes(
    tmp_path, monkeypatch, head, mode, reason
):
    program = tmp_path / "kubectl"
    program.write_bytes(bytes.fromhex(head))
    program.chmod(mode)
    monkeypatch.setattr(check.sys, "platform", "darwin")
    assert check.problem(program) == reason
    assert check.problem(tmp_path / "none") == "is missing"
