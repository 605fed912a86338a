"""Which backend a machine gets, and why: many simulated machines, and this one."""

import shutil
import subprocess
import sys
from dataclasses import dataclass

import pytest

from cluster import backends, paths
from cluster.choice import NAMES, Choice, choose
from tests.notebooks import ROOT

ABSENT = "docker and podman are not installed"
DOWN = "docker does not answer (Cannot connect to the Docker daemon)"
DENIED = "docker does not answer (permission denied)"
REMOTE = "docker works on another machine (tcp://192.0.2.7:2376)"
ROOTLESS = "podman is rootless and lacks the cgroup controllers cpu"
HOSTS = "docker is that of the host (pc7), whose 127.0.0.1 is not this container's"
FORBIDDEN = "making a user namespace was refused (EPERM)"


@dataclass(frozen=True)
class Simulated:
    """A machine of which everything is known."""

    asked: str = "auto"
    kept: str = ""
    system: str = "linux"
    engine: str = ""
    no_engine: str = ABSENT
    no_namespaces: str = ""


DOCKER = {"engine": "docker 28.2.2", "no_engine": ""}
PODMAN = {"engine": "podman 5.4.0", "no_engine": ""}

#: machine → its facts, the backend, and words of the reason
MACHINES = {
    "a laptop with Docker": (Simulated(**DOCKER), "kind", "docker 28.2.2 answers"),
    "a workstation with Podman": (Simulated(**PODMAN), "kind", "podman 5.4.0 answers"),
    "a server without either": (Simulated(), "local", ABSENT),
    "Docker is installed and not started": (
        Simulated(no_engine=DOWN),
        *("local", "Cannot connect to the Docker daemon"),
    ),
    "Docker, and no right to use it": (
        Simulated(no_engine=DENIED),
        *("local", "permission denied"),
    ),
    "Docker of another machine": (Simulated(no_engine=REMOTE), "local", "192.0.2.7"),
    "a hosted notebook, without namespaces": (
        Simulated(no_namespaces=FORBIDDEN),
        *("control-plane", FORBIDDEN),
    ),
    "a hardened system with Docker": (
        Simulated(no_namespaces=FORBIDDEN, **DOCKER),
        *("kind", "docker 28.2.2 answers"),
    ),
    "a Mac with Docker": (
        Simulated(system="darwin", **DOCKER),
        *("none", "darwin is no Linux, on which the programs and the image are made"),
    ),
    "kind was asked for on a Mac with Docker": (
        Simulated(asked="kind", system="darwin", **DOCKER),
        *("none", "darwin is no Linux"),
    ),
    "a rootless Podman without delegated cgroups": (
        Simulated(no_engine=ROOTLESS),
        *("local", "lacks the cgroup controllers cpu"),
    ),
    "a container with the socket of the host's Docker": (
        Simulated(no_engine=HOSTS),
        *("local", "that of the host"),
    ),
    "the same, and namespaces are forbidden": (
        Simulated(no_engine=HOSTS, no_namespaces=FORBIDDEN),
        *("control-plane", "that of the host"),
    ),
    "kind was asked for with a rootless Podman like that": (
        Simulated(asked="kind", no_engine=ROOTLESS),
        *("none", "kind was asked for, and podman is rootless"),
    ),
    "a Mac without": (Simulated(system="darwin"), "none", "darwin is no Linux"),
    "a local cluster, and Docker came later": (
        Simulated(kept="local", **DOCKER),
        *("local", "kept in the state directory"),
    ),
    "a kind cluster, and Docker is down just now": (
        Simulated(kept="kind", no_engine=DOWN),
        *("kind", "kept in the state directory"),
    ),
    "a cluster of the learner's own": (
        Simulated(kept="own", **DOCKER),
        *("own", "kept in the state directory"),
    ),
    "Docker, and the local cluster was asked for": (
        Simulated(asked="local", **DOCKER),
        *("local", "it was asked for"),
    ),
    "kind was asked for without an engine": (
        Simulated(asked="kind", no_engine=DOWN),
        *("none", "kind was asked for, and docker does not answer"),
    ),
    "kind was asked for where a local cluster is kept": (
        Simulated(asked="kind", kept="local", **DOCKER),
        *("none", "keeps a cluster of local"),
    ),
    "kind was asked for again, with Docker down": (
        Simulated(asked="kind", kept="kind", no_engine=DOWN),
        *("kind", "its cluster is kept"),
    ),
    "namespaces are forbidden, and local was asked for": (
        Simulated(asked="local", no_namespaces=FORBIDDEN),
        *("local", "it was asked for"),
    ),
    "the control plane alone was asked for": (
        Simulated(asked="control-plane", **DOCKER),
        *("control-plane", "it was asked for"),
    ),
    "an own cluster was asked for, and none named": (
        Simulated(asked="own"),
        *("none", "no cluster has been named"),
    ),
    "the local cluster was asked for on a Mac": (
        Simulated(asked="local", system="darwin"),
        *("none", "darwin is no Linux"),
    ),
}


@pytest.mark.parametrize(
    ("machine", "backend", "said"), MACHINES.values(), ids=MACHINES
)
def test_each_machine_gets_its_backend_and_the_reason(machine, backend, said):
    choice = choose(machine)
    assert choice.backend == backend
    assert said in choice.reason


def test_every_row_of_the_table_is_met():
    """All that the function may return comes up among the machines."""
    met = {backend for _, backend, _ in MACHINES.values()}
    assert met == {*NAMES, "none"} - {"auto"}


@pytest.mark.parametrize("asked", ["auto", "local"])
def test_a_kept_cluster_is_found_without_a_look_around(asked):
    """A kernel that attaches must not wait for Docker, nor try namespaces."""

    class Seen:
        kept = "local"

        def __init__(self):
            self.asked = asked

        def __getattr__(self, name):
            raise AssertionError(f"{name} was asked for")

    assert choose(Seen()).backend == "local"


def test_an_engine_that_answers_is_enough():
    class Seen:
        asked, kept, system, engine = "auto", "", "linux", "docker 28.2.2"

        def __getattr__(self, name):
            raise AssertionError(f"{name} was asked for")

    assert choose(Seen()) == Choice("kind", "docker 28.2.2 answers")


# --- this machine ---


def answers(*command: str) -> bool:
    """Say whether a program is there and ends well; nothing of ours is asked."""
    if not shutil.which(command[0]):
        return False
    done = subprocess.run(command, capture_output=True, timeout=60)
    return done.returncode == 0


def test_the_real_machine_gets_the_row_that_its_facts_say(tmp_path, monkeypatch):
    """Found out by other programs than ours, as far as there are such."""
    monkeypatch.setenv("LAB_STATE_DIR", str(tmp_path / "state"))
    here = backends.Here("auto")
    choice = choose(here)
    assert here.kept == "" and here.system == sys.platform == "linux"
    if not (answers("docker", "version") or answers("podman", "info")):
        assert here.engine == "" and here.no_engine in choice.reason
        assert choice.backend in ("local", "control-plane")
    if choice.backend == "local":
        assert here.no_namespaces == ""
    if answers("unshare", "--user", "--map-root-user", "--mount", "--net", "true"):
        assert choice.backend in ("kind", "local")
    # A row of the table that learners read.
    assert f"`{choice.backend}`" in (ROOT / "README.md").read_text()


def test_the_sessions_cluster_is_what_is_chosen_while_it_is_kept(cluster):
    here = backends.Here("auto")
    assert choose(here) == Choice(
        here.kept, "its cluster is kept in the state directory"
    )
    assert here.kept == backends.kept().name
    assert backends.kept().state == paths.state_dir() and backends.kept().running()
    assert f"({here.kept} cluster" in repr(cluster)
