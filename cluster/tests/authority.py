"""An authority of a test's own, which signs what no machine trusts."""

from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from cluster.machine.pki import key_usage

DAY = timedelta(days=1)
#: an authority's life: what has it may be kept
YEARS = 3650 * DAY


class Authority:
    """An authority that signs with a key of its own, for as long as it is asked."""

    def __init__(self, name: str) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        self.certificate = self._sign(self.name, self.key, -5 * DAY, YEARS, True, ())

    @property
    def pem(self) -> str:
        return self.certificate.public_bytes(serialization.Encoding.PEM).decode()

    def issue(
        self, name: str, *names, begins: timedelta = -5 * DAY, ends: timedelta = DAY
    ) -> str:
        """Return a key and a certificate for `names`, as one PEM text."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        signed = self._sign(subject, key, begins, ends, False, names)
        private = key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        return (private + signed.public_bytes(serialization.Encoding.PEM)).decode()

    def _sign(self, subject, key, begins, ends, ca, names):
        now = datetime.now(UTC)
        identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self.name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now + begins)
            .not_valid_after(now + ends)
            .add_extension(x509.BasicConstraints(ca=ca, path_length=None), True)
            # Python 3.13 verifies with VERIFY_X509_STRICT: without these it refuses.
            .add_extension(identifier, False)
            .add_extension(key_usage(ca=ca), True)
        )
        if not ca:
            issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(
                self.key.public_key()
            )
            builder = builder.add_extension(issuer, False)
        if names:
            builder = builder.add_extension(x509.SubjectAlternativeName(names), False)
        return builder.sign(self.key, hashes.SHA256())
