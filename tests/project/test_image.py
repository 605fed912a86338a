"""The image for Binder, dev containers, macOS and Windows: built, and lessons in it.

They have what Binder gives them: an ordinary user, no namespaces, one core, 2 GB, and
the variables by which a pod of another cluster would find it.
"""

import os
import socket
from pathlib import Path

import pytest

from cluster.programs.recipe import RECIPE
from tests import container, imagebuild

pytestmark = [
    pytest.mark.full("the image"),
    pytest.mark.timeout(1800),
    pytest.mark.skipif(os.geteuid() != 0, reason="only root can run a container"),
]
#: bytes, unpacked; larger ones often fail to start on Binder
LIMIT = 1_300_000_000
#: bytes of everything that runs, of the 2 GB that Binder allows
MEMORY = 1_800_000_000
CACHE = ".cache/kubernetes-api-notebooks"
#: starts the cluster, and says how long the API server, the node and a pod took
STEPS = """
set -eu
step() { echo "$1 after $(( ($(date +%s%N) - began) / 1000000 )) ms"; }
began=$(date +%s%N)
eval "$(python -m helpers up)"
kubectl get --raw /version >/dev/null
step 'the first answer'
kubectl wait --for=create node/lab-control-plane --timeout=90s
kubectl wait --for=condition=Ready node/lab-control-plane --timeout=90s
step 'node Ready'
kubectl run first --image=toolbox:1 --command -- sleep 1000
kubectl wait --for=condition=Ready pod/first --timeout=90s
step 'pod Ready'
kubectl exec first -- cat /etc/hostname
python -m helpers status
python -m helpers doctor
"""


@pytest.fixture(scope="module")
def image():
    """Return the image of this checkout; building it takes minutes, once."""
    return imagebuild.ensure()


@pytest.fixture(scope="module")
def hosting():
    """Return the variables that lead to the hosting cluster; nobody may ask it."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        host, port = server.getsockname()
        yield {"KUBERNETES_SERVICE_HOST": host, "KUBERNETES_SERVICE_PORT": str(port)}
        with pytest.raises(BlockingIOError):
            server.accept()


def size(path: Path) -> int:
    """Return the bytes of the files below a path, holes included, each once."""
    found = {}
    for file in (path, *path.rglob("*")):
        if file.is_file() and not file.is_symlink():
            status = file.stat()
            found[status.st_ino] = status.st_size
    return sum(found.values())


def test_a_build_that_cannot_have_the_programs_ends_with_the_reason(image):
    assert "LAB_NO_BUILD" in image.refused
    assert imagebuild.NOWHERE.removeprefix("https://") in image.refused


def test_the_image_is_small_enough(image):
    home = image.root / image.environment["HOME"].lstrip("/")
    parts = {
        "programs": size(home / CACHE / "bin"),
        "image of the pods, node": size(home / CACHE / "images"),
        "Python packages": size(image.root / "opt/venv"),
        "user-mode Linux": sum(
            size(image.root / path) for path in ("usr/bin/linux.uml", "usr/lib/uml")
        ),
        "checkout": size(image.root / image.config["WorkingDir"].lstrip("/")),
    }
    whole = size(image.root)
    parts["Debian"] = whole - sum(parts.values())
    for name, bytes_ in {**parts, "in all": whole}.items():
        print(f"{bytes_ / 1e6:6.0f} MB  {name}")
    assert whole <= LIMIT, parts


def test_what_only_the_build_needs_is_not_in_it(image):
    for name in ("usr/bin/mmdebstrap", "usr/bin/strip", "var/lib/apt/lists/partial"):
        assert not (image.root / name).exists(), name
    home = image.root / image.environment["HOME"].lstrip("/")
    assert not (home / CACHE / "build").exists()
    [programs] = (home / CACHE / "bin").iterdir()
    assert {path.name for path in programs.iterdir()} == set(RECIPE.programs())


def test_it_is_what_binder_and_docker_want(image):
    """Binder runs its own command, by the Python that is found first."""
    assert image.config["User"] == str(container.UID)
    assert "Entrypoint" not in image.config
    done = container.run("python3", "-c", "import os, jupyterlab; print(os.getuid())")
    assert (done.returncode, done.stdout) == (0, "1000\n")
    done = container.run("unshare", "--user", "true")
    assert done.returncode != 0 and "Operation not permitted" in done.stdout
    owner = container.run("sh", "-c", "find ~ ! -user 1000 | head")
    assert owner.stdout == ""


def test_a_pod_runs_and_the_hosting_cluster_is_left_alone(image, hosting):
    done = container.run(
        *("sh", "-c", STEPS), environment=hosting, options=("--host-network",)
    )
    print(done.stdout, done.memory)
    assert done.returncode == 0, done.stdout
    said = " ".join(done.stdout.split())
    assert "a control-plane cluster, because making a user namespace was" in said
    assert f"a pod of another cluster ({hosting['KUBERNETES_SERVICE_HOST']})" in said
    assert "it is never contacted" in said
    assert done.memory.killed == 0


def test_where_namespaces_are_allowed_it_starts_the_local_cluster(image):
    """As in a container that is privileged; the pods' image is unpacked first."""
    done = container.run("sh", "-c", STEPS, options=("--privileged",))
    assert done.returncode == 0, done.stdout
    assert "a local cluster, because namespaces can be made" in done.stdout


def test_a_lesson_inside_a_pod_runs_whole_and_fits(image):
    words = ("python", "-m", "pytest", "-p", "no:cacheprovider")
    done = container.run(*words, "notebooks/05-inside-a-pod.ipynb")
    print(done.stdout, done.memory)
    assert done.returncode == 0, done.stdout
    assert "skipped" not in done.stdout.splitlines()[-1]
    if not done.memory.working:
        pytest.skip("no cgroup v1 to limit the memory by")
    assert done.memory.killed == 0 and done.memory.working <= MEMORY
