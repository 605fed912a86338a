"""Tell the first three steps of a request: name, address, TLS.

Pure: what the program in the pod has printed comes in, steps come out. What the server
then makes of the request is in `journeyserver.py`.
"""

import base64

from cryptography import x509
from cryptography.exceptions import InvalidSignature

from helpers.certificates import Certificate
from helpers.journeys import Request, Step, base, state_of


def name_step(request: Request, seen: dict) -> Step:
    """Tell which questions DNS was asked, and what it answered."""
    facts = seen["name"]
    asked = facts.get("asked", [])
    environment = seen["environment"]
    pairs = [("search domains", " ".join(facts.get("search", [])))]
    pairs += [
        ("asked DNS", f"{kind} {name}: {', '.join(found) or code}")
        for name, kind, code, found in asked
    ]
    pairs += [(name, value) for name, value in environment.items()]
    answer = ", ".join(facts.get("addresses", [])) or facts.get("error", "")
    if asked and asked[-1][3]:
        answer += f", as {asked[-1][0]}"
    elif asked:
        answer += f"; asked for {', '.join(question[0] for question in asked)}"
    return Step(
        "name",
        f"Which address has {request.host}?",
        answer,
        state_of(facts),
        facts["milliseconds"],
        tuple(pairs),
        request.inside("getent", "hosts", request.host),
    )


def address_step(request: Request, seen: dict, objects: tuple[dict, ...]) -> Step:
    """Tell whether somebody listens; `objects` are Services and EndpointSlices."""
    facts = seen.get("address", {})
    host = seen["name"].get("addresses", ["the address"])[0]
    port = seen["environment"]["KUBERNETES_SERVICE_PORT"] or "443"
    service, ends = _service(host, objects)
    pairs = [("Service", service)] if service else []
    pairs += [("EndpointSlice", ends)] if ends else []
    answer = facts.get("error", "")
    if "to" in facts:
        leads = f" Service {service} leads to {ends}." if ends else ""
        answer = f"Yes, a connection is open.{leads}"
        pairs.append(("from", "{}:{}".format(*facts["source"])))
    name = service.rpartition("/")[2] or "kubernetes"
    return Step(
        "address",
        f"Does somebody listen at {host}, port {port}?",
        answer,
        state_of(facts),
        facts.get("milliseconds"),
        tuple(pairs),
        f"kubectl get endpointslices -n default -l kubernetes.io/service-name={name}",
    )


def tls_step(request: Request, seen: dict) -> Step:
    """Tell which certificate was shown, and which authority vouches for it."""
    facts = seen.get("TLS", {})
    shown = _certificate(facts.get("certificate"))
    pairs, answer = [], facts.get("error", "")
    if shown:
        own = Certificate.read(shown)
        pairs = [
            ("certificate of", own.subject),
            ("signed by", own.issuer),
            ("good for", ", ".join(own.names)),
            ("valid", f"{own.not_before:%Y-%m-%d} to {own.not_after:%Y-%m-%d}"),
        ]
    if shown and "version" in facts:
        answer = f"Yes: {own.subject}, signed by {own.issuer}. {facts['version']}."
        pairs += [
            ("verified with", _verified(shown, facts["authorities"], request.ca)),
            ("protocol", f"{facts['version']}, {facts['cipher']}"),
            ("without this file", facts.get("without", "")),
        ]
    name = f"-verify_hostname {request.host}"
    connect = f"-connect {request.host}:443 -CAfile {request.ca}"
    return Step(
        "TLS",
        f"Is it {request.host}, signed by an authority in {base(request.ca)}?",
        answer,
        state_of(facts),
        facts.get("milliseconds"),
        tuple(pairs),
        request.inside("openssl", "s_client", *f"{connect} {name} -brief".split()),
    )


def _service(host: str, objects: tuple[dict, ...]) -> tuple[str, str]:
    """Return the Service that has an address, and where its slices lead."""
    for one in objects:
        if one["kind"] == "Service" and host in one["spec"].get("clusterIPs", ()):
            name = one["metadata"]["name"]
            break
    else:
        return "", ""
    ends = [
        f"{address}:{port['port']}"
        for one in objects
        if one["kind"] == "EndpointSlice"
        and one["metadata"]["labels"].get("kubernetes.io/service-name") == name
        for endpoint in one["endpoints"] or ()
        for address in endpoint["addresses"]
        for port in one["ports"]
    ]
    return f"default/{name}", ", ".join(ends)


def _certificate(text: str | None) -> x509.Certificate | None:
    return x509.load_der_x509_certificate(base64.b64decode(text)) if text else None


def _verified(shown: x509.Certificate, authorities: list[str], ca: str) -> str:
    """Say which authority of a file has signed a certificate, by its signature."""
    for authority in map(_certificate, authorities):
        try:
            shown.verify_directly_issued_by(authority)
        except (ValueError, TypeError, InvalidSignature):
            continue
        return f"{authority.subject.rfc4514_string()}, in {base(ca)}"
    return f"an authority in {base(ca)}, over another between them"
