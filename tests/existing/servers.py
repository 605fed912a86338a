"""A genuine API server that keeps a log of all requests, and files that lead to it."""

import contextlib
import json
import subprocess
from pathlib import Path

import yaml

from cluster.apiserver import ApiServer, programs

_READS = {"get", "list", "watch"}
#: each request once, with its answer's number
_POLICY = Path(__file__).with_name("audit.yaml")


class Audited(ApiServer):
    """An API server of a test, with an audit log of each request that it gets."""

    _seen = 0

    def __init__(self) -> None:
        """Keep the log beside what it stores: that is where it works."""
        flags = ("--audit-policy-file", str(_POLICY)), ("--audit-log-path", "audit.log")
        super().__init__(dict(flags))

    def requests(self, *, besides: str = "") -> list[tuple[str, str]]:
        """Return verb and path of what others have asked, in order.

        Without what somebody asked as the user `besides`, whom they impersonate.
        """
        return [
            (event["verb"], event["requestURI"])
            for event in self._events()[self._seen :]
            # What it asks itself, to make its first objects.
            if event["user"].get("username") != "system:apiserver"
            and not (besides and _impersonated(event) == besides)
        ]

    def writes(self) -> list[tuple[str, str]]:
        """Return those that are no reads, nor questions that nobody stores."""
        return [
            (verb, path)
            for verb, path in self.requests()
            if verb not in _READS and "/selfsubjectreviews" not in path
        ]

    def kubeconfig(self, path: Path, *contexts: str, user: str = "") -> Path:
        """Write a kubeconfig with contexts that all lead here; return its path.

        With `user` it asks as that one, whom its true user impersonates.
        """
        known = self.api_client().configuration
        names = contexts or ("production",)
        cluster = {"server": known.host, "certificate-authority": known.ssl_ca_cert}
        me = {"client-certificate": known.cert_file, "client-key": known.key_file}
        if user:
            me["as"] = user
        document = {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": names[0],
            "clusters": [{"name": "there", "cluster": cluster}],
            "users": [{"name": "me", "user": me}],
            "contexts": [
                {"name": name, "context": {"cluster": "there", "user": "me"}}
                for name in names
            ],
        }
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(yaml.safe_dump(document))
        return path

    @contextlib.contextmanager
    def client(self):
        """Yield a client of the core API, for the test's own use."""
        from kubernetes.client import CoreV1Api

        with self.api_client() as api:
            yield CoreV1Api(api)

    def apply(self, text: str) -> subprocess.CompletedProcess:
        """Send manifests with kubectl; return what it did."""
        return self.kubectl("apply", "-f", "-", input=text)

    def kubectl(self, *words: str, input: str = "") -> subprocess.CompletedProcess:
        """Run the genuine kubectl as one who may do everything."""
        known = self.api_client().configuration
        command = [
            programs() / "kubectl",
            *("--kubeconfig=/dev/null", f"--server={known.host}"),
            f"--certificate-authority={known.ssl_ca_cert}",
            f"--client-certificate={known.cert_file}",
            f"--client-key={known.key_file}",
            *words,
        ]
        return subprocess.run(
            command, input=input, capture_output=True, text=True, timeout=60
        )

    def labels(self, namespace: str) -> dict[str, str]:
        """Return the labels of a namespace."""
        with self.client() as core:
            return core.read_namespace(namespace).metadata.labels

    def remove_kinds(self, *names: str) -> None:
        """Delete CustomResourceDefinitions."""
        from kubernetes.client import ApiextensionsV1Api

        with self.api_client() as api:
            for name in names:
                definitions = ApiextensionsV1Api(api)
                definitions.delete_custom_resource_definition(name)

    def forget(self) -> None:
        """Count from here on."""
        self._seen = len(self._events())

    def _events(self) -> list[dict]:
        lines = (self.directory / "audit.log").read_text().splitlines()
        return [json.loads(line) for line in lines]


def _impersonated(event: dict) -> str:
    return event.get("impersonatedUser", {}).get("username", "")
