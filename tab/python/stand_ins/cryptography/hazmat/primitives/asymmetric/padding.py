"""Ways of signing with RSA, which a tab does not have."""
