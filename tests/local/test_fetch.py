"""Downloads from a server that misbehaves: what comes is right, or is refused."""

import dataclasses
import hashlib
import os
import random
import socket
import threading
import time

import pytest

from cluster.binaries import fetch
from cluster.binaries.fetch import Fetch, Patience
from cluster.progress import Silent
from tests.local import mirror as m
from tests.local.waiting import until
from tests.patience import patience

#: forty of the pieces in which a file is received: what is less is lost by a break
CONTENT = random.Random(8).randbytes(655_360)
PART = f"app.{hashlib.sha256(CONTENT).hexdigest()}.part"
#: of a server on this machine; a network wants more
QUICK = Patience(contact=3, connect=1, silence=1, window=30)


class Notes(Silent):
    """A view that keeps what it was told."""

    def __init__(self):
        self.lines = []

    def update(self, message):
        self.lines.append(message)

    finish = update


@pytest.fixture
def mirror(tmp_path, monkeypatch):
    with m.running(tmp_path) as mirror:
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "ca.pem"))
        for name in ("NO_PROXY", "no_proxy", "HTTPS_PROXY", "https_proxy"):
            monkeypatch.delenv(name, raising=False)
        yield mirror


@pytest.fixture
def directory(tmp_path):
    return tmp_path / "downloads"


@pytest.fixture
def one(directory):
    """Fetch one release; return its content, or the reason why there is none."""

    def one(release, patience=QUICK, view=None):
        run = Fetch(directory, view or Silent(), patience)
        fetched, failed = run.run([release])
        assert len(fetched) + len(failed) == 1
        if release in failed:
            return failed[release]
        assert fetched[release].parent == directory
        return fetched[release].read_bytes()

    return one


def parts(directory):
    return sorted(path.name for path in directory.glob("*.part"))


def test_a_file_comes_whole_and_nothing_else_stays(mirror, one, directory):
    assert one(mirror.release("app", CONTENT)) == CONTENT
    assert [path.name for path in directory.iterdir()] == ["app"]
    assert mirror.asked == [("/app.sha256", ""), ("/app", "")]


def test_what_is_there_is_not_fetched_again(mirror, one):
    release = mirror.release("app", CONTENT)
    assert one(release) == one(release) == CONTENT
    assert mirror.times("app") == 1


# --- wrong ---


def test_a_wrong_checksum_is_refused_at_once(mirror, one, directory):
    release = mirror.release("app", CONTENT)
    mirror.files["/app"] = CONTENT[:-1] + b"?"
    wanted = hashlib.sha256(CONTENT).hexdigest()[:12]
    assert one(release) == (
        f"app of 127.0.0.1:{mirror.port} has another SHA-256 than the published "
        f"{wanted}…"
    )
    assert list(directory.iterdir()) == []
    assert mirror.times("app") == 1


def test_a_file_that_is_short_on_the_server_is_refused(mirror, one):
    release = mirror.release("app", CONTENT)
    mirror.files["/app"] = CONTENT[:1000]
    assert "another SHA-256" in one(release)


def test_a_text_without_the_sum_is_refused(mirror, one):
    release = mirror.release("app", CONTENT)
    mirror.files["/app.sha256"] = b"<html>Sign in to this network</html>"
    assert one(release) == f"{release.sums} holds no SHA-256 of app"
    assert mirror.times("app") == 0


@pytest.mark.parametrize("missing", ["app", "app.sha256"])
def test_what_is_not_there_is_asked_for_once(mirror, one, missing):
    release = mirror.release("app", CONTENT)
    del mirror.files[f"/{missing}"]
    assert one(release) == f"404 for {mirror.base}/{missing}"
    assert mirror.times(missing) == 1


def test_a_certificate_that_nobody_trusts(mirror, one, monkeypatch):
    monkeypatch.delenv("REQUESTS_CA_BUNDLE")
    monkeypatch.delenv("CURL_CA_BUNDLE", raising=False)
    reason = one(mirror.release("app", CONTENT))
    assert reason == f"the certificate of 127.0.0.1:{mirror.port} is not trusted"
    assert mirror.asked == []


# --- broken off ---


def test_a_truncated_file_is_gone_on_with(mirror, one):
    release = mirror.release("app", CONTENT)
    mirror.faults["/app"] = m.truncated(times=2)
    assert one(release) == CONTENT
    asked = [begin for path, begin in mirror.asked if path == "/app"]
    assert asked == ["", "bytes=327680-", "bytes=491520-"]


def test_a_file_that_never_comes_whole_is_kept_for_the_next_time(
    mirror, one, directory
):
    release = mirror.release("app", CONTENT)
    mirror.faults["/app"] = m.truncated(part=0.1)
    patience = dataclasses.replace(QUICK, connections=2)
    assert "cannot be reached" in one(release, patience)
    assert mirror.times("app") == 2
    assert parts(directory) == [PART]
    del mirror.faults["/app"]
    assert one(release) == CONTENT
    assert mirror.asked[-1] == ("/app", "bytes=114688-")
    assert parts(directory) == []


def test_a_half_file_that_was_damaged_here_is_fetched_anew(mirror, one, directory):
    release = mirror.release("app", CONTENT)
    directory.mkdir()
    part = directory / PART
    part.write_bytes(b"?" * 1000)
    assert one(release) == CONTENT
    asked = [begin for path, begin in mirror.asked if path == "/app"]
    assert asked == ["bytes=1000-", ""]


def test_a_whole_file_that_was_not_named_yet_is_not_fetched_again(
    mirror, one, directory
):
    release = mirror.release("app", CONTENT)
    directory.mkdir()
    part = directory / PART
    part.write_bytes(CONTENT)
    assert one(release) == CONTENT
    assert mirror.asked[-1] == ("/app", "bytes=655360-")


def test_a_server_that_knows_no_ranges_sends_it_anew(mirror, one, directory):
    release = mirror.release("app", CONTENT)
    directory.mkdir()
    part = directory / PART
    part.write_bytes(CONTENT[:1000])
    mirror.faults["/app"] = m.without_ranges
    assert one(release) == CONTENT


@pytest.mark.parametrize("path", ["/app", "/app.sha256"])
def test_an_error_that_passes_is_waited_out(mirror, one, path):
    release = mirror.release("app", CONTENT)
    mirror.faults[path] = m.status(503, times=2)
    assert one(release) == CONTENT


def test_an_error_that_stays_is_named(mirror, one):
    release = mirror.release("app", CONTENT)
    mirror.faults["/app"] = m.status(502)
    patience = dataclasses.replace(QUICK, connections=2)
    assert one(release, patience) == f"502 for {mirror.base}/app"


def test_a_server_that_is_gone_half_way_and_comes_back(
    mirror, one, directory, tmp_path
):
    release = mirror.release("app", CONTENT)

    def gone(handler, content, begin):
        handler.say(200, content[:196_608], length=len(content))
        # From here on the port is closed, as after a crash of the server.
        mirror.server.socket.close()
        handler.hang_up()
        return True

    mirror.faults["/app"] = gone
    reason = one(release, dataclasses.replace(QUICK, connections=3))
    assert reason == f"127.0.0.1:{mirror.port} cannot be reached (Connection refused)"
    (part,) = directory.glob("*.part")
    assert part.stat().st_size == 196_608
    m.stop(mirror)
    del mirror.faults["/app"]
    m.start(mirror, tmp_path / "server.pem")
    assert one(release) == CONTENT
    assert mirror.asked[-1] == ("/app", "bytes=196608-")


# --- slow ---


def test_a_server_that_sends_too_slowly_is_given_up(mirror, one):
    release = mirror.release("app", CONTENT)
    mirror.faults["/app"] = m.dripping(mirror)
    patience = dataclasses.replace(QUICK, window=1.0)
    reason = one(release, patience)
    assert reason.startswith(f"127.0.0.1:{mirror.port} sends too slowly, ")
    assert reason.endswith(" kB/s")


def test_a_server_that_is_slow_but_not_too_slow_is_waited_for(mirror, one):
    release = mirror.release("app", CONTENT[:60_000])
    mirror.faults["/app"] = m.dripping(mirror, drop=1000)
    patience = dataclasses.replace(QUICK, window=0.5, slowest=100)
    assert one(release, patience) == CONTENT[:60_000]


def test_a_server_that_falls_silent_is_told_so(mirror, one):
    release = mirror.release("app", CONTENT)
    mirror.faults["/app"] = m.silent(mirror)
    patience = dataclasses.replace(QUICK, connections=1)
    assert one(release, patience) == (f"127.0.0.1:{mirror.port} says nothing for 1 s")


# --- nobody there ---


@pytest.fixture
def closed_port():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    return port


def test_a_host_out_of_reach_takes_a_moment_however_many_files(
    directory, closed_port, monkeypatch
):
    monkeypatch.delenv("https_proxy", raising=False)
    base = f"https://127.0.0.1:{closed_port}"
    releases = [
        fetch.Release(f"{base}/{n}", f"{base}/{n}.sha256", (f"p{n}",))
        for n in range(20)
    ]
    began = time.monotonic()
    fetched, failed = Fetch(directory, Silent(), QUICK).run(releases)
    assert time.monotonic() - began < patience(2)
    assert fetched == {}
    reason = f"127.0.0.1:{closed_port} cannot be reached (Connection refused)"
    assert failed == dict.fromkeys(releases, reason)


def test_a_name_server_that_hangs_is_not_waited_for(mirror, one, monkeypatch):
    release = mirror.release("app", CONTENT)
    over = threading.Event()

    def hang(*_, **__):
        over.wait()
        raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure")

    monkeypatch.setattr(socket, "getaddrinfo", hang)
    before = set(threading.enumerate())
    began = time.monotonic()
    reason = one(release, dataclasses.replace(QUICK, contact=0.5))
    assert reason == f"127.0.0.1:{mirror.port} gave no answer in 0 s"
    assert time.monotonic() - began < patience(2)
    over.set()
    until(lambda: set(threading.enumerate()) <= before)
    assert mirror.asked == []


# --- the way there ---


def test_a_proxy_of_the_environment_is_used(mirror, one, monkeypatch):
    asked = []
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve():
            client, _ = listener.accept()
            with client:
                asked.append(client.recv(4096).split(b"\r\n")[0].decode())
                client.sendall(b"HTTP/1.1 403 Forbidden\r\n\r\n")

        thread = threading.Thread(target=serve)
        thread.start()
        port = listener.getsockname()[1]
        monkeypatch.setenv("https_proxy", f"http://127.0.0.1:{port}")
        reason = one(mirror.release("app", CONTENT))
        thread.join()
    assert asked[0].startswith(f"CONNECT 127.0.0.1:{mirror.port} HTTP/1.")
    assert reason == f"the proxy does not lead to 127.0.0.1:{mirror.port}"
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    assert one(mirror.release("app", CONTENT)) == CONTENT


def test_a_redirect_is_followed_as_long_as_it_is_https(mirror, one):
    release = mirror.release("app", CONTENT)
    mirror.files["/elsewhere"] = CONTENT
    mirror.faults["/app"] = m.moved(f"{mirror.base}/elsewhere")
    assert one(release) == CONTENT


def test_a_redirect_to_plain_http_is_refused(mirror, one, closed_port):
    release = mirror.release("app", CONTENT)
    with socket.create_server(("127.0.0.1", closed_port)) as listener:

        def serve():
            client, _ = listener.accept()
            with client:
                client.recv(4096)
                body = CONTENT[:100]
                head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\n\r\n"
                client.sendall(head.encode() + body)

        thread = threading.Thread(target=serve)
        thread.start()
        address = f"http://127.0.0.1:{closed_port}/app"
        mirror.faults["/app"] = m.moved(address)
        assert one(release) == f"{release.url}: it leads to {address}"
        thread.join()


def test_passwords_of_netrc_stay_here(mirror, one, tmp_path, monkeypatch):
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login ann password hunter2\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    assert one(mirror.release("app", CONTENT)) == CONTENT
    assert not any("Authorization" in headers for headers in mirror.headers)


# --- several at once ---


def test_files_come_in_parallel_and_not_too_many(mirror, directory):
    now, most, lock = [0], [0], threading.Lock()
    full = threading.Event()

    def counted(handler, content, begin):
        with lock:
            now[0] += 1
            most[0] = max(most[0], now[0])
            if now[0] == fetch.PARALLEL:
                full.set()
        # Only if they come together does it go on at once.
        full.wait(10)
        with lock:
            now[0] -= 1
        return False

    releases = [mirror.release(f"app{n}", CONTENT[n:]) for n in range(9)]
    for n in range(9):
        mirror.faults[f"/app{n}"] = counted
    fetched, failed = Fetch(directory, Silent(), QUICK).run(releases)
    assert failed == {}
    assert {r.name: path.read_bytes() for r, path in fetched.items()} == {
        f"app{n}": CONTENT[n:] for n in range(9)
    }
    assert full.is_set() and most[0] == fetch.PARALLEL


def test_one_that_fails_does_not_keep_the_others(mirror, directory):
    releases = [mirror.release(f"app{n}", CONTENT) for n in range(6)]
    del mirror.files["/app2"]
    fetched, failed = Fetch(directory, Silent(), QUICK).run(releases)
    assert {release.name for release in fetched} == {f"app{n}" for n in (0, 1, 3, 4, 5)}
    assert failed == {releases[2]: f"404 for {mirror.base}/app2"}


def test_progress_says_how_far_it_is(mirror, one, monkeypatch):
    monkeypatch.setattr(fetch, "STEADY", 0.0)
    release = mirror.release("app", CONTENT[:100_000])
    mirror.faults["/app"] = m.dripping(mirror, drop=5000)
    view = Notes()
    assert one(release, view=view) == CONTENT[:100_000]
    assert view.lines[0].startswith("downloading 1 files, 0 done")
    assert any(" MB/s, now app" in line for line in view.lines)


def test_an_interrupt_ends_it_and_keeps_what_came(mirror, directory):
    release = mirror.release("app", CONTENT)
    mirror.faults["/app"] = m.dripping(mirror, drop=2000)

    class Impatient(Silent):
        def update(self, message):
            if any(path.stat().st_size for path in directory.glob("*.part")):
                raise KeyboardInterrupt

    before = set(threading.enumerate())
    with pytest.raises(KeyboardInterrupt):
        Fetch(directory, Impatient(), QUICK).run([release])
    mirror.ended.set()
    until(lambda: not (set(threading.enumerate()) - before - _serving()))
    (part,) = directory.glob("*.part")
    assert CONTENT.startswith(part.read_bytes())


def _serving():
    return {
        thread for thread in threading.enumerate() if "process_request" in thread.name
    }


def test_a_fault_of_our_own_disk_is_the_callers(mirror, directory):
    release = mirror.release("app", CONTENT)
    (directory / PART).mkdir(parents=True)
    with pytest.raises(IsADirectoryError):
        Fetch(directory, Silent(), QUICK).run([release])


def test_what_comes_is_private(mirror, one, directory):
    before = os.umask(0)
    try:
        assert one(mirror.release("app", CONTENT)) == CONTENT
    finally:
        os.umask(before)
    assert directory.stat().st_mode & 0o777 == 0o700
