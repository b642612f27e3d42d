"""Keystores and certificates, written by hand where nothing else writes them."""

from __future__ import annotations

import base64
import hashlib
import struct
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    pkcs12,
)
from cryptography.x509.oid import NameOID

from bridge.salesforce.keystore import KeystoreError, SigningKey, load_keystore, open_keystore
from bridge.trust.jks import KEY_PROTECTOR

ROOT = Path(__file__).parents[4]
DATA = ROOT / "tests" / "data" / "oauth"
JKS = (DATA / "sample.jks").read_bytes()
P12 = (DATA / "sample.p12").read_bytes()
PASSWORD = "confluent"
FILE, PATH = "salesforce.jwt.keystore.file", "salesforce.jwt.keystore.path"
DAY = timedelta(days=1)
NOW = datetime.now(UTC)


def certificate(key: Any, begin: datetime = NOW - DAY, end: datetime = NOW + 90 * DAY) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test")])
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begin)
        .not_valid_after(end)
        .sign(key, hashes.SHA256())
    )


def p12(key: Any, cert: x509.Certificate | None, password: str = PASSWORD, more: Any = None) -> bytes:
    encryption = BestAvailableEncryption(password.encode())
    return pkcs12.serialize_key_and_certificates(b"k", key, cert, more, encryption)


def jks(
    *entries: tuple[str, bytes, list[bytes]], password: str = PASSWORD, key_password: str = PASSWORD
) -> bytes:
    """A JKS file as Java would write it; an entry without key bytes is a certificate."""
    out = bytes.fromhex("feedfeed") + struct.pack(">II", 2, len(entries))
    for alias, pkcs8, chain in entries:
        out += struct.pack(">I", 1 if pkcs8 else 2) + _text(alias) + bytes(8)
        if pkcs8:
            hidden = _protect(pkcs8, key_password)
            out += struct.pack(">I", len(hidden)) + hidden + struct.pack(">I", len(chain))
        for der in chain:
            out += _text("X.509") + struct.pack(">I", len(der)) + der
    secret = password.encode("utf-16-be")
    return out + hashlib.sha1(secret + b"Mighty Aphrodite" + out).digest()


def _text(text: str) -> bytes:
    return struct.pack(">H", len(text.encode())) + text.encode()


def _protect(plain: bytes, password: str) -> bytes:
    secret, salt = password.encode("utf-16-be"), bytes(range(20))
    stream, block = b"", salt
    while len(stream) < len(plain):
        block = hashlib.sha1(secret + block).digest()
        stream += block
    hidden = bytes(a ^ b for a, b in zip(plain, stream, strict=False))
    octets = _der(0x04, salt + hidden + hashlib.sha1(secret + plain).digest())
    return _der(0x30, _der(0x30, _der(0x06, KEY_PROTECTOR) + b"\x05\x00") + octets)


def _der(tag: int, content: bytes) -> bytes:
    length = len(content)
    head = bytes([length]) if length < 128 else b"\x82" + struct.pack(">H", length)
    return bytes([tag]) + head + content


def pkcs8(key: Any) -> bytes:
    return key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())


def der(cert: x509.Certificate) -> bytes:
    return cert.public_bytes(Encoding.DER)


def load(**given: str) -> SigningKey:
    values = {"salesforce.jwt.keystore.password": PASSWORD}
    # Not through config_of: the reader must not rely on somebody else's checks.
    return load_keystore({**values, **{key.replace("__", "."): value for key, value in given.items()}})


def url(data: bytes, head: str = "data:text/plain;base64,") -> str:
    return head + base64.b64encode(data).decode()


def refused(data: bytes, password: str = PASSWORD) -> KeystoreError:
    with pytest.raises(KeystoreError) as error:
        open_keystore(data, password)
    assert "\n" not in error.value.message
    return error.value
