"""Something acts on an object of each kind as in a cluster, or the answer warns."""

import base64
import json
import subprocess

import pytest

from cluster import paths
from cluster.tests.waiting import until
from cluster.waiting import poll
from tab.tests.kinds import KINDS, NAMESPACE
from tab.tests.servers import PATIENCE, Cluster, tab
from tab.tests.test_same import essence

pytestmark = [
    pytest.mark.full("an API server under Node, and an object of each kind"),
    pytest.mark.timeout(1800),
]


class Admin:
    """Ask a server as its administrator."""

    def __init__(self, server) -> None:
        self.server = server

    def __call__(self, method: str, path: str, body: object = "") -> dict:
        # A refusal shows the manager of fields, which has the name of the client.
        headers = [("Accept", "application/json"), ("User-Agent", "kinds")]
        if body:
            headers.append(("Content-Type", "application/json"))
            body = json.dumps(body)
        return self.server(
            method=method,
            path=path,
            body=body,
            headers=headers,
            certificate="super-admin",
            trust="cluster",
        )

    def read(self, path: str) -> dict:
        """Return an object, {} if it is not there."""
        answer = self("GET", path)
        assert "status" in answer, (path, answer)
        return json.loads(answer["body"]) if answer["status"] == 200 else {}


@pytest.fixture(scope="module")
def request_text(tmp_path_factory):
    """Return a certificate signing request in base64."""
    folder = tmp_path_factory.mktemp("request")
    words = (
        "openssl req -new -newkey rsa:2048 -nodes -keyout key -out csr -subj /CN=kinds"
    )
    subprocess.run(words.split(), cwd=folder, check=True, capture_output=True)
    return base64.b64encode((folder / "csr").read_bytes()).decode()


def make(admin: Admin, request_text: str) -> list[dict]:
    """Make an object of each kind; return the answers."""
    until(lambda: admin.read("/api/v1/nodes").get("items"), PATIENCE)
    node = admin.read("/api/v1/nodes")["items"][0]["metadata"]["name"]
    maps = "/api/v1/namespaces/kube-system/configmaps/kube-root-ca.crt"
    until(lambda: admin.read(maps), PATIENCE)
    authority = admin.read(maps)["data"]["ca.crt"]
    words = {"NODE": node, "REQUEST": request_text, "AUTHORITY": authority}
    answers = []
    for kind in KINDS:
        text = json.dumps(kind.body)
        for word, value in words.items():
            text = text.replace(json.dumps(word), json.dumps(value))
        body = json.loads(text)
        body["metadata"] = {"name": kind.name} | body.get("metadata", {})
        answers.append(admin("POST", kind.path, body))
        if kind.name == NAMESPACE:
            until(lambda: admin.read(KINDS[0].there), PATIENCE)
    return answers


def wait_for_all(admin: Admin, kinds) -> None:
    """Wait until of an object of each kind becomes what should."""
    waiting = list(kinds)

    def is_over() -> bool:
        for kind in tuple(waiting):
            found = admin.read(kind.there or f"{kind.path}/{kind.name}")
            if found and kind.becomes(found):
                waiting.remove(kind)
        return not waiting

    poll(is_over, PATIENCE, pause=0.5)
    assert [kind.resource for kind in waiting] == []


def test_each_kind_is_acted_on_or_the_answer_warns(
    cluster, browser_server, request_text
):
    acted = [kind for kind in KINDS if kind.becomes]
    real = Admin(Cluster(cluster.server, paths.state_dir() / "pki"))
    try:
        theirs = make(real, request_text)
        wait_for_all(real, acted)
    finally:
        for kind in reversed(KINDS):
            real("DELETE", f"{kind.path}/{kind.name}")
    with tab(browser_server) as server:
        admin = Admin(server)
        ours = make(admin, request_text)
        wait_for_all(admin, [kind for kind in acted if not kind.warns])
        lists = [admin.read("/api/v1"), *groups(admin)]
    creatable = {
        one["name"]
        for listed in lists
        for one in listed["resources"]
        if "create" in one["verbs"] and "/" not in one["name"]
    }
    assert {kind.resource for kind in KINDS} == creatable
    differ = {}
    for kind, one, other in zip(KINDS, ours, theirs, strict=True):
        found, wanted = essence(one), essence(other)
        warning = found.pop("warning") or ""
        assert ("this tab has no controller" in warning) == kind.warns, kind
        wanted.pop("warning")
        if found != wanted:
            keys = [key for key in wanted if found.get(key) != wanted[key]]
            differ[kind.resource] = {key: (found.get(key), wanted[key]) for key in keys}
    assert differ == {}, json.dumps(differ, indent=1)


def groups(admin: Admin):
    """Return the lists of resources of each group's preferred version, but of ours."""
    for group in admin.read("/apis")["groups"]:
        if "example.com" not in group["name"]:
            yield admin.read(f"/apis/{group['preferredVersion']['groupVersion']}")
