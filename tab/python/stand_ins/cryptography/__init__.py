"""The part of cryptography that lessons, helpers and PyJWT use, by Go's own packages.

Certificates are read, and keys of the curve P-256 sign and verify; the other kinds of
keys are only names.
"""

__version__ = "0+tab"
