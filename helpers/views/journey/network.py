"""Send a GET from a pod with curl, and describe the steps name, address and TLS.

After curl, OpenSSL shows the certificate, `getent` the full name, and the server the
user. The token stays in the pod: only its claims come out.
"""

import base64
import contextlib
import json
import re
import secrets
from dataclasses import dataclass, field
from pathlib import Path

from helpers import errors
from helpers.api.certificates import read_certificates
from helpers.api.pods import exec_in_pod
from helpers.language import mark, say
from helpers.views.journey.steps import PASSED, STEPS, STOPPED, Request, Step, file_name

#: seconds for the whole: each program in the pod has its own deadline below that
TIMEOUT = 40.0

_VARIABLES = ("KUBERNETES_SERVICE_HOST", "KUBERNETES_SERVICE_PORT")

_SCRIPT = Path(__file__).parents[2] / "data" / "journey.sh"


@dataclass(frozen=True)
class Observation:
    """The output of the programs in a pod for one request.

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
        """Take the output of the script apart; its lines end with LF."""
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
    def headers(self) -> list[tuple[str, str]]:
        """Return the headers of the answer as pairs of name and value."""
        head = self.answer.partition("\n\n")[0]
        pairs = (line.partition(": ") for line in head.splitlines()[1:])
        return [(name, value) for name, _, value in pairs]

    @property
    def content(self) -> dict:
        """Return the content if it is a JSON object, or {}."""
        return _object(self.answer.partition("\n\n")[2])

    @property
    def stopped_at(self) -> str:
        """Return the step at which curl stopped, "" after a response."""
        measured = self.measured
        if self.status:
            return ""
        if not measured["time_namelookup"]:
            return "name"
        if not measured["remote_ip"]:
            return "address"
        return "response" if measured["time_appconnect"] else "TLS"

    def step(
        self, name: str, question: str, answer: str, facts: tuple, do: str
    ) -> Step:
        """Return a step with its state and time, and curl's words if it stopped."""
        stop, moments = self.stopped_at, ("namelookup", "connect", "appconnect")
        at = STEPS.index(name)
        if stop and at > STEPS.index(stop):
            return Step(name, question, facts=facts, command=do)
        times = [self.measured[f"time_{moment}"] for moment in moments]
        end = (*times, 0, 0, 0, 0)[at]
        state = PASSED
        if name in (stop, "response"):
            end = self.measured["time_total"]
        if name == stop:
            state, answer = STOPPED, self.measured.get("errormsg") or say("curl failed")
        # After a failed handshake, curl does not say when the connection was open.
        # curl measures microseconds.
        took = round((end - max(times[:at], default=0)) * 1000, 3) if end else None
        return Step(name, question, answer, state, took, facts, do)


def observe(request: Request) -> Observation:
    """Send the request from its pod; raise KubectlFailed if nothing can run there."""
    nonce = secrets.token_hex(8)
    host = f"[{request.host}]" if ":" in request.host else request.host
    words = [nonce, host, request.path, request.ca, request.token]
    script = _SCRIPT.read_text("utf-8")
    command = ["sh", "-c", script, "sh", *words, say("The image has no curl.")]
    try:
        done = exec_in_pod(request.pod, *command, timeout=TIMEOUT)
    except errors.KubectlFailed as error:
        # Without the script: what matters is what the server says.
        short = error.arguments[:2]
        raise errors.KubectlFailed(short, error.exit_code, error.stderr) from None
    if done.exit_code:
        raise errors.KubectlFailed(done.args[:2], done.exit_code, done.stderr[-500:])
    try:
        return Observation.parse(done.stdout, nonce)
    except ValueError:
        old = say("The image's curl is too old: it does not know -w '%{{json}}'.")
        raise errors.KubectlFailed(done.args[:2], done.exit_code, old) from None


def name_step(request: Request, seen: Observation) -> Step:
    """Describe the address of the name, and the completion by the resolver."""
    address, full = _address_and_name(request, seen)
    variables = zip(_VARIABLES, seen.service, strict=False)
    return seen.step(
        "name",
        say("What is {host}'s address?", host=request.host),
        say("{address}, as {name}", address=address, name=full) if full else address,
        ((mark("search domains"), seen.search), *variables),
        request.inside("getent", "hosts", request.host),
    )


def address_step(
    request: Request, seen: Observation, objects: tuple[dict, ...]
) -> Step:
    """Describe whether a server listens; `objects` are Services and EndpointSlices."""
    address = _address_and_name(request, seen)[0] or request.host
    service, ends = _service(address, objects)
    if ends:
        text = mark("Yes, a connection is open. Service {service} leads to {ends}.")
    else:
        text = mark("Yes, a connection is open.")
    source = "{local_ip}:{local_port}".format(**seen.measured).removesuffix(":0")
    name = service.rpartition("/")[2] or "kubernetes"
    return seen.step(
        "address",
        say("Does a server listen at {at}, port {port}?", at=address, port=seen.port),
        say(text, service=service, ends=ends),
        (("Service", service), ("EndpointSlice", ends), (mark("from"), source)),
        f"kubectl get endpointslices -n default -l kubernetes.io/service-name={name}",
    )


def tls_step(request: Request, seen: Observation) -> Step:
    """Describe the certificate and the authority that signed it."""
    answer, facts, ca = say("Yes."), [], file_name(request.ca)
    with contextlib.suppress(errors.CertificateError):
        presented = read_certificates(seen.handshake)[0]
        dates = presented.not_before, presented.not_after
        facts = [
            (mark("certificate of"), presented.subject),
            (mark("signed by"), presented.issuer),
            (mark("good for"), ", ".join(presented.names)),
            (mark("valid"), "{:%Y-%m-%d} – {:%Y-%m-%d}".format(*dates)),
        ]
        answer = say("Yes: {subject}, signed by {issuer}.", **vars(presented))
    # OpenSSL prints the chain from its top, which is in the file of authorities.
    if top := re.search(r"^depth=[1-9]\d* (.+)", seen.handshake, re.MULTILINE):
        facts.append((mark("verified with"), f"{ca}: {top[1]}"))
    options = f"-connect {request.host}:{seen.port} -CAfile {request.ca} -brief"
    name = f"-verify_hostname {request.host}"
    return seen.step(
        "TLS",
        say("Is it {host}, signed by an authority in {ca}?", host=request.host, ca=ca),
        answer,
        tuple(facts),
        request.inside(*f"openssl s_client {options} {name}".split()),
    )


def _address_and_name(request: Request, seen: Observation) -> tuple[str, str]:
    """Return the address and the full name; an address has no name."""
    if seen.stopped_at == "name":
        return "", ""
    address, full, *_ = [*seen.resolved, "", ""]
    is_literal = ":" in request.host or not re.search(r"[^\d.]", request.host)
    return (request.host, "") if is_literal else (address, full)


def _service(address: str, objects: tuple[dict, ...]) -> tuple[str, str]:
    """Return the Service with an address, and its endpoints."""
    names = [
        item["metadata"]["name"]
        for item in objects
        if item["kind"] == "Service" and address in item["spec"].get("clusterIPs", ())
    ]
    ends = [
        f"{address}:{port['port']}"
        for item in objects
        if item["kind"] == "EndpointSlice"
        and item["metadata"]["labels"].get("kubernetes.io/service-name") in names
        for endpoint in item["endpoints"] or ()
        for address in endpoint["addresses"]
        for port in item["ports"]
    ]
    return (f"default/{names[0]}" if names else ""), ", ".join(ends)


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
