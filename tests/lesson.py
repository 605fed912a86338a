"""Run a lesson as its page does: by Jupyter's HTTP and websocket, cell after cell.

Exercises have the solutions of this checkout, whatever the served notebook has.
`python -m tests.lesson ADDRESS` does it on another machine, where the address of
`make lab` leads somewhere, and prints JSON.
"""

import json
import sys
import time
import uuid
from urllib.parse import parse_qs, urlsplit

import requests
import websocket

from helpers.course.exercise import with_solutions
from helpers.course.export import load

#: seconds for one answer of the server, and for one cell
ANSWER, CELL = 120, 240


def play(address: str) -> list[dict]:
    """Open the page at an address with a token, and run its lesson in a new kernel.

    Return what came of each cell, see `run`; raise HTTPError.
    """
    parts = urlsplit(address)
    [token] = parse_qs(parts.query)["token"]
    base, _, path = parts.path.partition("/lab/tree/")
    base = f"{parts.netloc}{base}"
    requests.get(address, timeout=ANSWER).raise_for_status()
    mark = {"Authorization": f"token {token}"}

    def ask(method: str, what: str, **options) -> requests.Response:
        url = f"{parts.scheme}://{base}/api/{what}"
        answer = requests.request(method, url, headers=mark, timeout=ANSWER, **options)
        answer.raise_for_status()
        return answer

    served = sources(ask("GET", f"contents/{path}").json()["content"])
    solved = sources(with_solutions(load(path.removeprefix("notebooks/"))))
    asked = {"path": path, "name": path, "type": "notebook"}
    asked["kernel"] = {"name": "python3"}
    session = ask("POST", "sessions", json=asked).json()
    try:
        channels = websocket.create_connection(
            f"ws://{base}/api/kernels/{session['kernel']['id']}/channels",
            header=mark,
            timeout=CELL,
        )
        ran = [run(channels, cell, solved[cell]) for cell in served]
        channels.close()
    finally:
        ask("DELETE", f"sessions/{session['id']}")
    return ran


def sources(notebook: dict) -> dict[str, str]:
    """Return the code cells by id."""
    code = [each for each in notebook["cells"] if each["cell_type"] == "code"]
    return {each["id"]: "".join(each["source"]) for each in code}


def run(channels: websocket.WebSocket, cell: str, source: str) -> dict:
    """Run a cell and return its id, the text of its outputs, its error, its seconds."""
    ran = {"id": cell, "text": "", "error": ""}
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
        "content": {"code": source, "silent": False},
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
