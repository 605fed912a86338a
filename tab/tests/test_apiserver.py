"""A genuine API server with the etcd in memory instead of etcd."""

import itertools
import json
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import requests

from cluster.controlplane.apiserver import ApiServer
from cluster.tests.commandline import python
from cluster.tests.slowness import scaled
from cluster.tests.waiting import until
from cluster.usermode import kernel
from tests.notebooks import file_of

#: one whose requests it has to answer, and some of whose cells need pods
LESSON = "13-write-over-http"
MAPS = "/api/v1/namespaces/default/configmaps"
EVENTS = "/api/v1/namespaces/default/events"
DEPLOYMENTS = "/apis/apps/v1/namespaces/default/deployments"
JSON = "application/json"
APPLY, MERGE = "application/apply-patch+yaml", "application/merge-patch+json"


@pytest.fixture(scope="module")
def assets(go, genuine, tmp_path_factory) -> Path:
    """Return a directory with the cluster's programs, with this etcd among them."""
    folder = tmp_path_factory.mktemp("assets")
    for program in genuine.iterdir():
        if program.name != "etcd":
            (folder / program.name).symlink_to(program)
    built = go("test", "-c", f"-o={folder}/etcd", "./etcd")
    assert built.returncode == 0, built.stderr
    return folder


@pytest.mark.follow("lessons on another etcd")
def test_a_lesson_runs_on_it(assets):
    """On a control plane without a node; a cell that needs pods is left out."""
    settings = {
        "LAB_ASSETS": assets,
        "LAB_BACKEND": "control-plane",
        "LAB_STATE_DIR": None,
        kernel.VARIABLE: "none",
    }
    words = ("-m", "pytest", "-n", "0", "-q", "-rs", file_of(LESSON))
    done = python(*words, env=settings, timeout=scaled(120))
    assert done.returncode == 0, done.stdout
    assert "needs a node" in done.stdout


@pytest.mark.full("API servers on another etcd")
@pytest.mark.parametrize("subject", ["conflicts", "pages", "expiry"])
def test_an_api_server_answers_as_on_etcd(assets, monkeypatch, subject):
    flags, requested, expected = SUBJECTS[subject]
    with ApiServer(flags) as server:
        wanted = [*requested(Api(server))]
    monkeypatch.setenv("LAB_ASSETS", str(assets))
    with ApiServer(flags) as server:
        pid = server._machine.last_status()["components"]["etcd"]["pid"]
        assert os.readlink(f"/proc/{pid}/exe") == str(assets / "etcd")
        assert [*requested(Api(server))] == wanted
    assert expected <= {code for _, code, *_ in wanted}


class Api:
    """Requests to an API server, with the certificate of who may do everything."""

    def __init__(self, server: ApiServer) -> None:
        self.server, self.session = server, requests.Session()
        # Not what the environment trusts.
        self.session.trust_env = False
        pki = server.directory / "pki"
        self.session.verify = str(pki / "ca.crt")
        self.session.cert = f"{pki}/super-admin.crt", f"{pki}/super-admin.key"

    def __call__(self, method, path, body=None, kind=JSON, stream=False, **params):
        return self.session.request(
            method,
            self.server.url + path,
            params=params,
            stream=stream,
            data=None if body is None else json.dumps(body),
            headers={"Content-Type": kind},
            timeout=60,
        )

    def watch(self, version: str, count: int) -> list[tuple]:
        """Return the first events of a watch of the ConfigMaps."""
        watch = {"watch": 1, "resourceVersion": version, "timeoutSeconds": 50}
        with self("GET", MAPS, stream=True, **watch) as stream:
            lines = itertools.islice(stream.iter_lines(), count)
            told = [json.loads(line) for line in lines]
        return [(one["type"], *essence(one["object"])) for one in told]


def essence(found: dict) -> tuple:
    """Return what two servers say alike of an object or an error."""
    if found["kind"] == "Status":
        return found.get("code"), found.get("reason")
    return found["metadata"].get("name"), found.get("data")


def told(what: str, answer: requests.Response) -> tuple:
    return what, answer.status_code, *essence(answer.json())


def named(name: str, **data: str) -> dict:
    about = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}}
    return about | {"data": data}


def large() -> dict:
    """Return an object that etcd alone finds too large: a ConfigMap may have less."""
    main = {"name": "main", "image": "toolbox", "args": ["x" * 1_572_864]}
    labels = {"app": "large"}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [main]}}
    spec = {"selector": {"matchLabels": labels}, "template": template}
    about = {"apiVersion": "apps/v1", "kind": "Deployment"}
    return about | {"metadata": {"name": "large"}, "spec": spec}


def conflicts(api: Api) -> Iterator[tuple]:
    """Write one object in many ways, and resume watches of it."""
    made, path = api("POST", MAPS, named("colors", sky="blue")), f"{MAPS}/colors"
    colors = made.json()
    version = colors["metadata"]["resourceVersion"]
    yield told("made", made)
    yield told("made twice", api("POST", MAPS, named("colors")))
    for sky in ("grey", "black"):
        colors["data"]["sky"] = sky
        yield told("put", api("PUT", path, colors))
    yield told("patched", api("PATCH", path, {"data": {"sea": "green"}}, MERGE))
    stale = {"preconditions": {"resourceVersion": version}}
    yield told("deleted, stale", api("DELETE", path, stale))
    for manager, sky in (("one", "red"), ("two", "blue")):
        options = {"fieldManager": manager, "force": manager == "one"}
        applied = api("PATCH", path, named("colors", sky=sky), APPLY, **options)
        yield told(f"applied by {manager}", applied)
    yield told("too large", api("POST", DEPLOYMENTS, large()))
    yield told("deleted", api("DELETE", path))
    yield told("gone", api("GET", path))
    yield "watched", 200, api.watch(version, 4)
    # A new process has no history but etcd's.
    api.server.restart()
    yield "watched after a restart", 200, api.watch(version, 4)


def pages(api: Api) -> Iterator[tuple]:
    """List ten thousand objects in pages, with one that comes in between."""
    for i in range(4):
        with ThreadPoolExecutor(8) as pool:
            count = range(i * 2500, (i + 1) * 2500)
            made = pool.map(lambda i: api("POST", MAPS, named(f"map-{i:05}")), count)
            yield "made", *{answer.status_code for answer in made}
    token, number = "", 0
    while token is not None:
        answer = api("GET", MAPS, limit=700, **{"continue": token})
        page = answer.json()
        names = [one["metadata"]["name"] for one in page["items"]]
        left = page["metadata"].get("remainingItemCount")
        yield "page", answer.status_code, left, names
        api("POST", MAPS, named(f"map-{number:05}-late"))
        token, number = page["metadata"].get("continue"), number + 700
    yield "whole", 200, len(api("GET", MAPS).json()["items"])


def expiry(api: Api) -> Iterator[tuple]:
    """Wait until history is compacted, and an Event is over."""
    for name in ("a", "b", "c"):
        yield told("made", api("POST", MAPS, named(name)))
    page = api("GET", MAPS, limit=1).json()["metadata"]
    yield "page", 200, page["remainingItemCount"]
    ask = {"limit": 1, "continue": page["continue"]}
    brief = {"metadata": {"name": "brief"}, "involvedObject": {"namespace": "default"}}
    yield "event", api("POST", EVENTS, brief).status_code
    until(lambda: api("GET", f"{EVENTS}/brief").status_code == 404, 100)
    until(lambda: api("GET", MAPS, **ask).status_code == 410, 100)
    late = api("GET", MAPS, **ask)
    yield told("late page", late)
    ask["continue"] = late.json()["metadata"]["continue"]
    rest = api("GET", MAPS, **ask).json()
    yield "fresh page", 200, [one["metadata"]["name"] for one in rest["items"]]
    yield "late watch", 200, api.watch(page["resourceVersion"], 1)


#: history as long as in a cluster
KEPT = {"--etcd-compaction-interval": "5m"}
#: every list and watch is etcd's
UNCACHED = {"--watch-cache": "false"}
#: flags of the API server, requests, and codes that have to be among the answers
SUBJECTS = {
    "conflicts": (KEPT | UNCACHED, conflicts, {200, 201, 404, 409, 500}),
    "pages": (KEPT, pages, {200, 201}),
    "expiry": (UNCACHED | {"--event-ttl": "2s"}, expiry, {200, 201, 410}),
}
