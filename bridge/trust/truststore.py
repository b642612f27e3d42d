"""Certificates out of the stores that Java clients use: JKS, PKCS#12, PEM; told apart by their content.

JKS (``sun.security.provider.JavaKeyStore``), big-endian::

    FEEDFEED  version u4 (1 or 2)  count u4
    entry: tag u4 (1 private key, 2 trusted certificate)  alias UTF  date u8
       1:  key: u4 length, bytes    chain: u4 count, certificates
       2:  certificate
    certificate: [version 2: type UTF]  u4 length, DER
    SHA-1 over password (UTF-16BE), "Mighty Aphrodite", and all bytes before it

UTF is a u2 length and that many bytes. Without a password the digest is not checked, as in Java. As for Java,
the first certificate of a key's chain counts as trusted, too.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from attrs import define

JKS_MAGIC: Final = b"\xfe\xed\xfe\xed"
JCEKS_MAGIC: Final = b"\xce\xce\xce\xce"
_WHITENER: Final = b"Mighty Aphrodite"
_DIGEST: Final = 20
_PEM: Final = re.compile(r"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----", re.DOTALL)


class StoreError(ValueError):
    """A store cannot be used; the text is the end of a sentence and holds no secret."""


def read_file(path: str) -> bytes:
    """The store's bytes; StoreError if it cannot be read."""
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise StoreError(f"{path} cannot be read ({error.strerror})") from None
    except ValueError:
        raise StoreError("is not the path of a file") from None


def kind_of(data: bytes) -> str:
    """``JKS``, ``JCEKS``, ``PKCS12`` or ``PEM``; StoreError if it is none of them."""
    if data.startswith(JKS_MAGIC):
        return "JKS"
    if data.startswith(JCEKS_MAGIC):
        return "JCEKS"
    if b"-----BEGIN " in data[:65536]:
        return "PEM"
    if data[:1] == b"\x30":
        return "PKCS12"
    raise StoreError("is neither JKS nor PKCS#12 nor PEM")


def trusted_certificates(data: bytes, password: str | None) -> list[bytes]:
    """The trusted certificates of a store, DER; StoreError if there is none or it cannot be read."""
    kind = kind_of(data)
    if kind == "JCEKS":
        raise StoreError("is of type JCEKS; convert it with keytool -importkeystore -deststoretype pkcs12")
    if kind == "JKS":
        found = jks_certificates(data, password)
    elif kind == "PKCS12":
        found = _pkcs12_certificates(data, password)
    else:
        found = _pem_certificates(data)
    if not found:
        raise StoreError("holds no certificate")
    return found


def to_pem(certificates: list[bytes]) -> str:
    """DER certificates as one PEM text."""
    return "".join(ssl.DER_cert_to_PEM_cert(der) for der in certificates)


def _pem_certificates(data: bytes) -> list[bytes]:
    """Not parsed any further: there are old roots that strict parsers refuse and TLS libraries take."""
    try:
        return [ssl.PEM_cert_to_DER_cert(text) for text in _PEM.findall(data.decode("ascii", "replace"))]
    except ValueError:
        raise StoreError("holds a certificate that is damaged") from None


def _pkcs12_certificates(data: bytes, password: str | None) -> list[bytes]:
    from cryptography.hazmat.primitives.serialization import Encoding, pkcs12

    try:
        store = pkcs12.load_pkcs12(data, password.encode() if password is not None else None)
    except ValueError:
        raise StoreError(
            "cannot be opened: the password is wrong" if password else "cannot be opened without its password"
        ) from None
    entries = [store.cert, *store.additional_certs]
    return [entry.certificate.public_bytes(Encoding.DER) for entry in entries if entry is not None]


def jks_certificates(data: bytes, password: str | None) -> list[bytes]:
    """The trusted certificates of a JKS store, DER; the password is needed for its digest only."""
    if len(data) < 12 + _DIGEST or not data.startswith(JKS_MAGIC):
        raise StoreError("is no JKS store, or cut off")
    body, digest = data[:-_DIGEST], data[-_DIGEST:]
    if password:
        # The digest is what the format prescribes, not a choice of ours.
        wanted = hashlib.sha1(password.encode("utf-16-be") + _WHITENER + body, usedforsecurity=False)
        if not hmac.compare_digest(wanted.digest(), digest):
            raise StoreError("cannot be opened: the password is wrong, or the file was changed")
    reader = _Reader(body, 4)
    version = reader.number(4)
    if version not in (1, 2):
        raise StoreError(f"is a JKS store of version {version}, which is unknown")
    found = [der for _ in range(reader.number(4)) for der in _entry(reader, version)]
    if reader.at != len(body):
        raise StoreError("is damaged: there is more in it than it says")
    return found


def _entry(reader: _Reader, version: int) -> Iterator[bytes]:
    tag = reader.number(4)
    reader.take(reader.number(2))  # alias
    reader.take(8)  # date
    if tag == 2:
        yield _certificate(reader, version)
    elif tag == 1:
        reader.take(reader.number(4))
        for place in range(reader.number(4)):
            der = _certificate(reader, version)
            if place == 0:
                yield der
    else:
        raise StoreError(f"is damaged: an entry of unknown kind {tag}")


def _certificate(reader: _Reader, version: int) -> bytes:
    if version == 2:
        reader.take(reader.number(2))  # type, always X.509
    return reader.take(reader.number(4))


@define
class _Reader:
    data: bytes
    at: int

    def take(self, length: int) -> bytes:
        end = self.at + length
        if end > len(self.data):
            raise StoreError("is damaged or cut off")
        taken = self.data[self.at : end]
        self.at = end
        return taken

    def number(self, size: int) -> int:
        return int.from_bytes(self.take(size), "big")
