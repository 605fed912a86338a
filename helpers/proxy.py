"""Run `kubectl proxy` for as long as a block or a notebook needs it.

It is kubectl's own proxy; this module makes one safe to leave to a notebook. It signs
nothing and filters nothing itself.

=================  =======================  =========================================
behaviour          kubectl proxy            here
=================  =======================  =========================================
port               8001                     any that is free: two notebooks at once
POST, PUT, PATCH,  passed on, with the      403 from the proxy unless the lesson
DELETE             learner's rights         writes; it cannot tell who asks
Host header        three names of this      the same
                   machine
end                Ctrl-C in its terminal   end of the block, `stop()`, or the kernel's
output             the terminal             `log`: an unread pipe would block it
=================  =======================  =========================================
"""

import functools
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
import weakref
from collections.abc import Callable, Sequence
from typing import IO, Any, Self

import requests
from requests.adapters import HTTPAdapter

from cluster.die_with_parent import die_with_parent
from cluster.processes import end_process
from cluster.waiting import until
from helpers import errors
from helpers.caller import AGAIN, TIMEOUT, json_of
from helpers.command import environment, program

#: seconds until a new proxy must answer; it takes about 0.1
START_TIMEOUT = 10.0
#: seconds between SIGTERM and SIGKILL
GRACE = 5.0

WRITING_METHODS = "^(POST|PUT|PATCH|DELETE)$"
_WAY_OUT = "Look at `python -m helpers status`."
_END_WITH_PARENT = functools.partial(die_with_parent, signal.SIGTERM)
_SERVING = re.compile(r"^Starting to serve on 127\.0\.0\.1:(\d+)$", re.MULTILINE)


def port_of(log: str) -> int | None:
    """Return the port that a proxy reports, or None before it does."""
    found = _SERVING.search(log)
    return int(found[1]) if found else None


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


class _Adapter(HTTPAdapter):
    def build_response(self, *args: Any) -> Reply:
        reply = Reply()
        vars(reply).update(vars(super().build_response(*args)))
        return reply


def new_session() -> requests.Session:
    """Return a session for loopback that tries again when the server asks for it."""
    session = requests.Session()
    # A proxy of this machine's network must not see requests to loopback.
    session.trust_env = False
    session.mount("http://", _Adapter(max_retries=AGAIN))
    return session


class KubectlProxy:
    """A `kubectl proxy` on 127.0.0.1 that ends with its block, or with `stop()`.

    `url` is where it listens, `pid` its process, `log` what it has written; shell cells
    find the URL of the one started last in `$PROXY`. Everybody on this machine who
    reaches the port has the learner's rights, so it is read-only unless
    `read_only=False`.
    """

    def __init__(
        self,
        *,
        read_only: bool = True,
        reject_paths: Sequence[str] | None = None,
    ) -> None:
        """Take the options of `kubectl proxy`.

        `reject_paths` are regular expressions that replace kubectl's own list, which
        keeps exec and attach away.
        """
        self._session = new_session()
        self.read_only = read_only
        self._arguments = ["proxy", "--address=127.0.0.1", "--port=0"]
        if read_only:
            self._arguments.append(f"--reject-methods={WRITING_METHODS}")
        if reject_paths is not None:
            # kubectl wants at least one; `^$` matches no path: each has a slash.
            paths = ",".join(reject_paths) or "^$"
            self._arguments.append(f"--reject-paths={paths}")
        self.port: int | None = None
        self._process: subprocess.Popen | None = None
        self._output: IO[bytes] | None = None
        self._log = ""
        self._finish: Callable[[], object] | None = None

    def start(self, *, timeout: float = START_TIMEOUT) -> Self:
        """Start it and return it once the API server answers through it.

        Does nothing if it runs. Raise MissingTool, NotConnected, ProxyEnded with its
        last words if it ends at once, or NotReady after `timeout` seconds.
        """
        if self.running:
            return self
        settings = environment()
        line = [program("run a proxy"), *self._arguments]
        try:
            self._spawn(line, settings)
            self._wait_until_it_answers(timeout)
        except BaseException:
            self.stop()
            raise
        os.environ["PROXY"] = self.url
        return self

    def stop(self) -> None:
        """Stop it and wait for its end; a second call is no error.

        SIGTERM, and SIGKILL after 5 seconds. The same as Ctrl-C or `kill PID`.
        """
        if self._finish is not None:
            self._log = self.log
            self._output = None
            self._finish()
            self._session.close()

    def request(
        self, method: str, path: str, *, timeout: float = TIMEOUT, **options: Any
    ) -> Reply:
        """Send one request and return the response; a refusal is a value.

        `options` are those of `requests.request`. Like kubectl, it tries again when the
        server asks for that (429 or 503 with Retry-After). Raise ProxyEnded if it does
        not run, NotReady without an answer in `timeout` seconds.
        The same as `curl -X METHOD URL/PATH`.
        """
        try:
            reply: Any = self._session.request(
                method, self.url + path, timeout=timeout, **options
            )
        except requests.RequestException as error:
            # That the proxy ended says more than a refused connection.
            _ = self.url
            what = f"An answer to {method} {path}"
            last = type(error).__name__
            raise errors.NotReady(what, timeout, last, _WAY_OUT) from error
        return reply

    def get(self, path: str, **options: Any) -> Reply:
        """Send a GET; the rest is as in `request`. The same as `curl URL/PATH`."""
        return self.request("GET", path, **options)

    def read(self, path: str, *, accept: str = "application/json") -> dict:
        """Return the JSON at `path`, as `Caller.read` does."""
        # Not gzip: on loopback it takes longer than it saves.
        headers = {"Accept": accept, "Accept-Encoding": "identity"}
        return json_of(path, self.get(path, headers=headers))

    def __enter__(self) -> Self:
        """Start it for a block."""
        return self.start()

    def __exit__(self, *_: object) -> None:
        """Stop it, also when the block failed."""
        self.stop()

    def __repr__(self) -> str:
        """Return one line: where it listens and what it lets through."""
        mode = "read-only" if self.read_only else "reads and writes"
        if self.running:
            return f"kubectl proxy at {self.url} ({mode}, pid {self.pid})"
        return f"kubectl proxy, not running ({mode})"

    @property
    def running(self) -> bool:
        """Say whether its process is alive."""
        return self._process is not None and self._process.poll() is None

    @property
    def url(self) -> str:
        """Return where it listens; raise ProxyEnded if it does not run."""
        if not self.running:
            raise self._ended()
        return f"http://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int | None:
        """Return the process id, or None before the first start."""
        return self._process.pid if self._process else None

    @property
    def log(self) -> str:
        """Return what it has written so far."""
        if self._output is None:
            return self._log
        # pread: the child shares this descriptor, and its position with it.
        size = os.fstat(self._output.fileno()).st_size
        return os.pread(self._output.fileno(), size, 0).decode(errors="replace")

    def _spawn(self, line: list[str], settings: dict[str, str]) -> None:
        if threading.current_thread() is not threading.main_thread():
            # The signal below comes when the *thread* ends that forked.
            raise RuntimeError("a proxy is started from the main thread")
        self.stop()
        # Without a name, so that no file is left when the kernel is killed.
        self._output = tempfile.TemporaryFile(prefix="kubectl-proxy-")
        self._process = subprocess.Popen(
            line,
            env=settings,
            stdin=subprocess.DEVNULL,
            stdout=self._output,
            stderr=subprocess.STDOUT,
            # An interrupted cell must not take the proxy of the notebook with it.
            start_new_session=True,
            # A killed kernel runs no `stop()`, and an open proxy must not stay behind.
            preexec_fn=_END_WITH_PARENT if sys.platform == "linux" else None,
        )
        # A cell that is run again drops its proxy: that one stops as well.
        self._finish = weakref.finalize(self, _end, self._process, self._output)

    def _wait_until_it_answers(self, timeout: float) -> None:
        last = "nothing"

        def answers() -> bool:
            nonlocal last
            if not self.running:
                raise self._ended()
            self.port = port_of(self.log)
            if self.port is not None:
                last = self._answer()
            return last == "200"

        if not until(answers, timeout, pause=0.02):
            what = "An answer through kubectl proxy"
            raise errors.NotReady(what, timeout, last, _WAY_OUT)

    def _answer(self) -> str:
        # /version is open to everybody: what the learner may read does not matter.
        try:
            reply: Any = self._session.get(f"{self.url}/version", timeout=2)
        except requests.RequestException as error:
            return type(error).__name__
        if reply.status == 200:
            return "200"
        return f"code {reply.status}: {reply.text.strip()[:200]}"

    def _ended(self) -> errors.ProxyEnded:
        code = self._process.poll() if self._process else None
        return errors.ProxyEnded(code, "\n".join(self.log.splitlines()[-20:]))


def _end(process: subprocess.Popen, output: IO[bytes]) -> None:
    end_process(process, GRACE)
    output.close()
