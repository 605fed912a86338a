"""The dev container: what Jupyter lets in there, and that it is the image.

A JupyterLab elsewhere lets nobody else in, and opens the address that a hub hands out.
"""

import json
import re
import shutil
import socket
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import requests

from tests.browser.jupyterlab import JupyterLab
from tests.notebooks import ROOT, file_of
from tests.project.test_project import hub_notebook

DIRECTORY = ROOT / ".devcontainer"
#: has the settings of the image's Jupyter
IMAGE = ROOT / "binder"
OWN = "https://fuzzy-space-7-8888.app.github.dev"
full = pytest.mark.full("infrastructure that lessons do not touch")


@contextmanager
def jupyter(directory: Path, **environment: str):
    """Run JupyterLab as `make lab` does, with the image's settings."""
    server = JupyterLab(directory)
    try:
        yield server.start(JUPYTER_CONFIG_PATH=str(IMAGE), **environment)
    finally:
        server.stop()


def here(server: JupyterLab) -> str:
    """Return the origin of a page that was opened on this machine."""
    return f"http://localhost:{urlsplit(server.url).port}"


def websocket(server: JupyterLab, origin: str, token: str = "") -> int:
    """Log in by the printed address, open a websocket from `origin`; return the status.

    Not by the token, which only a script has: that may come from anywhere.
    """
    # The cookie has the host's name in its own.
    url = f"{here(server)}/lab?token={token or server.token}"
    answer = requests.get(url, timeout=60, allow_redirects=False)
    port = urlsplit(server.url).port
    lines = (
        "GET /api/events/subscribe HTTP/1.1",
        # The program that forwards the port asks for it by this name.
        f"Host: localhost:{port}",
        f"Origin: {origin}",
        f"Cookie: {'; '.join(f'{each.name}={each.value}' for each in answer.cookies)}",
        "Connection: Upgrade",
        "Upgrade: websocket",
        "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    )
    with socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
        connection.sendall("\r\n".join((*lines, "", "")).encode())
        return int(connection.makefile().readline().split()[1])


@full
def test_the_browser_of_a_codespace_gets_its_websockets(tmp_path):
    with jupyter(tmp_path, CODESPACE_NAME="fuzzy-space-7") as server:
        assert websocket(server, OWN) == 101
        assert websocket(server, here(server)) == 101
        assert websocket(server, OWN, "another") == 403
        # Neither another codespace, nor whoever names itself in a similar way.
        assert websocket(server, OWN.replace("fuzzy", "other")) == 403
        assert websocket(server, f"{OWN}.example.com") == 403
        assert websocket(server, OWN.replace(".app", "-app")) == 403


@full
def test_elsewhere_nobody_else_is_let_in_and_the_link_of_a_hub_works(
    tmp_path, monkeypatch
):
    monkeypatch.delenv("CODESPACE_NAME", raising=False)
    path = hub_notebook()
    (tmp_path / "notebooks" / path).parent.mkdir(parents=True)
    shutil.copy(file_of(path.stem), tmp_path / "notebooks" / path)
    with jupyter(tmp_path) as server:
        assert websocket(server, OWN) == 403
        assert websocket(server, here(server)) == 101
        page = f"{server.url}lab/tree/{path}?token={server.token}"
        assert requests.get(page, timeout=60).text.startswith("<!doctype html>")
        assert server.api("GET", f"contents/{path}").json()["path"] == str(path)


def test_the_container_is_the_image_and_may_make_namespaces():
    text = (DIRECTORY / "devcontainer.json").read_text()
    # JSON with comments, each on a line of its own.
    found = json.loads(re.sub(r"^\s*//.*$", "", text, flags=re.MULTILINE))
    [named] = {"build", "image"} & found.keys()
    if named == "image":
        # As `make home` writes it, and the workflow of a tag publishes it.
        assert found["image"].startswith("ghcr.io/") and found["image"].endswith(":dev")
    else:
        build = {name: found["build"][name] for name in ("dockerfile", "context")}
        places = {name: (DIRECTORY / path).resolve() for name, path in build.items()}
        assert places == {"dockerfile": IMAGE / "Dockerfile", "context": ROOT}
        assert found["build"]["target"] == "complete"
    dockerfile = (IMAGE / "Dockerfile").read_text()
    assert f"ARG NB_USER={found['remoteUser']}\n" in dockerfile
    assert found["privileged"] is True
