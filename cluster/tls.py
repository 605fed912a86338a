"""Read from a kubeconfig what a TLS connection needs: whom to trust, who we are.

It parses no certificate, as OpenSSL does that, so importing it takes no time.
"""

import base64
import os
import ssl
from pathlib import Path
from typing import NamedTuple

from cluster import errors
from cluster.kubeconfig import read_kubeconfig


class Access(NamedTuple):
    """How the user of a kubeconfig reaches its API server; do not print it.

    `token` is None for a user whose certificate is in `context`.
    """

    server: str
    context: ssl.SSLContext
    token: str | None


def access(path: Path) -> Access:
    """Return how the user of the current context gets to the API server.

    Raise KubeconfigError if it has neither certificate nor token, as with a
    credential plugin.
    """
    cluster, user = current_entries(path)
    certificate = pem_of(user, "client-certificate", path)
    key = pem_of(user, "client-key", path)
    token = user.get("token")
    if token is None and "tokenFile" in user:
        token = (path.parent / user["tokenFile"]).read_text().strip()
    if not (token or (certificate and key)):
        fact = "shows no certificate with its key, and no token."
        raise errors.KubeconfigError(path, fact, "kubectl alone can use it.")
    context = trust(pem_of(cluster, "certificate-authority", path))
    if not token:
        load_pair(context, certificate, key)
    return Access(cluster["server"], context, token)


def trust(ca: str | Path | None) -> ssl.SSLContext:
    """Return a TLS context that trusts the authorities in `ca` and no others.

    Raise CertificateError if `ca` holds none. None means this machine's own list.
    """
    text = ca.read_text() if isinstance(ca, Path) else ca
    try:
        return ssl.create_default_context(cadata=text)
    except ssl.SSLError as error:
        where = str(ca) if isinstance(ca, Path) else "the text"
        raise errors.CertificateError(where, "holds no certificate.") from error


def load_pair(context: ssl.SSLContext, certificate: str, key: str) -> None:
    """Give a TLS context the certificate of a user and its key, both as PEM text."""
    # The ssl module reads files only. This one is in memory, and nobody else's.
    descriptor = os.memfd_create("pair")
    try:
        with open(descriptor, "w", closefd=False) as file:
            file.write(f"{certificate}\n{key}\n")
        context.load_cert_chain(f"/proc/self/fd/{descriptor}")
    finally:
        os.close(descriptor)


def current_entries(path: Path) -> tuple[dict, dict]:
    """Return the cluster and the user that the current context of a kubeconfig names.

    The user holds credentials: do not print it.
    """
    document = read_kubeconfig(path)

    def entry(kind: str, name: str) -> dict:
        found = [e[kind] for e in document[f"{kind}s"] if e["name"] == name]
        return found[0]

    context = entry("context", document["current-context"])
    return entry("cluster", context["cluster"]), entry("user", context["user"])


def pem_of(entry: dict, key: str, kubeconfig: Path) -> str | None:
    """Return PEM text that a kubeconfig holds inline or by file name, or None."""
    if f"{key}-data" in entry:
        return base64.b64decode(entry[f"{key}-data"]).decode()
    if key in entry:
        # A relative name counts from the kubeconfig, not from where we are.
        return (kubeconfig.parent / entry[key]).read_text()
    return None
