"""A look at DER (or BER) before it is given to ``cryptography``: how long would it compute?

The iteration count of a key derivation stands unprotected in a keystore: a damaged or malicious one keeps
OpenSSL busy for hours. It always follows the salt (RFC 7292 ``MacData``, RFC 8018 ``PBKDF2-params``,
``PBEParameter``).
"""

from __future__ import annotations

from bridge.trust.store_errors import KeystoreError

MAX_ITERATIONS = 2_000_000  # about a second; keytool writes 10 000, OpenSSL 2 048
MAX_ELEMENTS = 50_000
MAX_DEPTH = 24
INTEGER, OCTETS, CONSTRUCTED = 0x02, 0x04, 0x20
SCRYPT = bytes.fromhex("06092b06010401da47040b")


def refuse_long_derivation(data: bytes) -> None:
    """Raise KeystoreError if a key derivation in ``data`` asks for too much. Reads as far as it can, and no
    further."""
    if SCRYPT in data:
        raise KeystoreError(
            "protects its key by scrypt, which is not supported; make it anew with a current keytool"
        )
    _walk(memoryview(data), 0, [MAX_ELEMENTS])


def _walk(data: memoryview, depth: int, budget: list[int]) -> None:
    at, after_salt = 0, False
    while (header := _header(data, at)) is not None:
        budget[0] -= 1
        if budget[0] < 0:
            raise KeystoreError("is damaged, or no keystore: it has too many parts")
        tag, start, end = header
        if tag == INTEGER and after_salt:
            _check_iterations(int.from_bytes(data[start:end][:16], "big", signed=True))
        # An OCTET STRING may hold more DER (safe contents do).
        if (tag & CONSTRUCTED or tag == OCTETS) and depth < MAX_DEPTH:
            _walk(data[start:end], depth + 1, budget)
        after_salt = tag == OCTETS
        at = end


def _header(data: memoryview, at: int) -> tuple[int, int, int] | None:
    """Tag, start and end of the content; an indefinite length reaches to the end of what contains it."""
    if at + 2 > len(data) or data[at] & 0x1F == 0x1F:
        return None
    length, start = data[at + 1], at + 2
    if length == 0x80:
        return data[at], start, len(data)
    if length & 0x80:
        size = length & 0x7F
        if size > 4 or start + size > len(data):
            return None
        length = int.from_bytes(data[start : start + size], "big")
        start += size
    return (data[at], start, start + length) if start + length <= len(data) else None


def _check_iterations(count: int) -> None:
    if not 0 < count <= MAX_ITERATIONS:
        raise KeystoreError(
            f"asks for {count} iterations to derive its key, and at most {MAX_ITERATIONS} are accepted; is "
            "it damaged?"
        )
