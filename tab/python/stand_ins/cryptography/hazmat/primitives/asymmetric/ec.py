"""Keys of the curve P-256; the other curves are only names."""

from dataclasses import dataclass
from typing import Any

from pyodide.ffi import to_js

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.hashes import HashAlgorithm
from tab.python import doors


class EllipticCurve:
    """A curve."""

    name, key_size = "", 0


class SECP256R1(EllipticCurve):
    """P-256."""

    name, key_size = "secp256r1", 256


class SECP256K1(EllipticCurve):
    """The curve of Bitcoin."""

    name, key_size = "secp256k1", 256


class SECP384R1(EllipticCurve):
    """P-384."""

    name, key_size = "secp384r1", 384


class SECP521R1(EllipticCurve):
    """P-521."""

    name, key_size = "secp521r1", 521


@dataclass(frozen=True)
class ECDSA:
    """The way of signing."""

    algorithm: HashAlgorithm

    def require_ours(self) -> None:
        """Raise UnsupportedAlgorithm unless it is with SHA-256."""
        if self.algorithm.name != "sha256":
            raise UnsupportedAlgorithm(f"ECDSA with {self.algorithm.name}")


@dataclass(frozen=True)
class EllipticCurvePublicNumbers:
    """A point of a curve."""

    x: int
    y: int
    curve: EllipticCurve = SECP256R1()

    def public_key(self, backend: object = None) -> "EllipticCurvePublicKey":
        """Return the key that has this point."""
        if not isinstance(self.curve, SECP256R1):
            raise UnsupportedAlgorithm(self.curve.name)
        return EllipticCurvePublicKey(self)


class EllipticCurvePublicKey:
    """A public key."""

    def __init__(self, numbers: EllipticCurvePublicNumbers) -> None:
        self._numbers, self.curve = numbers, numbers.curve

    def public_numbers(self) -> EllipticCurvePublicNumbers:
        """Return its point."""
        return self._numbers

    def verify(self, signature: bytes, data: bytes, how: ECDSA) -> None:
        """Raise InvalidSignature unless the signature is that of the key's owner."""
        how.require_ours()
        point = [f"{number:x}" for number in (self._numbers.x, self._numbers.y)]
        if not doors.call("verify", *point, to_js(data), to_js(signature)):
            raise InvalidSignature


class EllipticCurvePrivateKey:
    """A private key, whose text stays out of its repr."""

    def __init__(self, text: str, public: EllipticCurvePublicKey) -> None:
        self._text, self._public, self.curve = text, public, public.curve

    def public_key(self) -> EllipticCurvePublicKey:
        """Return the public key."""
        return self._public

    def sign(self, data: bytes, how: ECDSA) -> bytes:
        """Return a signature in DER."""
        how.require_ours()
        signature: Any = doors.call("sign", self._text, to_js(data))
        return doors.data(signature)


class EllipticCurvePrivateNumbers:
    """Only for annotations."""
