"""Run a lesson as its page does: by Jupyter's HTTP and websocket, cell after cell.

Exercises have their solutions. `python -m tests.lesson ADDRESS` does it on another
machine, where the address of `make lab` leads somewhere, and prints JSON.
"""

import json
import sys
import time
import uuid
from urllib.parse import parse_qs, urlsplit

import requests
import websocket

from helpers.course.exercise import with_solutions

#: seconds for one answer of the server, and for one cell
ANSWER, CELL = 120, 240


def play(address: str) -> list[dict]:
    """Open the page at an address with a token, and run its code cells; see `run`."""
    parts = urlsplit(address)
    [token] = parse_qs(parts.query)["token"]
    base, _, name = parts.path.partition("/lab/tree/")
    server = requests.Session()
    server.get(address, timeout=ANSWER).raise_for_status()
    server.headers["Authorization"] = f"token {token}"
    place = f"{parts.netloc}{base}/api"
    api = f"{parts.scheme}://{place}"
    notebook = server.get(f"{api}/contents/{name}", timeout=ANSWER).json()["content"]
    asked = {"path": name, "name": name, "type": "notebook"}
    asked["kernel"] = {"name": "python3"}
    session = server.post(f"{api}/sessions", json=asked, timeout=ANSWER).json()
    kernel = session["kernel"]["id"]
    try:
        channels = websocket.create_connection(
            f"ws://{place}/kernels/{kernel}/channels",
            header=[f"Authorization: token {token}"],
            timeout=CELL,
        )
        cells = with_solutions(notebook)["cells"]
        ran = [run(channels, each) for each in cells if each["cell_type"] == "code"]
        channels.close()
    finally:
        server.delete(f"{api}/sessions/{session['id']}", timeout=ANSWER)
    return ran


def run(channels: websocket.WebSocket, cell: dict) -> dict:
    """Run a cell and return its id, the text of its outputs, its error, its seconds."""
    ran = {"id": cell["id"], "text": "", "error": ""}
    message = {
        "header": {
            "msg_id": uuid.uuid4().hex,
            "msg_type": "execute_request",
            "session": "a page",
            "username": "",
            "version": "5.3",
        },
        "parent_header": {},
        "metadata": {},
        "content": {"code": "".join(cell["source"]), "silent": False},
        "channel": "shell",
    }
    began = time.monotonic()
    channels.send(json.dumps(message))
    while True:
        answer = json.loads(channels.recv())
        content, kind = answer["content"], answer["header"]["msg_type"]
        if answer["parent_header"].get("msg_id") != message["header"]["msg_id"]:
            continue
        if kind == "status" and content["execution_state"] == "idle":
            return ran | {"seconds": round(time.monotonic() - began, 1)}
        if kind == "error":
            ran["error"] = f"{content['ename']}: {content['evalue']}"
        elif kind == "stream":
            ran["text"] += content["text"]
        elif "data" in content:
            ran["text"] += content["data"].get("text/plain", "")


if __name__ == "__main__":
    print(json.dumps(play(sys.argv[1])))
