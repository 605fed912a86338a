"""Signatures in DER, which have two numbers."""


def encode_dss_signature(r: int, s: int) -> bytes:
    """Return the signature of two numbers."""
    content = b"".join(_encode(number) for number in (r, s))
    return b"\x30" + bytes([len(content)]) + content


def decode_dss_signature(signature: bytes) -> tuple[int, int]:
    """Return the two numbers of a signature."""
    if signature[0] != 0x30 or signature[1] != len(signature) - 2:
        raise ValueError("this is no signature in DER")
    length = signature[3]
    first, second = signature[4 : 4 + length], signature[6 + length :]
    return int.from_bytes(first), int.from_bytes(second)


def _encode(number: int) -> bytes:
    # A first bit that is set would make it negative.
    content = number.to_bytes(number.bit_length() // 8 + 1)
    return b"\x02" + bytes([len(content)]) + content
