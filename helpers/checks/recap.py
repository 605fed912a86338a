"""Check what `08-recap` asks for: the proofs of the summary, and its quiz."""

import json
from collections.abc import Mapping

from helpers.command import Completed, current_namespace, kubectl
from helpers.errors import NotSolved
from helpers.exercise import exercise
from helpers.pods import exec_in_pod
from helpers.proxy import KubectlProxy

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


@exercise
def list_role_bindings(path: str, proxy: KubectlProxy) -> None:
    """Demand the path of the list that holds the RoleBindings of this namespace."""
    if not path:
        raise NotSolved("There is no path yet.")
    namespace = current_namespace()
    reply = proxy.get(path)
    if reply.status != 200:
        raise NotSolved(f"The proxy answers {reply.status} for {path!r}.")
    try:
        found = reply.json()
    except ValueError:
        raise NotSolved(f"What is at {path!r} is no JSON.") from None
    if found.get("kind") != "RoleBindingList":
        fact = f"At {path!r} is an object of the kind {found.get('kind')}."
        raise NotSolved(f"{fact} You want a RoleBindingList.")
    elsewhere = {item["metadata"]["namespace"] for item in found["items"]}
    if elsewhere != {namespace}:
        fact = "This list is not that of our namespace alone."
        raise NotSolved(f"{fact} Put `namespaces/{namespace}` before the resource.")


@exercise
def find_api_server(pod: str, *, by_variable: str, by_name: str) -> None:
    """Demand two commands that find the API server in a pod.

    Both are for `sh -c` and print its address: from an environment variable, and by
    DNS from its name.
    """
    service = kubectl("get service kubernetes -n default -o json")
    address = service.json()["spec"]["clusterIP"]
    for name, command in {"by_variable": by_variable, "by_name": by_name}.items():
        if "kubectl exec" in command:
            fact = f"{name}: it runs in the pod already, so it needs no kubectl exec."
            raise NotSolved(fact)
    plain = exec_in_pod(pod, "sh", "-c", by_variable)
    if address not in plain.stdout:
        fact = f"by_variable: it says {_said(plain)}, and the address is {address}."
        raise NotSolved(fact)
    # With another value in the variable, whoever reads it says that value.
    changed = f"KUBERNETES_SERVICE_HOST={NOBODY}"
    if NOBODY not in exec_in_pod(pod, "env", changed, "sh", "-c", by_variable).stdout:
        raise NotSolved("by_variable: it does not read KUBERNETES_SERVICE_HOST.")
    if address in by_name:
        fact = f"by_name: {address} is written down in it, so it finds nothing."
        raise NotSolved(fact)
    # Without any variable, so that it has only the name.
    bare = ("env", "-i", "PATH=/usr/bin:/bin", "sh", "-c", by_name)
    named = exec_in_pod(pod, *bare)
    if address not in named.stdout:
        fact = f"by_name: it says {_said(named)}, and the address is {address}."
        raise NotSolved(fact)


@exercise
def send_sure_request(pod: str, request: str) -> None:
    """Demand a request for the pods of the pod's namespace, for `sh -c` in it.

    It goes to `$SERVER`: the API server must answer with a list that holds the pod,
    and an impostor must not receive the request at all.
    """
    done = exec_in_pod(pod, "env", f"SERVER={SERVER}", "sh", "-c", request)
    if done.exit_code:
        raise NotSolved(f"It ends with exit code {done.exit_code}: {_said(done)}.")
    try:
        answer = json.loads(done.stdout)
    except ValueError:
        raise NotSolved(f"It answers with {_said(done)}; that is no JSON.") from None
    kind = answer.get("kind") if isinstance(answer, dict) else None
    if kind == "Status":
        raise NotSolved(f"{answer['code']}: {answer['message']}")
    if kind != "PodList":
        begins = json.dumps(answer)[:60]
        raise NotSolved(f"The answer is no PodList: it begins {begins} …")
    names = [item["metadata"]["name"] for item in answer["items"]]
    if pod not in names:
        fact = f"The list does not hold the pod {pod} itself: which namespace is it?"
        raise NotSolved(fact)
    heard = exec_in_pod(pod, "python3", "-c", IMPOSTOR, request).json()
    if heard["told"]:
        fact = "An impostor was asked, and has the token now: check the certificate."
        raise NotSolved(fact)
    if heard["asked"]:
        raise NotSolved("An impostor was asked, and believed: check the certificate.")


@exercise
def list_pods_by_program(pod: str, program: str) -> None:
    """Demand a Python program that prints the names of all pods when it runs in a pod.

    One name per line, all of the pod's own namespace.
    """
    done = exec_in_pod(pod, "python3", "-", input=program)
    if done.exit_code:
        raise NotSolved(f"It ends with exit code {done.exit_code}: {_said(done)}.")
    names = kubectl("get pods -o name").stdout.split()
    expected = {name.removeprefix("pod/") for name in names}
    printed = set(done.stdout.split())
    if missing := expected - printed:
        lacks = ", ".join(sorted(missing))
        raise NotSolved(f"It does not print {lacks}; it says {_said(done)}.")
    if others := printed - expected:
        prints = ", ".join(sorted(others))[:80]
        raise NotSolved(f"It prints {prints}, which is no pod's name.")


@exercise
def judge_statements(judged: Mapping[int, bool | None]) -> None:
    """Demand True or False for each statement of the quiz, and the right one."""
    for number, (is_true, reason) in _STATEMENTS.items():
        answer = judged.get(number)
        if not isinstance(answer, bool):
            raise NotSolved(f"Statement {number}: {answer!r} is not True or False.")
        if answer != is_true:
            raise NotSolved(f"Statement {number}: {reason}")


#: whether each statement of the page is true, and why
_STATEMENTS = {
    1: (
        False,
        "A variable is a copy from the start of the container. Only the file of a "
        "volume follows a change.",
    ),
    2: (
        False,
        "A short name is completed with the pod's own namespace, so it is found in "
        "`default` alone.",
    ),
    3: (
        False,
        "With `-k` curl accepts any certificate, so whoever answers gets the token.",
    ),
    4: (
        True,
        "The proxy sends its own credential, and asks nobody for theirs.",
    ),
    5: (
        False,
        "403 says that the server knows who asks. A wrong token is answered with 401.",
    ),
    6: (
        False,
        "The server looks at its rules at each request.",
    ),
    7: (
        False,
        "A token expires, and the kubelet writes the next one into the file.",
    ),
    8: (
        True,
        "Nobody can steal a token that is not there: "
        "`automountServiceAccountToken: false`.",
    ),
    9: (
        True,
        "It reads the files, checks the certificate, and knows kinds, pages and "
        "errors.",
    ),
}


def _said(done: Completed) -> str:
    """Return the last line that a command printed."""
    lines = (done.stdout + done.stderr).strip().splitlines()
    return repr(lines[-1][:160]) if lines else "nothing"
