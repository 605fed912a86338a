"""A class with JupyterHub, set up by the words of docs/teaching.md.

Ann comes back after a logout, bob has nothing but a server, and eve is hostile. The hub
and the repository are on this machine, and whoever teaches is root there. `make full`
leaves it out, as pip alone takes more than twenty minutes of that processor:
`python -m pytest -n 0 tests/machines/hub.py`. The steps were seen one by one, by hand.
"""

import json
import re
import shlex

import pytest

from tests.machines.conftest import CHECKOUT
from tests.notebooks import ROOT

pytestmark = [
    pytest.mark.full("a machine of its own"),
    pytest.mark.timeout(7200),
]
DOCS = (ROOT / "docs/teaching.md").read_text()
CONFIG, WITH_HOOK = re.findall(r"```python\n(.*?)```", DOCS, re.DOTALL)
LEARNERS = ("ann", "bob", "eve")
HUB, REPOSITORY = "http://127.0.0.1:8000", "git://127.0.0.1/class"
LESSON = ("class/00-start-here.ipynb", "00-start-here.ipynb")
#: seconds until somebody has done something; pip takes most of it
LONG = 2400.0
#: what the page leaves to JupyterHub's documentation
OURS = """
c.JupyterHub.bind_url = "http://127.0.0.1:8000"
c.Authenticator.allowed_users = {"ann", "bob", "eve"}
"""
#: What a teacher has before: programs, which were built, a checkout, accounts.
BEFORE = f"""
mkdir /srv/git /srv/lab-cache
cp -r /home/learner/.cache/kubernetes-api-notebooks/. /srv/lab-cache
cp -r /home/learner/{CHECKOUT} /srv/notebooks
rm -rf /srv/notebooks/.venv
chown -R root: /srv/lab-cache /srv/notebooks
for name in {" ".join(LEARNERS)}; do
    useradd --create-home --shell /bin/bash $name
    echo $name:$name-secret | chpasswd
done
"""
#: puts the student's notebooks into a repository
HAND_OUT = """
cd /srv/class/student
git init -q -b main
git add .
git -c user.name=teacher -c user.email=teacher@school commit -q -m Class
git clone -q --bare . /srv/git/class
chown -R nobody: /srv/git
systemd-run -q --unit=repository -p User=nobody \
    git daemon --base-path=/srv/git --export-all --listen=127.0.0.1
"""
#: what there is for eve to get, as root sees it
WORLD = """
import json, pathlib, psutil
homes = [pathlib.Path(name) for name in ("/home/ann", "/home/bob", "/srv/hub")]
theirs = [path for home in homes for path in (home, *home.rglob("*"))]
inodes = {f"{s.st_dev}:{s.st_ino}" for s in (path.lstat() for path in theirs)}
names = ("kubeconfig", "admin.key", "progress.jsonl", "jupyterhub.sqlite")
listening = [c for c in psutil.net_connections("inet") if c.status == "LISTEN"]
def port_of(account, name):
    [port] = {c.laddr.port for c in listening if c.pid
        and psutil.Process(c.pid).username() == account
        and name in " ".join(psutil.Process(c.pid).cmdline())}
    return port
print(json.dumps({
    "ports": sorted({c.laddr.port for c in listening}),
    "server": port_of("ann", "jupyterhub-singleuser"),
    "cluster": int(next(path for path in theirs if path.name == "port").read_text()),
    "addresses": ["127.0.0.1", "172.30.0.1", "10.244.0.1", "10.0.2.100", "10.0.2.2"],
    "paths": [str(path) for path in theirs if path.name in names],
    "inodes": sorted(inodes),
    "tops": ["/", "/host", "/proc/1/root"],
}))
"""
#: sees the files, processes and network of the node
HOSTILE = """
apiVersion: v1
kind: Pod
metadata: {name: hostile}
spec:
  hostNetwork: true
  hostPID: true
  hostIPC: true
  containers:
  - name: main
    image: toolbox:1
    command: [sleep, infinity]
    securityContext: {privileged: true}
    volumeMounts: [{name: root, mountPath: /host}]
  volumes: [{name: root, hostPath: {path: /}}]
"""
INTRUDER = (ROOT / "tests/machines/intruder.py").read_text()
#: Asks as a learner who knows where everything is, with the token of the own server.
ASK = """
import os, json, requests, warnings
warnings.simplefilter("ignore")
world = json.loads({world!r})
token = {{"Authorization": "token " + os.environ["JUPYTERHUB_API_TOKEN"]}}
def ask(address):
    answer = requests.get(address, headers=token, verify=False, allow_redirects=False)
    return answer.status_code
print(json.dumps({{
    "files": [path for path in world["paths"] if os.access(path, os.R_OK)],
    "proxy": ask("http://127.0.0.1:8001/api/routes"),
    "users": ask("http://127.0.0.1:8081/hub/api/users"),
    "server": ask("http://127.0.0.1:8000/user/ann/api/contents"),
    "behind": ask(f"http://127.0.0.1:{{world['server']}}/user/ann/api/contents"),
    "cluster": ask(f"https://127.0.0.1:{{world['cluster']}}/api/v1/secrets"),
}}))
"""
#: a cell
DIARY = """
from helpers import connect, kubectl
connect()
print("made:", kubectl("{} configmap diary -o name").stdout)
"""
KUBECTL = (
    "env KUBECONFIG=/home/{0}/.local/state/kubernetes-api-notebooks/kubeconfig "
    "/srv/lab-cache/bin/*/kubectl"
)


class Hub:
    """The machine of the class; `do` is whoever teaches."""

    def __init__(self, administrator) -> None:
        self.do = administrator.do

    def follow(self, place: str) -> None:
        """Run the first commands that the page has after some words."""
        words = re.search(r"```sh\n(.*?)```", DOCS.partition(place)[2], re.DOTALL)[1]
        # The checkout is there, as no host of repositories is.
        words = words.replace("git clone https://YOUR.HOST/notebooks", "cd")
        self.do(f"set -e; cd /srv/notebooks\n{words}", timeout=LONG)

    def configure(self, *blocks: str) -> None:
        """Start the hub, anew, with blocks of the page."""
        config = "\n".join((OURS, *blocks))
        self.do("cat >/srv/hub/jupyterhub_config.py", input=config)
        self.do(
            "systemctl stop hub 2>/dev/null; systemd-run -q --unit=hub "
            "--working-directory=/srv/hub /opt/hub/bin/jupyterhub"
        )

    def be(self, name: str, word: str, *words: str):
        """Have a learner do something; return what tests/machines/pupil.py printed."""
        command = ("-m", "tests.machines.pupil", HUB, name, word, *words)
        line = f"cd /srv/notebooks && .venv/bin/python {shlex.join(command)}"
        return json.loads(self.do(line, timeout=LONG))

    def cluster_of(self, name: str) -> str:
        """Return in which cgroup a learner's API server is, and its PID."""
        show = "xargs -r -I@ sh -c 'echo @; cat /proc/@/cgroup'"
        return self.do(f"pgrep -u {name} -x kube-apiserver | {show}")

    def intrude(self, name: str, world: dict) -> dict:
        """Have a hostile pod of a learner's try everything; return what that got."""
        kubectl = f"runuser -u {name} -- {KUBECTL.format(name)}"
        self.do(f"{kubectl} apply -f -", input=HOSTILE)
        self.do(f"{kubectl} wait --for=condition=Ready pod/hostile --timeout=200s")
        given = shlex.quote(json.dumps(world))
        line = f"{kubectl} exec -i hostile -- python3 - {given}"
        return json.loads(self.do(line, input=INTRUDER, timeout=LONG))


@pytest.fixture(scope="module")
def hub(lab):
    """Return the hub, after the steps of the page in its order."""
    with lab.log_in("root") as teacher:
        hub = Hub(teacher)
        teacher.do("sh -eux", input=BEFORE)
        hub.follow("## Before the class")
        hub.follow("## With JupyterHub")
        hub.follow("write your own set in the checkout")
        teacher.do("sh -eux", input=HAND_OUT)
        hub.configure(CONFIG)
        yield hub


@pytest.fixture(scope="module")
def lesson(hub):
    """Return what the cells of eve's first lesson said."""
    hub.be("eve", "pull", REPOSITORY)
    return hub.be("eve", "learn", *LESSON)


def test_a_lesson_of_the_set_for_students_runs_in_a_cluster_of_ones_own(hub, lesson):
    assert [cell for cell in lesson if cell["error"]] == []
    notebook = hub.do("cat /home/eve/class/00-start-here.ipynb")
    cells = json.loads(notebook)["cells"]
    tags = {tag for cell in cells for tag in cell["metadata"].get("tags", ())}
    assert "exercise" in tags and "solution" not in tags


def test_the_cluster_is_in_the_unit_of_the_server(hub, lesson):
    """So it ends with it, and has its limits; also pods with other users run there."""
    unit = "jupyter-eve-singleuser.service"
    assert hub.cluster_of("eve").endswith(f"0::/system.slice/{unit}\n")
    limits = hub.do(f"systemctl show {unit} -P MemoryMax -P CPUQuotaPerSecUSec")
    assert limits.split() == [str(3 << 30), "2s"]
    found = hub.be("eve", "run", "!python -m helpers doctor")
    assert re.search("user ids +65536 can be mapped", found)


@pytest.fixture(scope="module")
def world(hub, lesson):
    """Return what eve would like to get: ann has a cluster, bob a server."""
    for name in ("ann", "bob"):
        hub.be(name, "pull", REPOSITORY)
    hub.be("ann", "run", DIARY.format("create"))
    world = json.loads(hub.do("/opt/hub/bin/python -", input=WORLD))
    # Where the node's own server of names listens.
    world["ports"].remove(53)
    return world


def test_a_hostile_pod_reaches_nothing_of_the_others_and_of_the_hub(hub, world):
    assert len(world["ports"]) > 6 and len(world["paths"]) > 3
    found = hub.intrude("eve", world)
    assert found["tried"] > 10_000
    assert found["got"] == []


def test_nor_does_a_hostile_learner_by_an_ordinary_process(hub, world):
    known = {key: world[key] for key in ("paths", "server", "cluster")}
    found = json.loads(hub.be("eve", "run", ASK.format(world=json.dumps(known))))
    assert found.pop("files") == [] and len(found) == 5
    assert {*found.values()} <= {401, 403}, found


def test_after_a_logout_and_a_restart_of_the_hub_all_goes_on(hub, world):
    hub.be("ann", "keep", "class/mine.txt", "my notes")
    before = hub.cluster_of("ann")
    hub.be("ann", "log_out")
    hub.do("systemctl restart hub")
    assert hub.be("ann", "pull", REPOSITORY)[-1] == {"phase": "finished"}
    assert hub.do("cat /home/ann/class/mine.txt") == "my notes"
    assert before and hub.cluster_of("ann") == before


def test_the_cluster_ends_with_the_server(hub, world):
    for name in ("ann", "bob", "eve"):
        hub.be(name, "stop")
        assert hub.do(f"pgrep -u {name} || true") == ""


def test_objects_are_kept_and_the_hook_ends_the_cluster_of_a_plain_process(hub, world):
    hub.configure(CONFIG, WITH_HOOK)
    assert "made: configmap/diary" in hub.be("ann", "run", DIARY.format("get"))
    assert hub.cluster_of("ann").endswith("0::/system.slice/hub.service\n")
    hub.be("ann", "stop")
    assert hub.cluster_of("ann") == ""


def test_a_teacher_collects_what_was_solved(hub, lesson):
    hub.follow("## See how far they are")
    table = hub.do("cat /srv/notebooks/class.csv")
    assert re.findall("^(.*),00-start-here,.*,yes,1,", table, re.M) == ["eve", "eve"]
