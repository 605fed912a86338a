"""Many simulated machines, and this one, get the right backend, and the reason."""

import json
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import pytest

from cluster import backends
from cluster.backends import Choice, choose
from cluster.local import trial
from cluster.local.topics import Namespaces
from cluster.machine import storage
from cluster.progress import Silent
from cluster.tests import unprivileged

ABSENT = "docker and podman are not installed"
DOWN = "docker does not answer (Cannot connect to the Docker daemon)"
FORBIDDEN = "making a user namespace was refused (EPERM)"
WAY = "An administrator can allow them: `sudo sysctl x=1`."


@dataclass(frozen=True)
class Simulated:
    """A machine about which everything is known."""

    asked: str = "auto"
    kept: str = ""
    system: str = "linux"
    engine: str = ""
    engine_problem: str | None = ABSENT
    namespace_problem: str | None = None
    namespace_hint: str = WAY


DOCKER = {"engine": "docker 28.2.2", "engine_problem": None}

#: machine → its facts, the backend, and words of the reason
MACHINES = {
    "a laptop with Docker": (Simulated(**DOCKER), "local", "namespaces can be made"),
    "a server without an engine": (Simulated(), "local", "namespaces can be made"),
    "a hardened system with Docker": (
        Simulated(namespace_problem=FORBIDDEN, **DOCKER),
        "kind",
        "docker 28.2.2 answers",
    ),
    "a hosted notebook, without namespaces": (
        Simulated(namespace_problem=FORBIDDEN),
        "control-plane",
        FORBIDDEN,
    ),
    "a hardened system, and Docker is not started": (
        Simulated(namespace_problem=FORBIDDEN, engine_problem=DOWN),
        "control-plane",
        "Cannot connect to the Docker daemon",
    ),
    "a Mac with Docker": (
        Simulated(system="darwin", **DOCKER),
        "kind",
        "this is macOS, and docker 28.2.2 answers",
    ),
    "a Mac without an engine": (
        Simulated(system="darwin", engine_problem=DOWN),
        "none",
        "on macOS it needs Docker or Podman, and docker does not answer",
    ),
    "Windows itself": (
        Simulated(system="win32", **DOCKER),
        "none",
        "this is win32, not Linux",
    ),
    "a browser's tab": (
        Simulated(system="emscripten"),
        "tab",
        "this is a browser's tab",
    ),
    "the local cluster was asked for on a Mac": (
        Simulated(asked="local", system="darwin"),
        "none",
        "local was asked for, and this is darwin, not Linux",
    ),
    "a local cluster is kept, and namespaces are forbidden by now": (
        Simulated(kept="local", namespace_problem=FORBIDDEN, **DOCKER),
        "local",
        "kept in the state directory",
    ),
    "a kind cluster is kept, and Docker is down just now": (
        Simulated(kept="kind", engine_problem=DOWN),
        "kind",
        "kept in the state directory",
    ),
    "kind was asked for where namespaces are allowed": (
        Simulated(asked="kind", **DOCKER),
        "kind",
        "it was asked for",
    ),
    "kind was asked for without an engine": (
        Simulated(asked="kind", engine_problem=DOWN),
        "none",
        "kind was asked for, and docker does not answer",
    ),
    "kind was asked for where a local cluster is kept": (
        Simulated(asked="kind", kept="local", **DOCKER),
        "none",
        "keeps a cluster of local",
    ),
    "kind was asked for again, with Docker down": (
        Simulated(asked="kind", kept="kind", engine_problem=DOWN),
        "kind",
        "its cluster is kept",
    ),
    "namespaces are forbidden, and local was asked for": (
        Simulated(asked="local", namespace_problem=FORBIDDEN),
        "local",
        "it was asked for",
    ),
    "an existing cluster was asked for, and none named": (
        Simulated(asked="existing"),
        "none",
        "no cluster has been named",
    ),
}


@pytest.mark.parametrize(
    ("machine", "backend", "said"), MACHINES.values(), ids=MACHINES
)
def test_each_machine_gets_its_backend_and_the_reason(machine, backend, said):
    choice = choose(machine)
    assert choice.backend == backend
    assert said in choice.reason
    # Where it is not the first choice because of namespaces, it says what allows them.
    assert (choice.hint == WAY) == (FORBIDDEN in choice.reason)


@pytest.mark.parametrize(
    ("machine", "backend", "said"),
    [
        (Simulated(**DOCKER), "local", "리눅스 네임스페이스를 만들 수 있음"),
        (
            Simulated(system="win32", asked="local"),
            "none",
            "local 백엔드를 요청했지만 쓸 수 없음(리눅스가 아니라 win32)",
        ),
        (
            Simulated(asked="existing"),
            "none",
            "existing 백엔드를 요청했지만 쓸 수 없음(지정한 클러스터가 없음, "
            "`.venv/bin/kapi use`로 지정 가능)",
        ),
    ],
)
def test_the_reason_is_korean_in_a_korean_notebook(monkeypatch, machine, backend, said):
    monkeypatch.setenv("LAB_LANG", "ko")
    assert choose(machine) == Choice(backend, said, choose(machine).hint)


def test_what_the_kernel_refuses_is_korean_around_its_own_word(monkeypatch):
    monkeypatch.setenv("LAB_LANG", "ko")
    refused = trial.TrialResult("making a user namespace", "Operation not permitted")
    assert f"{refused.problem.message}" == (
        "로컬 클러스터를 시작할 수 없다. 이유: 사용자 네임스페이스 만들기: "
        "거부됨(Operation not permitted)."
    )
    failed = trial.TrialResult("trying the steps of a start", "exit code 3").problem
    assert failed.hint.startswith("이 노트북의 버그이거나")


@pytest.mark.parametrize("asked", ["auto", "local"])
def test_a_kept_cluster_is_found_without_a_look_around(asked):
    """A kernel that attaches must not wait for Docker, nor try namespaces."""

    asked_for = []

    class Seen(SimpleNamespace):
        def __getattr__(self, name):
            asked_for.append(name)

    assert choose(Seen(asked=asked, kept="local")).backend == "local"
    assert asked_for == []


def test_where_another_program_makes_namespaces_it_is_the_local_cluster(
    tmp_path, monkeypatch
):
    monkeypatch.setenv("LAB_STATE_DIR", str(tmp_path / "state"))
    here = backends.MachineFacts("auto")
    command = ("unshare", "--user", "--map-root-user", "--mount", "--net", "true")
    if subprocess.run(command, capture_output=True).returncode == 0:
        assert choose(here).backend == "local" and here.namespace_problem is None
    assert here.kept == ""


@pytest.fixture
def home():
    """Return a home directory where uid 1000 can reach it: pytest's own is closed."""
    with tempfile.TemporaryDirectory(prefix="home-") as directory:
        os.chown(directory, unprivileged.UID, unprivileged.UID)
        yield Path(directory)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
@pytest.mark.parametrize(
    ("ids", "step"),
    [(True, "being root of a user namespace"), (False, "making namespaces")],
    ids=["65536 ids", "one id"],
)
def test_a_namespace_without_capabilities_is_a_refusal(home, ids, step):
    """As on Ubuntu 24.04: the choice, the doctor and a start agree, in its words."""

    def run(*words):
        command = (sys.executable, "-m", "helpers", *words)
        return unprivileged.run(command, home, ids=ids, powerless=True)

    refused = f"{step} was refused (Operation not permitted)"
    found = {each["name"]: each for each in json.loads(run("doctor", "--json").stdout)}
    backend = found["backend"]["message"]
    assert not backend.startswith("local") and f"because {refused}, and " in backend
    assert "namespaces" not in found
    assert not any(each["level"] == "fatal" for each in found.values())
    local = run("up", "--backend", "local")
    message, hint = local.stdout.partition("error: ")[2].splitlines()
    assert local.returncode == 1
    assert message == f"The local cluster cannot start: {refused}."
    assert hint == trial.hint_of(step)


#: how a trial can end without an answer of the kernel, and what is said of it
FAULTS = {
    "import nothing_like_that": "No module named 'nothing_like_that'",
    "raise SystemExit(3)": "exit code 3",
    "import time; time.sleep(99)": "no end after 1 s",
    "print('no JSON')": "it ended without an answer",
}


@pytest.mark.parametrize(("program", "reason"), FAULTS.items(), ids=FAULTS)
def test_a_trial_that_fails_gives_another_backend_and_the_reason(
    tmp_path, monkeypatch, program, reason
):
    monkeypatch.setenv("LAB_STATE_DIR", str(tmp_path / "state"))
    if "no end" in reason:  # a Python alone may take a second to start here
        monkeypatch.setattr(trial, "TIMEOUT", 1.0)
    command = [sys.executable, "-c", program]
    monkeypatch.setattr(storage, "python_command", lambda *words: command)
    choice = choose(backends.MachineFacts("auto"))
    assert choice.backend in ("kind", "control-plane")
    assert choice.reason.startswith("trying the steps of a start failed (")
    assert reason in choice.reason and "please report it" in choice.hint
    [finding] = Namespaces.read().findings()
    assert finding.fatal and finding.message.partition(": ")[2][:-1] in choice.reason
    assert finding.hint == choice.hint


def test_an_error_in_the_child_is_told_by_its_name(tmp_path, monkeypatch, capsys):
    """A step that no one has named must not look like an answer of the kernel."""

    def fail(*_):
        raise OSError(28, "No space left on device", "/x")

    monkeypatch.setattr(trial.namespaces, "start", fail)
    monkeypatch.setattr(trial.namespaces, "make_cgroup", lambda state: (None, ""))
    trial.main(str(tmp_path))
    answer = trial.TrialResult(**json.loads(capsys.readouterr().out))
    assert answer.clause == (
        "trying the steps of a start failed "
        "(OSError: [Errno 28] No space left on device: '/x')"
    )


@pytest.mark.parametrize("way", ["", "Use another host.", WAY])
def test_a_start_says_what_one_command_would_allow(monkeypatch, way):
    """For good, not as a line that the next one replaces; and only where it helps."""

    lines: list[str] = []
    view = Silent()
    monkeypatch.setattr(view, "finish", lines.append)
    made = Choice("control-plane", FORBIDDEN, way)
    monkeypatch.setattr(backends, "choose", lambda here: made)
    monkeypatch.setattr(backends.MachineFacts, "kept", "")
    assert backends.current("auto", view).name == "control-plane"
    because = f"a control-plane cluster, because {FORBIDDEN}"
    expected = {"": [], WAY: [because, backends.HINT]}
    assert lines == expected.get(way, [because])
    assert len(f"[  0.0 s] {backends.HINT}") < 80
