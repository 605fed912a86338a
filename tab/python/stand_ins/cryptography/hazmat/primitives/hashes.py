"""Hashes, by Python's own module."""

import hashlib


class HashAlgorithm:
    """A hash; its name is Python's."""

    name = ""


class SHA256(HashAlgorithm):
    """SHA-256."""

    name = "sha256"


class SHA384(HashAlgorithm):
    """SHA-384."""

    name = "sha384"


class SHA512(HashAlgorithm):
    """SHA-512."""

    name = "sha512"


class Hash:
    """A hash of data that comes in parts."""

    def __init__(self, algorithm: HashAlgorithm, backend: object = None) -> None:
        self._hash = hashlib.new(algorithm.name)

    def update(self, data: bytes) -> None:
        """Take a part."""
        self._hash.update(data)

    def finalize(self) -> bytes:
        """Return the hash."""
        return self._hash.digest()
