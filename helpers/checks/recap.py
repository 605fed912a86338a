"""Check the proofs of the last lesson, and its quiz."""

import json
from collections.abc import Mapping

from helpers.command import Completed, kubectl
from helpers.pods import exec_in_pod

#: an address that belongs to nobody (RFC 5737)
NOBODY = "192.0.2.1"
SERVER = "https://kubernetes.default.svc"

#: It listens in the pod, with a certificate that it signed itself, and says whether a
#: credential was sent to it. The token itself is never told.
IMPOSTOR = """
import http.server, json, os, ssl, subprocess, sys, tempfile, threading

heard = []


class Impostor(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        heard.append("Authorization" in self.headers)
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b'{"kind": "PodList", "items": []}')

    def log_message(self, *_):
        pass


with tempfile.TemporaryDirectory() as folder:
    pair = folder + "/pair.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
         "ec_paramgen_curve:prime256v1", "-noenc", "-days", "1",
         "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost",
         "-keyout", pair, "-out", pair],
        check=True, capture_output=True,
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pair)
server = http.server.HTTPServer(("127.0.0.1", 0), Impostor)
server.socket = context.wrap_socket(server.socket, server_side=True)
threading.Thread(target=server.serve_forever, daemon=True).start()
url = f"https://localhost:{server.server_port}"
subprocess.run(
    ["sh", "-c", sys.argv[1]],
    env={**os.environ, "SERVER": url}, capture_output=True, timeout=20,
)
print(json.dumps({"asked": bool(heard), "told": any(heard)}))
"""


def server_is_found(pod: str, *, by_variable: str, by_name: str) -> str:
    """Diagnose why one of two commands does not find the API server in a pod.

    Both are for `sh -c` and print its address: from an environment variable, and by
    DNS from its name.
    """
    service = kubectl("get", "service", "kubernetes", "-n", "default", "-o", "json")
    address = service.json()["spec"]["clusterIP"]
    plain = exec_in_pod(pod, "sh", "-c", by_variable)
    if address not in plain.stdout:
        return f"by_variable: it says {_said(plain)}, and the address is {address}."
    # With another value in the variable, whoever reads it says that value.
    changed = f"KUBERNETES_SERVICE_HOST={NOBODY}"
    if NOBODY not in exec_in_pod(pod, "env", changed, "sh", "-c", by_variable).stdout:
        return "by_variable: it does not read KUBERNETES_SERVICE_HOST."
    if address in by_name:
        return f"by_name: {address} is written down in it, so it finds nothing."
    # Without any variable, so that it has only the name.
    bare = ("env", "-i", "PATH=/usr/bin:/bin", "sh", "-c", by_name)
    named = exec_in_pod(pod, *bare)
    if address not in named.stdout:
        return f"by_name: it says {_said(named)}, and the address is {address}."
    return ""


def request_is_sure(pod: str, request: str) -> str:
    """Diagnose a request for the pods of the pod's namespace, for `sh -c` in it.

    It goes to `$SERVER`: the API server must answer with a list that holds the pod,
    and an impostor must not receive the request at all.
    """
    done = exec_in_pod(pod, "env", f"SERVER={SERVER}", "sh", "-c", request)
    if done.exit_code:
        return f"It ends with exit code {done.exit_code}: {_said(done)}."
    try:
        answer = json.loads(done.stdout)
    except ValueError:
        return f"It answers with {_said(done)}; that is no JSON."
    if answer.get("kind") == "Status":
        return f"{answer['code']}: {answer['message']}"
    if answer.get("kind") != "PodList":
        return f"The answer is no PodList: it begins {json.dumps(answer)[:60]} …"
    names = [item["metadata"]["name"] for item in answer["items"]]
    if pod not in names:
        return f"The list does not hold the pod {pod} itself: which namespace is it?"
    heard = exec_in_pod(pod, "python3", "-c", IMPOSTOR, request).json()
    if heard["told"]:
        return "An impostor was asked, and has the token now: check the certificate."
    if heard["asked"]:
        return "An impostor was asked, and believed: check the certificate."
    return ""


def program_lists(pod: str, program: str) -> str:
    """Diagnose why a Python program in a pod does not print the names of all pods.

    One name per line, all of the pod's own namespace.
    """
    done = exec_in_pod(pod, "python3", "-", input=program)
    if done.exit_code:
        return f"It ends with exit code {done.exit_code}: {_said(done)}."
    names = kubectl("get", "pods", "-o", "name").stdout.split()
    expected = {name.removeprefix("pod/") for name in names}
    printed = set(done.stdout.split())
    if missing := expected - printed:
        return f"It does not print {', '.join(sorted(missing))}; it says {_said(done)}."
    if others := printed - expected:
        return f"It prints {', '.join(sorted(others))[:80]}, which is no pod's name."
    return ""


def _said(done: Completed) -> str:
    """Return the last line that a command printed."""
    lines = (done.stdout + done.stderr).strip().splitlines()
    return repr(lines[-1][:160]) if lines else "nothing"


#: a word for each statement of the page, whether it is true, and why
_STATEMENTS = {
    "env": (
        False,
        "a variable is a copy from the start of the container; a file of a volume "
        "follows",
    ),
    "short name": (
        False,
        "a short name is completed with the pod's own namespace, so it is found in "
        "`default` alone",
    ),
    "insecure": (
        False,
        "`-k` takes any certificate, so whoever answers gets the token",
    ),
    "proxy": (
        True,
        "the proxy shows its own credential and asks nobody for theirs",
    ),
    "forbidden": (
        False,
        "403 says that the server knows who asks; a wrong token is 401",
    ),
    "restart": (
        False,
        "the server looks at its rules at each request",
    ),
    "keep": (
        False,
        "a token ends, and the kubelet puts the next one into the file",
    ),
    "none": (
        True,
        "what it does not hold it cannot lose: `automountServiceAccountToken: false`",
    ),
    "library": (
        True,
        "it reads the files, checks the certificate, and knows kinds, pages and errors",
    ),
}


def statements_judged(judged: Mapping[str, bool | None]) -> str:
    """Diagnose the first statement that is not judged, or not rightly."""
    for word, (is_true, reason) in _STATEMENTS.items():
        answer = judged.get(word)
        if not isinstance(answer, bool):
            return f"{word}: {answer!r}; write True or False."
        if answer != is_true:
            return f"{word}: it is {'true' if is_true else 'false'}, for {reason}."
    return ""
