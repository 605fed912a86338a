"""Download the programs of a recipe from their projects. The caller holds the lock.

Each file is asked for again after a break, from where it broke off if the host can, and
must have the published SHA-256. Files that do not come are left to the build, and one
line says why. Proxies are those of the environment (`https_proxy`, `no_proxy`).
"""

import hashlib
import os
import platform
import shutil
import ssl
import tarfile
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from pathlib import Path
from urllib.request import getproxies, proxy_bypass

import httpx

from cluster.language import mark, say
from cluster.permissions import make_private
from cluster.programs import build, check, releases
from cluster.programs.recipe import Recipe, Step
from cluster.programs.releases import Release
from cluster.progress import Progress
from cluster.waiting import PASSING

#: files at once: one rarely fills a line, and many would be rude to a mirror
PARALLEL = 4
#: how often a file is asked for again after a break or a wrong SHA-256
RETRIES = 2
#: seconds until a host must have taken the connection, and between two of its bytes
TIMEOUT = (3.0, 15.0)
#: seconds for which the line of progress stays the same: a log keeps every line
STEADY = 8.0
#: worth another request; 416 when the half is gone
_PASSING = (416, *PASSING)
_NO_CONNECTION = (httpx.ConnectError, httpx.ConnectTimeout, httpx.ProxyError)


def download(
    recipe: Recipe, steps: Sequence[Step], work: build.WorkDir, progress: Progress
) -> Path | None:
    """Return a new directory with the programs of the steps that came, or None.

    Files that came stay in the work directory as long as others of their step are
    missing. Raise LabError for a mirror without HTTPS, OSError for a full disk.
    """
    published = [(step, releases.published_files(step.programs)) for step in steps]
    if not any(files_of_step for _, files_of_step in published):
        return None
    architecture = releases.ARCHITECTURES.get(platform.machine(), "")
    off = releases.OFF in os.environ
    if off or not architecture:
        text = mark("nothing is published for {machine}")
        nothing = say(text, machine=platform.machine())
        why = say("{setting} is set", setting=releases.OFF) if off else nothing
        progress.finish(_instead_text("", why))
        return None
    base = releases.mirror()
    addresses = [
        (step, [r.at(architecture, base) for r in files_of_step])
        for step, files_of_step in published
    ]
    files = [release for _, files_of_step in addresses for release in files_of_step]
    fetched, failed = fetch(files, work.downloads, progress)
    programs = work.stage() / "programs"
    programs.mkdir()
    left = []
    for step, files_of_step in addresses:
        reason = next((failed[r] for r in files_of_step if r in failed), None)
        reason = reason or _put(step, {r: fetched[r] for r in files_of_step}, programs)
        if reason or not files_of_step:
            left.append((step, reason))
    _explain(left, len(left) == len(addresses), progress)
    return programs if len(left) < len(addresses) else None


class Unavailable(Exception):
    """A file that cannot be downloaded; the message is a clause that says why."""


def fetch(
    wanted: Sequence[Release],
    directory: Path,
    progress: Progress,
    words: Callable[[int, int], str] | None = None,
) -> tuple[dict[Release, Path], dict[Release, str]]:
    """Return the files that came, and the reasons for the others; raise OSError.

    `words` makes the line of progress of a single file, from its bytes here and all.
    """
    make_private(directory)
    fetcher = _Fetcher(directory, words)
    with ThreadPoolExecutor(PARALLEL) as pool:
        files = {release: pool.submit(fetcher.fetch, release) for release in wanted}
        try:
            fetcher.watch(files, progress)
        except BaseException:
            fetcher.stopped.set()
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    fetched, failed = {}, {}
    for release, file in files.items():
        try:
            fetched[release] = file.result()
        except Unavailable as reason:
            failed[release] = str(reason)
    return fetched, failed


class _Fetcher:
    """Fetches files in several threads; `stopped` ends each at its next bytes."""

    def __init__(
        self, directory: Path, words: Callable[[int, int], str] | None = None
    ) -> None:
        self.directory = directory
        self.received = 0
        #: last file that grew: bytes that are here, and bytes in all, as the host says
        self.share = 0, 0
        self.words = words
        self.stopped = threading.Event()
        #: host to the reason why it cannot be reached: one try tells for all its files
        self._unreachable: dict[str, str] = {}

    def watch(self, files: dict[Release, Future], progress: Progress) -> None:
        """Show the progress until all files have come or failed."""
        last, message = float("-inf"), ""
        while left := [file for file in files.values() if not file.done()]:
            if time.monotonic() - last >= STEADY:
                last = time.monotonic()
                message = self._message(files, len(files) - len(left))
            progress.update(message)
            wait(left, timeout=0.1)

    def _message(self, files: dict[Release, Future], done: int) -> str:
        if self.words:
            return self.words(*self.share)
        # The pool takes them in this order; `running()` lags behind.
        now = [release for release, file in files.items() if not file.done()][:PARALLEL]
        names = sorted(name for release in now for name in release.programs)
        text = mark(
            "downloading {count} files, {done} done, {received:.0f} MB, now {names}"
        )
        about = {"count": len(files), "done": done, "names": ", ".join(names)}
        return say(text, **about, received=self.received / 1e6)

    def fetch(self, release: Release) -> Path:
        """Return the whole file; raise Unavailable."""
        if reason := self._unreachable.get(release.host):
            raise Unavailable(reason)
        half = self.directory / f"{release.name}.half"
        try:
            with _client(release.host) as client:
                return self._patiently(client, release, half)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            reason = _reason(error, release.host)
            if isinstance(error, (*_NO_CONNECTION, httpx.ReadTimeout)):
                self._unreachable[release.host] = reason
            raise Unavailable(reason) from None
        finally:
            half.unlink(missing_ok=True)

    def _patiently(self, client: httpx.Client, release: Release, half: Path) -> Path:
        for pause in range(1, RETRIES + 1):
            try:
                return self._get(client, release, half)
            except (httpx.HTTPError, Unavailable) as error:
                if not _is_passing(error) or self.stopped.wait(pause):
                    raise
        return self._get(client, release, half)

    def _get(self, client: httpx.Client, release: Release, half: Path) -> Path:
        digest = release.known or self._published_sum(client, release)
        file = self.directory / release.name
        if file.exists() and _sha256(file) == digest:
            return file
        self._receive(client, release.url, half)
        if _sha256(half) == digest:
            return half.replace(file)
        os.truncate(half, 0)
        text = mark("{file} of {host} has another SHA-256 than the published {sum}…")
        about = {"file": release.name, "host": release.host, "sum": digest[:12]}
        raise Unavailable(say(text, **about))

    def _published_sum(self, client: httpx.Client, release: Release) -> str:
        sums = client.get(release.sums).raise_for_status().text
        if digest := releases.sum_in(sums, release.name):
            return digest
        text = mark("{address} holds no SHA-256 of {file}")
        raise Unavailable(say(text, address=release.sums, file=release.name))

    def _receive(self, client: httpx.Client, url: str, half: Path) -> None:
        """Add to `half` what it lacks, or all of it."""
        half.touch(0o600)
        size = half.stat().st_size
        rest = {"Range": f"bytes={size}-"} if size else {}
        with client.stream("GET", url, headers=rest) as reply:
            if reply.status_code in (200, 416):
                os.truncate(half, 0)
            reply.raise_for_status()
            length = reply.headers.get("Content-Length", "")
            with half.open("ab") as file:
                whole = file.tell() + int(length if length.isdecimal() else 0)
                for chunk in reply.iter_raw():
                    if self.stopped.is_set():
                        raise Unavailable(say("nobody waits for it any more"))
                    self.received += file.write(chunk)
                    self.share = file.tell(), whole


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _client(host: str) -> httpx.Client:
    """Return what sends the requests of one file; raise Unavailable."""
    try:
        return httpx.Client(
            verify=_authorities(),
            # httpx itself reads no IPv6 address in NO_PROXY.
            trust_env=False,
            proxy=_proxy(host),
            timeout=httpx.Timeout(TIMEOUT[1], connect=TIMEOUT[0]),
            # Bytes as they are published: their sum is meant.
            headers={"Accept-Encoding": "identity"},
            follow_redirects=True,
            event_hooks={"response": [_stay_with_https]},
        )
    except (OSError, ImportError, ValueError, httpx.InvalidURL) as error:
        text = mark(
            "REQUESTS_CA_BUNDLE, SSL_CERT_FILE or a setting of the proxy cannot be "
            "used ({reason})"
        )
        raise Unavailable(say(text, reason=error)) from None


def _proxy(host: str) -> httpx.Proxy | None:
    """Return the proxy that the environment names for a host; raise ValueError."""
    proxies = getproxies()
    address = proxies.get("https") or proxies.get("all")
    if not address or proxy_bypass(host):
        return None
    address = address if "://" in address else f"http://{address}"
    trust = _authorities() if address.startswith("https:") else None
    return httpx.Proxy(address, ssl_context=trust)


def _authorities() -> ssl.SSLContext:
    """Trust those of REQUESTS_CA_BUNDLE as pip does, else those of SSL_CERT_FILE."""
    path = os.environ.get("REQUESTS_CA_BUNDLE") or os.environ.get("CURL_CA_BUNDLE")
    if not path:
        return httpx.create_ssl_context()
    place = "capath" if os.path.isdir(path) else "cafile"
    return ssl.create_default_context(ssl.Purpose.SERVER_AUTH, **{place: path})


def _stay_with_https(reply: httpx.Response) -> None:
    address = reply.url.join(reply.headers.get("Location", ""))
    if reply.has_redirect_location and address.scheme != "https":
        text = mark("{url} leads to {address}")
        raise Unavailable(say(text, url=reply.url, address=address))


def _is_passing(error: Exception) -> bool:
    if isinstance(error, httpx.HTTPStatusError):
        return error.response.status_code in _PASSING
    return not isinstance(error, _NO_CONNECTION)


def _reason(error: httpx.HTTPError | httpx.InvalidURL, host: str) -> str:
    """Return one clause for a person."""
    if isinstance(error, httpx.HTTPStatusError):
        url = (*error.response.history, error.response)[0].url
        return say("{code} for {url}", code=error.response.status_code, url=url)
    if isinstance(error, (httpx.InvalidURL, httpx.UnsupportedProtocol)):
        return say("{host} is no address ({reason})", host=host, reason=error)
    if isinstance(error, httpx.ConnectTimeout):
        text = mark("{host} cannot be reached in {seconds:.0f} s")
        return say(text, host=host, seconds=TIMEOUT[0])
    if isinstance(error, httpx.ReadTimeout):
        text = mark("{host} says nothing for {seconds:.0f} s")
        return say(text, host=host, seconds=TIMEOUT[1])
    # The system's own error is below those of two libraries.
    cause: BaseException | None = error
    while cause and not isinstance(cause, OSError):
        cause = cause.__context__
    if isinstance(cause, ssl.SSLCertVerificationError):
        return say("the certificate of {host} is not trusted", host=host)
    if isinstance(error, _NO_CONNECTION) and _proxy(host):
        return say("the proxy does not lead to {host}", host=host)
    words = getattr(cause, "strerror", None) or say("the connection broke")
    return say("{host} cannot be reached ({reason})", host=host, reason=words)


def _put(step: Step, files: dict[Release, Path], programs: Path) -> str | None:
    """Put the programs of a step into the directory; return why not, or None."""
    try:
        for release, file in files.items():
            _unpack(release, file, programs)
        if files and (reason := check.step_problem(step, programs)):
            raise Unavailable(say("the published {reason}", reason=reason))
    except (Unavailable, tarfile.TarError) as error:
        for name in step.programs:
            (programs / name).unlink(missing_ok=True)
        return str(error)
    return None


def _unpack(release: Release, file: Path, programs: Path) -> None:
    if release.members is None:
        file.chmod(0o755)
        file.replace(programs / release.programs[0])
        return
    with tarfile.open(file) as tar:
        paths = {member.name.removeprefix("./"): member for member in tar}
        for name, path in release.members.items():
            item = paths.get(path)
            source = tar.extractfile(item) if item and item.isfile() else None
            if source is None:
                text = mark("{archive} holds no file {path}")
                raise Unavailable(say(text, archive=release.name, path=path))
            # Only the bytes: owner and mode are ours to decide.
            with (programs / name).open("wb") as target:
                shutil.copyfileobj(source, target)
            (programs / name).chmod(0o755)
    file.unlink()


def _explain(
    left: list[tuple[Step, str | None]], all_: bool, progress: Progress
) -> None:
    """Leave one line on the screen if something must be built after all."""
    # The distribution's program will do where there is one.
    missing = [(step, reason) for step, reason in left if not check.system_has(step)]
    if reasons := list(dict.fromkeys(reason for _, reason in missing if reason)):
        which = "" if all_ else ", ".join(step.name for step, _ in missing)
        progress.finish(_instead_text(which, "; ".join(reasons[:2])))


def _instead_text(which: str, reason: str) -> str:
    """Return what happens to programs that were not downloaded, "" for all."""
    if build.OFF in os.environ:
        all_ = mark("no download, because {reason}")
        some = mark("no download of {programs}, because {reason}")
    else:
        all_ = mark("building instead, because {reason}")
        some = mark("building {programs} instead, because {reason}")
    return say(some if which else all_, programs=which, reason=reason)
