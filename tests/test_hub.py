"""Who is alone in a container of a hub is told from who shares a machine."""

import pytest

from helpers.hub import Hub, Link, link_to_port

#: What a hub sets, by the place where the learner is.
HUBS = {
    "binder": {
        "JUPYTERHUB_SERVICE_PREFIX": "/user/ada-x1/",
        "JUPYTERHUB_API_URL": "http://10.3.244.30:8081/hub/api",
        "KUBERNETES_SERVICE_HOST": "10.0.0.1",
    },
    "hub on this machine": {
        "JUPYTERHUB_SERVICE_PREFIX": "/user/ada/",
        "JUPYTERHUB_API_URL": "http://127.0.0.1:15001/hub/api",
        # The whole hub in one pod: its users share it.
        "KUBERNETES_SERVICE_HOST": "10.0.0.1",
    },
    "batch node": {
        "JUPYTERHUB_SERVICE_PREFIX": "/user/ada/",
        "JUPYTERHUB_API_URL": "http://hub.campus.example:8081/hub/api",
    },
    "pod without a hub": {"KUBERNETES_SERVICE_HOST": "10.0.0.1"},
    "no hub": {},
}


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("binder", Hub("/user/ada-x1/", True)),
        ("hub on this machine", Hub("/user/ada/", False)),
        ("batch node", Hub("/user/ada/", False)),
        ("pod without a hub", Hub("/", False)),
        ("no hub", Hub("/", False)),
    ],
)
def test_who_is_alone(name, expected, tmp_path):
    """In doubt the learner is not: the answer opens a door."""
    assert Hub.read(HUBS[name], tmp_path) == expected


@pytest.mark.parametrize("mark", [".dockerenv", "run/.containerenv"])
def test_containers_without_kubernetes(mark, tmp_path):
    """Docker and Podman leave a file; a hub elsewhere has started this one."""
    (tmp_path / mark).parent.mkdir(exist_ok=True)
    (tmp_path / mark).touch()
    assert Hub.read(HUBS["batch node"], tmp_path).container_of_one
    assert not Hub.read(HUBS["hub on this machine"], tmp_path).container_of_one
    assert not Hub.read(HUBS["no hub"], tmp_path).container_of_one


@pytest.mark.parametrize(
    "url",
    ["", "http://localhost:1/hub/api", "http://[::1]:1/", "http://127.9.9.9/", "/hub"],
)
def test_a_hub_that_may_be_here_is_here(url, tmp_path):
    """Also one that does not say where it is."""
    told = HUBS["binder"] | {"JUPYTERHUB_API_URL": url}
    assert not Hub.read(told, tmp_path).container_of_one


@pytest.mark.parametrize("prefix", ["/user/ada", "user/ada/", "/user/ada/"])
def test_a_link_begins_with_the_prefix(prefix, monkeypatch):
    """Whatever slashes it has, there is one between its parts."""
    monkeypatch.setenv("JUPYTERHUB_SERVICE_PREFIX", prefix)
    assert repr(link_to_port(41234, "/api/v1")) == "/user/ada/proxy/41234/api/v1"
    assert repr(link_to_port(41234)) == "/user/ada/proxy/41234/"


def test_a_link_is_a_link_on_a_page():
    """And what stands in it stays inside of it."""
    assert Link('/a"<b>')._repr_html_() == (
        '<a href="/a&quot;&lt;b&gt;" target="_blank">/a&quot;&lt;b&gt;</a>'
    )
