"""What the descriptions of the control plane mean, and that their table stays true."""

import re

import pytest

from cluster.controlplane import components
from cluster.controlplane.components import Ports, describe
from cluster.machine import layout
from cluster.programs.recipe import CONTROL_PLANE
from cluster.programs.releases import published
from tests import doctable

PORTS = Ports(6001, 6002, 6003, 6004, 6005)
BINARIES = "/home/a, b/bin"


def named(*, bootstrapped=False):
    parts = describe(PORTS, BINARIES, bootstrapped=bootstrapped)
    return {part.name: part for part in parts}


def options(name):
    """Return the command line of a component as a dict."""
    pairs = [word.partition("=") for word in named()[name].argv[1:]]
    assert len(pairs) == len({key for key, _, _ in pairs}), "an option given twice"
    return {key: value for key, _, value in pairs}


def test_there_is_no_part_that_only_a_node_needs():
    assert list(named()) == [
        "etcd",
        "kube-apiserver",
        "kube-controller-manager",
        "kube-scheduler",
    ]
    assert not set(named()) & set(components.ABSENT)


@pytest.mark.parametrize("bootstrapped", [True, False])
def test_every_component_that_is_named_exists(bootstrapped):
    parts = named(bootstrapped=bootstrapped)
    for part in parts.values():
        assert {*part.needs, *part.stop_after} <= set(parts)
    waiting = {part.name for part in parts.values() if "kube-apiserver" in part.needs}
    assert waiting == {"kube-controller-manager", "kube-scheduler"}
    assert parts["kube-apiserver"].ready.url.endswith("/readyz") != bootstrapped


@pytest.mark.parametrize("name", named())
def test_every_path_is_short_and_none_is_the_machines(name):
    part = named()[name]
    assert part.argv[0] == f"{BINARIES}/{name}"
    for word in part.argv[1:]:
        assert layout.ROOT not in word
        for path in re.findall(r"(?<![\w./:])/[\w./-]+", word):
            assert path.startswith(f"{components.STATE}/"), word
    assert all(path.startswith(f"{components.STATE}/") for path in part.files)


@pytest.mark.parametrize("name", named())
def test_every_address_is_of_the_loopback_device(name):
    known = {"127.0.0.1", layout.NODE_IP, *layout.SERVICE_CIDR.split("/")}
    for word in named()[name].argv:
        assert set(re.findall(r"\d+\.\d+\.\d+\.\d+", word)) <= known, word
    if name != "etcd":
        assert options(name)["--bind-address"] == "127.0.0.1"


def test_each_has_its_own_port_and_is_asked_there():
    asked = {name: part.ready.url for name, part in named().items()}
    assert asked == {
        "etcd": "http://127.0.0.1:6002/health",
        "kube-apiserver": "https://127.0.0.1:6001/readyz",
        "kube-controller-manager": "https://127.0.0.1:6003/healthz",
        "kube-scheduler": "https://127.0.0.1:6004/healthz",
    }
    for name, url in asked.items():
        port = url.split(":")[2].split("/")[0]
        given = options(name)
        assert given.get("--secure-port", port) == port
        shared = given.get("--permit-port-sharing") or given.get("--socket-reuse-port")
        assert shared == "true", "we hold the port"
    assert options("etcd")["--listen-metrics-urls"] == "http://127.0.0.1:6002"


def test_the_recipe_holds_what_they_run_and_all_of_it_is_published():
    """Where this is for, a build would take too much memory."""
    programs = {part.argv[0].rpartition("/")[2] for part in named().values()}
    assert programs | {"kubectl"} == set(CONTROL_PLANE.programs())
    assert all(published(step.programs) for step in CONTROL_PLANE.steps)


# The table at the top of the module, row by row, as facts of the descriptions.
TABLE = {
    "node, pods": lambda: not {"kubelet", "containerd"} & set(named()),
    "DNS, Service network": lambda: not {"coredns", "kube-proxy"} & set(named()),
    "network": lambda: options("kube-apiserver")["--bind-address"] == "127.0.0.1",
    "ports": lambda: options("kube-scheduler")["--secure-port"] == "6004",
    "API server": lambda: options("kube-apiserver")["--bind-address"] == "127.0.0.1",
    "Service `kubernetes`": lambda: (
        options("kube-apiserver")["--endpoint-reconciler-type"] == "none"
    ),
    "paths": lambda: options("etcd")["--data-dir"].startswith("/proc/self/cwd/"),
}


def test_every_row_of_the_table_is_checked():
    assert doctable.rows(components) == list(TABLE)


@pytest.mark.parametrize("row", TABLE)
def test_the_table_is_true(row):
    assert TABLE[row]()
