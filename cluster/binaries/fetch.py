"""Fetch published files: several at once, resumed after a break, checked or refused.

pooch compares the SHA-256 and gives a file its name only then; how the bytes come is
decided here, because pooch begins anew after a break and shows no sum of all files.
Proxies are those of the environment (`https_proxy`, `no_proxy`).
"""

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import pooch
import requests
from urllib3.exceptions import ReadTimeoutError

from cluster.binaries.releases import Release, sum_in
from cluster.progress import Progress

#: files at once: one rarely fills a line, and many would be rude to a mirror
PARALLEL = 4
#: seconds for which the line of progress stays the same: a log keeps every line
STEADY = 8.0
_TICK = 0.1
#: bytes; small enough that a slow connection is seen to move
_CHUNK = 1 << 14
#: answers that may be another one in a moment
_PASSING = (429, 500, 502, 503, 504)
_BROKEN = (
    requests.ConnectionError,
    requests.Timeout,
    requests.exceptions.ChunkedEncodingError,
)

# What it would say of each file is in the line of progress.
pooch.get_logger().setLevel("ERROR")


@dataclass(frozen=True)
class Patience:
    """How long is waited for what, in seconds.

    `contact` until any host has answered at all, names looked up and proxies asked;
    `connect` for one connection, `silence` between two bytes of it. Less than
    `slowest` bytes a second, all files together over `window` seconds, is too slow.
    `connections` is how many are made for one file; the later ones resume.
    """

    contact: float = 8.0
    connect: float = 3.0
    silence: float = 15.0
    window: float = 30.0
    slowest: int = 100_000
    connections: int = 5


class Unavailable(Exception):
    """A file that cannot be had: one clause that says why."""


class _Stopped(Exception):
    """The others have been given up, or somebody pressed Ctrl-C."""


@dataclass
class Fetch:
    """One run: into `directory`, where half files of earlier runs are gone on with."""

    directory: Path
    progress: Progress
    patience: Patience = Patience()
    _fetched: dict[Release, Path] = field(default_factory=dict, init=False)
    _failed: dict[Release, str] = field(default_factory=dict, init=False)
    _active: set[Release] = field(default_factory=set, init=False)
    #: host to the reason why it cannot be reached
    _unreachable: dict[str, str] = field(default_factory=dict, init=False)
    _received: int = field(default=0, init=False)
    #: a full disk, or a bug: the caller's and not a thread's
    _fault: Exception | None = field(default=None, init=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False)
    _answered: threading.Event = field(default_factory=threading.Event, init=False)
    _stop: threading.Event = field(default_factory=threading.Event, init=False)

    def run(
        self, releases: Sequence[Release]
    ) -> tuple[dict[Release, Path], dict[Release, str]]:
        """Return the files that came, and the reasons for those that did not.

        An OSError of our own disk is raised. A thread that waits for a name server
        cannot be stopped; it is left behind, and writes nothing any more.
        """
        self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        waiting = deque(releases)
        threads = [
            threading.Thread(target=self._work, args=(waiting,), daemon=True)
            for _ in range(min(PARALLEL, len(releases)))
        ]
        for thread in threads:
            thread.start()
        try:
            given_up = self._watch(threads, len(releases))
        finally:
            self._stop.set()
        if self._fault:
            raise self._fault
        fetched = dict(self._fetched)
        failed = {
            release: self._failed.get(release) or f"{release.host} {given_up}"
            for release in releases
            if release not in fetched
        }
        return fetched, failed

    def _watch(self, threads: list[threading.Thread], total: int) -> str:
        """Show how far it is until all is done; return why it was given up, or ""."""
        began = time.monotonic()
        shown, message = float("-inf"), ""
        samples = deque([(began, 0)])
        while any(thread.is_alive() for thread in threads) and not self._fault:
            now = time.monotonic()
            if not self._answered.is_set() and now - began > self.patience.contact:
                return f"gave no answer in {self.patience.contact:.0f} s"
            samples.append((now, self._received))
            rate = _rate(samples, self.patience.window)
            if rate is not None and rate < self.patience.slowest:
                return f"sends too slowly, {rate / 1e3:.0f} kB/s"
            if now - shown >= STEADY:
                shown, message = now, self._message(total, now - began)
            self.progress.update(message)
            time.sleep(_TICK)
        return ""

    def _message(self, total: int, seconds: float) -> str:
        done = len(self._fetched) + len(self._failed)
        text = f"downloading {total} files, {done} done"
        if self._received:
            rate = self._received / seconds
            text += f", {self._received / 1e6:.0f} MB at {rate / 1e6:.1f} MB/s"
        with self._lock:
            names = [name for release in self._active for name in release.programs]
        return f"{text}, now {', '.join(sorted(names))}" if names else text

    def _work(self, waiting: deque[Release]) -> None:
        """Be one of the threads."""
        with requests.Session() as session:
            # An empty sign-in: else one for this host in ~/.netrc would be sent.
            session.auth = lambda request: request
            while waiting and not self._stop.is_set() and not self._fault:
                try:
                    self._take(session, waiting.popleft())
                except (IndexError, _Stopped):
                    return
                except Exception as error:
                    self._fault = error

    def _take(self, session: requests.Session, release: Release) -> None:
        with self._lock:
            self._active.add(release)
        try:
            self._fetched[release] = self._one(session, release)
        except Unavailable as reason:
            self._failed[release] = str(reason)
        finally:
            with self._lock:
                self._active.discard(release)

    def _one(self, session: requests.Session, release: Release) -> Path:
        wanted = self._sum(session, release)
        # Named by the sum too: whatever is resumed belongs to the file that is wanted.
        part = self.directory / f"{release.name}.{wanted}.part"
        while True:
            resumed = part.exists()
            try:
                path = pooch.retrieve(
                    release.url,
                    known_hash=f"sha256:{wanted}",
                    fname=release.name,
                    path=self.directory,
                    downloader=lambda url, output, _: self._download(
                        session, url, part, Path(output)
                    ),
                )
                return Path(path)
            except requests.RequestException as error:
                raise Unavailable(self._reason(error, release.url)) from None
            except ValueError:
                # pooch has removed it. A half file that was damaged here is no
                # fault of the server's: once more, from the beginning.
                if not resumed:
                    raise Unavailable(
                        f"{release.name} of {release.host} has another SHA-256 than "
                        f"the published {wanted[:12]}…"
                    ) from None

    def _sum(self, session: requests.Session, release: Release) -> str:
        if release.host in self._unreachable:
            raise Unavailable(self._unreachable[release.host])

        def ask() -> str:
            with self._get(session, release.sums) as answer:
                return answer.text

        try:
            found = sum_in(self._again(ask, ()), release.name)
        except requests.RequestException as error:
            reason = self._reason(error, release.sums)
            if isinstance(error, requests.ConnectionError):
                # One look is enough for all files of a host.
                self._unreachable[release.host] = reason
            raise Unavailable(reason) from None
        if not found:
            raise Unavailable(f"{release.sums} holds no SHA-256 of {release.name}")
        return found

    def _download(
        self, session: requests.Session, url: str, part: Path, output: Path
    ) -> None:
        """Receive the file in as many connections as it takes; pooch calls this."""
        self._again(lambda: self._receive(session, url, part), _BROKEN)
        part.replace(output)

    def _again(self, act: Callable, broken: tuple[type[Exception], ...]):
        """Return what `act` returns; repeat it after an error that may pass."""
        for number in range(1, self.patience.connections + 1):
            try:
                return act()
            except (*broken, requests.HTTPError) as error:
                final = (
                    isinstance(error, requests.HTTPError)
                    and error.response.status_code not in _PASSING
                )
                if final or number == self.patience.connections:
                    raise
            # A server that starts anew wants a moment.
            if self._stop.wait(min(0.2 * 2**number, 5.0)):
                raise _Stopped

    def _receive(self, session: requests.Session, url: str, part: Path) -> None:
        """Receive what is missing, in one connection."""
        have = part.stat().st_size if part.exists() else 0
        with self._get(session, url, have) as answer:
            if answer.status_code == requests.codes.range_not_satisfiable:
                return  # nothing is missing; its sum will tell
            begins = answer.headers.get("Content-Range", "")
            resumes = answer.status_code == requests.codes.partial_content
            if resumes and not begins.startswith(f"bytes {have}-"):
                part.unlink()
                raise requests.ConnectionError(f"another part came: {begins}")
            if self._stop.is_set():
                raise _Stopped
            with part.open("ab" if resumes else "wb") as file:
                for chunk in answer.iter_content(_CHUNK):
                    if self._stop.is_set():
                        raise _Stopped
                    file.write(chunk)
                    with self._lock:
                        self._received += len(chunk)

    def _get(
        self, session: requests.Session, url: str, have: int = 0
    ) -> requests.Response:
        """Ask for a file, or for what follows the first `have` bytes of it."""
        # Bytes as they are published: their sum is meant.
        headers = {"Accept-Encoding": "identity"}
        if have:
            headers["Range"] = f"bytes={have}-"
        answer = session.get(
            url,
            headers=headers,
            timeout=(self.patience.connect, self.patience.silence),
            stream=True,
        )
        self._answered.set()
        for step in (*answer.history, answer):
            if urlsplit(step.url).scheme != "https":
                answer.close()
                raise requests.exceptions.InvalidURL(f"it leads to {step.url}")
        if not (have and answer.status_code == 416):
            answer.raise_for_status()
        return answer

    def _reason(self, error: requests.RequestException, url: str) -> str:
        """Return one clause for a person."""
        host = urlsplit(url).netloc
        if isinstance(error, requests.HTTPError):
            return f"{error.response.status_code} for {url}"
        if isinstance(error, requests.exceptions.InvalidURL):
            return f"{url}: {error}"
        if isinstance(error, requests.exceptions.ProxyError):
            return f"the proxy does not lead to {host}"
        if isinstance(error, requests.exceptions.SSLError):
            return f"the certificate of {host} is not trusted"
        if isinstance(error, requests.ConnectTimeout):
            return f"{host} cannot be reached in {self.patience.connect:.0f} s"
        silent = isinstance(error, requests.Timeout)
        if silent or any(isinstance(arg, ReadTimeoutError) for arg in error.args):
            return f"{host} says nothing for {self.patience.silence:.0f} s"
        return f"{host} cannot be reached ({_innermost(error)})"


def _rate(samples: deque[tuple[float, int]], window: float) -> float | None:
    """Return bytes a second over the window, None before there is a whole one."""
    now, received = samples[-1]
    while len(samples) > 2 and now - samples[1][0] >= window:
        samples.popleft()
    began, before = samples[0]
    return (received - before) / (now - began) if now - began >= window else None


def _innermost(error: BaseException) -> str:
    """Return the system's own words from the depth of an error of requests."""
    said, todo, seen = "", [error], set()
    while todo:
        inner = todo.pop(0)
        if id(inner) in seen:
            continue
        seen.add(id(inner))
        if isinstance(inner, OSError) and inner.strerror:
            said = inner.strerror
        around = (*inner.args, getattr(inner, "reason", None), inner.__context__)
        todo += [other for other in around if isinstance(other, BaseException)]
    return said or "the connection broke"
