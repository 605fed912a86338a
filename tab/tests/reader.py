"""A reader's shell beside a cluster under Node, and pods for it."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from cluster.tests.waiting import until
from tab.tests.servers import PATIENCE, tab

#: a webhook that nobody answers, for everything
REFUSES_ALL = {
    "apiVersion": "admissionregistration.k8s.io/v1",
    "kind": "ValidatingWebhookConfiguration",
    "metadata": {"name": "no"},
    "webhooks": [
        {
            "name": "no.example.com",
            "clientConfig": {"url": "https://127.0.0.1:9"},
            "rules": [
                {
                    "apiGroups": ["*"],
                    "apiVersions": ["*"],
                    "operations": ["*"],
                    "resources": ["*/*"],
                }
            ],
            "admissionReviewVersions": ["v1"],
            "sideEffects": "None",
        }
    ],
}


def pod(name: str, *containers: dict, **spec: object) -> dict:
    """Return a pod of toolbox; a container that does not say what it runs sleeps."""
    filled = [
        {"name": f"c{number}", "image": "toolbox:1", **container}
        for number, container in enumerate(containers or ({},))
    ]
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "labels": {"color": "red"}},
        "spec": {"containers": filled, "terminationGracePeriodSeconds": 1, **spec},
    }


def shell(script: str) -> dict:
    return {"command": ["sh", "-c", script]}


class Reader:
    """A shell beside the cluster, in one namespace."""

    def __init__(self, server, began: float) -> None:
        self.server, self.began = server, began

    def run(self, script: str, **request) -> dict:
        """Run a script; return code, text and errors."""
        return self.server(script=script, namespace="default", **request)

    def __call__(self, script: str, **request) -> str:
        """Run a script that does not fail; return its output."""
        answer = self.run(script, **request)
        assert answer["code"] == 0, (script, answer)
        return answer["text"]

    def apply(self, *objects: dict) -> None:
        text = "\n---\n".join(map(json.dumps, objects))
        self("kubectl apply -f -", input=text)

    def wait(self, what: str, how: str = "condition=Ready") -> None:
        self(f"kubectl wait --for={how} {what} --timeout={PATIENCE}s")

    def until(self, script: str, is_so: Callable[[str], bool]) -> str:
        """Repeat a script until its output is right; return that."""
        outputs: list[str] = []

        def is_right() -> bool:
            outputs.append(self(script))
            return is_so(outputs[-1])

        until(is_right, PATIENCE)
        return outputs[-1]


@contextmanager
def reader(directory: Path) -> Iterator[Reader]:
    """Start the program of a directory; yield a reader when its node is Ready."""
    with tab(directory) as server:
        shared = Reader(server, time.monotonic())
        shared.until("kubectl get nodes", lambda nodes: " Ready " in nodes)
        shared.wait("sa/default", "create")
        yield shared
