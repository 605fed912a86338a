"""A port of the node leads to a pod, and opens nothing else."""

from pathlib import Path

import pytest

from cluster.machine import layout
from cluster.tests.whole.lab import ONCE, Lab, full

pytestmark = [*ONCE, full]

PORT = 7000
SYN = Path(__file__).with_name("syn.py").read_text()


@pytest.fixture
def pods(lab):
    """Return the cluster with a pod that has a port of the node, and one beside it."""
    lab.run_pod(
        "served",
        container={
            "command": ["python3", "-m", "http.server", "8000"],
            "ports": [{"containerPort": 8000, "hostPort": PORT}],
            "readinessProbe": {"tcpSocket": {"port": 8000}, "periodSeconds": 1},
        },
    )
    lab.run_pod("beside")
    lab.run_pod("on-node", hostNetwork=True)
    yield lab
    lab.kubectl("delete", "pod", "served", "beside", "on-node")


def answer(lab: Lab, pod: str, host: str) -> str:
    command = "curl -s -o /dev/null -m 5 -w '%{http_code}'"
    return lab.sh(pod, f"{command} http://{host}:{PORT}/ || true")


def connects(lab: Lab, pod: str, host: str, port: int) -> str:
    command = ("exec", "-i", pod, "--", "python3", "-", host, str(port))
    return lab.kubectl(*command, input=SYN).strip()


def test_a_pod_answers_on_its_port_of_the_node_and_loopback_stays_the_nodes(pods):
    works = pods.machine.status()["service_proxy"]
    for pod, host in (
        ("on-node", layout.NODE_IP),
        ("on-node", "127.0.0.1"),
        ("beside", layout.NODE_IP),
        ("served", layout.NODE_IP),
    ):
        assert answer(pods, pod, host) == ("200" if works else "000"), (pod, host)
    assert connects(pods, "beside", layout.NODE_IP, layout.API_PORT) == "open"
    # etcd's health; that it listens is known, since the cluster was ready.
    assert connects(pods, "beside", "127.0.0.1", 2381) == "silent"
