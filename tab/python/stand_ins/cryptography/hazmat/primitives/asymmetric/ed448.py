"""Keys of the curve Ed448: names alone."""


class Ed448PrivateKey:
    """A private key."""


class Ed448PublicKey:
    """A public key."""
