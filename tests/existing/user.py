"""A user of a cluster with a certificate, and no rights but those that it is given."""

import base64
import json
from pathlib import Path

import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from helpers import kubectl

_GROUP = "certificates.k8s.io/v1"


def kubeconfig(name: str, cluster, production: Path, path: Path) -> Path:
    """Let the cluster sign a user's certificate; write and return a kubeconfig.

    Its contexts are `mine`, of that user, and all that leads to production.
    """
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    builder = x509.CertificateSigningRequestBuilder().subject_name(subject)
    request = builder.sign(key, hashes.SHA256())
    certificate = _signed(name, request.public_bytes(serialization.Encoding.PEM))
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    # Beside the file and with relative names, as many a kubeconfig has them.
    (path.parent / "me.crt").write_bytes(certificate)
    (path.parent / "me.key").write_bytes(private)
    [entry] = json.loads(cluster.kubeconfig.read_text())["clusters"]
    user = {"client-certificate": "me.crt", "client-key": "me.key"}
    document = yaml.safe_load(production.read_text())
    document["clusters"].append({**entry, "name": "mine"})
    document["users"].append({"name": "mine", "user": user})
    context = {"cluster": "mine", "user": "mine", "namespace": "default"}
    document["contexts"].append({"name": "mine", "context": context})
    path.write_text(yaml.safe_dump(document | {"current-context": "mine"}))
    return path


def with_token(token: str, cluster, path: Path) -> Path:
    """Write and return a kubeconfig of somebody who shows a token."""
    document = json.loads(cluster.kubeconfig.read_text())
    [context] = document["contexts"]
    [entry] = document["users"]
    entry["user"] = {"token": token.strip()}
    document["contexts"] = [context | {"name": "mine"}]
    path.write_text(yaml.safe_dump(document | {"current-context": "mine"}))
    return path


def _signed(name: str, request: bytes) -> bytes:
    spec = {
        "request": base64.b64encode(request).decode(),
        "signerName": "kubernetes.io/kube-apiserver-client",
        "usages": ["client auth"],
    }
    body = {"apiVersion": _GROUP, "kind": "CertificateSigningRequest", "spec": spec}
    text = json.dumps(body | {"metadata": {"name": name}})
    kubectl("create", "-f", "-", input=text)
    try:
        kubectl("certificate", "approve", name)
        issued = "jsonpath={.status.certificate}"
        kubectl("wait", f"--for={issued}", f"csr/{name}", "--timeout=30s")
        found = kubectl("get", "csr", name, "-o", issued).stdout
        return base64.b64decode(found)
    finally:
        kubectl("delete", "csr", name)
