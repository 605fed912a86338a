"""JupyterHub with KubeSpawner in the network of a local cluster, and its learners.

The settings are the defaults of the chart of Zero to JupyterHub, whose own images are
not here, and the values that docs/teaching.md adds.
"""

import json
import os
import re
import secrets
import subprocess
import venv
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from urllib.parse import urlsplit

import requests
import yaml

from cluster.die_with_parent import command
from cluster.machine import layout
from cluster.tests.engine import network_of
from cluster.tests.lab import Lab
from cluster.tests.slowness import scaled
from cluster.tests.waiting import until
from tests.lesson import ANSWER, play
from tests.notebooks import ROOT

TEACHING = (ROOT / "docs" / "teaching.md").read_text()
[VALUES] = re.findall(r"^```yaml\n(singleuser:.*?)^```$", TEACHING, re.M | re.S)
[(TARGET, TAG)] = re.findall(
    r"^docker build --file binder/Dockerfile --target (\S+) --tag (\S+) \.$",
    TEACHING,
    re.M,
)
DOCKERFILE = (ROOT / "binder" / "Dockerfile").read_text()
[VERSION] = re.findall(r"^ARG JUPYTERHUB=(.*)$", DOCKERFILE, re.M)
#: the last is the proxy in Python; the chart has the one in JavaScript
PACKAGES = (
    f"jupyterhub=={VERSION}",
    "jupyterhub-kubespawner==7.1.0",
    "configurable-http-proxy==0.4.0",
)
#: the node, as its pods see it
NODE = "10.244.0.1"
ADDRESS = f"http://{NODE}:8000"
#: seconds until a server, or the hub, has started or ended
PATIENCE = 120.0
OBJECTS = Path(__file__).with_suffix(".yaml")
NAMESPACE = "school"
LEARNERS = ("ann", "bob")
#: traits of KubeSpawner by the names of the chart's values
TRAITS = {
    "memory.limit": "mem_limit",
    "memory.guarantee": "mem_guarantee",
    "cpu.limit": "cpu_limit",
    "cpu.guarantee": "cpu_guarantee",
}
#: the chart's defaults
DEFAULTS = {
    "cmd": "jupyterhub-singleuser",
    "namespace": NAMESPACE,
    "uid": 1000,
    "fs_gid": 100,
    "allow_privilege_escalation": False,
    "start_timeout": 300,
    "storage_pvc_ensure": True,
    "storage_capacity": "10Gi",
    "storage_access_modes": ["ReadWriteOnce"],
    "pvc_name_template": "claim-{user_server}",
    "volumes": {
        "home": {"name": "home", "persistentVolumeClaim": {"claimName": "{pvc_name}"}}
    },
    "volume_mounts": {"home": {"name": "home", "mountPath": "/home/jovyan"}},
}
CONFIG = f"""
import json, os
c.JupyterHub.spawner_class = "kubespawner.KubeSpawner"
c.JupyterHub.cleanup_servers = False
c.JupyterHub.authenticator_class = "dummy"
c.Authenticator.allowed_users = {{*{LEARNERS}}}
c.ConfigurableHTTPProxy.should_start = False
c.JupyterHub.hub_ip = "0.0.0.0"
c.JupyterHub.hub_connect_ip = "{NODE}"
c.KubeSpawner.update(json.loads(os.environ["SPAWNER"]))
"""


def settings() -> dict:
    """Return those of KubeSpawner: the chart's defaults and the values of the page."""
    values = yaml.safe_load(VALUES)["singleuser"]
    image = "{name}:{tag}".format(**values.pop("image"))
    assert image == TAG
    named = {
        TRAITS[f"{of}.{which}"]: value
        for of, both in values.items()
        for which, value in both.items()
    }
    # The reader's own registry is the only word that is replaced.
    return {**DEFAULTS, **named, "image": image.replace("YOUR.REGISTRY", NAMESPACE)}


def prepare(lab: Lab) -> None:
    """Give a cluster what a hub needs: its rights, and volumes for the learners."""
    lab.kubectl("apply", "-f", str(OBJECTS))
    lab.await_pod("disks", "jsonpath={.status.phase}=Succeeded")


@contextmanager
def running(lab: Lab, directory: Path) -> Iterator[None]:
    """Run a hub for a cluster that is prepared; its files come into a directory."""
    programs, config = directory / "venv" / "bin", directory / "jupyterhub_config.py"
    venv.create(programs.parent, with_pip=True)
    pip = [programs / "pip", "install", "--quiet", *PACKAGES]
    subprocess.run(pip, check=True, timeout=scaled(300))
    config.write_text(CONFIG)
    given = {
        "PATH": f"{programs}:{os.environ['PATH']}",
        "HOME": str(directory),
        "KUBECONFIG": _kubeconfig(lab, directory),
        "SPAWNER": json.dumps(settings()),
        "CONFIGPROXY_AUTH_TOKEN": secrets.token_hex(),
    }
    started = [
        [programs / "configurable-http-proxy", "--ip=0.0.0.0", "--port=8000"],
        [programs / "jupyterhub", f"--config={config}"],
    ]
    with ExitStack() as stack:
        log = stack.enter_context(open(directory / "hub.log", "w+"))
        with network_of(lab.machine.pid()):
            for words in started:
                process = subprocess.Popen(
                    command(*map(str, words)),
                    cwd=directory,
                    env=given,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                )
                stack.callback(process.wait)
                stack.callback(process.kill)
            until(_answers, PATIENCE, f"the hub answers: {log.name}")
        try:
            yield
        finally:
            print(Path(log.name).read_text()[-20_000:])


def _answers() -> bool:
    with suppress(requests.RequestException):
        return requests.get(f"{ADDRESS}/hub/api", timeout=ANSWER).ok
    return False


def _kubeconfig(lab: Lab, directory: Path) -> str:
    """Write that of the hub's account, for the network of the pods."""
    token = lab.kubectl("create", "token", "hub", f"--namespace={NAMESPACE}").strip()
    known = json.loads(lab.backend.kubeconfig.read_text())
    server = f"https://{layout.API_SERVICE_IP}"
    known["clusters"][0]["cluster"]["server"] = server
    known["users"][0]["user"] = {"token": token}
    file = directory / "kubeconfig"
    file.write_text(json.dumps(known))
    return str(file)


class Learner:
    """A browser in which a learner is logged in to the hub, in its network."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.browser = requests.Session()
        login = f"{ADDRESS}/hub/login"
        self.browser.get(login, timeout=ANSWER).raise_for_status()
        form = {"username": name, "password": "", **self._xsrf()}
        page = self.browser.post(login, form, timeout=ANSWER, allow_redirects=False)
        assert page.status_code == 302, page.text[-2000:]
        asked = self.browser.post(
            f"{ADDRESS}/hub/api/users/{name}/tokens",
            json={"expires_in": 3600},
            params=self._xsrf(),
            headers={"Referer": f"{ADDRESS}/hub/home"},
            timeout=ANSWER,
        )
        asked.raise_for_status()
        self.token = asked.json()["token"]

    def _xsrf(self) -> dict[str, str]:
        return {"_xsrf": self.browser.cookies.get("_xsrf", path="/hub/")}

    def ask(self, method: str, path: str, **options) -> requests.Response:
        """Ask the hub, or the server behind it; raise HTTPError."""
        mark = {"Authorization": f"token {self.token}"}
        answer = requests.request(
            method, f"{ADDRESS}/{path}", headers=mark, timeout=ANSWER, **options
        )
        answer.raise_for_status()
        return answer

    def _servers(self) -> dict:
        return self.ask("GET", f"hub/api/users/{self.name}").json()["servers"]

    def _ready(self) -> bool:
        return self._servers().get("", {}).get("ready", False)

    def start(self) -> None:
        """Start the own server and wait until it answers."""
        self.ask("POST", f"hub/api/users/{self.name}/server")
        until(self._ready, PATIENCE, f"{self.name}'s server is ready")

    def stop(self) -> None:
        """Stop the own server and wait for its end."""
        self.ask("DELETE", f"hub/api/users/{self.name}/server")
        gone = f"{self.name}'s server is gone"
        until(lambda: not self._servers(), PATIENCE, gone)

    def landed(self) -> str:
        """Open the own server and return the path of its page."""
        page = self.browser.get(f"{ADDRESS}/user/{self.name}/", timeout=ANSWER)
        page.raise_for_status()
        return urlsplit(page.url).path.removeprefix(f"/user/{self.name}")

    def learn(self, notebook: str) -> list[dict]:
        """Run a lesson as its page does; return what came of each cell."""
        page = f"{ADDRESS}/user/{self.name}/lab/tree/notebooks/{notebook}"
        return play(f"{page}?token={self.token}")

    def write(self, path: str, text: str) -> None:
        """Write a file of one's own."""
        content = {"type": "file", "format": "text", "content": text}
        self.ask("PUT", f"user/{self.name}/api/contents/{path}", json=content)
