"""Run `kubectl proxy` for as long as a block or a notebook needs it.

The proxy is kubectl's own; this module makes it safe for a notebook.

=================  =======================  =========================================
behaviour          kubectl proxy            here
=================  =======================  =========================================
where it listens   port 8001: any account   a unix socket in a private directory
                   and web page reaches it
POST, PUT, PATCH,  passed on, with the      403 from the proxy unless the lesson
DELETE             learner's rights         writes
end                Ctrl-C in its terminal   end of the block, `stop()`, or the kernel's
output             the terminal             `log`: an unread pipe would block it
=================  =======================  =========================================
"""

import contextlib
import os
import shlex
import socket
import subprocess
import tempfile
import threading
import weakref
from collections.abc import Callable, Mapping, Sequence
from typing import IO, Any, Self

import httpx

from cluster import die_with_parent
from cluster.processes import end_process
from cluster.waiting import poll
from helpers import errors
from helpers.api.caller import TIMEOUT, HttpClient, Reply, json_of, url_of
from helpers.command import demand_cluster, environment, program, time_limit
from helpers.language import mark, say

#: `kubectl proxy` checks the header Host even on a unix socket
SERVER = "http://localhost"
#: the body of its own 403; the API server's is a Status in JSON
REFUSAL = "Forbidden"
#: seconds until a new proxy must usually answer; it takes about 0.1
START_TIMEOUT = 10.0
#: seconds between SIGTERM and SIGKILL
GRACE = 5.0

#: how a bash passes on the function that shell cells know, as `export -f` does it
API = '() { curl -sS --unix-socket "$PROXY" "http://localhost$1"; }'
_PASSED_ON = "BASH_FUNC_api%%"
#: sockets of the proxies that run, in the order of their start
_SOCKETS: list[str] = []
WRITING_METHODS = "^(POST|PUT|PATCH|DELETE)$"
_HINT = mark("Look at `.venv/bin/kapi status`.")


class KubectlProxy:
    """A `kubectl proxy` at a unix socket that ends with its block, or with `stop()`.

    `socket` is the path of the socket, `pid` the process, `log` its output. In shell
    cells, `api /apis` uses the proxy started last. Anyone who reaches a proxy has the
    learner's rights, so it has no port, and it is read-only unless `read_only=False`.
    """

    def __init__(
        self, *, read_only: bool = True, reject_paths: Sequence[str] | None = None
    ) -> None:
        """Take the options of `kubectl proxy`.

        `reject_paths` are regular expressions that replace kubectl's own list, which
        rejects exec and attach.
        """
        self.read_only = read_only
        self._arguments = ["proxy"]
        if read_only:
            self._arguments.append(f"--reject-methods={WRITING_METHODS}")
        if reject_paths is not None:
            # kubectl wants at least one; `^$` matches no path: each has a slash.
            paths = ",".join(reject_paths) or "^$"
            self._arguments.append(f"--reject-paths={paths}")
        self._socket = ""
        self._client: HttpClient
        self._process: subprocess.Popen | None = None
        self._output: IO[bytes] | None = None
        self._log = ""
        self._finish: Callable[[], object] | None = None

    def start(self, *, timeout: float | None = None) -> Self:
        """Start the proxy; return it when the API server answers through it.

        Do nothing if it runs already. Raise MissingTool, NotConnected, ProxyEnded with
        its last words if it ends at once, or NotReady after `timeout` seconds.
        """
        if self.running:
            return self
        settings = environment()
        line = [program(say("run a proxy")), *self._arguments]
        try:
            self._spawn(line, settings)
            self._wait_until_it_answers(time_limit(START_TIMEOUT, timeout))
        except BaseException:
            self.stop()
            raise
        _SOCKETS.append(self.socket)
        _offer_api()
        return self

    def stop(self) -> None:
        """Stop the proxy and wait until it has ended; a second call does nothing.

        SIGTERM, and SIGKILL after 5 seconds. The same as Ctrl-C or `kill PID`.
        """
        if self._finish is not None:
            self._log = self.log
            self._output = None
            self._finish()

    def request(
        self,
        method: str,
        path: str,
        *,
        timeout: float = TIMEOUT,
        params: Mapping[str, object] | None = None,
        stream: bool = False,
        **options: Any,
    ) -> Reply:
        """Send one request and return the response; a refusal is a value.

        `options` are those of `httpx.request`, but a parameter of None is left out;
        with `stream` the body is still to be read, in a `with` block. Without, it tries
        again when the server asks for that (429 or 503 with Retry-After), like kubectl.
        Raise ProxyEnded if the proxy does not run, NotReady without a response in
        `timeout` seconds. The same as `curl -X METHOD --unix-socket SOCKET http://localhost/PATH`.
        """
        _ = self.socket
        url = url_of(SERVER, path)
        if params is not None:
            options["params"] = {k: v for k, v in params.items() if v is not None}
        try:
            request = self._client.build_request(
                method, url, timeout=timeout, **options
            )
            reply = Reply(self._client.send(request, stream=stream))
        except httpx.HTTPError as error:
            # A proxy that ended says more than a refused connection.
            _ = self.socket
            what = say("An answer to {method} {path}", method=method, path=path)
            last = type(error).__name__
            raise errors.NotReady(what, timeout, last, say(_HINT)) from error
        if reply.status >= 500 and not stream:
            # The proxy's own answer where the server gives none.
            demand_cluster()
        return reply

    def get(self, path: str, **options: Any) -> Reply:
        """Send a GET; the rest is as in `request`."""
        return self.request("GET", path, **options)

    def read(self, path: str, *, accept: str = "application/json") -> dict:
        """Return the JSON at `path`, as `Caller.read` does."""
        return json_of(path, self.get(path, headers={"Accept": accept}))

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def __repr__(self) -> str:
        mode = say("read-only") if self.read_only else say("reads and writes")
        if not self.running:
            return say("kubectl proxy, not running ({mode})", mode=mode)
        text = mark("kubectl proxy at {socket} ({mode}, pid {pid})")
        return say(text, socket=self.socket, mode=mode, pid=self.pid)

    @property
    def running(self) -> bool:
        """Return whether the process is alive."""
        return self._process is not None and self._process.poll() is None

    @property
    def socket(self) -> str:
        """Return the path of the socket; raise ProxyEnded if the proxy does not run."""
        if not self.running:
            raise self._end_error()
        return self._socket

    @property
    def pid(self) -> int | None:
        """Return the process id, or None before the first start."""
        return self._process.pid if self._process else None

    @property
    def log(self) -> str:
        """Return the output so far."""
        if self._output is None:
            return self._log
        # pread: the child shares this descriptor, and its position with it.
        size = os.fstat(self._output.fileno()).st_size
        return os.pread(self._output.fileno(), size, 0).decode(errors="replace")

    def _spawn(self, line: list[str], settings: dict[str, str]) -> None:
        if threading.current_thread() is not threading.main_thread():
            # The signal of `die_with_parent` comes when the *thread* ends that forked.
            raise RuntimeError("a proxy is started from the main thread")
        self.stop()
        ends = contextlib.ExitStack()
        # When a cell is run again, the proxy of the first run stops.
        self._finish = weakref.finalize(self, ends.close)
        # 0700, and removed with the proxy. A killed kernel leaves the directory behind.
        folder = tempfile.TemporaryDirectory(prefix="kubectl-proxy-")
        self._socket = os.path.join(ends.enter_context(folder), "api")
        # There is no TLS through a socket, so no authorities have to be loaded.
        transport = httpx.HTTPTransport(uds=self._socket, verify=False)
        self._client = ends.enter_context(HttpClient(transport=transport))
        self._output = ends.enter_context(tempfile.TemporaryFile())
        self._process = subprocess.Popen(
            # A killed kernel runs no `stop()`, and an open proxy must not stay behind.
            die_with_parent.command(*line, f"--unix-socket={self._socket}"),
            env=settings,
            stdin=subprocess.DEVNULL,
            stdout=self._output,
            stderr=subprocess.STDOUT,
            # An interrupted cell must not take the proxy of the notebook with it.
            start_new_session=True,
        )
        ends.callback(end_process, self._process, GRACE)
        ends.callback(_withdraw_api, self._socket)

    def _wait_until_it_answers(self, timeout: float) -> None:
        last = say("nothing")

        def answers() -> bool:
            nonlocal last
            if not self.running:
                raise self._end_error()
            # httpx leaves a socket open whose connection was refused.
            with socket.socket(socket.AF_UNIX) as probe:
                listens = not probe.connect_ex(self._socket)
            last = self._answer() if listens else last
            # Requests that its own patterns refuse stay refused.
            return last in ("200", f"403: {REFUSAL}")

        poll(answers, timeout, pause=0.02)
        if last != "200":
            what = say("An answer through kubectl proxy")
            raise errors.NotReady(what, timeout, last, say(_HINT))

    def _answer(self) -> str:
        # Every user may read /version, whatever the learner's rights are.
        try:
            reply = self._client.get(f"{SERVER}/version", timeout=2)
        except httpx.HTTPError as error:
            return type(error).__name__
        if reply.status_code == 200:
            return "200"
        if reply.status_code >= 500:
            demand_cluster()
        return f"{reply.status_code}: {reply.text.strip()[:200]}"

    def _end_error(self) -> errors.ProxyEnded:
        code = self._process.poll() if self._process else None
        return errors.ProxyEnded(code, "\n".join(self.log.splitlines()[-20:]))


def _offer_api() -> None:
    """Let `api` use the proxy started last of those that run, or else say so."""
    if _SOCKETS:
        os.environ.update({"PROXY": _SOCKETS[-1], _PASSED_ON: API})
        return
    words = shlex.quote(str(errors.ProxyEnded(None, "")))
    os.environ[_PASSED_ON] = f"() {{ echo {words} >&2; return 7; }}"


def _withdraw_api(path: str) -> None:
    if path in _SOCKETS:
        _SOCKETS.remove(path)
        _offer_api()
