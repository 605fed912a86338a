"""A class with JupyterHub on Kubernetes, by the words of docs/teaching.md.

KubeSpawner starts the servers of Ann and Bob on the local cluster, from the stage `hub`
of the container image. No policy of the network stands between them there, so what Bob
does not get he is refused by Ann's server, by the hub, or by her own cluster.
"""

import json
import re
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from cluster.local.backend import Local
from cluster.machine import layout
from cluster.tests import imagebuild
from cluster.tests.engine import Engine, lacks, network_of
from cluster.tests.lab import Lab
from cluster.tests.slowness import scaled
from helpers.course import lessons
from tests import hub

#: Image, cluster and hub are made for the first test: half an hour on a busy machine.
pytestmark = [pytest.mark.machines("a hub"), pytest.mark.timeout(3600)]
TOPICS = ("start-here", "cluster-info", "inside-a-pod")
FIRST = "/lab/tree/notebooks/00-start-here.ipynb"
#: in a learner's container
PROGRESS = "cat ~/work/.progress.jsonl"
#: the addresses at which something listens, as Linux writes them
LISTENING = "cat /proc/net/tcp /proc/net/tcp6 | awk '$4 == \"0A\" { print $2 }'"
#: bytes of all processes of a container; what several share counts once
MEMORY = (
    "cat /proc/[0-9]*/smaps_rollup | awk '/^Pss:/ { n += $2 } END { print n * 1024 }'"
)
#: what Bob tries, in his own container with the token of his own server
INTRUDER = """
import json, os, socket, sys, warnings
import requests

warnings.simplefilter("ignore")
world = json.loads(sys.argv[1])
own = {"Authorization": f"token {os.environ['JUPYTERHUB_API_TOKEN']}"}

def ask(address, method="GET"):
    options = {"headers": own, "verify": False, "allow_redirects": False}
    return requests.request(method, address, timeout=30, **options).status_code

def opens(port):
    with socket.socket() as client:
        client.settimeout(5)
        return client.connect_ex((world["ann"], port)) == 0

seen = [
    os.path.join(top, name)
    for top, folders, files in os.walk("/")
    for name in (*folders, *files)
    if not top.startswith(("/proc", "/sys"))
]
print(json.dumps({
    "answers": {address: ask(address) for address in world["addresses"]},
    "ended": ask(f"{world['hub']}/hub/api/users/ann/server", "DELETE"),
    "ports": [port for port in world["ports"] if opens(port)],
    "seen": len(seen),
    "files": [path for path in seen if world["file"] in path],
    "token": os.path.exists("/var/run/secrets/kubernetes.io"),
}))
"""


@pytest.fixture(scope="module")
def lab():
    """Return a cluster that has the image and a hub.

    Others have the engine as soon as the image is saved.
    """
    if reason := lacks():
        pytest.skip(reason)
    name = hub.settings()["image"]
    stages = {"server": f"{imagebuild.TAG}:server", hub.TARGET: name}
    with tempfile.TemporaryDirectory(prefix="hub-") as made:
        archive = Path(made, "hub.tar")
        with Engine() as engine:
            imagebuild.ensure(engine, **stages)
            save = ("save", "--output", str(archive), name)
            engine.docker(*save, timeout=scaled(600))
        lab = Lab(Local(Path(made, "state")))
        lab.seconds = int(scaled(lab.seconds))
        try:
            lab.up()
            lab.backend.add_image(archive)
            archive.unlink()
            hub.prepare(lab)
            with hub.running(lab, Path(made)):
                yield lab
        finally:
            lab.close()


def inside(lab, name: str, *words: str, **options) -> str:
    """Run a command in a learner's container."""
    pod = ("exec", f"--namespace={hub.NAMESPACE}", f"jupyter-{name}", "-i", "--")
    return lab.kubectl(*pod, *words, **options)


def pod_of(lab, name: str) -> dict:
    words = ("get", "pod", f"jupyter-{name}", f"--namespace={hub.NAMESPACE}")
    return json.loads(lab.kubectl(*words, "--output=json"))


@pytest.fixture(scope="module")
def learned(lab):
    """Return what came of each lesson, for two who learn at the same time."""

    def learn(name: str) -> dict:
        with network_of(lab.machine.pid()):
            learner = hub.Learner(name)
            learner.start()
            assert learner.landed() == FIRST
            learner.write(f"diary-of-{name}.txt", "my notes")
            chosen = [one for one in lessons() if one.topic in TOPICS]
            return {one.topic: learner.learn(str(one.path)) for one in chosen}

    with ThreadPoolExecutor() as both:
        return dict(zip(hub.LEARNERS, both.map(learn, hub.LEARNERS), strict=True))


@pytest.mark.parametrize("name", hub.LEARNERS)
def test_lessons_run_with_their_pods(lab, learned, name):
    ran = learned[name]
    assert [*ran] == [*TOPICS]
    for cells in ran.values():
        assert cells and [cell for cell in cells if cell["error"]] == []
    facts = " ".join(inside(lab, name, "kapi", "doctor").split())
    assert "control-plane: " in facts and "node in user-mode Linux, by " in facts
    used = int(inside(lab, name, "sh", "-c", MEMORY))
    print(f"{name}: {used / 1e6:.0f} MB")
    assert used < 1_800_000_000


def test_a_server_has_what_the_page_gives_it_and_no_more(lab, learned):
    spec = pod_of(lab, "ann")["spec"]
    [container] = spec["containers"]
    assert container["resources"] == {
        "limits": {"cpu": "1", "memory": "2147483648"},
        "requests": {"cpu": "200m", "memory": "1073741824"},
    }
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "runAsUser": 1000,
    }
    assert (spec["securityContext"], spec["automountServiceAccountToken"]) == (
        {"fsGroup": 100},
        False,
    )


def test_a_classmate_gets_nothing(lab, learned):
    address = pod_of(lab, "ann")["status"]["podIP"]
    listening = inside(lab, "ann", "sh", "-c", LISTENING).split()
    ports = {int(each.rpartition(":")[2], 16) for each in listening}
    # The server, and beside it her cluster.
    assert 8888 in ports and len(ports) > 1
    api = f"https://{layout.API_SERVICE_IP}/api/v1"
    world = {
        "ann": address,
        "ports": sorted(ports),
        "hub": hub.ADDRESS,
        "file": "diary-of-ann",
        "addresses": [
            f"http://{address}:8888/user/ann/api/contents",
            f"{hub.ADDRESS}/user/ann/api/contents",
            f"{hub.ADDRESS}/hub/api/users",
            f"{hub.ADDRESS}/hub/api/users/ann",
            f"{api}/secrets",
            f"{api}/namespaces/{hub.NAMESPACE}/pods/jupyter-ann",
            f"https://{layout.NODE_IP}:10250/pods",
        ],
    }
    said = inside(lab, "bob", "python", "-", json.dumps(world), input=INTRUDER)
    found = json.loads(said)
    assert len(found["answers"]) == 7
    assert {*found["answers"].values(), found["ended"]} <= {401, 403, 404}, found
    # It answers nobody else, as above.
    assert found["ports"] == [8888]
    assert found["seen"] > 10_000 and found["files"] == []
    assert not found["token"]
    assert "diary-of-ann.txt" in inside(lab, "ann", "sh", "-c", "ls ~/work")


def test_a_restart_keeps_what_was_solved_and_own_files(lab, learned):
    before, solved = pod_of(lab, "ann"), inside(lab, "ann", "sh", "-c", PROGRESS)
    assert all(topic in solved for topic in TOPICS)
    inside(lab, "ann", "sh", "-c", "echo mine >~/work/notebooks/05-inside-a-pod.ipynb")
    with network_of(lab.machine.pid()):
        learner = hub.Learner("ann")
        learner.stop()
        learner.start()
    assert pod_of(lab, "ann")["metadata"]["uid"] != before["metadata"]["uid"]
    kept = "cat ~/work/diary-of-ann.txt ~/work/notebooks/05-inside-a-pod.ipynb"
    assert inside(lab, "ann", "sh", "-c", kept) == "my notesmine\n"
    assert inside(lab, "ann", "sh", "-c", PROGRESS) == solved
    board = inside(lab, "ann", "kapi", "progress")
    assert re.search(r"^05 .* of \d ✓$", board, re.MULTILINE), board
