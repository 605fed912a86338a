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
    """Open the page at an address with a token, and run its lesson; see `run`."""
    parts = urlsplit(address)
    [token] = parse_qs(parts.query)["token"]
    base, _, name = parts.path.partition("/lab/tree/")
    requests.get(address, timeout=ANSWER).raise_for_status()
    server = Server(f"{parts.scheme}://{parts.netloc}{base}", token)
    return server.learn(name, name.removeprefix("notebooks/"))


class Server:
    """A Jupyter server at an address, and a token that it takes."""

    def __init__(self, base: str, token: str) -> None:
        self.base = base
        self._mark = {"Authorization": f"token {token}"}

    def ask(self, method: str, path: str, **options) -> requests.Response:
        """Ask its API; raise HTTPError."""
        given = {"headers": self._mark, "timeout": ANSWER, **options}
        answer = requests.request(method, f"{self.base}/{path}", **given)
        answer.raise_for_status()
        return answer

    def learn(self, path: str, lesson: str) -> list[dict]:
        """Run the notebook at `path`, a copy of `lesson`; return what `run` does."""
        served = sources(self.ask("GET", f"api/contents/{path}").json()["content"])
        solved = sources(with_solutions(load(lesson)))
        return self.run(path, {cell: solved[cell] for cell in served})

    def run(self, path: str, cells: dict[str, str]) -> list[dict]:
        """Run cells in a new kernel of a notebook; return what came of each."""
        asked = {"path": path, "name": path, "type": "notebook"}
        asked["kernel"] = {"name": "python3"}
        session = self.ask("POST", "api/sessions", json=asked).json()
        try:
            channels = websocket.create_connection(
                f"ws{self.base.removeprefix('http')}/api/kernels/"
                f"{session['kernel']['id']}/channels",
                header=self._mark,
                timeout=CELL,
            )
            ran = [run(channels, *each) for each in cells.items()]
            channels.close()
        finally:
            self.ask("DELETE", f"api/sessions/{session['id']}")
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
