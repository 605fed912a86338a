"""Send one GET to the API server from inside a pod, and print each step as JSON.

It needs Python alone, and takes from the command line, as JSON: `path`, `host`, and the
files `ca` and `token`. Printed is what a token says, never the token.
"""

import base64
import contextlib
import http.client
import ipaddress
import json
import os
import secrets
import socket
import ssl
import struct
import sys
import time

#: seconds for each thing that the network is asked for
PATIENCE = 5.0
#: seconds for an answer that never ends, as a watch has it
LISTEN = 3.0
#: bytes of an answer that are looked into; the others are counted
MOST = 1 << 20
RESOLV = "/etc/resolv.conf"
RCODES = {0: "NOERROR", 2: "SERVFAIL", 3: "NXDOMAIN", 5: "REFUSED"}
A, AAAA = 1, 28


class Stopped(Exception):
    """A step failed; the report says how, and none of the others is taken."""


@contextlib.contextmanager
def step(report, name):
    """Measure a step and note how it failed."""
    facts = report[name] = {}
    began = time.perf_counter()
    try:
        yield facts
    except (OSError, ValueError, http.client.HTTPException) as error:
        facts["error"] = words(error)
        facts["code"] = getattr(error, "verify_code", None)
        raise Stopped from error
    finally:
        facts.setdefault("milliseconds", (time.perf_counter() - began) * 1000)


def words(error):
    """Return what an error says, without numbers of lines in C."""
    verify = getattr(error, "verify_message", "")
    if isinstance(error, TimeoutError):
        return f"no answer in {PATIENCE:.0f} s"
    if isinstance(error, FileNotFoundError) and error.filename:
        return f"there is no file {error.filename}"
    return verify or getattr(error, "strerror", None) or str(error)


# --- Name: the questions that the C library would ask, in its order -------------------


def resolve(facts, host):
    """Return the addresses of a name."""
    nameservers, search, ndots = resolver()
    facts.update(nameservers=nameservers, search=search, ndots=ndots, asked=[])
    with contextlib.suppress(ValueError):
        facts["literal"] = str(ipaddress.ip_address(host))
        return [facts["literal"]]
    if host in (known := hosts_file()):
        facts["file"] = known[host]
        return [known[host]]
    v6 = ":" in os.environ.get("KUBERNETES_SERVICE_HOST", "")
    for name in candidates(host, search, ndots):
        code, found = ask(nameservers, name, AAAA if v6 else A)
        facts["asked"].append([name, "AAAA" if v6 else "A", code, found])
        if found:
            return found
    raise OSError(f"no nameserver knows {host}")


def resolver():
    """Return nameservers, search domains and ndots of this pod."""
    nameservers, search, ndots = [], [], 1
    with open(RESOLV) as file:
        for line in file:
            key, *values = line.split() or [""]
            if key == "nameserver":
                nameservers += values[:1]
            elif key == "search":
                search = values
            elif key == "options":
                ndots = max(
                    [int(v[6:]) for v in values if v.startswith("ndots:")], default=1
                )
    return nameservers, search, ndots


def hosts_file():
    """Return the names that are known without DNS."""
    with open("/etc/hosts") as file:
        lines = [line.partition("#")[0].split() for line in file]
    # Backwards: where a name stands twice, its first line is meant.
    return {name: line[0] for line in reversed(lines) for name in line[1:]}


def candidates(host, search, ndots):
    """Return the full names that a name may stand for, in the resolver's order."""
    if host.endswith("."):
        return [host]
    completed = [f"{host}.{domain}" for domain in search]
    return [host, *completed] if host.count(".") >= ndots else [*completed, host]


def ask(nameservers, name, kind):
    """Send one question to the first nameserver that answers."""
    labels = [label.encode() for label in name.rstrip(".").split(".")]
    if not all(0 < len(label) < 64 for label in labels):
        raise ValueError(f"{name} is no host name")
    number = secrets.randbits(16)
    head = struct.pack(">6H", number, 0x100, 1, 0, 0, 0)
    body = b"".join(bytes([len(label)]) + label for label in labels) + b"\0"
    for nameserver in nameservers:
        family = socket.AF_INET6 if ":" in nameserver else socket.AF_INET
        with socket.socket(family, socket.SOCK_DGRAM) as udp:
            udp.settimeout(PATIENCE)
            udp.connect((nameserver, 53))
            udp.send(head + body + struct.pack(">2H", kind, 1))
            with contextlib.suppress(TimeoutError, ConnectionError):
                answer = udp.recv(4096)
                if answer[:2] == head[:2]:
                    return read_answer(answer, kind)
    raise OSError(f"no nameserver answers: {', '.join(nameservers)}")


def read_answer(answer, kind):
    """Return the code and the addresses of an answer, as RFC 1035 writes them."""
    _, flags, questions, records = struct.unpack(">4H", answer[:8])
    at, found = 12, []
    for _ in range(questions):
        at = after_name(answer, at) + 4
    for _ in range(records):
        at = after_name(answer, at)
        type_, _, _, length = struct.unpack(">2HIH", answer[at : at + 10])
        if type_ == kind:
            found.append(str(ipaddress.ip_address(answer[at + 10 : at + 10 + length])))
        at += 10 + length
    return RCODES.get(flags & 15, str(flags & 15)), found


def after_name(answer, at):
    """Return where a name in an answer ends."""
    while answer[at]:
        if answer[at] >= 192:
            return at + 2
        at += answer[at] + 1
    return at + 1


# --- Address and TLS ------------------------------------------------------------------


def trust(ca):
    """Return a context that trusts what is in a file."""
    with open(ca) as file:
        text = file.read()
    try:
        return ssl.create_default_context(cadata=text)
    except ssl.SSLError as error:
        raise ValueError(f"{ca} holds no certificate") from error


def connect(address, host, context):
    """Return a connection with TLS, for everything but the request itself."""
    plain = socket.create_connection(address, PATIENCE)
    return context.wrap_socket(plain, server_hostname=host)


def shake_hands(facts, plain, host, ca):
    """Make a connection secure and note what the server has shown."""
    context = trust(ca)
    address, began = plain.getpeername()[:2], time.perf_counter()
    try:
        secure = context.wrap_socket(plain, server_hostname=host)
        # Without the time that reading the file takes: 200 authorities are a second.
        facts["milliseconds"] = (time.perf_counter() - began) * 1000
    except ssl.SSLCertVerificationError:
        # The handshake is over; to see whom we refused takes another, without trust.
        anybody = ssl._create_unverified_context()
        with connect(address, host, anybody) as other:
            facts["certificate"] = base64.b64encode(other.getpeercert(True)).decode()
        raise
    facts["certificate"] = base64.b64encode(secure.getpeercert(True)).decode()
    facts["version"], facts["cipher"] = secure.version(), secure.cipher()[0]
    issuer = secure.getpeercert()["issuer"]
    authorities = zip(
        context.get_ca_certs(), context.get_ca_certs(binary_form=True), strict=True
    )
    facts["authorities"] = [
        base64.b64encode(der).decode()
        for known, der in authorities
        if known["subject"] == issuer
    ]
    return context, secure


def without(address, host):
    """Say how a client fares that trusts this image's authorities alone."""
    try:
        connect(address, host, ssl.create_default_context()).close()
    except OSError as error:
        return words(error)
    return "ok"


# --- The request ----------------------------------------------------------------------


def credential(facts, path):
    """Return the headers that say who asks, and note what the token says."""
    if not path:
        return {}
    with open(path) as file:
        token = file.read().strip()
    facts["characters"] = len(token)
    with contextlib.suppress(ValueError, IndexError, TypeError):
        payload = token.split(".")[1]
        padded = payload + "=" * (-len(payload) % 4)
        facts["claims"] = json.loads(base64.urlsafe_b64decode(padded))
    return {"Authorization": f"Bearer {token}"}


def send(secure, host, method, path, headers, body=None):
    """Send a request over a connection, and return its answer before the body."""
    connection = http.client.HTTPConnection(host)
    connection.sock = secure
    connection.request(method, path, body=body, headers={"Accept": "*/*", **headers})
    return connection.getresponse()


def read(facts, response, secure):
    """Note what an answer is; of its content only the kind, and a Status."""
    facts.update(status=response.status, reason=response.reason)
    facts["headers"] = dict(response.getheaders())
    size, head, ended = 0, b"", False
    secure.settimeout(LISTEN)
    end = time.perf_counter() + LISTEN
    with contextlib.suppress(TimeoutError):
        while time.perf_counter() < end and not ended:
            piece = response.read1(1 << 16)
            size, ended = size + len(piece), not piece
            head += piece if len(head) < MOST else b""
    facts.update(bytes=size, ended=ended)
    with contextlib.suppress(ValueError):
        content = json.loads(head)
        facts["kind"] = content.get("kind", "") if isinstance(content, dict) else ""
        if facts["kind"] == "Status":
            facts["object"] = content
        elif facts["kind"].endswith("List") and "items" in content:
            facts["items"] = len(content["items"])


def who_am_i(address, host, context, headers):
    """Ask the server whom it takes us for, with the same token."""
    kind = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}
    path = "/apis/authentication.k8s.io/v1/selfsubjectreviews"
    headers = {**headers, "Content-Type": "application/json"}
    try:
        with connect(address, host, context) as secure:
            answer = send(secure, host, "POST", path, headers, json.dumps(kind))
            found = json.loads(answer.read())
    except (OSError, ValueError, http.client.HTTPException) as error:
        return {"error": words(error)}
    user = found.get("status")
    if answer.status == 201 and isinstance(user, dict):
        return user.get("userInfo", {})
    return {"error": found.get("message", f"{answer.status}")}


def travel(report, path, host, ca, token):
    """Take one step after the other, until one fails."""
    port = int(os.environ.get("KUBERNETES_SERVICE_PORT", 443))
    with step(report, "name") as facts:
        address = resolve(facts, host)[0], port
        facts["addresses"] = address[:1]
    with step(report, "address") as facts:
        plain = socket.create_connection(address, PATIENCE)
        facts.update(to=plain.getpeername()[:2], source=plain.getsockname()[:2])
    with step(report, "TLS") as facts:
        context, secure = shake_hands(facts, plain, host, ca)
    with step(report, "authentication") as facts:
        headers = credential(facts, token)
    with step(report, "answer") as facts:
        began = time.perf_counter()
        response = send(secure, host, "GET", path, headers)
        facts["first"] = (time.perf_counter() - began) * 1000
        read(facts, response, secure)
    # What comes now is not the request: it asks what became of it.
    report["TLS"]["without"] = without(address, host)
    if headers and report["answer"]["status"] != 401:
        user = who_am_i(address, host, context, headers)
        report["authentication"]["user"] = user


if __name__ == "__main__":
    names = ("KUBERNETES_SERVICE_HOST", "KUBERNETES_SERVICE_PORT")
    seen = {"environment": {name: os.environ.get(name, "") for name in names}}
    with contextlib.suppress(Stopped):
        travel(seen, **json.loads(sys.argv[1]))
    json.dump(seen, sys.stdout)
