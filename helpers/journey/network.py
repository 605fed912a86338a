"""Describe the first three steps of a request: name, address, TLS.

Pure: what the pod has observed comes in, steps come out.
"""

import re

from cluster import errors
from helpers.certificates import read_certificates
from helpers.journey.probe import Observation
from helpers.journey.steps import PASSED, Request, Step, base

_VARIABLES = ("KUBERNETES_SERVICE_HOST", "KUBERNETES_SERVICE_PORT")


def name_step(request: Request, seen: Observation) -> Step:
    """Describe which address the name has, and how the resolver completed it."""
    address, full = _resolved(request, seen)
    return Step(
        "name",
        f"Which address has {request.host}?",
        seen.error("name") or address + (f", as {full}" if full else ""),
        seen.state("name"),
        seen.milliseconds("name"),
        (
            ("search domains", seen.search),
            *zip(_VARIABLES, seen.service, strict=False),
        ),
        request.inside("getent", "hosts", request.host),
    )


def address_step(
    request: Request, seen: Observation, objects: tuple[dict, ...]
) -> Step:
    """Describe whether a server listens; `objects` are Services and EndpointSlices."""
    address = _resolved(request, seen)[0] or "the address"
    service, ends = _service(address, objects)
    pairs = [("Service", service), ("EndpointSlice", ends)]
    state, answer = seen.state("address"), seen.error("address")
    if state == PASSED:
        leads = f" Service {service} leads to {ends}." if ends else ""
        answer = f"Yes, a connection is open.{leads}"
        pairs.append(("from", "{local_ip}:{local_port}".format(**seen.measured)))
    name = service.rpartition("/")[2] or "kubernetes"
    return Step(
        "address",
        f"Does a server listen at {address}, port {seen.port}?",
        answer,
        state,
        seen.milliseconds("address"),
        tuple(pairs),
        f"kubectl get endpointslices -n default -l kubernetes.io/service-name={name}",
    )


def tls_step(request: Request, seen: Observation) -> Step:
    """Describe which certificate was presented, and which authority signed it."""
    state, answer, pairs = seen.state("TLS"), seen.error("TLS"), []
    try:
        presented = read_certificates(seen.handshake)[0]
    except errors.CertificateError:
        presented = None
    if presented:
        dates = presented.not_before, presented.not_after
        pairs = [
            ("certificate of", presented.subject),
            ("signed by", presented.issuer),
            ("good for", ", ".join(presented.names)),
            ("valid", "{:%Y-%m-%d} to {:%Y-%m-%d}".format(*dates)),
        ]
    if presented and state == PASSED:
        answer = f"Yes: {presented.subject}, signed by {presented.issuer}."
        # OpenSSL prints the chain from its top, which is in the file of authorities.
        top = re.search(r"^depth=[1-9]\d* (.+)", seen.handshake, re.MULTILINE)
        pairs += [("verified with", f"{top[1]}, in {base(request.ca)}")] if top else []
    options = f"-connect {request.host}:{seen.port} -CAfile {request.ca} -brief"
    name = f"-verify_hostname {request.host}"
    return Step(
        "TLS",
        f"Is it {request.host}, signed by an authority in {base(request.ca)}?",
        answer,
        state,
        seen.milliseconds("TLS"),
        tuple(pairs),
        request.inside(*f"openssl s_client {options} {name}".split()),
    )


def _resolved(request: Request, seen: Observation) -> tuple[str, str]:
    """Return the address, and the full name that has it; nothing for an address."""
    if seen.stopped_at == "name":
        return "", ""
    address, full, *_ = [*seen.resolved, "", ""]
    is_literal = ":" in request.host or not re.search(r"[^\d.]", request.host)
    return (request.host, "") if is_literal else (address, full)


def _service(address: str, objects: tuple[dict, ...]) -> tuple[str, str]:
    """Return the Service that has an address, and where its slices lead."""
    names = [
        one["metadata"]["name"]
        for one in objects
        if one["kind"] == "Service" and address in one["spec"].get("clusterIPs", ())
    ]
    ends = [
        f"{address}:{port['port']}"
        for one in objects
        if one["kind"] == "EndpointSlice"
        and one["metadata"]["labels"].get("kubernetes.io/service-name") in names
        for endpoint in one["endpoints"] or ()
        for address in endpoint["addresses"]
        for port in one["ports"]
    ]
    return (f"default/{names[0]}" if names else ""), ", ".join(ends)
