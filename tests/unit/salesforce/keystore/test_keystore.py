"""Keystores: what Java, OpenSSL and we ourselves write is read; validity in time."""

from __future__ import annotations

import base64
import hashlib
import struct
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)

from bridge.errors import Fatal, Stage
from bridge.salesforce.keymaker import make_pair
from bridge.salesforce.keystore import open_keystore
from tests.unit.salesforce.keystore.stores import (
    DAY,
    FILE,
    JKS,
    NOW,
    P12,
    PASSWORD,
    PATH,
    certificate,
    der,
    jks,
    load,
    p12,
    pkcs8,
    url,
)

# ---- what is understood --------------------------------------------------------------------------------


def test_jks_and_pkcs12_written_by_java() -> None:
    one, other = open_keystore(JKS, PASSWORD), open_keystore(P12, PASSWORD)
    assert (one.kind, one.alias) == ("JKS", "salesforce-confluent")
    assert (other.kind, other.alias) == ("PKCS12", "sf")
    for found in (one, other):
        assert found.certificate is not None
        assert found.certificate.public_key() == found.private_key.public_key()
        assert not any("keys" in notice for notice in found.notices)  # one key each
        found.check_validity(datetime(2027, 1, 1, tzinfo=UTC))


@pytest.mark.parametrize(
    "head",
    [
        "data:text/plain;base64,",
        "data:text/plain:base64,",
        "data:text/plain:base64",
        "data:application/x-pkcs12;name=k.p12;base64,",
        "data:;base64,",
        "DATA:text/plain;BASE64,",
    ],
)
@pytest.mark.parametrize("data", [JKS, P12])
def test_data_urls_in_every_spelling(head: str, data: bytes) -> None:
    assert load(**{FILE: url(data, head)}).private_key


def test_base64_in_every_shape() -> None:
    text = base64.b64encode(JKS).decode()
    lines = "\n".join(text[i : i + 76] for i in range(0, len(text), 76))
    safe = text.replace("+", "-").replace("/", "_").rstrip("=")
    for value in (text, lines, f"data:text/plain;base64,{lines}", f"data:text/plain;base64,{safe}"):
        assert load(**{FILE: value}).kind == "JKS"


def test_a_path_in_either_property_whatever_the_name(tmp_path: Path) -> None:
    path = tmp_path / "keystore.jks"
    path.write_bytes(P12)
    assert load(**{FILE: str(path)}).kind == "PKCS12"
    found = load(**{PATH: str(path)})
    assert (found.kind, found.source) == ("PKCS12", PATH)


def test_a_pem_key_with_and_without_password_and_certificate(key: rsa.RSAPrivateKey) -> None:
    for format_ in (PrivateFormat.PKCS8, PrivateFormat.TraditionalOpenSSL):
        for encryption in (NoEncryption(), BestAvailableEncryption(PASSWORD.encode())):
            pem = key.private_bytes(Encoding.PEM, format_, encryption)
            found = open_keystore(pem, PASSWORD)
            assert found.kind == "PEM"
            assert "no certificate" in found.notices[0]
    other = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    chain = b"".join(certificate(k).public_bytes(Encoding.PEM) for k in (other, key))
    found = load(**{FILE: (chain + pem).decode()})
    assert found.certificate is not None
    assert found.certificate.public_key() == key.public_key()


def test_our_own_keystore() -> None:
    made, pem = make_pair("Bridge", 30, "secret1", "salesforce-jwt")
    found = open_keystore(made, "secret1")
    assert found.alias == "salesforce-jwt"
    assert found.certificate == x509.load_pem_x509_certificate(pem)
    found.check_validity()
    assert found.certificate is not None
    assert found.certificate.not_valid_after_utc - datetime.now(UTC) < 31 * DAY


def test_the_first_of_several_keys_is_taken_and_said(key: rsa.RSAPrivateKey) -> None:
    other = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    data = jks(
        ("ca", b"", [der(certificate(other))]),
        ("one", pkcs8(key), [der(certificate(key))]),
        ("two", pkcs8(other), [der(certificate(other))]),
    )
    found = open_keystore(data, PASSWORD)
    assert found.alias == "one"
    assert found.private_key.public_key() == key.public_key()
    assert "2 private keys; the first is used (one)" in found.notices[0]


def test_a_key_of_a_version_one_jks(key: rsa.RSAPrivateKey) -> None:
    data = jks(("k", pkcs8(key), []))
    body = data[:4] + struct.pack(">I", 1) + data[8:-20]
    digest = hashlib.sha1(PASSWORD.encode("utf-16-be") + b"Mighty Aphrodite" + body).digest()
    assert open_keystore(body + digest, PASSWORD).certificate is None


def test_a_password_in_any_script(key: rsa.RSAPrivateKey) -> None:
    for password in ("pässwörd", "密码-🔑", " blank "):
        entry = ("k", pkcs8(key), [der(certificate(key))])
        assert open_keystore(jks(entry, password=password, key_password=password), password).alias == "k"
        assert open_keystore(p12(key, certificate(key), password), password).alias == "k"


def test_nothing_of_the_key_is_shown() -> None:
    found = open_keystore(JKS, PASSWORD)
    assert "RSAPrivateKey" not in repr(found)


# ---- validity in time ----------------------------------------------------------------------------------


def test_an_expired_certificate_says_so(key: rsa.RSAPrivateKey) -> None:
    found = open_keystore(p12(key, certificate(key, NOW - 3 * DAY, NOW - DAY)), PASSWORD)
    with pytest.raises(Fatal, match=r"expired on \d{4}-\d\d-\d\d, and Salesforce refuses") as refused:
        found.check_validity()
    assert refused.value.stage is Stage.LOGIN
    assert "sfbridge auth keystore" in refused.value.message


@pytest.mark.parametrize(("days", "warned"), [(29, True), (31, False)])
def test_a_certificate_that_is_about_to_expire_is_said_before(
    key: rsa.RSAPrivateKey, days: int, warned: bool
) -> None:
    found = open_keystore(p12(key, certificate(key, NOW - DAY, NOW + days * DAY)), PASSWORD)
    found.check_validity()
    assert any("expires in 28 days" in notice for notice in found.notices) is warned


def test_a_certificate_of_the_future_says_so(key: rsa.RSAPrivateKey) -> None:
    found = open_keystore(jks(("k", pkcs8(key), [der(certificate(key, NOW + DAY, NOW + 2 * DAY))])), PASSWORD)
    with pytest.raises(Fatal, match=r"valid only from .* clock"):
        found.check_validity()
