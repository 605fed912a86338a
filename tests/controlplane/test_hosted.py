"""A hosted notebook: an ordinary user, no namespaces, a fresh home, another's cluster.

The steps are those of `binder/`: postBuild, start, and then what a learner does.
"""

import os
import re
import socket
import sys
import tempfile
from pathlib import Path

import pytest

from helpers.local.backend import Local
from helpers.progress import Silent
from tests import unprivileged
from tests.notebooks import ROOT

pytestmark = pytest.mark.skipif(
    os.geteuid() != 0, reason="only root can become another user"
)
FORBIDDEN = (sys.executable, str(ROOT / "tests" / "forbidden.py"))
HELPERS = (sys.executable, "-m", "helpers")


@pytest.fixture(scope="module")
def hosting():
    """Return a socket in the place of the hosting cluster, which nobody may ask."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        yield server
        with pytest.raises(BlockingIOError):
            server.accept()


@pytest.fixture(scope="module")
def run(hosting):
    """Return a function that runs a command as the hosted user; end the cluster."""
    binaries, _ = Local().setup(Silent())
    host, port = hosting.getsockname()
    environment = {
        "LAB_ASSETS": str(binaries),
        "KUBERNETES_SERVICE_HOST": host,
        "KUBERNETES_SERVICE_PORT": str(port),
        # Nobody has installed a kernel there.
        "LAB_NODE": "none",
    }

    def run(*command: str, **more: str):
        return unprivileged.run(
            [*FORBIDDEN, *command],
            home,
            show=[binaries],
            environment=environment | more,
        )

    with tempfile.TemporaryDirectory(prefix="home-") as directory:
        os.chown(directory, unprivileged.UID, unprivileged.UID)
        home = Path(directory)
        try:
            yield run
        finally:
            run(*HELPERS, "delete", "--yes")


def test_namespaces_are_forbidden_there(run):
    done = run("unshare", "--user", "true")
    assert done.returncode != 0 and "Operation not permitted" in done.stdout


def test_the_build_of_the_image_gets_the_programs_or_fails(run):
    done = run(str(ROOT / "binder" / "postBuild"))
    assert done.returncode == 0, done.stdout
    assert "no pod can run" in done.stdout
    done = run(str(ROOT / "binder" / "postBuild"), LAB_ASSETS="/nonexistent")
    assert done.returncode != 0


def test_a_launch_becomes_what_it_is_told_to_run(run):
    done = run(
        str(ROOT / "binder" / "start"), "sh", "-c", 'echo "$LAB_BACKEND"; exit 7'
    )
    assert (done.stdout, done.returncode) == ("control-plane\n", 7)


def test_the_control_plane_is_chosen_by_trying(run):
    done = run(*HELPERS, "up")
    assert done.returncode == 0, done.stdout
    assert "a control-plane cluster, because" in done.stdout
    assert "making a user namespace was refused" in done.stdout
    done = run(*HELPERS, "status")
    assert done.returncode == 0 and "no node, so pods stay Pending" in done.stdout


def test_the_doctor_knows_the_hosting_cluster_and_leaves_it_alone(run, hosting):
    done = run(*HELPERS, "doctor")
    assert done.returncode == 0, done.stdout
    said = " ".join(done.stdout.split())
    assert f"a pod of another cluster ({hosting.getsockname()[0]})" in said
    assert "it is never contacted" in said
    assert "lessons that run pods are skipped" in said


def test_notebooks_run_and_what_needs_pods_is_seen_to_be_skipped(run):
    done = run(
        *(str(ROOT / "binder" / "start"), sys.executable, "-m", "pytest", "-rs"),
        *("-p", "no:cacheprovider"),
        *("notebooks/00-start-here.ipynb", "notebooks/07-ambassador.ipynb"),
    )
    assert done.returncode == 0, done.stdout
    last = done.stdout.splitlines()[-1]
    assert re.search(r"\d+ passed, \d+ skipped", last), last
    assert "this cell needs a node, and this cluster has none" in done.stdout
