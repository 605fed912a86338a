"""Be `kubectl` or `curl` while a wire log is open: run the real one, note its requests.

A program of its own that needs the standard library alone and starts in 20 ms. stdin
and stdout are the real one's, and so are its end and the signals; of stderr it takes
out the lines it has asked for. What it notes is masked before it reaches the disk.
"""

import contextlib
import ctypes
import json
import os
import re
import shutil
import signal
import sys
import time
from collections.abc import Sequence

#: Only the lines of this file of client-go, one for each answer: with -v=6 kubectl
#: would say more, also about its errors.
VERBOSE = "--vmodule=round_trippers=6"
MARK = b"\x1elab "
#: what curl writes when it has an answer, or gave up
WRITE_OUT = (
    "%{stderr}\x1elab %{method} %{http_code} %{time_total} %{size_download} "
    "%{url_effective}\n"
)
_RESPONSE = re.compile(
    rb'I\d{4} \S+ +\d+ round_trippers\.go:\d+\] "Response" verb="(\w+)" '
    rb'url=("(?:[^"\\]|\\.)*") status="(\d*)[^"]*"(?:.*? milliseconds=(\d+))?'
)
_OURS = re.compile(rb"I\d{4} \S+ +\d+ round_trippers\.go:\d+\] ")
_LEVEL = re.compile(r"--?v=?(\d+)?")
#: options of curl with one letter that take a value
_VALUED = "AbcCdDeEFhHKmoPQrtTuUwxXyYz"
#: options of curl that take none, as far as they come before a `-w`
_PLAIN = frozenset(
    "--compressed --fail --fail-with-body --get --globoff --head --http1.1 --http2 "
    "--include --insecure --location --no-buffer --no-progress-meter --show-error "
    "--silent --verbose".split()
)
PASSED_ON = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)
_DEATH_SIGNAL = 1


class Sieve:
    """Takes the lines that were asked for out of what a program writes to stderr."""

    def __init__(self, tool: str, *, keep: bool = False) -> None:
        """Know the program; with `keep` its lines are noted and stay in."""
        self._tool, self._keep = tool, keep
        self._rest = b""
        self._at_start = True

    def feed(self, data: bytes) -> tuple[bytes, list[dict]]:
        """Return what to pass on at once, and the requests that were found."""
        data = self._rest + data
        self._rest = b""
        return self._curl(data) if self._tool == "curl" else self._kubectl(data)

    def end(self) -> bytes:
        """Return what was held back."""
        rest, self._rest = self._rest, b""
        return rest

    def _curl(self, data: bytes) -> tuple[bytes, list[dict]]:
        out, found = [], []
        while (start := data.find(MARK)) >= 0 and b"\n" in data[start:]:
            line, _, after = data[start + len(MARK) :].partition(b"\n")
            out.append(data[:start])
            found += _of_curl(line)
            data = after
        # The mark may have come in part.
        held = start if start >= 0 else _overlap(data, MARK)
        self._rest = data[held:]
        return b"".join([*out, data[:held]]), found

    def _kubectl(self, data: bytes) -> tuple[bytes, list[dict]]:
        out, found = [], []
        *lines, rest = data.split(b"\n")
        for line in lines:
            ours = self._at_start and _OURS.match(line)
            found += _of_kubectl(line) if ours else []
            if not ours or self._keep:
                out.append(line + b"\n")
            self._at_start = True
        # A question that waits for an answer has no end of line: it must not wait.
        if rest.startswith(b"I") and self._at_start:
            self._rest = rest
        elif rest:
            out.append(rest)
            self._at_start = False
        return b"".join(out), found


def arguments(tool: str, words: Sequence[str]) -> tuple[list[str], bool]:
    """Return the words to run a program with, and whether its lines stay in."""
    words = list(words)
    if tool == "curl":
        return _with_write_out(words), False
    own = [word for word in words if word.startswith("--vmodule")]
    level = _own_level(words)
    if own or level >= 6:
        return words, True
    # Not in front of a command: kubectl would take that for the name of a plugin.
    first = 0 if not words or words[0].startswith("-") else 1
    return [*words[:first], VERBOSE, *words[first:]], False


def main(here: str, log: str, tool: str, words: Sequence[str]) -> int:
    """Run the next `tool` on PATH with these words, and end as it ends."""
    path = _after(here, os.environ.get("PATH", os.defpath))
    real = shutil.which(tool, path=path)
    if real is None:
        print(f"{tool}: command not found", file=sys.stderr)
        return 127
    if tool == "kubectl" and _is_plugin(words, path):
        # No option of ours may stand before the name of a plugin.
        os.execv(real, [tool, *words])
    words, keep = arguments(tool, words)
    ours, theirs = os.pipe()
    parent = os.getpid()
    child = os.fork()
    if child == 0:
        _become(real, [tool, *words], theirs, parent)
    os.close(theirs)
    for number in PASSED_ON:
        # Who was told to be deaf stays so, and the real one with it.
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, lambda number, _: _pass_on(child, number))
    _listen(ours, Sieve(tool, keep=keep), log)
    return _end_like(os.waitpid(child, 0)[1])


def _become(real: str, words: list[str], stderr: int, parent: int) -> None:
    try:
        # A program that is killed cannot pass that on.
        if sys.platform == "linux":
            ctypes.CDLL(None).prctl(_DEATH_SIGNAL, signal.SIGKILL)
            if os.getppid() != parent:
                os._exit(1)
        os.dup2(stderr, 2)
        # Python ignores these two, and whom it runs would do so as well.
        for number in (signal.SIGPIPE, signal.SIGXFSZ):
            signal.signal(number, signal.SIG_DFL)
        os.execv(real, words)
    finally:
        os._exit(126)


def _pass_on(child: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(child, number)


def _listen(pipe: int, sieve: Sieve, log: str) -> None:
    """Pass on what comes until nobody writes any more."""
    try:
        # Not made if it is not there: then the log has been closed.
        file = os.open(log, os.O_WRONLY | os.O_APPEND)
    except OSError:
        file = None
    while data := os.read(pipe, 1 << 16):
        passed, found = sieve.feed(data)
        for record in found:
            if file is not None:
                os.write(file, json.dumps(record).encode() + b"\n")
        _write(passed)
    _write(sieve.end())


def _write(data: bytes) -> None:
    while data:
        try:
            data = data[os.write(2, data) :]
        except OSError:
            return  # nobody reads it


def _end_like(status: int) -> int:
    code = os.waitstatus_to_exitcode(status)
    if code >= 0:
        return code
    if -code != signal.SIGKILL:
        signal.signal(-code, signal.SIG_DFL)
    os.kill(os.getpid(), -code)
    return 128 - code


def _after(here: str, path: str) -> str:
    """Return what comes after this directory on PATH, or all but it."""
    parts = path.split(os.pathsep)
    if here in parts:
        parts = parts[parts.index(here) + 1 :]
    return os.pathsep.join(part for part in parts if part != here)


def _is_plugin(words: Sequence[str], path: str) -> bool:
    first = words[0] if words else ""
    if not first or first.startswith("-"):
        return False
    name = first.replace("-", "_")
    return first.startswith("__") or bool(shutil.which(f"kubectl-{name}", path=path))


def _own_level(words: Sequence[str]) -> int:
    for place, word in enumerate(words):
        if word == "--":
            break
        if found := _LEVEL.fullmatch(word):
            following = words[place + 1 : place + 2] or ["0"]
            value = found[1] or following[0]
            return int(value) if value.isdigit() else 0
    return 0


def _with_write_out(words: list[str]) -> list[str]:
    """Return curl's words with ours to write; a `-w` of the learner's comes first."""
    if not words:
        return words
    for place, word in enumerate(words):
        at = _write_out_at(word)
        if at is None:
            continue
        before = words[place - 1] if place else ""
        if before.startswith("--") and before not in _PLAIN:
            return words  # it may be a value, and a value is not ours to change
        if at < len(word):
            changed = [word + WRITE_OUT]
            return [*words[:place], *changed, *words[place + 1 :]]
        value = words[place + 1 : place + 2]
        if not value or value[0].startswith("@"):
            return words
        return [*words[: place + 1], value[0] + WRITE_OUT, *words[place + 2 :]]
    return ["--write-out", WRITE_OUT, *words]


def _write_out_at(word: str) -> int | None:
    """Return where the value of a `-w` begins in a word, None without a `-w`."""
    if word == "--write-out":
        return len(word)
    if not word.startswith("-") or word.startswith("--"):
        return None
    for place, letter in enumerate(word[1:], 1):
        if letter == "w":
            return place + 1
        if letter in _VALUED:
            return None
    return None


def _of_curl(line: bytes) -> list[dict]:
    parts = line.decode(errors="replace").split(" ", 4)
    if len(parts) != 5:
        return []
    method, code, seconds, size, url = parts
    milliseconds = round(1000 * float(seconds.replace(",", ".")))
    return [_record("curl", method, url, int(code), milliseconds, int(float(size)))]


def _of_kubectl(line: bytes) -> list[dict]:
    found = _RESPONSE.match(line)
    if found is None:
        return []
    verb, url, code, milliseconds = found.groups()
    address = json.loads(url)
    spent = int(milliseconds) if milliseconds else None
    return [_record("kubectl", verb.decode(), address, int(code or 0), spent, None)]


def _record(tool, method, url, status, milliseconds, size) -> dict:
    return {
        "source": tool,
        "method": method,
        "url": _masked(url),
        "status": status,
        "milliseconds": milliseconds,
        "size": size,
        "at": time.time() - (milliseconds or 0) / 1000,
    }


def _masked(url: str) -> str:
    # This program runs by its path and knows no package. At the end, so that no module
    # of ours or of site-packages stands before one of the standard library; and only
    # now, while the real program is at work: it costs some milliseconds.
    if not __package__:
        sys.path.append(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    from cluster import masks

    return masks.url(url)


def _overlap(data: bytes, mark: bytes) -> int:
    """Return where the beginning of a mark may stand at the end of data."""
    for length in range(len(mark) - 1, 0, -1):
        if data.endswith(mark[:length]):
            return len(data) - length
    return len(data)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2], sys.argv[3], sys.argv[4:]))
