"""Download the programs of a recipe from their projects. The caller holds the lock.

pooch fetches each file, tries again after a break, and refuses another SHA-256 than the
published one. What does not come is left to the build, and one line says why. Proxies
are those of the environment (`https_proxy`, `no_proxy`).
"""

import contextlib
import os
import platform
import re
import shutil
import tarfile
import threading
import time
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from pathlib import Path
from urllib.parse import urljoin, urlsplit

import pooch
import requests
from requests.adapters import HTTPAdapter
from urllib3 import Retry

from cluster.permissions import make_private
from cluster.programs import build, check, releases
from cluster.programs.build import WorkDir
from cluster.programs.recipe import Recipe, Step
from cluster.programs.releases import Release
from cluster.progress import Progress

#: files at once: one rarely fills a line, and many would be rude to a mirror
PARALLEL = 4
#: how often a file is asked for again after a break or a wrong SHA-256
RETRIES = 2
#: seconds until a host must have taken the connection, and between two of its bytes
TIMEOUT = (3.0, 15.0)
#: seconds for which the line of progress stays the same: a log keeps every line
STEADY = 8.0
_TICK = 0.1
_CHUNK = 1 << 16
#: answers that may be another one in a moment
_PASSING = (429, 500, 502, 503, 504)

# What it would say of each file is in the line of progress.
pooch.get_logger().setLevel("ERROR")


def download(
    recipe: Recipe, steps: Sequence[Step], work: WorkDir, progress: Progress
) -> Path | None:
    """Return a new directory with the programs of the steps that came, or None.

    Files that came stay in the work directory as long as others of their step are
    missing. Raise LabError for a mirror without HTTPS, OSError for a full disk.
    """
    wanted = [(step, releases.published(step.programs)) for step in steps]
    if not any(found for _, found in wanted):
        return None
    architecture = releases.ARCHITECTURES.get(platform.machine(), "")
    off = releases.OFF in os.environ
    if off or not architecture:
        nothing = f"nothing is published for {platform.machine()}"
        why = f"{releases.OFF} is set" if off else nothing
        progress.finish(f"{_instead('')}, because {why}")
        return None
    base = releases.mirror()
    asked = [
        (step, [release.at(architecture, base) for release in found])
        for step, found in wanted
    ]
    fetched, failed = fetch(
        [release for _, found in asked for release in found], work.downloads, progress
    )
    programs = work.stage() / "programs"
    programs.mkdir()
    left = []
    for step, found in asked:
        reason = next((failed[r] for r in found if r in failed), None)
        reason = reason or _put(step, {r: fetched[r] for r in found}, programs)
        if reason or not found:
            left.append((step, reason))
    _explain(left, len(left) == len(asked), progress)
    return programs if len(left) < len(asked) else None


class Unavailable(Exception):
    """A file that cannot be downloaded; the message is a clause that says why."""


def fetch(
    wanted: Sequence[Release], directory: Path, progress: Progress
) -> tuple[dict[Release, Path], dict[Release, str]]:
    """Return the files that came, and the reasons for the others; raise OSError."""
    make_private(directory)
    fetcher = _Fetcher(directory)
    with ThreadPoolExecutor(PARALLEL) as pool:
        files = {release: pool.submit(fetcher.fetch, release) for release in wanted}
        try:
            _watch(files, fetcher, progress)
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


def _watch(
    files: dict[Release, Future], fetcher: "_Fetcher", progress: Progress
) -> None:
    """Show the progress until all files have come or failed."""
    shown, message = float("-inf"), ""
    while left := [file for file in files.values() if not file.done()]:
        if time.monotonic() - shown >= STEADY:
            shown = time.monotonic()
            running = [r for r, file in files.items() if file.running()]
            names = sorted(name for r in running for name in r.programs)
            message = (
                f"downloading {len(files)} files, {len(files) - len(left)} done, "
                f"{fetcher.received / 1e6:.0f} MB, now {', '.join(names)}"
            )
        progress.update(message)
        wait(left, timeout=_TICK)


class _Fetcher:
    """Fetches files in several threads; `stopped` ends each at its next bytes."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.received = 0
        self.stopped = threading.Event()
        #: host to the reason why it cannot be reached: one try tells for all its files
        self._unreachable: dict[str, str] = {}

    def fetch(self, release: Release) -> Path:
        """Return the whole file; raise Unavailable."""
        known = self._published(release)
        place = pooch.create(
            self.directory,
            base_url="",
            registry={release.name: f"sha256:{known}"},
            urls={release.name: release.url},
            retry_if_failed=RETRIES,
        )
        try:
            # pooch leaves open what it does not read to the end.
            with contextlib.ExitStack() as replies:
                download = pooch.HTTPDownloader(
                    progressbar=_Bar(self), chunk_size=_CHUNK, **_options(replies)
                )
                return Path(place.fetch(release.name, downloader=download))
        except requests.RequestException as error:
            raise Unavailable(_reason(error, release.url)) from None
        except ValueError:
            raise Unavailable(
                f"{release.name} of {release.host} has another SHA-256 than the "
                f"published {known[:12]}…"
            ) from None

    def _published(self, release: Release) -> str:
        """Return the published SHA-256; raise Unavailable."""
        if reason := self._unreachable.get(release.host):
            raise Unavailable(reason)
        # After a transient status, not after a broken connection.
        none = Retry(None, connect=0, read=0, other=0, redirect=0, backoff_factor=0.5)
        again = none.new(
            status=RETRIES, status_forcelist=_PASSING, raise_on_status=False
        )
        try:
            with requests.Session() as session, contextlib.ExitStack() as replies:
                session.mount("https://", HTTPAdapter(max_retries=again))
                reply = session.get(release.sums, **_options(replies))
                reply.raise_for_status()
        except requests.RequestException as error:
            reason = _reason(error, release.sums)
            if isinstance(error, requests.ConnectionError):
                self._unreachable[release.host] = reason
            raise Unavailable(reason) from None
        found = releases.sum_in(reply.text, release.name)
        if not found:
            raise Unavailable(f"{release.sums} holds no SHA-256 of {release.name}")
        return found


class _Bar:
    """The progress of one file, as pooch reports it; can stop the download."""

    total = 0

    def __init__(self, fetcher: _Fetcher) -> None:
        self._fetcher = fetcher

    def update(self, size: int) -> None:
        if self._fetcher.stopped.is_set():
            raise Unavailable("nobody waits for it any more")
        self._fetcher.received += size

    def reset(self) -> None:
        # All of it is counted once more then.
        self._fetcher.received -= self.total

    def close(self) -> None:
        """Do nothing."""


def _options(replies: contextlib.ExitStack) -> dict:
    """Return the arguments of all requests; `replies` closes what comes."""

    def take(reply: requests.Response, **_: object) -> None:
        replies.push(reply)
        if reply.is_redirect:
            address = urljoin(reply.url, reply.headers["Location"])
            if not address.startswith("https://"):
                raise requests.exceptions.InvalidURL(f"{reply.url} leads to {address}")

    return {
        "timeout": TIMEOUT,
        # Bytes as they are published: their sum is meant.
        "headers": {"Accept-Encoding": "identity"},
        # An empty sign-in: else one for this host in ~/.netrc would be sent.
        "auth": lambda request: request,
        "hooks": {"response": take},
    }


def _reason(error: requests.RequestException, url: str) -> str:
    """Return one clause for a person."""
    host = urlsplit(url).netloc
    if isinstance(error, requests.HTTPError) and error.response is not None:
        return f"{error.response.status_code} for {url}"
    if isinstance(error, requests.exceptions.InvalidURL):
        return str(error)
    if isinstance(error, requests.exceptions.ProxyError):
        return f"the proxy does not lead to {host}"
    if isinstance(error, requests.exceptions.SSLError):
        return f"the certificate of {host} is not trusted"
    if isinstance(error, requests.ConnectTimeout):
        return f"{host} cannot be reached in {TIMEOUT[0]:.0f} s"
    if "Read timed out" in str(error):
        return f"{host} says nothing for {TIMEOUT[1]:.0f} s"
    # The system's own words are deep in those of two libraries.
    words = re.search(r"\[Errno -?\d+\] ([\w ]+)", str(error))
    return f"{host} cannot be reached ({words[1] if words else 'the connection broke'})"


def _put(step: Step, files: dict[Release, Path], programs: Path) -> str | None:
    """Put the programs of a step into the directory; return why not, or None."""
    try:
        for release, file in files.items():
            _unpack(release, file, programs)
        for name in step.programs if files else ():
            reason = check.problem(programs / name)
            if not reason and not check.program_version(step.question(programs, name)):
                # As where the C library is older than the one it was linked with.
                reason = "does not run here"
            if reason:
                raise Unavailable(f"the published {name} {reason}")
    except (Unavailable, tarfile.TarError) as error:
        for name in step.programs:
            (programs / name).unlink(missing_ok=True)
        return str(error)
    return None


def _unpack(release: Release, file: Path, programs: Path) -> None:
    if release.members is None:
        (name,) = release.programs
        file.chmod(0o755)
        file.replace(programs / name)
        return
    with tarfile.open(file) as tar:
        paths = {member.name.removeprefix("./"): member for member in tar}
        for name, path in release.members.items():
            found = paths.get(path)
            source = tar.extractfile(found) if found and found.isfile() else None
            if source is None:
                raise Unavailable(f"{release.name} holds no file {path}")
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
        which = "" if all_ else f" {', '.join(step.name for step, _ in missing)}"
        progress.finish(f"{_instead(which)}, because {'; '.join(reasons[:2])}")


def _instead(which: str) -> str:
    """Return what happens to programs that were not downloaded."""
    off = build.OFF in os.environ
    return f"no download{which and ' of'}{which}" if off else f"building{which} instead"
