"""Keys of the curve Ed25519: only names."""


class Ed25519PrivateKey:
    """A private key."""


class Ed25519PublicKey:
    """A public key."""
