"""The API server for the browser under Node, and that of the cluster, asked alike."""

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import requests

from tests.notebooks import ROOT

#: seconds that an answer may take on a busy machine
PATIENCE = 120


class Tab:
    """A server under Node, which is ready."""

    def __init__(self, process: subprocess.Popen) -> None:
        self.process = process
        self._read()

    def __call__(self, **request) -> dict:
        """Send a request, or a `script` of a shell; return the answer."""
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()
        return self._read()

    def _read(self) -> dict:
        line = self.process.stdout.readline()
        assert line, self.process.stderr.read()
        return json.loads(line)


@contextmanager
def tab(directory: Path) -> Iterator[Tab]:
    """Run the server of a directory under Node until the end of the block."""
    command = ["node", ROOT / "tab" / "web" / "node.js", directory]
    pipes = {name: subprocess.PIPE for name in ("stdin", "stdout", "stderr")}
    with subprocess.Popen(command, text=True, **pipes) as process:
        try:
            yield Tab(process)
        finally:
            process.kill()


class Cluster:
    """The API server of a cluster, with the certificates of its state directory."""

    def __init__(self, server: str, pki: Path) -> None:
        self.server, self.pki = server, pki
        self.session = requests.Session()
        # Not what the environment trusts.
        self.session.trust_env = False

    def __call__(
        self, *, method, path, headers=(), body="", certificate="", trust=""
    ) -> dict:
        """Send a request; return {status, headers, body}, or {error}."""
        request = requests.Request(method, self.server + path, data=body.encode())
        request.headers.update({"User-Agent": None, **dict(headers)})
        stem = self.pki / certificate
        try:
            answer = self.session.send(
                self.session.prepare_request(request),
                verify=str(self.pki / "ca.crt") if trust else True,
                cert=(f"{stem}.crt", f"{stem}.key") if certificate else None,
                allow_redirects=False,
                timeout=PATIENCE,
            )
        except requests.exceptions.SSLError:
            return {"error": "certificate"}
        told = {name: [value] for name, value in answer.headers.items()}
        return {"status": answer.status_code, "headers": told, "body": answer.text}
