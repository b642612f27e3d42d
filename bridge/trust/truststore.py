"""Certificates out of the stores that Java clients use: JKS, PKCS#12, PEM; told apart by their content.

As for Java, the first certificate of a key's chain counts as trusted, too.
"""

from __future__ import annotations

import re
import ssl
from typing import Final

from bridge.contents import UnusableError, file_content
from bridge.trust import jks
from bridge.trust.store_errors import StoreError as StoreError

_PEM: Final = re.compile(r"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----", re.DOTALL)


def read_file(path: str) -> bytes:
    """The store's bytes; StoreError if it cannot be read."""
    try:
        return file_content(path)
    except UnusableError as broken:
        named = "" if "\0" in path else f"{path} "
        raise StoreError(f"{named}{broken}") from None


def kind_of(data: bytes) -> str:
    """``JKS``, ``JCEKS``, ``PKCS12`` or ``PEM``; StoreError if it is none of them."""
    if data.startswith(jks.MAGIC):
        return "JKS"
    if data.startswith(jks.JCEKS_MAGIC):
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
        certificates = jks_certificates(data, password)
    elif kind == "PKCS12":
        certificates = _pkcs12_certificates(data, password)
    else:
        certificates = _pem_certificates(data)
    if not certificates:
        raise StoreError("holds no certificate")
    return certificates


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
    # here: loads cryptography, and most trust stores are PEM
    from bridge.trust.pkcs12 import certificates

    return certificates(data, password)


def jks_certificates(data: bytes, password: str | None) -> list[bytes]:
    """The trusted certificates of a JKS store, DER; the password is needed for its digest only."""
    trusted: list[bytes] = []
    for entry in jks.read_entries(data, password or None):
        trusted += [entry.certificate] if isinstance(entry, jks.TrustedEntry) else entry.chain[:1]
    return trusted
