"""A tab has the cluster's sockets, TLS and programs instead of Python's own."""

import errno
import io
import signal
import socket
import ssl
import subprocess
import sys

import pytest

from tab.tests.doors import Doors, open_doors, server


@pytest.fixture
def doors():
    with open_doors() as found:
        yield found


@pytest.fixture
def sockets(doors):
    from tab.python import sockets

    return sockets


@pytest.fixture
def tls(doors):
    from tab.python import tls

    return tls


@pytest.fixture
def processes(doors):
    from tab.python import processes

    return processes


def test_a_socket_sends_and_receives(sockets):
    with server(b"hello\nyou\n") as port, sockets.Socket() as client:
        client.connect(("localhost", port))
        assert client.getpeername() == ("localhost", port)
        assert client.send(b"hi") == 2
        file = client.makefile("rb")
        assert [*file] == [b"hello\n", b"you\n"]


def test_a_file_of_a_socket_outlives_it(sockets):
    with server(b"hello") as port:
        client = sockets.Socket()
        client.connect(("127.0.0.1", port))
        client.sendall(b"hi")
        file = client.makefile("rb")
        client.close()
        assert file.read() == b"hello"
        assert client.fileno() > 0
        file.close()
        assert client.fileno() == -1


def test_a_socket_says_what_python_says(sockets):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    client = sockets.Socket()
    with pytest.raises(ConnectionRefusedError):
        client.connect(("127.0.0.1", port))
    assert client.connect_ex(("127.0.0.1", port)) == errno.ECONNREFUSED
    with pytest.raises(socket.gaierror, match="Name or service not known"):
        client.connect(("nowhere", 80))
    assert sockets.getaddrinfo("known", 80)[0][-1] == ("127.0.0.9", 80)


def test_a_read_has_a_limit(sockets):
    with server(b"") as port, sockets.Socket() as client:
        client.settimeout(0.05)
        client.connect(("127.0.0.1", port))
        with pytest.raises(TimeoutError, match="timed out"):
            client.recv(1)
        client.setblocking(False)
        with pytest.raises(BlockingIOError):
            client.recv(1)


def test_a_poll_finds_what_can_be_read(sockets):
    with server(b"hello") as port, sockets.Socket() as client:
        client.connect(("127.0.0.1", port))
        poll = sockets.Poll()
        poll.register(client.fileno(), 1)
        assert poll.poll(10) == []
        client.send(b"hi")
        assert poll.poll(5000) == [(client.fileno(), 1)]


def connected(sockets, port: int):
    client = sockets.Socket()
    client.connect(("127.0.0.1", port))
    return client


def test_tls_gives_what_a_context_trusts_and_shows(tls, sockets, doors, tmp_path):
    for name, text in {"ca": CERTIFICATE, "pair": f"{CERTIFICATE}{KEY}"}.items():
        (tmp_path / name).write_text(text)
    context = tls.Context(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(tmp_path / "ca")
    context.load_cert_chain(tmp_path / "pair")
    with server(b"hello") as port:
        plain = connected(sockets, port)
        secure = context.wrap_socket(plain, server_hostname="kubernetes")
        assert plain.fileno() == -1
        with secure:
            secure.sendall(b"hi")
            assert secure.recv(10) == b"hello"
            assert secure.version() == "TLSv1.3"
            assert secure.cipher() == ("TLS_AES_256_GCM_SHA384", "TLSv1.3", 256)
            assert secure.getpeercert(True) == b"\0\1\2"
    [trust] = doors.secured
    assert trust["Name"] == "kubernetes" and not trust["Insecure"]
    assert trust["Authorities"].strip() == (tmp_path / "ca").read_text().strip()
    assert KEY in trust["Key"] and CERTIFICATE in trust["Certificate"]
    assert context.get_ca_certs(True) == [b"\0\1\2"]


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (20, "unable to get local issuer certificate"),
        (62, "Hostname mismatch, certificate is not valid for 'kubernetes'."),
    ],
)
def test_a_refusal_is_pythons(tls, sockets, doors, code, words):
    doors.refusal = {"Kind": "verify", "Code": code, "Message": "x509: …"}
    context = tls.Context(ssl.PROTOCOL_TLS_CLIENT)
    with server(b"") as port, pytest.raises(ssl.SSLCertVerificationError) as caught:
        context.wrap_socket(connected(sockets, port), server_hostname="kubernetes")
    assert (caught.value.verify_code, caught.value.verify_message) == (code, words)
    assert "[SSL: CERTIFICATE_VERIFY_FAILED]" in str(caught.value)


def test_a_context_refuses_what_python_refuses(tls, tmp_path):
    context = tls.Context(ssl.PROTOCOL_TLS_CLIENT)
    with pytest.raises(ssl.SSLError, match="no certificate"):
        context.load_verify_locations(cadata="nothing")
    (tmp_path / "certificate").write_text(CERTIFICATE)
    with pytest.raises(ssl.SSLError):
        context.load_cert_chain(tmp_path / "certificate")
    with pytest.raises(ValueError, match="check_hostname requires server_hostname"):
        context.wrap_socket(None)
    with pytest.raises(NotImplementedError):
        context.wrap_bio()


def test_insecure_contexts_say_so(tls, sockets, doors):
    context = tls.Context(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    with server(b"") as port:
        context.wrap_socket(connected(sockets, port)).close()
    assert doors.secured[0]["Insecure"] and doors.secured[0]["AnyName"]


#: three bytes in the place of a certificate
CERTIFICATE = "-----BEGIN CERTIFICATE-----\nAAEC\n-----END CERTIFICATE-----\n"
# Nothing that a scanner of secrets takes for one.
KEY = "-----BEGIN {0}-----\nAAEC\n-----END {0}-----\n".format("EC PRIVATE KEY")


@pytest.fixture
def run(processes, monkeypatch):
    """Return `subprocess.run`, with the programs of the doors."""
    monkeypatch.setattr(subprocess, "Popen", processes.Popen)
    return subprocess.run


def test_a_program_has_input_output_and_exit_code(run):
    line = "read word; echo $word $NAME; echo bad >&2; exit 3"
    done = run(
        ["sh", "-c", line],
        input="hello\n",
        env={"NAME": "x"},
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stdout, done.stderr) == (3, "hello x\n", "bad\n")


def test_errors_may_join_the_output(run):
    done = run(
        "echo one; echo two >&2",
        shell=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    assert done.stdout == b"one\ntwo\n"


def test_a_program_that_takes_too_long_is_killed(run):
    with pytest.raises(subprocess.TimeoutExpired):
        run(["sleep", "60"], timeout=0.05)


def test_a_signal_is_a_negative_exit_code(processes):
    process = processes.Popen(["sleep", "60"])
    assert process.poll() is None
    process.terminate()
    assert process.wait() == -signal.SIGTERM
    # A program in a shell that a signal ended is another thing.
    assert processes.Popen(["sh", "-c", "exit 141"]).wait() == 141


def test_output_is_read_while_a_program_runs(processes):
    line = "echo begun; read word; echo $word"
    pipe = subprocess.PIPE
    with processes.Popen(["sh", "-c", line], stdin=pipe, stdout=pipe, text=True) as p:
        assert p.stdout.readline() == "begun\n"
        p.stdin.write("on\n")
        p.stdin.flush()
        assert p.stdout.readline() == "on\n"
    assert p.returncode == 0


def test_output_goes_to_a_file_by_itself(processes, tmp_path):
    with (tmp_path / "log").open("wb") as log:
        process = processes.Popen(["sh", "-c", "echo on; exec sleep 60"], stdout=log)
    while not (tmp_path / "log").read_bytes():
        processes.forward_all()
    assert (tmp_path / "log").read_text() == "on\n"
    process.kill()
    process.wait()


def test_output_without_a_pipe_is_pythons(processes, monkeypatch):
    shown = io.StringIO()
    monkeypatch.setattr(sys, "stdout", shown)
    assert processes.Popen(["echo", "hello"]).wait() == 0
    assert shown.getvalue() == "hello\n"


def test_a_program_that_reads_nothing_may_end_first(run):
    done = run(["true"], input=b"x" * 100_000, capture_output=True)
    assert done.returncode == 0


def test_no_argument_has_a_nul(run):
    with pytest.raises(ValueError, match="embedded null byte"):
        run(["echo", "a\0b"])


def test_all_doors_are_those_of_the_program():
    from tests.notebooks import ROOT

    source = (ROOT / "tab/go/server/doors_js.go").read_text()
    names = {name for name in vars(Doors) if not name.startswith("_")}
    assert {name for name in names if f'"{name}": ' not in source} == set()
