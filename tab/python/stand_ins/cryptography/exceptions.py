"""Errors."""


class InvalidSignature(Exception):
    """A signature is not that of the key's owner."""


class UnsupportedAlgorithm(Exception):
    """A tab does not have the algorithm."""
