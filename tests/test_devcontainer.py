"""The dev container: what Jupyter lets in there, and that all of it is pinned.

A JupyterLab elsewhere lets nobody else in, and opens the address that a hub hands out.
"""

import http.client
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import urllib.request
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.local.waiting import until
from tests.notebooks import ROOT
from tests.test_links import hub_notebook

DIRECTORY = ROOT / ".devcontainer"
OWN = "https://fuzzy-space-7-8888.app.github.dev"
full = pytest.mark.full("infrastructure that lessons do not touch")
TOKEN = "a-token-for-this-test"  # pragma: allowlist secret


@contextmanager
def jupyter(directory: Path, **environment: str):
    """Run JupyterLab as `make lab` does, in the dev container's environment."""
    settings = configuration()["containerEnv"]
    path = settings["JUPYTER_CONFIG_PATH"]
    path = path.replace("${containerWorkspaceFolder}", str(ROOT))
    env = {
        **os.environ,
        "JUPYTER_CONFIG_PATH": path,
        "JUPYTER_CONFIG_DIR": str(directory / "config"),
        "JUPYTER_RUNTIME_DIR": str(directory / "runtime"),
        "JUPYTER_TOKEN": TOKEN,
        **environment,
    }
    command = [
        *(sys.executable, "-m", "jupyterlab", "--ip=127.0.0.1", "--no-browser"),
        *("--ServerApp.port=0", f"--ServerApp.root_dir={directory}"),
        *(["--allow-root"] if os.geteuid() == 0 else []),
    ]
    with (
        open(directory / "log", "wb") as log,
        subprocess.Popen(command, env=env, stdout=log, stderr=log) as server,
    ):
        try:
            runtime = directory / "runtime"
            [told] = until(lambda: list(runtime.glob("jpserver-*.json")), 90, "Jupyter")
            port = until(lambda: json.loads(told.read_text() or "{}").get("port"), 30)
            until(lambda: listens(port), 30, "its port")
            yield port
        finally:
            server.send_signal(signal.SIGTERM)


def listens(port: int) -> bool:
    """Say so: the file is written a moment before."""
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


def logged_in(port: int, token: str = TOKEN) -> str:
    """Follow the address that JupyterLab prints; return the cookie, "" for none."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    # The cookie has the host's name in its own.
    host = {"Host": f"localhost:{port}"}
    connection.request("GET", f"/lab?token={token}", headers=host)
    answer = connection.getresponse()
    cookies = answer.headers.get_all("Set-Cookie") or ()
    connection.close()
    return "; ".join(each.partition(";")[0] for each in cookies)


def websocket(port: int, origin: str, cookie: str) -> int:
    """Open a websocket as a browser on a page of `origin`; return the status."""
    lines = (
        # Not by the token, which only a script has: it may come from anywhere.
        "GET /api/events/subscribe HTTP/1.1",
        # Whoever hands the port on has asked for it by this name.
        f"Host: localhost:{port}",
        f"Origin: {origin}",
        f"Cookie: {cookie}",
        "Connection: Upgrade",
        "Upgrade: websocket",
        "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    )
    with socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
        connection.sendall("\r\n".join((*lines, "", "")).encode())
        return int(connection.makefile().readline().split()[1])


def get(port: int, path: str) -> bytes:
    """Return what a path answers with to a script that has the token; it must."""
    headers = {"Authorization": f"token {TOKEN}"}
    asked = urllib.request.Request(f"http://127.0.0.1:{port}{path}", headers=headers)
    with urllib.request.urlopen(asked, timeout=60) as answer:
        return answer.read()


def configuration() -> dict:
    text = (DIRECTORY / "devcontainer.json").read_text()
    # JSON with comments, each on a line of its own.
    return json.loads(re.sub(r"^\s*//.*$", "", text, flags=re.MULTILINE))


@full
def test_the_browser_of_a_codespace_gets_its_websockets(tmp_path):
    with jupyter(tmp_path, CODESPACE_NAME="fuzzy-space-7") as port:
        cookie = logged_in(port)
        assert websocket(port, OWN, cookie) == 101
        assert websocket(port, f"http://localhost:{port}", cookie) == 101
        assert websocket(port, OWN, logged_in(port, "another")) == 403
        # Neither another codespace, nor whoever names itself in a similar way.
        assert websocket(port, OWN.replace("fuzzy", "other"), cookie) == 403
        assert websocket(port, f"{OWN}.example.com", cookie) == 403
        assert websocket(port, OWN.replace(".app", "-app"), cookie) == 403


@full
def test_elsewhere_nobody_else_is_let_in_and_the_link_of_a_hub_works(
    tmp_path, monkeypatch
):
    monkeypatch.delenv("CODESPACE_NAME", raising=False)
    path = hub_notebook()
    (tmp_path / path).parent.mkdir(parents=True)
    shutil.copy(ROOT / path.relative_to(path.parts[0]), tmp_path / path)
    with jupyter(tmp_path) as port:
        cookie = logged_in(port)
        assert websocket(port, OWN, cookie) == 403
        assert websocket(port, f"http://localhost:{port}", cookie) == 101
        assert get(port, f"/lab/tree/{path}").startswith(b"<!doctype html>")
        assert json.loads(get(port, f"/api/contents/{path}"))["path"] == str(path)


def test_the_container_is_pinned_and_asks_for_kind():
    found = configuration()
    assert re.search(r"@sha256:[0-9a-f]{64}$", found["image"])
    for feature in found["features"]:
        assert re.search(r":\d+\.\d+\.\d+$", feature), feature
    # Set up when it is made, and used later: both must be the same.
    assert found["containerEnv"]["LAB_BACKEND"] == "kind"
