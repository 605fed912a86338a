"""A hosted notebook: an ordinary user, no namespaces, a fresh home, another's cluster.

The steps are those of `binder/`: postBuild, start, and then what a learner does.
"""

import compileall
import mmap
import os
import platform
import re
import shutil
import socket
import ssl
import subprocess
import sys
import sysconfig
import tempfile
import venv
from pathlib import Path

import certifi
import pytest

from cluster.binaries import releases
from cluster.binaries.recipe import CONTROL_PLANE
from cluster.local.backend import Local
from cluster.progress import Silent
from helpers.course import lessons
from tests import unprivileged
from tests.binaries import mirror as m
from tests.notebooks import NEEDS_PODS, ROOT, load

pytestmark = [
    pytest.mark.full("root only"),
    pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user"),
]
FORBIDDEN = (sys.executable, str(ROOT / "tests" / "forbidden.py"))
HELPERS = ("python", "-m", "helpers")
#: what pip needs to reach an index; other settings of ours are not the user's
NETWORK = re.compile(r"PIP_\w+|(https?|no)_proxy", re.IGNORECASE)


@pytest.fixture(scope="module")
def hosting():
    """Return a socket in the place of the hosting cluster, which nobody may ask."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        yield server
        with pytest.raises(BlockingIOError):
            server.accept()


@pytest.fixture(scope="module")
def mirror():
    """Return a server that holds the programs as their projects do."""
    binaries, _ = Local().setup(Silent())
    with (
        tempfile.TemporaryDirectory(prefix="mirror-") as directory,
        m.running(Path(directory)) as mirror,
    ):
        os.chmod(directory, 0o755)
        programs = CONTROL_PLANE.programs()
        contents = {name: mapped(binaries / name) for name in programs}
        architecture = releases.ARCHITECTURES[platform.machine()]
        for release in releases.published(programs):
            mirror.publish(release.at(architecture, mirror.base), contents)
        # pip asks the hosts of the packages by the same variable.
        bundle = Path(directory, "bundle.pem")
        bundle.write_text(trusted() + mirror.ca.read_text())
        mirror.ca = bundle
        yield mirror


def trusted() -> str:
    """Return the certificates by which packages come here."""
    named = (os.environ.get(name, "") for name in ("REQUESTS_CA_BUNDLE", "PIP_CERT"))
    usual = ssl.get_default_verify_paths().openssl_cafile
    files = (Path(name) for name in (*named, usual, certifi.where()) if name)
    return next(file for file in files if file.is_file()).read_text()


def mapped(path: Path) -> mmap.mmap:
    """Return the bytes of a file, which are not all read into memory for that."""
    with open(path, "rb") as file:
        return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)


@pytest.fixture(scope="module")
def home():
    """Return the hosted user's home, with a checkout and an environment to install in.

    What that would download is there: the packages of this environment.
    """
    with tempfile.TemporaryDirectory(prefix="home-") as directory:
        home = Path(directory)
        names = subprocess.run(
            ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
            cwd=ROOT,
            capture_output=True,
            check=True,
        ).stdout.split(b"\0")
        for name in map(os.fsdecode, filter(None, names)):
            if (ROOT / name).exists():
                (home / "checkout" / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(ROOT / name, home / "checkout" / name)
        # The mirror has programs that were made here, with other sums.
        checksums = releases.CHECKSUMS.relative_to(ROOT)
        (home / "checkout" / checksums).write_text("")
        # Commands write no bytecode there: each would compile all of it anew.
        compileall.compile_dir(home / "checkout", quiet=1)
        venv.create(home / "env", with_pip=True)
        [site] = (home / "env").glob("lib/python*/site-packages")
        (site / "host.pth").write_text(f"{sysconfig.get_path('purelib')}\n")
        for path in (home, *home.rglob("*")):
            os.chown(path, unprivileged.UID, unprivileged.UID, follow_symlinks=False)
        yield home


@pytest.fixture(scope="module")
def run(hosting, mirror, home):
    """Return a function that runs a command as the hosted user; end the cluster."""
    host, port = hosting.getsockname()
    environment = {
        "KUBERNETES_SERVICE_HOST": host,
        "KUBERNETES_SERVICE_PORT": str(port),
        # Nobody has installed a kernel there.
        "LAB_NODE": "none",
        "LAB_MIRROR": mirror.base,
        **{name: value for name, value in os.environ.items() if NETWORK.match(name)},
    }
    become = f'cd {home}/checkout && PATH={home}/env/bin:$PATH && exec "$@"'

    def run(*command: str, **more: str):
        return unprivileged.run(
            [*FORBIDDEN, "sh", "-c", become, "sh", *command],
            home,
            show=[mirror.ca],
            environment=environment | more,
        )

    try:
        yield run
    finally:
        run(*HELPERS, "delete", "--yes")


@pytest.fixture(scope="module")
def built(run, mirror):
    """Return what the build of the image said; without the mirror it fails."""
    failed = run("binder/postBuild", LAB_MIRROR="https://127.0.0.1:1")
    assert failed.returncode != 0
    assert "LAB_NO_BUILD" in failed.stdout and "127.0.0.1:1" in failed.stdout
    done = run("binder/postBuild", REQUESTS_CA_BUNDLE=str(mirror.ca))
    assert done.returncode == 0, done.stdout
    return done.stdout


def test_namespaces_are_forbidden_there(run):
    done = run("unshare", "--user", "true")
    assert done.returncode != 0 and "Operation not permitted" in done.stdout


def test_the_build_of_the_image_gets_the_programs_and_builds_none(built, mirror, home):
    assert "no pod can run" in built
    asked = {path for path in mirror.asked if not path.endswith(".sha256")}
    for name in CONTROL_PLANE.programs():
        assert any(name in path for path in asked), name
    [programs] = (home / ".cache/kubernetes-api-notebooks/bin").iterdir()
    assert {path.name for path in programs.iterdir()} == set(CONTROL_PLANE.programs())
    assert "building" not in built.replace("Building editable", "")


def test_a_launch_becomes_what_it_is_told_to_run(built, run):
    done = run("binder/start", "sh", "-c", 'echo "$LAB_BACKEND"; exit 7')
    assert (done.stdout, done.returncode) == ("control-plane\n", 7)


def test_the_control_plane_is_chosen_by_trying(built, run):
    done = run(*HELPERS, "up")
    assert done.returncode == 0, done.stdout
    assert "a control-plane cluster, because" in done.stdout
    assert "making a user namespace was refused" in done.stdout
    done = run(*HELPERS, "status")
    assert done.returncode == 0 and "no node, so pods stay Pending" in done.stdout


def test_the_doctor_knows_the_hosting_cluster_and_leaves_it_alone(built, run, hosting):
    done = run(*HELPERS, "doctor")
    assert done.returncode == 0, done.stdout
    said = " ".join(done.stdout.split())
    assert f"a pod of another cluster ({hosting.getsockname()[0]})" in said
    assert "it is never contacted" in said
    assert "lessons that run pods are skipped" in said


def test_lessons_run_whole_and_what_needs_pods_is_seen_to_be_skipped(built, run):
    """Without a word about the backend: pytest takes what can be had."""
    chosen = [one for one in lessons() if not one.pods or one.topic == "inside-a-pod"]
    done = run(
        *("python", "-m", "pytest", "-rs", "-p", "no:cacheprovider"),
        *(f"notebooks/{one.path}" for one in chosen),
    )
    assert done.returncode == 0, done.stdout
    assert "cluster: control-plane, because making a user namespace" in done.stdout
    needs = [
        one.pods or NEEDS_PODS in cell["metadata"].get("tags", ())
        for one in chosen
        for cell in code_of(one)
    ]
    [counts] = re.findall(r"(\d+) passed, (\d+) skipped", done.stdout.splitlines()[-1])
    assert counts == (str(needs.count(False)), str(needs.count(True)))
    assert "this cell needs a node, and this cluster has none" in done.stdout


def code_of(lesson):
    """Return the cells of a lesson that a kernel runs."""
    cells = load(ROOT / "notebooks" / lesson.path)["cells"]
    return [cell for cell in cells if cell["cell_type"] == "code"]
