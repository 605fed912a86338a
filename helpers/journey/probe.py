"""Send one GET from a pod with curl, and read what the programs in the pod print.

curl measures the request itself. After it OpenSSL shows the certificate, `getent` the
full name, and the server says whom it takes the pod for. The token stays in the pod:
only its claims come out.
"""

import base64
import json
import secrets
from dataclasses import dataclass, field

from cluster import errors
from helpers.journey.steps import PASSED, STEPS, STOPPED, UNREACHED, Request
from helpers.pods import exec_in_pod

#: seconds for the whole: each program in the pod has its own deadline below that
TIMEOUT = 40.0

#: A watch never ends: after 6 s what came so far counts. Of the content the first MiB
#: comes out, and curl counts the rest.
_SCRIPT = r"""
mark=$1 host=$2 path=$3 ca=$4 token=$5
server=$host:${KUBERNETES_SERVICE_PORT:-443}
part() { printf '\n%s %s\n' "$mark" "$1"; }
ask() { curl -sg --connect-timeout 5 --max-time 6 --cacert "$ca" "$@"; }
command -v curl >/dev/null || { echo "The image has no curl." >&2; exit 127; }
exec 3>&1
set --
[ ! -r "$token" ] || set -- -H "Authorization: Bearer $(cat "$token")"
part answer
measured=$({ ask -i -w '%{stderr}%{json}' "$@" "https://$server$path" |
  { head -c 1048576; cat >/dev/null; } >&3; } 2>&1)
part measured; printf '%s' "$measured"
exec 2>/dev/null
part credential; [ $# -eq 0 ] || echo sent
part claims; cut -s -d. -f2 "$token"
part service; echo "$KUBERNETES_SERVICE_HOST $KUBERNETES_SERVICE_PORT"
part search; sed -n 's/^search //p' /etc/resolv.conf
part resolved; timeout 5 getent hosts "$host"
part handshake
timeout 3 openssl s_client -connect "$server" -CAfile "$ca" -nameopt rfc2253 \
  </dev/null 2>&1 && part user && [ $# -gt 0 ] &&
ask "$@" -H 'Content-Type: application/json' -d \
  '{"apiVersion":"authentication.k8s.io/v1","kind":"SelfSubjectReview"}' \
  "https://$server/apis/authentication.k8s.io/v1/selfsubjectreviews"
exit 0
"""


@dataclass(frozen=True)
class Observation:
    """What the programs in a pod have printed about one request.

    `measured` is curl's own JSON, `answer` headers and content, `handshake` the text of
    `openssl s_client`, `user` the userInfo of a SelfSubjectReview, `resolved` address
    and full name, `service` host and port of the Service as the environment has them.
    """

    measured: dict
    answer: str = ""
    sent_token: bool = False
    claims: dict = field(default_factory=dict)
    user: dict = field(default_factory=dict)
    handshake: str = ""
    service: tuple[str, ...] = ()
    search: str = ""
    resolved: tuple[str, ...] = ()

    @classmethod
    def parse(cls, printed: str, mark: str) -> "Observation":
        """Take the parts that the script has printed, with LF as the end of a line."""
        pieces = (piece.partition("\n") for piece in printed.split(f"\n{mark} ")[1:])
        parts = {name: text.rstrip("\n") for name, _, text in pieces}
        review = _object(parts.get("user", "")).get("status")
        return cls(
            json.loads(parts["measured"]),
            parts["answer"],
            bool(parts["credential"]),
            _claims(parts["claims"]),
            review.get("userInfo", {}) if isinstance(review, dict) else {},
            parts["handshake"],
            tuple(parts["service"].split()),
            parts["search"],
            tuple(parts["resolved"].split()),
        )

    @property
    def status(self) -> int:
        """Return the status code of the answer, 0 if none came."""
        return self.measured["http_code"]

    @property
    def port(self) -> str:
        """Return the port of the API server inside the cluster."""
        return self.service[1] if len(self.service) == 2 else "443"

    @property
    def headers(self) -> list[list[str]]:
        """Return the headers of the answer as pairs of name and value."""
        head = self.answer.partition("\n\n")[0]
        return [line.split(": ", 1) for line in head.splitlines()[1:]]

    @property
    def content(self) -> dict:
        """Return the content if it is a JSON object, such as a list or a Status."""
        return _object(self.answer.partition("\n\n")[2])

    @property
    def stopped_at(self) -> str:
        """Return the step behind which curl did not get, "" if an answer came."""
        found = self.measured
        if self.status:
            return ""
        if not found["time_namelookup"]:
            return "name"
        if not found["remote_ip"]:
            return "address"
        return "answer" if found["time_appconnect"] else "TLS"

    def state(self, step: str) -> str:
        """Return how a step went as far as curl can tell."""
        at, stop = STEPS.index(step), self.stopped_at
        if not stop or at < STEPS.index(stop):
            return PASSED
        return STOPPED if step == stop else UNREACHED

    def error(self, step: str) -> str:
        """Return curl's own words if it stopped at this step."""
        return self.measured["errormsg"] or "" if step == self.stopped_at else ""

    def milliseconds(self, step: str) -> float | None:
        """Return how long a step took, None if it was not reached or not measured."""
        names = ("name", "address", "TLS", "answer")
        moments = ("namelookup", "connect", "appconnect", "total")
        times = [self.measured[f"time_{moment}"] for moment in moments]
        at, state = names.index(step), self.state(step)
        end = times[-1] if state == STOPPED else times[at]
        # Of a failed handshake curl tells no time at which the connection was open.
        start = max(times[:at], default=0)
        return (end - start) * 1000 if end and state != UNREACHED else None


def observe(request: Request) -> Observation:
    """Send the request from its pod; raise KubectlFailed if nothing can run there."""
    mark = secrets.token_hex(8)
    host = f"[{request.host}]" if ":" in request.host else request.host
    words = ["sh", mark, host, request.path, request.ca, request.token]
    where = {"container": request.container, "timeout": TIMEOUT}
    try:
        done = exec_in_pod(request.pod, "sh", "-c", _SCRIPT, *words, **where)
    except errors.KubectlFailed as error:
        # Without the script: what matters is what the server says.
        short = error.arguments[:2]
        raise errors.KubectlFailed(short, error.exit_code, error.stderr) from None
    if done.exit_code:
        raise errors.KubectlFailed(done.args[:2], done.exit_code, done.stderr[-500:])
    return Observation.parse(done.stdout, mark)


def _object(text: str) -> dict:
    try:
        value = json.loads(text)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def _claims(payload: str) -> dict:
    try:
        return _object(base64.urlsafe_b64decode(f"{payload}===").decode())
    except ValueError:
        return {}
