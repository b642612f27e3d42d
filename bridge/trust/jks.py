"""Java's old keystore format (JKS), read only, without Java.

Salesforce's own certificate export gives such files out. Format, after OpenJDK's
``sun.security.provider.JavaKeyStore``:

magic ``FEEDFEED`` · version 1 or 2 · count · entries · SHA-1(password in UTF-16BE ‖ ``Mighty Aphrodite`` ‖
all before). An entry: tag (1 key, 2 certificate) · alias · time (ms, 8 bytes) · and for a key its
EncryptedPrivateKeyInfo (4-byte length) and a chain (count, then each with type (version 2 only), 4-byte
length, DER); for a certificate just one of those. The key is hidden by Sun's own cipher (OID
1.3.6.1.4.1.42.2.17.1.1): 20-byte salt · PKCS#8 XOR a chain of SHA-1(password ‖ previous 20 bytes), begun with
the salt · SHA-1(password ‖ PKCS#8).
"""

from __future__ import annotations

import hashlib
import hmac
import struct

from attrs import field, frozen

from bridge.trust.store_errors import WRONG_PASSWORD, KeystoreError

MAGIC = bytes.fromhex("feedfeed")
JCEKS_MAGIC = bytes.fromhex("cececece")
"""Another of Java's formats, with other ciphers; it is recognised and not read."""
KEY_PROTECTOR = bytes.fromhex("2b060104012a02110101")
DIGEST = 20
MAX_ENTRIES = 10_000


@frozen
class KeyEntry:
    """A private key still under its password, and its certificate chain (DER, the key's own first)."""

    alias: str
    protected: bytes = field(repr=False)
    chain: tuple[bytes, ...] = field(repr=False)


@frozen
class TrustedEntry:
    """A certificate that is trusted (DER)."""

    alias: str
    certificate: bytes = field(repr=False)


def read_keys(data: bytes, password: str) -> list[KeyEntry]:
    """The key entries, in the file's order. Raises KeystoreError."""
    return [entry for entry in read_entries(data, password) if isinstance(entry, KeyEntry)]


def read_entries(data: bytes, password: str | None) -> list[KeyEntry | TrustedEntry]:
    """Every entry, in the file's order. Without a password (None) the digest is not checked, as in Java.

    Raises KeystoreError.
    """
    body, digest = data[:-DIGEST], data[-DIGEST:]
    entries = _entries(_Reader(body))
    # Structure first: a file cut short would otherwise be blamed on the password.
    if password is not None:
        expected = _sha1(_utf16(password), b"Mighty Aphrodite", body)
        if not hmac.compare_digest(digest, expected):
            raise KeystoreError(WRONG_PASSWORD, password=True)
    return entries


def decrypt(entry: KeyEntry, password: str) -> bytes:
    """The key's PKCS#8 bytes. Raises KeystoreError when the key has another password or another cipher."""
    salt, hidden, check = _parts(entry.protected)
    secret = _utf16(password)
    stream, block = bytearray(), salt
    while len(stream) < len(hidden):
        block = _sha1(secret, block)
        stream += block
    mask = int.from_bytes(stream[: len(hidden)], "big")
    plain = (int.from_bytes(hidden, "big") ^ mask).to_bytes(len(hidden), "big")
    if not hmac.compare_digest(check, _sha1(secret, plain)):
        raise KeystoreError(
            f"holds the key '{entry.alias}' under another password than its own; give both the same",
            password=True,
        )
    return plain


def _entries(reader: _Reader) -> list[KeyEntry | TrustedEntry]:
    if reader.take(4) != MAGIC:
        raise KeystoreError("is no JKS keystore")
    version, count = reader.number(), reader.number()
    if version not in (1, 2):
        raise KeystoreError(f"is a JKS keystore of version {version}; 1 and 2 are known")
    if count > MAX_ENTRIES:
        raise KeystoreError(f"is damaged: it claims to hold {count} entries")
    entries = [_entry(reader, version) for _ in range(count)]
    if reader.left:
        raise KeystoreError("is damaged: something follows its last entry")
    return entries


def _entry(reader: _Reader, version: int) -> KeyEntry | TrustedEntry:
    tag, alias = reader.number(), reader.text()
    reader.take(8)
    if tag == 2:
        return TrustedEntry(alias, _certificate(reader, version))
    if tag != 1:
        raise KeystoreError(f"is damaged: it holds an entry of the unknown kind {tag}")
    protected = reader.take(reader.number())
    length = reader.number()
    if length > MAX_ENTRIES:
        raise KeystoreError(f"is damaged: it claims a chain of {length} certificates")
    return KeyEntry(alias, protected, tuple(_certificate(reader, version) for _ in range(length)))


def _certificate(reader: _Reader, version: int) -> bytes:
    if version == 2:
        reader.text()  # the type, always X.509
    return reader.take(reader.number())


def _parts(protected: bytes) -> tuple[bytes, bytes, bytes]:
    """Salt, hidden key and check of SEQUENCE { SEQUENCE { OID, NULL }, OCTET STRING }."""
    info = _tlv(protected, 0x30)[0]
    algorithm, rest = _tlv(info, 0x30)
    if _tlv(algorithm, 0x06)[0] != KEY_PROTECTOR:
        raise KeystoreError(
            "hides its key by a cipher that JKS files do not use; convert it to PKCS#12 with keytool"
        )
    secret = _tlv(rest, 0x04)[0]
    if len(secret) <= 2 * DIGEST:
        raise KeystoreError("is damaged: its key is too short")
    return secret[:DIGEST], secret[DIGEST:-DIGEST], secret[-DIGEST:]


def _tlv(data: bytes, tag: int) -> tuple[bytes, bytes]:
    """Content of the DER element at the start, and what follows it."""
    reader = _Reader(data)
    if reader.take(1)[0] != tag:
        raise KeystoreError("is damaged: its key is not an EncryptedPrivateKeyInfo")
    length = reader.take(1)[0]
    if length & 0x80:
        length = int.from_bytes(reader.take(length & 0x7F), "big")
    return reader.take(length), reader.rest()


class _Reader:
    """Takes from bytes, and never more than there are: a length from the file allocates nothing by itself."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    @property
    def left(self) -> int:
        return len(self._data) - self._at

    def take(self, count: int) -> bytes:
        if count > self.left:
            raise KeystoreError("is cut short or damaged: an entry reaches beyond its end")
        self._at += count
        return self._data[self._at - count : self._at]

    def rest(self) -> bytes:
        return self._data[self._at :]

    def number(self) -> int:
        return int(struct.unpack(">I", self.take(4))[0])

    def text(self) -> str:
        # Java's "modified UTF-8" differs from UTF-8 in characters that aliases do not have.
        return self.take(int.from_bytes(self.take(2), "big")).decode("utf-8", "replace")


def _utf16(password: str) -> bytes:
    return password.encode("utf-16-be", "surrogatepass")


def _sha1(*parts: bytes) -> bytes:
    return hashlib.sha1(b"".join(parts), usedforsecurity=False).digest()
