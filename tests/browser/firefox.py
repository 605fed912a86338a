"""Drive the Firefox of a distribution; Playwright drives only a build of its own.

The protocol is https://w3c.github.io/webdriver-bidi/.
"""

import itertools
import json
import os
import re
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import websocket

from cluster.tests.waiting import until

#: seconds for an answer of the browser
ANSWER = 60
#: The browser's own requests reach no host: the proxy is a closed port. Loopback needs
#: no proxy.
NO_PROXY = "".join(
    f'user_pref("network.proxy.{name}", {value});\n'
    for name, value in {"type": 1, "ssl": '"127.0.0.1"', "ssl_port": 9}.items()
)


class Firefox:
    """A tab; elements are given as expressions of JavaScript."""

    def __init__(self, address: str) -> None:
        self.socket = websocket.create_connection(
            f"{address}/session", timeout=ANSWER, suppress_origin=True
        )
        self.numbers = itertools.count()
        self._call("session.new", capabilities={})
        [tab] = self._call("browsingContext.getTree")["contexts"]
        self.tab = tab["context"]

    def _call(self, method: str, **given) -> dict:
        call = {"id": next(self.numbers), "method": method, "params": given}
        self.socket.send(json.dumps(call))
        answer = json.loads(self.socket.recv())
        assert answer["type"] == "success", answer
        return answer["result"]

    def open(self, address: str) -> None:
        """Open a page, and wait until it is loaded."""
        given = {"context": self.tab, "url": address, "wait": "complete"}
        self._call("browsingContext.navigate", **given)

    def js(self, expression: str) -> dict:
        """Return the value of an expression in the page, as the protocol tells it."""
        given = {"target": {"context": self.tab}, "awaitPromise": True}
        told = self._call("script.evaluate", expression=expression, **given)
        assert told["type"] == "success", told
        return told["result"]

    def until(self, condition: str, seconds: float = ANSWER) -> None:
        """Wait until an expression is true."""
        until(lambda: self.js(f"Boolean({condition})")["value"], seconds, condition)

    def click(self, element: str) -> None:
        """Click with a mouse."""
        self.js(f"({element}).scrollIntoView({{block: 'center'}})")
        shared = {"sharedId": self.js(element)["sharedId"]}
        origin = {"type": "element", "element": shared}
        move = {"type": "pointerMove", "x": 0, "y": 0, "origin": origin}
        press = ({"type": f"pointer{way}", "button": 0} for way in ("Down", "Up"))
        self._act("pointer", [move, *press])

    def type(self, text: str) -> None:
        """Type into what has the focus."""
        ways = itertools.product(text, ("keyDown", "keyUp"))
        self._act("key", [{"type": way, "value": key} for key, way in ways])

    def _act(self, kind: str, actions: list[dict]) -> None:
        given = [{"type": kind, "id": kind, "actions": actions}]
        self._call("input.performActions", context=self.tab, actions=given)


@contextmanager
def firefox(program: str, profile: Path) -> Iterator[tuple[Firefox, int]]:
    """Start it with a new profile; give a tab, and the process's id."""
    (profile / "user.js").write_text(NO_PROXY)
    log = profile / "log"
    command = [program, "--headless", "--profile", profile, "--remote-debugging-port=0"]
    home = {**os.environ, "HOME": str(profile)}
    with log.open("w") as file:
        process = subprocess.Popen(command, env=home, stderr=file, stdout=file)
    try:
        found = until(lambda: re.search(r"BiDi.* (ws://\S+)", log.read_text()), ANSWER)
        tab = Firefox(found[1])
        with closing(tab.socket):
            yield tab, process.pid
    finally:
        process.terminate()
        process.wait(ANSWER)
