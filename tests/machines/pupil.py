"""Be a learner of a class: log in to a hub with a password, and do what is asked.

Runs on the machine: `.venv/bin/python -m tests.machines.pupil HUB NAME WORD…`. The
password is the name and "-secret". The words are methods of `Pupil`, each with its own
words. Printed is JSON.
"""

import contextlib
import json
import sys
import time
from urllib.parse import urlencode, urlsplit

import requests

from tests import lesson

#: seconds until a page is there, and between two looks
START, PAUSE = 180, 0.5


class Pupil:
    """A browser in which a learner is logged in to the hub."""

    def __init__(self, hub: str, name: str) -> None:
        self.hub, self.name = hub, name
        self.browser = requests.Session()
        self._wait(f"{hub}/hub/login", "/hub/login")
        form = {"username": name, "password": f"{name}-secret", **self._xsrf()}
        page = self.browser.post(f"{hub}/hub/login", form, timeout=lesson.ANSWER)
        assert urlsplit(page.url).path != "/hub/login", page.text[-2000:]

    def _xsrf(self) -> dict[str, str]:
        return {"_xsrf": self.browser.cookies.get("_xsrf", path="/hub/")}

    def _wait(self, address: str, path: str) -> requests.Response:
        """Open an address until it leads to a path, as a page does that shows a bar."""
        deadline = time.monotonic() + START
        while time.monotonic() < deadline:
            # The hub may still be starting.
            with contextlib.suppress(requests.ConnectionError):
                page = self.browser.get(address, timeout=lesson.ANSWER)
                if page.ok and urlsplit(page.url).path.startswith(path):
                    return page
            time.sleep(PAUSE)
        raise AssertionError(f"{address} does not lead to {path}")

    def _ask(self, method: str, path: str, **options) -> requests.Response:
        """Ask the hub's API, as its pages do."""
        return self.browser.request(
            method,
            f"{self.hub}/hub/api/users/{self.name}/{path}",
            params=self._xsrf(),
            headers={"Referer": f"{self.hub}/hub/home"},
            timeout=lesson.ANSWER,
            **options,
        )

    def _server(self) -> lesson.Server:
        self.visit("lab")
        made = self._ask("POST", "tokens", json={"expires_in": 3600})
        made.raise_for_status()
        return lesson.Server(f"{self.hub}/user/{self.name}", made.json()["token"])

    def visit(self, path: str) -> str:
        """Follow a link that is for everybody to the own server; it may have to start.

        Return where it led.
        """
        address = f"{self.hub}/hub/user-redirect/{path}"
        return self._wait(address, f"/user/{self.name}/").url

    def pull(self, repo: str) -> list[dict]:
        """Follow a link of nbgitpuller; return what its page shows."""
        asked = {"repo": repo, "branch": "main"}
        self.visit(f"git-pull?{urlencode(asked)}")
        asked["targetpath"] = repo.rpartition("/")[2]
        said = self._server().ask("GET", "git-pull/api", params=asked).text
        lines = [line for line in said.splitlines() if line.startswith("data:")]
        return [json.loads(line.removeprefix("data:")) for line in lines]

    def learn(self, path: str, name: str) -> list[dict]:
        """Run a lesson; return what its cells said."""
        return self._server().learn(path, name)

    def run(self, code: str) -> str:
        """Run a cell in a kernel of its own, and return its text; it may not fail."""
        [ran] = self._server().run("a.ipynb", {"": code})
        assert not ran["error"], ran
        return ran["text"]

    def keep(self, path: str, text: str) -> None:
        """Write a file."""
        content = {"type": "file", "format": "text", "content": text}
        self._server().ask("PUT", f"api/contents/{path}", json=content)

    def stop(self) -> None:
        """Stop the server, as the hub's page does; return when it has."""
        deadline = time.monotonic() + START
        # Accepted, it is asked again: it answers with an error when it has stopped.
        while (said := self._ask("DELETE", "server")).status_code == 202:
            assert time.monotonic() < deadline
            time.sleep(PAUSE)
        assert said.status_code in (204, 400), (said.status_code, said.text)

    def log_out(self) -> None:
        """Log out of the hub."""
        page = self.browser.get(f"{self.hub}/hub/logout", timeout=lesson.ANSWER)
        assert page.ok, page.status_code


if __name__ == "__main__":
    pupil = Pupil(*sys.argv[1:3])
    word, *words = sys.argv[3:]
    print(json.dumps(getattr(pupil, word)(*words)))
