"""Keys of RSA: only names."""

from typing import NoReturn

from cryptography.exceptions import UnsupportedAlgorithm


class RSAPrivateKey:
    """A private key."""


class RSAPublicKey:
    """A public key."""


class RSAPrivateNumbers:
    """The numbers of a private key."""


class RSAPublicNumbers:
    """The numbers of a public key."""


def _refuse(*_: object) -> NoReturn:
    raise UnsupportedAlgorithm("RSA")


rsa_crt_dmp1 = rsa_crt_dmq1 = rsa_crt_iqmp = rsa_recover_prime_factors = _refuse
