"""Ask a server on this machine in plain HTTP, as curl does.

It knows no credentials and no TLS: it is for what listens on 127.0.0.1 and has dealt
with both, such as `kubectl proxy`.
"""

import json
from collections.abc import Callable

import requests
from requests.adapters import HTTPAdapter
from urllib3.util import Retry

from cluster import errors
from helpers.apireader import Answer

#: seconds for one answer
TIMEOUT = 30.0
#: how often a request is sent again if the server asks for that, as in kubectl
RETRIES = 10


class Reply(requests.Response):
    """A response of `requests` that calls its code `status`, as one of `Caller` does.

    Lessons ask in both ways, and one word is enough.
    """

    @property
    def status(self) -> int:
        """Return the code: 200, 404."""
        return self.status_code


class _Adapter(HTTPAdapter):
    def build_response(self, *args: object) -> Reply:
        reply = Reply()
        vars(reply).update(vars(super().build_response(*args)))
        return reply


def new_session() -> requests.Session:
    """Return a session for loopback that comes again when the server says so."""
    session = requests.Session()
    # A proxy of this machine's network must not see what is said on loopback.
    session.trust_env = False
    # 429 and 503 with Retry-After: a kind that was just defined is answered so while
    # its storage starts. Nothing was done yet, so any verb may be sent again.
    again = Retry(RETRIES, connect=0, read=0, allowed_methods=None)
    again.raise_on_status = False
    session.mount("http://", _Adapter(max_retries=again))
    return session


class PlainServer:
    """A server that is asked by method and path; a subclass says where it is."""

    def __init__(self) -> None:
        """Make the session; nothing is sent."""
        self._session = new_session()

    @property
    def url(self) -> str:
        """Return where it listens; raise a LabError if it is known to be gone."""
        raise NotImplementedError

    def request(
        self, method: str, path: str, *, timeout: float = TIMEOUT, **options
    ) -> Reply:
        """Send one request and return the response; a refusal is a value.

        `options` are those of `requests.request`. If the server says when to come
        again (429 or 503 with Retry-After), that is done, as kubectl does it. Raise
        NotReady without an answer in `timeout` seconds. The same as
        `curl -X METHOD URL/PATH`.
        """
        try:
            return self._session.request(
                method, self.url + path, timeout=timeout, **options
            )
        except requests.RequestException as error:
            # Its own reason, if it is gone, says more than a refused connection.
            _ = self.url
            raise errors.NotReady(
                f"An answer to {method} {path}",
                timeout,
                type(error).__name__,
                "Look at `python -m helpers status`.",
            ) from error

    def get(self, path: str, **options) -> Reply:
        """Send a GET; the rest is as in `request`. The same as `curl URL/PATH`."""
        return self.request("GET", path, **options)

    def read(self, path: str, *, accept: str = "application/json") -> dict:
        """Return the JSON at `path`, in the form that `accept` asks for.

        Raise ApiError, which keeps the server's Status, for any code from 400 on. The
        same as `kubectl get --raw PATH`.
        """
        return json.loads(self.ask(path, accept=accept)().body)

    def ask(self, path: str, *, accept: str) -> Callable[[], Answer]:
        """Read `path` as `ApiReader.ask` does; here the answer is awaited at once."""
        # Not gzip: on loopback it takes longer than it saves.
        headers = {"Accept": accept, "Accept-Encoding": "identity"}
        reply = self.get(path, headers=headers)
        if reply.status >= 400:
            raise errors.ApiError("GET", path, reply.status, reply.text)
        kind = reply.headers.get("Content-Type", "").partition(";")[0]
        return lambda: Answer(kind, reply.content)
