"""Read keys in PEM."""

import enum

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import (
    EllipticCurvePrivateKey,
    EllipticCurvePublicKey,
    EllipticCurvePublicNumbers,
)
from tab.python import doors


class Encoding(enum.Enum):
    """The form of bytes."""

    PEM = "PEM"
    DER = "DER"


class PrivateFormat(enum.Enum):
    """The form of a private key."""

    PKCS8 = "PKCS8"


class PublicFormat(enum.Enum):
    """The form of a public key."""

    SubjectPublicKeyInfo = "X.509 subjectPublicKeyInfo with PKCS#1"


class NoEncryption:
    """A key is not encrypted."""


def load_pem_public_key(data: bytes, backend: object = None) -> EllipticCurvePublicKey:
    """Return a public key; raise ValueError for what is none of P-256."""
    if b"PRIVATE KEY-----" in data:
        # PyJWT tries this one first.
        raise ValueError("this is a private key")
    return _numbers(data).public_key()


def load_pem_private_key(
    data: bytes, password: object = None, backend: object = None
) -> EllipticCurvePrivateKey:
    """Return a private key; raise ValueError for what is none of P-256."""
    return EllipticCurvePrivateKey(data.decode(), _numbers(data).public_key())


def _numbers(data: bytes) -> EllipticCurvePublicNumbers:
    try:
        key = doors.call("publicKey", data.decode())
    except OSError as error:
        raise ValueError("this is no key of the curve P-256") from error
    return EllipticCurvePublicNumbers(int(key.X, 16), int(key.Y, 16))


def load_ssh_public_key(data: bytes, backend: object = None) -> None:
    """Raise UnsupportedAlgorithm."""
    raise UnsupportedAlgorithm("a key of SSH")


def load_der_public_key(data: bytes, backend: object = None) -> None:
    """Raise UnsupportedAlgorithm."""
    raise UnsupportedAlgorithm("a key in DER")
