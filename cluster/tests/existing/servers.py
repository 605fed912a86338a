"""A genuine API server with RBAC that keeps a log of all requests, and ways into it."""

import json
import subprocess
from collections.abc import Mapping
from pathlib import Path

from cluster import programs
from cluster.controlplane.apiserver import ApiServer
from cluster.tests.rbacserver import write_kubeconfig
from cluster.waiting import poll

_READS = {"get", "list", "watch"}
#: each request once, with its answer's number
_POLICY = Path(__file__).with_name("audit.yaml")
_KINDS = ("validatingadmissionpolicies", "mutatingadmissionpolicies")
_OFF = ",".join(
    f"admissionregistration.k8s.io/v1/{kind}=false"
    for each in _KINDS
    for kind in (each, each.replace("policies", "policybindings"))
)
#: an API server without policies, as one below Kubernetes 1.30
WITHOUT_POLICIES = {
    "--runtime-config": _OFF,
    "--disable-admission-plugins": "ValidatingAdmissionPolicy,MutatingAdmissionPolicy",
}


class Audited(ApiServer):
    """An API server of a test, with an audit log of each request that it gets."""

    _seen = 0

    def __init__(self, flags: Mapping[str, str] = {}) -> None:
        """Keep the log beside what it stores; `flags` as for its base."""
        logged = {"audit-policy-file": str(_POLICY), "audit-log-path": "audit.log"}
        usual = {f"--{name}": value for name, value in logged.items()}
        super().__init__({"--authorization-mode": "RBAC"} | usual | {**flags})

    def __enter__(self) -> "Audited":
        """Start it, and wait for the roles that every user has."""
        super().__enter__()
        words = ("get", "clusterrolebindings", "system:basic-user", "system:discovery")
        assert poll(lambda: self.kubectl(*words).returncode == 0, 30)
        self.forget()
        return self

    def requests(self, *, by: str = "") -> list[tuple[str, str, int]]:
        """Return verb, path and code of what others have asked, in order.

        With `by` only of what that user has asked.
        """
        return [
            (event["verb"], event["requestURI"], event["responseStatus"]["code"])
            for event in self._events()[self._seen :]
            # The server's own requests, for its first objects, are left out.
            if event["user"].get("username") != "system:apiserver"
            and by in ("", event["user"].get("username"))
        ]

    def writes(self, *, by: str = "") -> list[tuple[str, str, int]]:
        """Return those that changed something."""
        return [
            (verb, path, code)
            for verb, path, code in self.requests(by=by)
            if code < 300
            and verb not in _READS
            and "dryRun=All" not in path
            and "/selfsubject" not in path
        ]

    def kubeconfig(self, path: Path, *contexts: str) -> Path:
        """Write a kubeconfig with contexts that all lead here; return its path."""
        known = self.api_client().configuration
        # Beside the file and with a relative name, as many a kubeconfig has it.
        path.parent.mkdir(parents=True, exist_ok=True)
        ca = path.with_suffix(".crt")
        ca.write_bytes(Path(known.ssl_ca_cert).read_bytes())
        cluster = {"server": known.host, "certificate-authority": ca.name}
        me = {"client-certificate": known.cert_file, "client-key": known.key_file}
        return write_kubeconfig(path, cluster, me, *(contexts or ("production",)))

    def phases(self) -> dict[str, str]:
        """Return the phase of each namespace; no controller here ends a termination."""
        each = "{.metadata.name}={.status.phase} "
        form = f"jsonpath={{range .items[*]}}{each}{{end}}"
        found = self.kubectl("get", "namespaces", "-o", form).stdout
        return dict(item.split("=") for item in found.split())

    def apply(self, text: str) -> subprocess.CompletedProcess:
        """Send manifests with kubectl; return what it did."""
        return self.kubectl("apply", "-f", "-", input=text)

    def kubectl(self, *words: str, input: str = "") -> subprocess.CompletedProcess:
        """Run the genuine kubectl as one who may do everything."""
        known = self.api_client().configuration
        command = [
            programs.ensure_api_server() / "kubectl",
            "--kubeconfig=/dev/null",
            f"--server={known.host}",
            f"--certificate-authority={known.ssl_ca_cert}",
            f"--client-certificate={known.cert_file}",
            f"--client-key={known.key_file}",
            *words,
        ]
        return subprocess.run(
            command, input=input, capture_output=True, text=True, timeout=60
        )

    def names(self, *words: str) -> list[str]:
        """Return the names that `kubectl get` finds."""
        done = self.kubectl("get", *words, "-o", "name")
        assert done.returncode == 0, done.stderr
        return done.stdout.split()

    def forget(self) -> None:
        """Count from here on."""
        self._seen = len(self._events())

    def _events(self) -> list[dict]:
        lines = (self.directory / "audit.log").read_text().splitlines()
        return [json.loads(line) for line in lines]
