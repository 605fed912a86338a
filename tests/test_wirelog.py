"""The wire log hears everybody in this process and its shells, and keeps no secret."""

import json
import os
import stat
import subprocess
import threading

import pytest
import requests

from cluster import errors
from helpers import har, kubectl
from helpers.caller import Caller
from helpers.command import kubeconfig_in_use
from helpers.proxy import KubectlProxy
from helpers.requestlog import COLUMNS, MOST, Entry, RequestLog
from helpers.tokens import create_token
from helpers.wirelog import TOOLS, WireLog
from tests.test_masks import SECRETS
from tools import leaks


def entry(url="https://h/api", **more) -> Entry:
    return Entry(1_700_000_000.0, "python", "GET", url, **more)


# --- Pure -----------------------------------------------------------------------------


def test_no_requests_yet():
    """An empty log has its columns and a sentence."""
    log = RequestLog()
    assert list(log.frame().columns) == COLUMNS
    assert log.summary() == "No requests yet."
    assert har.document([])["log"]["entries"] == []


def test_what_is_not_known_is_missing():
    """Neither a status of 0 nor a size of 0 is made up."""
    log = RequestLog()
    log.add(entry())
    row = log.frame().iloc[0]
    assert row[["STATUS", "MS", "BYTES"]].isna().all()
    assert "1 × no answer" in log.summary()


def test_only_the_newest_are_kept():
    """And the summary says how many went."""
    log = RequestLog()
    for _ in range(MOST + 5):
        log.add(entry(status=200, size=1))
    assert len(log.frame()) == MOST
    assert "5 older ones" in log.summary()


def test_a_filter_finds_a_part_of_a_line():
    """Of the address, the program and the status, whatever the case."""
    log = RequestLog()
    log.add(entry("https://h/api/v1/pods", status=404, reason="Not Found"))
    log.add(entry("https://h/version", status=200))
    for words, count in {"PODS": 1, "404": 1, "python": 2, "": 2, "nope": 0}.items():
        assert len(log.newest(words)) == count


@pytest.mark.parametrize("kind", ["bearer", "password"])
def test_no_secret_in_a_har(kind):
    """Wherever it was planted: address, headers of both ways, reason."""
    secret = SECRETS[kind]
    planted = entry(
        f"https://me:{secret}@h/api?token={secret}&command={secret}",
        sent=[("Authorization", secret), ("User-Agent", secret), ("X-Own", secret)],
    )
    planted.answered(200, secret, [("Set-Cookie", secret), ("Warning", secret)])
    text = json.dumps(har.document([planted]))
    assert secret.split()[-1] not in text
    assert leaks.find(text) == []


def test_a_har_has_what_the_format_asks_for():
    """The fields that HAR 1.2 calls required, of the right types."""
    one = entry("https://h/api/v1/pods?limit=5", status=200, size=7, milliseconds=3.0)
    log = har.document([one])["log"]
    [written] = log["entries"]
    assert (log["version"], set(log) >= {"creator", "entries"}) == ("1.2", True)
    assert set(written) >= {
        *("startedDateTime", "time", "request", "response", "cache", "timings")
    }
    assert set(written["request"]) >= {
        *("method", "url", "httpVersion", "cookies", "headers", "queryString"),
        *("headersSize", "bodySize"),
    }
    assert written["request"]["queryString"] == [{"name": "limit", "value": "5"}]
    assert written["response"]["content"] == {"size": 7, "mimeType": ""}
    assert written["startedDateTime"] == "2023-11-14T22:13:20+00:00"


# --- With a cluster -------------------------------------------------------------------


@pytest.fixture
def log(cluster):
    """Return an open log."""
    with WireLog() as opened:
        yield opened


def lines(log: WireLog, part: str) -> list[tuple]:
    """Return FROM, STATUS and BYTES of the requests whose address has a part."""
    rows = log.frame()
    rows = rows[rows["URL"].str.contains(part, regex=False)]
    return [tuple(row) for row in rows[["FROM", "STATUS", "BYTES"]].values]


def test_before_connect(monkeypatch):
    """The file has its place beside the kubeconfig, so there must be one."""
    monkeypatch.setattr("helpers.command._kubeconfig", None)
    with pytest.raises(errors.NotConnected):
        WireLog().start()


def test_python_in_all_its_ways(cluster, log):
    """The size is that of the body, whole, in chunks, as a stream, or none at all."""
    caller = Caller.from_kubeconfig(kubeconfig_in_use())
    whole = caller.get("/openapi/v2?limit=1").data
    streamed = caller.stream("/openapi/v2?limit=2", headers={}, silence=30)
    parts = b"".join(streamed.stream(1000))
    cluster.api_client().call_api("GET", f"{cluster.server}/version?limit=4")
    assert lines(log, "limit=1") == [("python", 200, len(whole))]
    assert lines(log, "limit=2") == [("python", 200, len(parts))]
    assert [line[:2] for line in lines(log, "limit=4")] == [("python", 200)]
    assert log.frame()["MS"].notna().all()


def test_a_refused_connection_is_seen(log):
    """It has no status, but it was tried."""
    with pytest.raises(requests.ConnectionError):
        requests.get("http://127.0.0.1:1/nobody", timeout=5)
    row = log.frame().iloc[-1]
    assert row["URL"] == "http://127.0.0.1:1/nobody"
    assert row[["STATUS"]].isna().all()


def test_kubectl_and_its_proxy(log):
    """A proxy has two wires, and its log is the same as ever."""
    kubectl("get", "--raw", "/version?limit=1")
    with KubectlProxy() as proxy:
        proxy.get("/version?limit=2")
        said = proxy.log
    assert lines(log, "limit=1")[0][:2] == ("kubectl", 200)
    assert sorted(line[0] for line in lines(log, "limit=2")) == ["kubectl", "python"]
    assert said == f"Starting to serve on 127.0.0.1:{proxy.port}\n"


COMMANDS = [
    "kubectl get namespaces --output=name",
    "kubectl get namespace no-such-one",
    "kubectl get nonsense",
    "kubectl nonsense",
    "kubectl config current-context",
    "kubectl get --raw /nowhere",
    "kubectl version --output=json",
    "kubectl create --filename=- --dry-run=client --output=name <<<'{}'",
    "kubectl get namespace default --output=name | cat; exit 3",
    "kubectl apply --filename=/no/such/file",
    "curl --silent --show-error http://127.0.0.1:1/",
    "curl --silent --write-out '%{http_code}' http://127.0.0.1:1/",
    "curl",
]


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_does_as_without_a_log(cluster, command):
    """stdout, stderr and the code, to the byte."""

    def run() -> tuple:
        done = subprocess.run(["bash", "-c", command], capture_output=True, timeout=60)
        # curl says after how many milliseconds it gave up.
        error = done.stderr.replace(b"after 1 ms", b"after 0 ms")
        return done.returncode, done.stdout, error

    plain = run()
    with WireLog():
        logged = run()
    assert logged == plain


def test_a_learners_own_verbosity_stays(log):
    """-v=6 prints its lines, and they are noted all the same."""
    asked = kubectl("get", "namespaces", "-v=6")
    assert '"Response" verb="GET"' in asked.stderr
    assert ("kubectl", 200) in [line[:2] for line in lines(log, "/namespaces")]


def test_it_comes_first_again(log, monkeypatch):
    """`connect()` puts its kubectl in front; the next look puts that right."""
    ours = os.environ["PATH"].split(os.pathsep)[0]
    monkeypatch.setenv("PATH", f"/somewhere{os.pathsep}{os.environ['PATH']}")
    log.update()
    path = os.environ["PATH"].split(os.pathsep)
    assert path[:2] == [ours, "/somewhere"] and path.count(ours) == 1


def test_two_logs_both_see(log):
    """One of another cell takes nothing away."""
    with WireLog() as other:
        kubectl("get", "--raw", "/version?limit=1")
        other.update(), log.update()
        assert len(lines(other, "limit=1")) == len(lines(log, "limit=1")) == 1
    kubectl("get", "--raw", "/version?limit=2")
    assert (len(lines(other, "limit=2")), len(lines(log, "limit=2"))) == (0, 1)


def test_it_is_private_and_leaves_nothing(cluster):
    """0700, 0600, and PATH and http.client as they were."""
    import http.client

    before = os.environ["PATH"], http.client.HTTPConnection.putrequest
    log = WireLog().start()
    directory = log._directory
    assert stat.S_IMODE(directory.stat().st_mode) == 0o700
    assert stat.S_IMODE((directory / "requests").stat().st_mode) == 0o600
    assert {path.name for path in directory.iterdir()} == {*TOOLS, "requests"}
    log.stop()
    log.stop()
    assert not directory.exists()
    assert (os.environ["PATH"], http.client.HTTPConnection.putrequest) == before
    Caller.bearer().get("/version")
    assert log.frame().empty


def test_what_a_killed_kernel_left_goes(cluster):
    """Its directory is named by its process, and that is gone."""
    gone = subprocess.Popen(["true"])
    gone.wait()
    left = cluster.kubeconfig.parent / f"wirelog.{gone.pid}.0"
    left.mkdir()
    with WireLog():
        assert not left.exists()


def test_a_har_without_the_token(log, tmp_path):
    """Sent as a header, as a parameter, and as a body by Python and kubectl."""
    token = create_token()
    Caller.bearer(token).get(f"/api?token={token.text}")
    command = 'curl -s -k -H "Authorization: Bearer $T" "$S/api?access_token=$T"'
    environment = {**os.environ, "T": token.text, "S": Caller.bearer(token).server}
    subprocess.run(command, shell=True, env=environment, capture_output=True)
    kubectl("get", "--raw", f"/api?token={token.text}")
    path = log.har(tmp_path / "out.har")
    text = path.read_text()
    assert text.count("/api?") >= 3
    assert token.text not in text and token.text.split(".")[2] not in text
    assert leaks.find(text) == []
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_har_that_cannot_be_written(log):
    """One line that names the place."""
    with pytest.raises(errors.StateError) as caught:
        log.har("/no/such/directory/a.har")
    assert str(caught.value.path) == "/no/such/directory/a.har"


def test_many_threads_at_once(log):
    """Nobody's answer becomes another's line."""

    def ask(number: int) -> None:
        Caller.from_kubeconfig(kubeconfig_in_use()).get(f"/version?limit={number}")

    threads = [threading.Thread(target=ask, args=(100 + n,)) for n in range(8)]
    [thread.start() for thread in threads]
    [thread.join(30) for thread in threads]
    for number in range(8):
        assert [line[1] for line in lines(log, f"limit={100 + number}")] == [200]
