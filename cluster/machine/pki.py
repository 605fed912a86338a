"""Make the keys and certificates of a cluster, as kubeadm does: a key per purpose."""

import datetime as dt
import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization as ser
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from cluster.machine import layout
from cluster.statedir import write_private

#: kubeadm's lifetimes: the CA outlives many lessons, a leaf is made again in time.
CA_LIFE = dt.timedelta(days=3650)
LEAF_LIFE = dt.timedelta(days=365)
RENEW_BEFORE = dt.timedelta(days=30)
#: A clock that is set back must not lock us out. kubeadm: 5 minutes; a laptop's clock
#: is wrong by hours, if it has taken a time zone for UTC.
BACKDATED = dt.timedelta(days=1)


@dataclass(frozen=True)
class Leaf:
    """A certificate: file stem, subject, and the names it serves under.

    `authority` is the stem of its CA.
    """

    stem: str
    common_name: str
    organization: str | None = None
    names: tuple[str, ...] = ()
    client: bool = True
    authority: str = "ca"


#: stem and common name of each CA
AUTHORITIES = {
    "ca": "kubernetes",
    # An aggregated API server believes the user names in a request that comes with a
    # certificate of this one: nobody else may have one.
    "front-proxy-ca": "front-proxy-ca",
}
LEAVES = (
    Leaf(
        "apiserver",
        "kube-apiserver",
        names=(
            "kubernetes",
            "kubernetes.default",
            "kubernetes.default.svc",
            f"kubernetes.default.svc.{layout.CLUSTER_DOMAIN}",
            "localhost",
            layout.NODE_NAME,
            layout.API_SERVICE_IP,
            layout.NODE_IP,
            "127.0.0.1",
        ),
        client=False,
    ),
    Leaf("apiserver-kubelet-client", "kube-apiserver-kubelet-client"),
    # kubeadm since 1.29: the learner's group is bound to cluster-admin, which can be
    # taken away; system:masters could not.
    Leaf("admin", "kubernetes-admin", "kubeadm:cluster-admins"),
    # Only PID 1 uses it, to write that very binding.
    Leaf("super-admin", "kubernetes-super-admin", "system:masters"),
    Leaf(
        "controller-manager",
        "system:kube-controller-manager",
        names=("127.0.0.1",),
    ),
    Leaf("scheduler", "system:kube-scheduler", names=("127.0.0.1",)),
    Leaf("proxy", "system:kube-proxy"),
    Leaf("coredns", "system:coredns"),
    Leaf(
        "kubelet",
        f"system:node:{layout.NODE_NAME}",
        "system:nodes",
        names=(layout.NODE_NAME, layout.NODE_IP, "127.0.0.1"),
    ),
    Leaf("front-proxy-client", "front-proxy-client", authority="front-proxy-ca"),
)


def ensure(directory: Path) -> None:
    """Make the pairs that are missing, unreadable or about to expire.

    A CA that cannot be read is replaced together with everything it signed. The
    ServiceAccount key is kept as long as it can be read: tokens depend on it.
    """
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    for stem in AUTHORITIES:
        authority = _load(directory, stem)
        fresh = authority is None
        if authority is None:
            authority = _make_ca(directory, stem)
        for leaf in LEAVES:
            if leaf.authority == stem and (
                fresh or not _is_valid(_load(directory, leaf.stem), authority[0])
            ):
                _issue(directory, leaf, authority)
    if not _readable_key(directory / "sa.key"):
        _make_service_account_key(directory)


Pair = tuple[x509.Certificate, ec.EllipticCurvePrivateKey]


def _load(directory: Path, stem: str) -> Pair | None:
    try:
        certificate = x509.load_pem_x509_certificate(
            (directory / f"{stem}.crt").read_bytes()
        )
        key = ser.load_pem_private_key((directory / f"{stem}.key").read_bytes(), None)
    except (OSError, ValueError):
        return None
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        return None  # none that was made here
    if certificate.not_valid_before_utc > _now():
        return None  # the clock was further ahead when it was made
    return (certificate, key) if certificate.public_key() == key.public_key() else None


def _is_valid(pair: Pair | None, authority: x509.Certificate) -> bool:
    if pair is None:
        return False
    try:
        pair[0].verify_directly_issued_by(authority)
    except Exception:  # InvalidSignature, ValueError and TypeError alike: not ours
        return False
    return pair[0].not_valid_after_utc - _now() > RENEW_BEFORE


def _readable_key(path: Path) -> bool:
    """Return whether the private key and, beside it, its public half can be read."""
    try:
        key = ser.load_pem_private_key(path.read_bytes(), None)
        public = ser.load_pem_public_key(path.with_suffix(".pub").read_bytes())
    except (OSError, ValueError):
        return False
    return key.public_key() == public


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


def _name(common_name: str, organization: str | None = None) -> x509.Name:
    parts = [x509.NameAttribute(NameOID.COMMON_NAME, common_name)]
    if organization:
        parts.insert(0, x509.NameAttribute(NameOID.ORGANIZATION_NAME, organization))
    return x509.Name(parts)


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePrivateKey,
    *,
    ca: bool,
) -> x509.CertificateBuilder:
    constraints = x509.BasicConstraints(ca=ca, path_length=None)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(_now() - BACKDATED)
        .not_valid_after(_now() + (CA_LIFE if ca else LEAF_LIFE))
        .add_extension(constraints, critical=True)
        .add_extension(key_usage(ca=ca), critical=True)
    )


def key_usage(*, ca: bool) -> x509.KeyUsage:
    """Return the usages of a key: an authority's key signs certificates, too."""
    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=ca,
        crl_sign=ca,
        encipher_only=False,
        decipher_only=False,
    )


def _make_ca(directory: Path, stem: str) -> Pair:
    key = ec.generate_private_key(ec.SECP256R1())
    name = _name(AUTHORITIES[stem])
    identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    certificate = (
        _builder(name, name, key, ca=True)
        .add_extension(identifier, critical=False)
        .sign(key, hashes.SHA256())
    )
    _store(directory, stem, certificate, key)
    return certificate, key


def _issue(directory: Path, leaf: Leaf, authority: Pair) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    uses = [ExtendedKeyUsageOID.SERVER_AUTH] if leaf.names else []
    uses += [ExtendedKeyUsageOID.CLIENT_AUTH] if leaf.client else []
    issuer_id = x509.AuthorityKeyIdentifier.from_issuer_public_key(
        authority[1].public_key()
    )
    name = _name(leaf.common_name, leaf.organization)
    builder = (
        _builder(name, authority[0].subject, key, ca=False)
        .add_extension(x509.ExtendedKeyUsage(uses), critical=False)
        # Python 3.13 verifies with VERIFY_X509_STRICT: without this one it refuses.
        .add_extension(issuer_id, critical=False)
    )
    if leaf.names:
        names = x509.SubjectAlternativeName(list(_alternative_names(leaf.names)))
        builder = builder.add_extension(names, critical=False)
    _store(directory, leaf.stem, builder.sign(authority[1], hashes.SHA256()), key)


def _alternative_names(names: Iterable[str]) -> Iterable[x509.GeneralName]:
    for name in names:
        try:
            yield x509.IPAddress(ipaddress.ip_address(name))
        except ValueError:
            yield x509.DNSName(name)


def _make_service_account_key(directory: Path) -> None:
    # RSA, as kubeadm: the learner's JWT says RS256 like on most clusters.
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    write_private(directory / "sa.key", _private_pem(key))
    write_private(
        directory / "sa.pub",
        key.public_key().public_bytes(
            ser.Encoding.PEM, ser.PublicFormat.SubjectPublicKeyInfo
        ),
    )


def _store(
    directory: Path,
    stem: str,
    certificate: x509.Certificate,
    key: ec.EllipticCurvePrivateKey,
) -> None:
    write_private(directory / f"{stem}.key", _private_pem(key))
    write_private(directory / f"{stem}.crt", certificate.public_bytes(ser.Encoding.PEM))


def _private_pem(key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey) -> bytes:
    # As kubeadm's. Java's client, Fabric8, reads only `BEGIN EC PRIVATE KEY` in a
    # kubeconfig whose certificate has an elliptic curve, and no PKCS#8.
    return key.private_bytes(
        ser.Encoding.PEM, ser.PrivateFormat.TraditionalOpenSSL, ser.NoEncryption()
    )
