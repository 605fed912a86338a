"""Run a command in a copy of a pod, against servers that replace the API server.

`sys.argv` has how slow this machine is, the seconds that the command has taken
elsewhere, those after which it has usually come, the namespace of the pod, the command
for `bash -c`, and the names of servers. The copy's three files are made anew, and
`sleep` is over soon. The first server, `localhost`, has the certificate in `ca.crt`,
until an impostor takes its place at connection `ROUNDS` + 1. For `localhost:443` the
impostor takes over at the second connection, and at each later one that the first
server had. Any other name is an impostor from the start; with port 443 its certificate
is in `ca.crt`, for a name that no client asks for.

Print for each server a line of JSON, never a token: the names by which clients came
(`reached`); method, path and credential of each request that it (`heard`) or an
impostor in its place (`given`) received; whether the command printed the list
(`printed`); the lines that count pods (`counted`), and the line that would be `right`;
whether it has `ended`; and whether that is all that it does there (`whole`): it has
ended, has come too often ever to end, has given an impostor a request, or stays away
for much longer than this machine needs to start a program.
"""

import contextlib
import ctypes
import http.server
import json
import os
import re
import secrets
import shutil
import ssl
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

FILES = Path("/var/run/secrets/kubernetes.io/serviceaccount")
#: where a command finds a `sleep` that is over soon
QUICK = Path("/tmp/quick")
#: connections after which a command that has not ended never ends, and the last one
#: before which an impostor takes the server's place for a command that ends
ROUNDS, LAST = 12, 12
#: connections from the second one on that an impostor has of a command that never ends
NEXT = 3
#: seconds without a new connection after which a command is ended, and seconds in all,
#: on a machine that starts its cluster quickly
STILL, MOST = 20.0, 60.0
#: how many times as long as WORK takes now a command that never came has stayed away
AWAY = 8
#: of prctl: what a command leaves behind becomes a child of this process
SUBREAPER = 36
WORK = (sys.executable, "-c", "import ssl, urllib.request")
#: it begins as a genuine one does
TOKEN, NAMESPACE = f"eyJ{secrets.token_hex()}", "elsewhere"
PODS = [secrets.token_hex(8) for _ in range(20 + secrets.randbelow(80))]
_COUNT = re.compile(r"^200: \d+ pods in [\w.-]+$", re.MULTILINE)
_SIGN = (
    "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -noenc -days 1 "
    "-subj /CN=localhost -addext keyUsage=critical,digitalSignature,keyCertSign "
    "-addext subjectAltName="
)
#: for each client the name that it looked for, before it saw the certificate
reached: list[str | None] = []
#: for each request its method, its path, and "own" if the credential is the file's,
#: "path" if that is in the path, "other", or ""; an impostor received those in `given`
heard: list[tuple[str, ...]] = []
given: list[tuple[str, ...]] = []


class Server(http.server.BaseHTTPRequestHandler):
    """Answer every request with a list of pods."""

    #: the connection at which an impostor takes the server's place
    turn = 1

    def do_GET(self) -> None:
        """Note the request, and answer it."""
        sent = self.headers.get("Authorization", "")
        whose = "own" if sent.endswith(TOKEN) else sent and "other"
        whose = "path" if TOKEN in self.path else whose
        self.note(self.command, self.path.replace(TOKEN, "TOKEN"), whose)
        self.send_response(200)
        self.end_headers()
        pods = [{"metadata": {"name": name}} for name in PODS]
        self.wfile.write(json.dumps({"kind": "PodList", "items": pods}).encode())

    def parse_request(self) -> bool:
        """Read the request; note what is none, too, such as a bare token."""
        is_one = super().parse_request()
        if not is_one:
            self.note("?", "", "other")
        return is_one

    def note(self, *request: str) -> None:
        """Note what came, where it came."""
        (given if len(reached) >= self.turn else heard).append(request)

    def __getattr__(self, name: str) -> Callable[[], None]:
        """Return the method for any other word than GET."""
        if name.startswith("do_"):
            return self.do_GET
        raise AttributeError(name)


def server_context(
    certificate: Path, names: str = "DNS:localhost,DNS:kubernetes.default.svc"
) -> ssl.SSLContext:
    """Write a new certificate for names; return the settings of its server."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    # A client that resumes a session checks no certificate.
    context.num_tickets = 0
    with tempfile.NamedTemporaryFile() as key:
        line = [*(_SIGN + names).split(), "-keyout", key.name, "-out", str(certificate)]
        subprocess.run(line, check=True, capture_output=True)
        context.load_cert_chain(certificate, key.name)
    return context


def write_files() -> tuple[ssl.SSLContext, ssl.SSLContext, ssl.SSLContext]:
    """Write the copy's files; return the settings of the three servers.

    The files fit the first; the second is trusted, but has another name.
    """
    authorities, misnamed = FILES / "ca.crt", Path("/tmp/misnamed.crt")
    contexts = (
        server_context(authorities),
        server_context(misnamed, "DNS:other.example"),
        server_context(Path("/tmp/impostor.crt")),
    )
    authorities.write_text(authorities.read_text() + misnamed.read_text())
    (FILES / "token").write_text(TOKEN)
    # The application may read its token under another name.
    if (path := Path(os.environ.get("TOKEN", ""))).is_absolute():
        with contextlib.suppress(OSError):
            path.write_text(TOKEN)
    # A wait between two requests is not needed here.
    QUICK.mkdir(exist_ok=True)
    (QUICK / "sleep").write_text(f"#!/bin/sh\nexec {shutil.which('sleep')} 0.02\n")
    (QUICK / "sleep").chmod(0o755)
    return contexts


def main(
    slowness: str,
    took: str,
    silent: str,
    home: str,
    command: str,
    first: str,
    *others: str,
) -> None:
    """Run the command against each server; print what the server received.

    `slowness` is how many times as long as usual things take on this machine. `took` is
    how many seconds the command has taken elsewhere: it has as many more here. `silent`
    is the seconds after which it has usually come. At the servers other than the first,
    `home` is its namespace: by that it cannot tell where it is.
    """
    genuine, misnamed, impostor = write_files()
    last, scale, namespace = ROUNDS + 1, float(slowness), FILES / "namespace"
    namespace.write_text(NAMESPACE)
    usual = (float(silent), STILL, MOST)
    limits = tuple(float(took) + scale * one for one in usual)
    found = meet_apart(first, command, genuine, impostor, last, last + ROUNDS, limits)
    print(json.dumps(found), flush=True)
    ends, connections = found["ended"], len(found["reached"])
    namespace.write_text(home)
    for name in others:
        if not connections:
            # A client that does not come to the first server comes to no other.
            print(json.dumps(found), flush=True)
            continue
        turns = [1]
        if name.startswith("localhost"):
            turns = [*range(2, 1 + max(2, min(LAST, connections)))] if ends else [2]
        false = misnamed if name.endswith(":443") and turns == [1] else impostor
        for turn in turns:
            most = sys.maxsize if ends else turn + (ROUNDS if turn == 1 else NEXT)
            met = meet_apart(name, command, genuine, false, turn, most, limits)
            if met["given"] or not met["whole"]:
                break
        print(json.dumps(met), flush=True)


def meet_apart(*about: Any) -> dict:
    """Return what `meet` does in a process of its own: the port is the same."""
    reader, writer = os.pipe()
    if not os.fork():
        with open(writer, "w") as pipe:
            json.dump(meet(*about), pipe)
        os._exit(0)
    os.close(writer)
    with open(reader) as pipe:
        found = json.load(pipe)
    os.wait()
    return found


def meet(
    name: str,
    command: str,
    genuine: ssl.SSLContext,
    impostor: ssl.SSLContext,
    turn: int,
    most: int,
    limits: tuple[float, ...],
) -> dict:
    """Run the command against one server; return what that received.

    An impostor takes its place at connection `turn`; the command ends with connection
    `most`. `limits` are in seconds: until the first connection, since the last one, and
    in all.
    """
    silent, still, seconds = limits

    def greet(connection: ssl.SSLObject, host: str, _: ssl.SSLContext) -> None:
        reached.append(host)
        connection.context = genuine if len(reached) < turn else impostor

    Server.turn = turn
    genuine.sni_callback = greet
    server = http.server.HTTPServer(("127.0.0.1", 443), Server)
    server.socket = genuine.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    environment = {"SERVER": f"https://{name}", "KUBERNETES_SERVICE_HOST": "127.0.0.1"}
    environment["PATH"] = f"{QUICK}:{os.environ['PATH']}"
    # It ends what it has started, too.
    line = ["timeout", "--kill-after=1", f"{seconds + 5}", "bash", "-c", command]
    output, quiet = tempfile.TemporaryFile(), subprocess.DEVNULL
    ctypes.CDLL(None).prctl(SUBREAPER, 1)
    child = subprocess.Popen(
        line, env=os.environ | environment, stdout=output, stderr=quiet
    )
    began = changed = time.monotonic()
    count, is_away = 0, False
    # Some commands never end, and come again and again.
    while _is_at_work(child) and len(reached) < most and not given:
        now = time.monotonic()
        if len(reached) != count:
            count, changed = len(reached), now
        if not reached and now - began > silent:
            silent = max(silent, AWAY * _seconds_of_work())
            # It may have come meanwhile.
            is_away = now - began > silent and not reached
        if is_away or now - changed > still or now - began > seconds:
            break
        time.sleep(0.02)
    ended = child.poll() is not None
    child.terminate()
    # It would come to the next server, too.
    child.wait()
    output.seek(0)
    text = output.read().decode(errors="replace")
    return {
        "reached": reached,
        "heard": heard,
        "given": given,
        "printed": all(pod in text for pod in PODS),
        "counted": _COUNT.findall(text),
        "right": f"200: {len(PODS)} pods in {NAMESPACE}",
        "ended": ended,
        "whole": ended or len(reached) >= most or bool(given) or is_away,
    }


def _is_at_work(child: subprocess.Popen) -> bool:
    """Return whether a command runs, or what it has started in the background does."""
    if child.poll() is None:
        return True
    try:
        # Those that have ended are taken away, one by one.
        os.waitpid(-1, os.WNOHANG)
    except ChildProcessError:
        return False
    return True


def _seconds_of_work() -> float:
    """Return how long WORK takes on this machine now."""
    began = time.monotonic()
    subprocess.run(WORK, check=True)
    return time.monotonic() - began


if __name__ == "__main__":
    main(*sys.argv[1:])
