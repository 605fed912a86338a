"""A Mac with Docker Desktop, simulated: nothing of it was run on macOS."""

import os
import platform
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from cluster import programs, versions
from cluster.image import cache as image_cache
from cluster.image.load import saved_names
from cluster.kind.engine import Engine
from cluster.kind.image import Container
from cluster.kind.node import extract
from cluster.programs import check, releases
from cluster.progress import Silent
from tests import imagebuild
from tests.cluster.kind import surroundings as around
from tests.cluster.kind.test_whole import node  # noqa: F401  # a fixture
from tests.cluster.programs import mirror as mirrors
from tests.commandline import python
from tests.notebooks import ROOT

MAC = ("-m", "tests.cluster.kind.mac")


def doctor(path, **env):
    """Run it on a Mac with the programs in the directory `path` and no others."""
    return python(*MAC, "helpers", "doctor", env={"PATH": path, **env})


def words(done):
    """Return what a program printed, without the ends of its lines."""
    return " ".join(done.stdout.split())


@pytest.fixture
def states(tmp_path):
    """Return the variables of a Mac that has no cluster and no programs."""
    names = ("LAB_STATE_DIR", "LAB_CACHE_DIR")
    paths = {name: tmp_path / "Application Support" / name for name in names}
    return {**paths, "LAB_BACKEND": None, "LAB_ASSETS": None}


def test_the_doctor_of_a_mac_with_docker_has_no_objection(fake, states):
    said = doctor(fake.install("docker"), **states)
    assert said.returncode == 0, said.stdout + said.stderr
    assert "this is macOS, and docker 28.2.2 answers" in words(said)
    assert "could not be examined" not in words(said)
    assert re.search(r"engine +docker 28.2.2", said.stdout)
    for name in ("namespaces", "newuidmap", "runc", "mmdebstrap"):
        assert name not in said.stdout


def test_the_doctor_of_a_mac_without_an_engine_names_the_way_out(fake, states):
    said = doctor(fake.install(), **states)
    assert said.returncode == 1
    assert "could not be examined" not in words(said)
    assert "docker and podman not found" in words(said)
    assert "on macOS it needs Docker or Podman" in words(said)
    assert "Start one of them" in words(said)
    # One cause, one problem.
    assert "1 problem keeps" in said.stdout and "LAB_BACKEND" not in said.stdout


MACHO = "cffaedfe" + {"x86_64": "07000001", "arm64": "0c000001"}[platform.machine()]


@pytest.mark.parametrize(
    ("head", "mode", "fault"),
    [
        (MACHO, 0o755, ""),
        (MACHO, 0o644, "is not executable"),
        ("7f454c46", 0o755, "is no program for this Mac"),
        ("cffaedfe12000001", 0o755, "is no program for this Mac"),
        ("", 0o755, "is no program for this Mac"),
    ],
)
def test_programs_of_a_mac_are_known_by_their_first_bytes(
    tmp_path, monkeypatch, head, mode, fault
):
    program = tmp_path / "kubectl"
    program.write_bytes(bytes.fromhex(head))
    program.chmod(mode)
    monkeypatch.setattr(check.sys, "platform", "darwin")
    assert check.fault(program) == fault
    assert check.fault(tmp_path / "none") == "is missing"


@pytest.mark.full("other backends")
def test_a_mac_makes_the_image_in_the_engine_and_connects(
    node,  # noqa: F811
    fake,
    kind,
    states,
    tmp_path,
    monkeypatch,
):
    """What the container would write is the image of this machine."""
    docker = around.as_docker(fake, kind, monkeypatch)
    kubectl = programs.find_kubectl()
    archive = image_cache.ensure(kubectl, Silent())
    docker.order(port=node.server.rpartition(":")[2], archive=str(archive))
    (docker.directory / "admin.conf").write_text(node.kubeconfig.read_text())
    cache = Path(states["LAB_CACHE_DIR"])
    (cache / "bin").mkdir(parents=True)
    place = cache / "bin" / kubectl.name
    place.symlink_to(kubectl)
    env = {**states, "PATH": os.environ["PATH"]}
    with mirrors.running(tmp_path) as mirror:
        release = releases.PUBLISHED["kubectl"]
        architecture = releases.ARCHITECTURES[platform.machine()]
        there = release.at(architecture, mirror.base, releases.LINUX)
        mirror.publish(there, {"kubectl": (kubectl / "kubectl").read_bytes()})
        env |= {"LAB_MIRROR": mirror.base, "REQUESTS_CA_BUNDLE": mirror.ca}
        up = python(*MAC, "helpers", "up", env=env, timeout=300)
    try:
        assert up.returncode == 0, up.stderr
        (run,) = (call for call in docker.calls("run") if versions.DEBIAN in call)
        assert f"--volume={ROOT}/cluster:/suite/cluster:ro" in run
        assert image_cache.client_pins()[0] in run
        (made,) = (cache / "images").glob("*.tar")
        assert made.stat().st_size == archive.stat().st_size
        status = python(*MAC, "helpers", "status", env=env)
        assert status.stdout.splitlines()[0] == "ready", status.stderr
        said = python(*MAC, "tests.cluster.kind.macconnects", env=env)
        assert f"at {node.server} (kind cluster" in said.stdout, said.stderr
    finally:
        python(*MAC, "helpers", "delete", "--yes", env=env)
    assert docker.ours == {}


#: what Docker leaves to root in a container, as far as it matters here
CAPABILITIES = (
    *("chown", "dac_override", "fsetid", "fowner", "setgid", "setuid", "kill"),
    *("mknod", "sys_chroot"),
)
#: mounts the volumes, as `docker run` does, and goes in
INSIDE = """
set -e
cd "$ROOT"
mount --bind "$SUITE" suite/cluster
mount -t proc proc proc
exec setpriv --bounding-set="$BOUND" --inh-caps="$BOUND" chroot . "$@"
"""


@pytest.mark.full("other backends")
@pytest.mark.skipif(os.geteuid() != 0, reason="only root can change the root directory")
def test_a_bare_debian_makes_the_image_with_what_docker_leaves_to_root(tmp_path):
    """The command of the container, but for the engine that would start it."""
    root, archive = tmp_path / "root", tmp_path / "archive.tar"
    (root / "suite/cluster").mkdir(parents=True)
    command = ["tar", "--extract", f"--directory={root}"]
    subprocess.run([*command, f"--file={imagebuild.debian(tmp_path)}"], check=True)
    shutil.copy("/etc/resolv.conf", root / "etc/resolv.conf")
    (root / "trusted.pem").write_text(imagebuild.trusted())
    kubectl = programs.find_kubectl() / "kubectl"
    shutil.copy(kubectl, root / "kubectl")
    container = Container(Engine("docker"), Silent())
    line = container.command(kubectl, image_cache.client_pins())
    words = line[line.index(versions.DEBIAN) + 1 :]
    env = {
        "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
        "PIP_CERT": "/trusted.pem",
        "ROOT": str(root),
        "SUITE": str(ROOT / "cluster"),
        "BOUND": ",".join(["-all", *(f"+{name}" for name in CAPABILITIES)]),
    }
    outside = ["unshare", "--mount", "--pid", "--fork", "sh", "-c", INSIDE, "sh"]
    with archive.open("wb") as file:
        done = subprocess.run(
            [*outside, *words], env=env, stdout=file, stderr=subprocess.PIPE, text=True
        )
    assert done.returncode == 0, done.stderr[-2000:]
    ours = image_cache.ensure(kubectl.parent, Silent())
    assert saved_names(archive) == saved_names(ours)
    # What a node is given of it.
    alone = tmp_path / "alone.tar"
    extract(archive, versions.TOOLBOX_IMAGE, alone)
    assert len(saved_names(alone)) == 1 and alone.stat().st_size > 100_000_000
