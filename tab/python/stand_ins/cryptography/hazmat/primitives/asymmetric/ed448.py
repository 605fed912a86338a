"""Keys of the curve Ed448: only names."""


class Ed448PrivateKey:
    """A private key."""


class Ed448PublicKey:
    """A public key."""
