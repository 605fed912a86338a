"""A genuine API server with RBAC that a test may restart and halt."""

import contextlib
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Self

import pytest
import yaml

from cluster.controlplane.apiserver import ApiServer
from cluster.tests.waiting import until
from helpers.api.caller import Caller

DEFAULT = "/api/v1/namespaces/default"


def write_kubeconfig(path: Path, cluster: dict, user: dict, *names: str) -> Path:
    """Write a kubeconfig with contexts of these names, the first current; return it."""
    context = {"cluster": "there", "user": "me", "namespace": "default"}
    names = names or ("own",)
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": names[0],
        "clusters": [{"name": "there", "cluster": cluster}],
        "users": [{"name": "me", "user": user}],
        "contexts": [{"name": name, "context": context} for name in names],
    }
    path.write_text(yaml.safe_dump(document))
    return path


class RbacServer(ApiServer):
    """An API server of a test; its one certificate may do everything."""

    def __init__(self, place: Path) -> None:
        """Keep what it stores in `place`: it needs no cluster, and no state of one."""
        super().__init__({"--authorization-mode": "RBAC"})
        self._place = place

    def start(self, **options) -> Self:
        """Start it as its base does."""
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("LAB_STATE_DIR", str(self._place))
            return super().start(**options)

    def kubeconfig(self, path: Path, *, token: str = "") -> Path:
        """Write a kubeconfig of that certificate, or of a token; return its path."""
        known = self.api_client().configuration
        cluster = {"server": known.host, "certificate-authority": known.ssl_ca_cert}
        user = {"client-certificate": known.cert_file, "client-key": known.key_file}
        return write_kubeconfig(path, cluster, {"token": token} if token else user)

    def account(self, name: str) -> Caller:
        """Make a ServiceAccount in `default`; return who shows a token of it."""
        known = self.api_client().configuration
        ca = Path(known.ssl_ca_cert)
        return Caller(known.host, ca=ca, token=self.token(name))

    def allow(self, name: str, resource: str, *verbs: str) -> None:
        """Let the ServiceAccount of this name do that in `default`."""
        group = "/apis/rbac.authorization.k8s.io/v1/namespaces/default"
        rule = {"apiGroups": [""], "resources": [resource], "verbs": list(verbs)}
        role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": name}
        who = {"kind": "ServiceAccount", "name": name, "namespace": "default"}
        meta = {"metadata": {"name": name}}
        self.post(f"{group}/roles", {**meta, "rules": [rule]})
        binding = {**meta, "roleRef": role, "subjects": [who]}
        self.post(f"{group}/rolebindings", binding)

    def token(self, name: str) -> str:
        """Make a ServiceAccount in `default`; return a token of it."""
        self.post(f"{DEFAULT}/serviceaccounts", {"metadata": {"name": name}})
        path = f"{DEFAULT}/serviceaccounts/{name}/token"
        return self.post(path, {"spec": {"audiences": []}})["status"]["token"]

    def post(self, path: str, body: dict) -> dict:
        """Create an object as one who may do everything; return it."""
        answer = self.caller().request("POST", path, body=body)
        assert answer.status == 201, answer.text
        return answer.json()

    def caller(self) -> Caller:
        """Return one who may do everything, with connections of its own."""
        return Caller.from_kubeconfig(self.kubeconfig(self.directory / "kubeconfig"))

    @contextlib.contextmanager
    def halted(self) -> Iterator[None]:
        """Let nothing be answered in a block, although connections are taken."""
        os.kill(self.pid, signal.SIGSTOP)
        # A busy machine may run some of its threads a while longer.
        tasks = Path(f"/proc/{self.pid}/task")
        until(lambda: all(") T " in x.read_text() for x in tasks.glob("*/stat")))
        try:
            yield
        finally:
            os.kill(self.pid, signal.SIGCONT)
