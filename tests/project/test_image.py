"""The image for Binder, dev containers, macOS and Windows, under Docker's engine.

It is started as Binder starts it, with the engine's own seccomp profile, one core, 2 GB
and the variables by which a pod of another cluster would find that one; and by the
words of docs/binder.md, with the least that allows namespaces.
"""

import json
import os
import re
import shutil
import socket
import subprocess
import tempfile
import time
from contextlib import contextmanager
from urllib.parse import urlsplit

import pytest

from cluster.programs.recipe import RECIPE
from cluster.tests import imagebuild
from cluster.tests.slowness import scaled
from cluster.waiting import poll
from helpers.course import lessons
from tests.lesson import play

pytestmark = [pytest.mark.machines("the image"), pytest.mark.timeout(1800)]
#: bytes, unpacked; larger ones often fail to start on Binder
LIMIT = 1_300_000_000
#: bytes of everything that runs, of the 2 GB that Binder allows
MEMORY = 1_800_000_000
LIMITS = ("--cpus", "1", "--memory", "2g", "--memory-swap", "2g")
NAMESPACES = [
    f"--security-opt={name}=unconfined" for name in ("seccomp", "systempaths")
]
PUBLISH = ("--publish", "127.0.0.1:8888:8888")
CACHE = ".cache/kubernetes-api-notebooks"
TOKEN = "0123456789abcdef"
FIRST = "/lab/tree/notebooks/00-start-here.ipynb"
#: BinderHub's: by the Python and the JupyterLab that are found first
BINDER = (
    "python3",
    "-c",
    "import os, sys; os.execvp('jupyter-lab', sys.argv)",
    "--ip=0.0.0.0",
    "--port=8888",
    *(
        f"--{application}.{setting}"
        for application in ("NotebookApp", "ServerApp")
        for setting in (
            "base_url=/user/learner/",
            f"default_url={FIRST}",
            "trust_xheaders=True",
            "allow_origin=*",
            "allow_origin_pat=.*",
        )
    ),
)
#: a token that Jupyter was given is no more than dots in it
ADDRESS = re.compile(r"http://127\.0\.0\.1:\d+/\S+\?token=\S+")
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
kubectl delete pod first --wait=false
kapi status
kapi doctor
"""
#: of the registry of npm: what editors and codespaces read devcontainer.json with
DEVCONTAINER = "@devcontainers/cli@0.89.0"
#: by the interpreter that .vscode names: a kernel's program, and a lesson with its pods
EDITED = """
.venv/bin/python -c 'import helpers, ipykernel; print("helpers:", helpers.__file__)'
.venv/bin/python -m pytest notebooks/05-inside-a-pod.ipynb
.venv/bin/kapi doctor
git --version; make --version
"""
#: a solved exercise, a lesson that was changed, and another container that has both
WORKED = """
python -c 'from helpers.course.attempts import note; note("start-here", "read_version")'
echo mine >~/work/notebooks/00-start-here.ipynb
"""
KEPT = """
grep -o read_version ~/.local/state/kubernetes-api-notebooks/progress.jsonl
cat ~/work/notebooks/00-start-here.ipynb
"""
#: where state is on the container's own file system, an overlay
ELSEWHERE = f"export LAB_STATE_DIR=/tmp/state; {STEPS} python -m helpers delete --yes"


@pytest.fixture(scope="module")
def image(engine):
    """Return the name of this checkout's image; building it takes minutes, once."""
    return imagebuild.ensure(engine)


@pytest.fixture
def hosting(engine):
    """Return options that lead to the hosting cluster; nobody may ask it."""
    gateway = "{{(index .IPAM.Config 0).Gateway}}"
    host = engine.docker("network", "inspect", "bridge", "--format", gateway)
    with engine.network(), socket.create_server((host, 0)) as server:
        server.setblocking(False)
        port = server.getsockname()[1]
        variables = (f"KUBERNETES_SERVICE_{name}" for name in ("HOST", "PORT"))
        pairs = zip(variables, (host, port), strict=True)
        yield [f"--env={name}={value}" for name, value in pairs]
        with pytest.raises(BlockingIOError):
            server.accept()


@contextmanager
def started(engine, *words):
    """Start a container; yield its id and the address that JupyterLab prints."""
    container = engine.docker("run", "--detach", *PUBLISH, *words)
    try:
        written = lambda: engine.run("logs", container).stdout  # noqa: E731
        began = time.monotonic()
        found = poll(lambda: ADDRESS.search(written()), scaled(60))
        assert found, written()
        print(f"the address after {time.monotonic() - began:.0f} s")
        yield container, found[0]
    finally:
        engine.docker("rm", "--force", "--volumes", container)


@contextmanager
def watched(engine, container):
    """Fail if it takes more than MEMORY, without what can be dropped, or all it may."""
    began = engine.docker("info", "--format", "{{.SystemTime}}")
    shown = ("stats", "--format", "{{.MemUsage}}", container)
    with tempfile.TemporaryFile("w+") as log, engine.start(*shown, stdout=log) as stats:
        try:
            yield
        finally:
            stats.kill()
        log.seek(0)
        units = {"K": 1 << 10, "M": 1 << 20, "G": 1 << 30}
        found = re.findall(r"([\d.]+)([KMG])iB / ", log.read())
    most = max(float(number) * units[unit] for number, unit in found)
    print(f"memory: {most / 1e6:.0f} MB in the most of {len(found)} looks")
    assert most <= MEMORY
    now = engine.docker("info", "--format", "{{.SystemTime}}")
    span = ("--since", began, "--until", now, "--filter", "event=oom")
    assert engine.docker("events", *span) == ""


def steps(engine, container, script: str = STEPS) -> str:
    """Run a script in a container, where it must not fail; return what it says."""
    done = engine.run("exec", container, "sh", "-c", script)
    print(done.stdout)
    assert done.returncode == 0, done.stdout
    return " ".join(done.stdout.split())


def read(address: str, lesson) -> None:
    """Run a lesson as its page does; fail if a cell, or a check in it, does."""
    began = time.monotonic()
    url = address.replace("00-start-here.ipynb", str(lesson.path))
    cells = play(url)
    print(f"{lesson.name}: {len(cells)} cells, {time.monotonic() - began:.0f} s")
    assert cells
    assert [cell for cell in cells if cell["error"]] == []


def test_a_build_that_cannot_have_the_programs_ends_with_the_reason(engine):
    done = imagebuild.build(engine, imagebuild.NOWHERE, ())
    assert done.returncode != 0
    assert "LAB_NO_BUILD" in done.stdout
    assert imagebuild.NOWHERE.removeprefix("https://") in done.stdout


def test_the_image_is_small_enough(engine, image):
    whole = int(engine.docker("image", "inspect", "--format", "{{.Size}}", image))
    print(f"{whole / 1e6:.0f} MB")
    assert whole <= LIMIT


def test_an_ordinary_user_owns_it_without_what_only_the_build_needs(engine, image):
    tools = "/usr/bin/mmdebstrap /usr/bin/strip /var/lib/apt/lists/*"
    absent = f"{tools} ~/kubernetes-api-notebooks/tab ~/{CACHE}/build"
    script = f"ls -d {absent} 2>/dev/null; ls ~/{CACHE}/bin/*; id -u;"
    script += "find ~ ! -user 1000; unshare --user true"
    done = engine.run("run", "--rm", image, "sh", "-c", script)
    *listed, user, refused = done.stdout.splitlines()
    built = {file for step in RECIPE.steps for file in step.outputs()}
    assert {*listed} == {*RECIPE.programs()} | built and user == "1000"
    assert refused == "unshare: unshare failed: Operation not permitted"


def test_every_core_lesson_runs_as_binder_starts_it(engine, image, hosting):
    """By Jupyter's own protocol; the cluster that hosts it is left alone."""
    options = ("--security-opt=no-new-privileges", f"--env=JUPYTER_TOKEN={TOKEN}")
    words = (*LIMITS, *options, *hosting, image, *BINDER)
    with started(engine, *words) as (container, address):
        assert address.endswith(f"/user/learner{FIRST}?token=...")
        address = address.replace("...", TOKEN)
        with watched(engine, container), engine.network():
            said = steps(engine, container)
            for lesson in filter(lambda lesson: lesson.is_core, lessons()):
                read(address, lesson)
    assert "a control-plane cluster, because making a user namespace was" in said


def test_a_volume_keeps_what_a_learner_did(engine, image):
    """A container with the same volume has it; `docker run` alone has not."""
    volume = ("--volume", "kept-by-tests:/home/learner/work")
    engine.run("volume", "rm", "--force", "kept-by-tests")
    try:
        with started(engine, *LIMITS, *volume, image) as (container, address):
            assert urlsplit(address).path == FIRST
            steps(engine, container, WORKED)
        with started(engine, *LIMITS, *volume, image) as (container, _):
            assert "read_version mine" in steps(engine, container, KEPT)
    finally:
        engine.run("volume", "rm", "--force", "kept-by-tests")
    with started(engine, *LIMITS, image) as (container, _):
        assert steps(engine, container, "ls -A ~/work") == ""


def test_with_namespaces_it_starts_the_local_cluster(engine, image):
    """By the words of docs/binder.md; the pods' image is unpacked first."""
    with started(engine, *LIMITS, *NAMESPACES, image) as (container, address):
        with watched(engine, container), engine.network():
            said = steps(engine, container)
            [lesson] = [one for one in lessons() if one.topic == "inside-a-pod"]
            read(address, lesson)
            steps(engine, container, ELSEWHERE)
    assert "a local cluster, because namespaces can be made" in said


@pytest.mark.skipif(shutil.which("npm") is None, reason="npm is not here")
def test_a_dev_container_runs_lessons_on_the_local_cluster(engine, image, tmp_path):
    """By devcontainer.json as `make home` leaves it, with the image of its stage."""
    place = tmp_path / "npm"
    line = ["npm", "install", "--no-audit", "--no-fund", "--prefix", place]
    subprocess.run([*line, DEVCONTAINER], check=True, timeout=300)
    folder = tmp_path / "lessons"
    imagebuild.copy_checkout(folder)
    file = folder / ".devcontainer" / "devcontainer.json"
    named = f'"image": "{image}:complete",'
    text, count = re.subn(
        r'"(?:build|image)": .*,$', named, file.read_text(), flags=re.M
    )
    assert count == 1
    file.write_text(text)
    for path in (folder, *folder.rglob("*")):
        os.chown(path, 1000, 1000)

    def call(word: str, *words: str) -> str:
        program = place / "node_modules" / ".bin" / "devcontainer"
        done = subprocess.run(
            [program, word, "--workspace-folder", folder, *words],
            env=engine.environment,
            capture_output=True,
            text=True,
            timeout=900,
        )
        print(done.stdout, done.stderr)
        assert done.returncode == 0
        return done.stdout

    try:
        told = json.loads(call("up").splitlines()[-1])
        assert (told["outcome"], told["remoteUser"]) == ("success", "learner")
        said = call("exec", "sh", "-euc", EDITED)
    finally:
        mark = f"label=devcontainer.local_folder={folder}"
        for container in engine.docker("ps", "--quiet", "--filter", mark).split():
            engine.docker("rm", "--force", "--volumes", container)
    assert f"helpers: {told['remoteWorkspaceFolder']}/helpers/" in said
    assert "cluster: local, because namespaces can be made\n" in said
    assert "git version" in said and "GNU Make" in said
