"""Speak HTTP with `requests` through a unix socket instead of a port.

The counterpart is `curl --unix-socket PATH http://localhost/...`. It starts nothing.
"""

import functools
import socket
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection
from urllib3.connectionpool import HTTPConnectionPool

from helpers.caller import AGAIN

#: `kubectl proxy` looks at the header Host, also where no host is looked up
SERVER = "http://localhost"


class Reply(requests.Response):
    """A response of `requests` with the names of `Caller`'s: `status`, `data`.

    Lessons use both clients, and one word is enough.
    """

    @property
    def status(self) -> int:
        """Return the code: 200, 404."""
        return self.status_code

    @property
    def data(self) -> bytes:
        """Return the body."""
        return self.content


class _Connection(HTTPConnection):
    def __init__(self, *args: Any, path: str, **options: Any) -> None:
        super().__init__(*args, **options)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _Adapter(HTTPAdapter):
    def __init__(self, path: str) -> None:
        self._path = path
        super().__init__(max_retries=AGAIN)

    def init_poolmanager(self, *args: Any, **options: Any) -> None:
        super().init_poolmanager(*args, **options)
        pool: Any = functools.partial(_Pool, path=self._path)
        self.poolmanager.pool_classes_by_scheme = {"http": pool}

    def build_response(self, *args: Any) -> Reply:
        reply = Reply()
        vars(reply).update(vars(super().build_response(*args)))
        return reply


def new_session(path: str) -> requests.Session:
    """Return a session for a unix socket; it tries again when the server asks for it.

    `path` is its file, and the URLs begin with `SERVER`.
    """
    session = requests.Session()
    # A proxy of this machine's network must not see these requests.
    session.trust_env = False
    session.mount("http://", _Adapter(path))
    return session
