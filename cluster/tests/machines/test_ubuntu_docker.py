"""The container image under Docker on an Ubuntu, by the words of docs/binder.md.

Docker is Ubuntu's own. It has no rules of iptables: it wants ipset of the kernel, which
this one lacks, so containers do not reach the machine's network.
"""

import json
import re
import shlex
import subprocess

import pytest

from cluster.tests import imagebuild
from cluster.tests.commandline import ROOT
from cluster.tests.engine import Engine, lacks
from cluster.tests.machines.conftest import running
from cluster.tests.machines.machine import Session
from cluster.tests.machines.systems import UBUNTUS
from cluster.tests.slowness import MOST, scaled

#: seconds of apt, of the image's way into the machine, and of a lesson
LONGEST = 1800.0
pytestmark = [
    pytest.mark.machines("Ubuntu's archive, and its kernel: a quarter of an hour"),
    pytest.mark.timeout(3 * LONGEST * MOST),
]
BINDER = (ROOT / "docs/binder.md").read_text("utf-8")
[LOAD] = re.findall(r"```\n(docker run [^`]* kapi apparmor [^`]*)```", BINDER)
[NAMESPACES] = re.findall(
    r"^  (--security-opt \S+ --security-opt \S+) kubernetes-api-notebooks$",
    BINDER,
    re.MULTILINE,
)
[PROFILE] = re.findall(r"`(--security-opt apparmor=kuber\S+)`", BINDER)
DOCKER = """
mkdir -p /etc/docker
echo '{"iptables": false, "ip6tables": false}' >/etc/docker/daemon.json
apt-get update -q
apt-get install -qy --no-install-recommends docker.io
systemctl is-active docker
"""
LESSON = "python -m pytest --no-skips notebooks/05-inside-a-pod.ipynb"


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    """Return a file of this checkout's image, which takes a gigabyte."""
    if reason := lacks():
        pytest.skip(reason)
    file = tmp_path_factory.mktemp("image") / "image.tar"
    with Engine() as engine:
        # Without a tag it would be all that were built on the way, too.
        name = f"{imagebuild.ensure(engine)}:latest"
        engine.docker("save", "--output", str(file), name, timeout=LONGEST)
    yield file
    file.unlink()


@pytest.fixture(scope="module", params=UBUNTUS, ids=str)
def root(archive, request):
    """Return a login of root's on a machine with Docker and the image."""
    with running(request.param) as machine, machine.log_in("root") as root:
        root.do("sh -eu", input=DOCKER, timeout=LONGEST)
        with open(archive, "rb") as file:
            load = root.command("docker load")
            subprocess.run(load, stdin=file, check=True, timeout=scaled(LONGEST))
        yield root


def in_container(root: Session, options: str, line: str) -> str:
    """Run a line in a container; return what it says."""
    words = f"docker run --rm {options} kubernetes-api-notebooks"
    return root.do(f"{words} sh -c {shlex.quote(line)}", timeout=LONGEST)


def backend(root: Session, options: str) -> str:
    """Return what the doctor says of the choice, in a container with these options."""
    output = in_container(root, options, "kapi doctor --json || true")
    findings = json.loads(output[output.index("[") :])
    [message] = [
        finding["message"] for finding in findings if finding["name"] == "backend"
    ]
    return message


@pytest.mark.parametrize(
    "options",
    [f"{NAMESPACES} --security-opt apparmor=unconfined", "--privileged"],
    ids=["unconfined", "privileged"],
)
def test_without_the_profile_namespaces_give_no_rights(root, options):
    message = backend(root, options)
    assert message.startswith("control-plane: ")
    assert "was refused (Operation not permitted)" in message


@pytest.fixture
def loaded(root):
    """Return that login, after the profile was loaded as the page says."""
    root.do(LOAD, timeout=LONGEST)
    return root


@pytest.mark.parametrize(
    "options", [NAMESPACES, "--privileged"], ids=["namespaces", "privileged"]
)
def test_with_it_a_lesson_runs_on_the_local_cluster(loaded, options):
    """Also with `--privileged`, as a dev container is started."""
    assert backend(loaded, f"{options} {PROFILE}").startswith("local: ")
    output = in_container(loaded, f"{options} {PROFILE}", LESSON)
    assert re.search(r"\d+ passed", output)
