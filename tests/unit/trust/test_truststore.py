"""Trust stores: JKS as the format is documented, PKCS#12, PEM; damage is a sentence, never a traceback.

The stores are written here, byte by byte, because no certificate may be committed; ``keytool`` itself writes
some in ``tests/integration/test_kafka_stores.py``.
"""

from __future__ import annotations

import hashlib
import struct
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, pkcs12
from hypothesis import example, given
from hypothesis import strategies as st

from bridge.trust.truststore import StoreError, jks_certificates, kind_of, to_pem, trusted_certificates
from tests.support.certs import Authority


def utf(text: str) -> bytes:
    return struct.pack(">H", len(text.encode())) + text.encode()


def certificate(der: bytes, version: int) -> bytes:
    return (utf("X.509") if version == 2 else b"") + struct.pack(">I", len(der)) + der


def trusted(der: bytes, version: int = 2, alias: str = "ca") -> bytes:
    return (
        struct.pack(">I", 2) + utf(alias) + struct.pack(">Q", 1_700_000_000_000) + certificate(der, version)
    )


def private_key(chain: list[bytes], version: int = 2) -> bytes:
    head = struct.pack(">I", 1) + utf("key") + struct.pack(">Q", 0) + struct.pack(">I", 7) + b"private"
    return head + struct.pack(">I", len(chain)) + b"".join(certificate(der, version) for der in chain)


def jks(entries: list[bytes], password: str = "changeit", version: int = 2) -> bytes:
    body = struct.pack(">III", 0xFEEDFEED, version, len(entries)) + b"".join(entries)
    return body + hashlib.sha1(password.encode("utf-16-be") + b"Mighty Aphrodite" + body).digest()


@pytest.mark.parametrize("version", [1, 2])
def test_trusted_entries_and_the_head_of_a_key_s_chain(version: int) -> None:
    store = jks(
        [trusted(b"one", version), private_key([b"leaf", b"issuer"], version), trusted(b"two", version)],
        version=version,
    )
    assert jks_certificates(store, "changeit") == [b"one", b"leaf", b"two"]
    assert trusted_certificates(store, None) == [b"one", b"leaf", b"two"]


@given(st.lists(st.binary(max_size=40), max_size=4), st.text(min_size=1, max_size=12), st.text(max_size=8))
def test_jks_round_trip(ders: list[bytes], password: str, alias: str) -> None:
    store = jks([trusted(der, alias=alias) for der in ders], password)
    assert jks_certificates(store, password) == ders
    with pytest.raises(StoreError, match="password"):
        jks_certificates(store, password + "x")


@given(st.integers(0, 200), st.integers(1, 255))
def test_a_changed_byte_is_noticed_with_the_password(place: int, change: int) -> None:
    store = bytearray(jks([trusted(b"c" * 60), private_key([b"d" * 60])]))
    store[place % len(store)] ^= change
    with pytest.raises(StoreError):
        jks_certificates(bytes(store), "changeit")


@given(st.binary(max_size=120))
@example(b"\xfe\xed\xfe\xed" + b"\0\0\0\2" + b"\xff\xff\xff\xff" + b"\0" * 20)
@example(b"\xfe\xed\xfe\xed" + b"\0\0\0\2" + b"\0\0\0\1" + b"\0\0\0\1" + b"\0" * 10 + b"\xff" * 30)
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    for attempt in (
        data,
        b"\xfe\xed\xfe\xed\0\0\0\2" + data,
        b"\x30" + data,
        b"-----BEGIN CERTIFICATE-----" + data,
    ):
        for password in (None, "changeit"):
            assert "changeit" not in outcome(attempt, password)


def outcome(data: bytes, password: str | None) -> str:
    """The refusal, or nothing; any other exception fails the test."""
    try:
        trusted_certificates(data, password)
    except StoreError as error:
        return str(error)
    return ""


def test_pem_pkcs12_and_jks_give_the_same(tmp_path: Path) -> None:
    authorities = [Authority.create(tmp_path, name).certificate for name in ("a", "b")]
    ders = [one.public_bytes(Encoding.DER) for one in authorities]
    pem = b"some words\n" + b"".join(one.public_bytes(Encoding.PEM) for one in authorities)
    p12 = pkcs12.serialize_java_truststore(
        [pkcs12.PKCS12Certificate(one, b"ca%d" % place) for place, one in enumerate(authorities)],
        BestAvailableEncryption(b"geheim"),
    )
    assert trusted_certificates(pem, None) == ders
    assert trusted_certificates(jks([trusted(der) for der in ders]), None) == ders
    assert sorted(trusted_certificates(p12, "geheim")) == sorted(ders)
    assert len(x509.load_pem_x509_certificates(to_pem(ders).encode())) == 2
    with pytest.raises(StoreError, match="password is wrong"):
        trusted_certificates(p12, "falsch")
    with pytest.raises(StoreError, match="without its password"):
        trusted_certificates(p12, None)


def test_kinds_and_what_is_none() -> None:
    assert [
        kind_of(head) for head in (b"\xfe\xed\xfe\xed", b"\xce\xce\xce\xce", b"\x30\x82", b"\n-----BEGIN X")
    ] == [
        "JKS",
        "JCEKS",
        "PKCS12",
        "PEM",
    ]
    with pytest.raises(StoreError, match="neither JKS nor"):
        kind_of(b"<html>")
    with pytest.raises(StoreError, match="keytool"):
        trusted_certificates(b"\xce\xce\xce\xce", None)
    with pytest.raises(StoreError, match="no certificate"):
        trusted_certificates(jks([]), None)
    with pytest.raises(StoreError, match="no certificate"):
        trusted_certificates(b"-----BEGIN PRIVATE KEY-----", None)


def test_a_pkcs12_store_of_endless_derivation_is_refused_at_once() -> None:
    """As a keystore of that kind is: there is one reader."""
    number = lambda value: b"\x02\x05" + value.to_bytes(5, "big")  # noqa: E731 - DER INTEGER
    salt = b"\x04\x08" + b"\0" * 8
    parameters = b"\x30" + bytes([len(salt) + 7]) + salt + number(2**34)
    with pytest.raises(StoreError, match="iterations to derive"):
        trusted_certificates(b"\x30" + bytes([len(parameters)]) + parameters, "changeit")
