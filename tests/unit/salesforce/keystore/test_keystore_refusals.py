"""Keystores that are refused, each with one sentence; example keys."""

from __future__ import annotations

import base64
import hashlib
import struct
import time

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
)

from bridge.config import config_of
from bridge.errors import ConfigurationError
from bridge.salesforce import example_keys
from bridge.salesforce.keystore import load_keystore, open_keystore
from tests.unit.salesforce.keystore.stores import (
    FILE,
    JKS,
    P12,
    PATH,
    ROOT,
    certificate,
    der,
    jks,
    load,
    p12,
    pkcs8,
    refused,
    url,
)


@pytest.mark.parametrize("data", [JKS, P12])
@pytest.mark.parametrize("password", ["wrong", "", "Confluent", "\ud800"])
def test_a_wrong_password(data: bytes, password: str) -> None:
    error = refused(data, password)
    assert error.password
    assert "password is wrong" in error.message


def test_a_wrong_password_is_blamed_on_its_property() -> None:
    with pytest.raises(ConfigurationError) as error:
        load(**{FILE: url(JKS), "salesforce.jwt.keystore.password": "wr0ng-one"})
    assert [fault.key for fault in error.value.faults] == ["salesforce.jwt.keystore.password"]
    assert "the keystore in salesforce.jwt.keystore.file cannot be opened" in str(error.value)
    assert "wr0ng-one" not in str(error.value)


def test_a_key_under_a_password_of_its_own(key: rsa.RSAPrivateKey) -> None:
    error = refused(jks(("k", pkcs8(key), []), key_password="another"))
    assert error.password
    assert "'k' under another password" in error.message


def test_no_private_key(key: rsa.RSAPrivateKey) -> None:
    cert = certificate(key)
    for data in (jks(("ca", b"", [der(cert)])), p12(None, None, more=[cert]), jks()):
        assert "holds no private key" in refused(data).message


def test_a_certificate_instead_of_a_keystore(key: rsa.RSAPrivateKey) -> None:
    cert = certificate(key)
    for data in (der(cert), cert.public_bytes(Encoding.PEM)):
        assert refused(data).message.startswith("is a certificate, not")


def test_a_key_that_is_not_rsa() -> None:
    curve = ec.generate_private_key(ec.SECP256R1())
    pem = curve.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    for data in (p12(curve, certificate(curve)), jks(("k", pkcs8(curve), [der(certificate(curve))])), pem):
        assert "needs RSA" in refused(data).message


def test_a_key_that_is_too_short() -> None:
    short = rsa.generate_private_key(public_exponent=65537, key_size=1024)
    assert "1024 bits" in refused(p12(short, certificate(short))).message


def test_a_certificate_of_another_key(key: rsa.RSAPrivateKey) -> None:
    other = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    assert "does not belong" in refused(jks(("k", pkcs8(key), [der(certificate(other))]))).message


def test_formats_that_are_not_supported_are_named() -> None:
    assert "JCEKS" in refused(bytes.fromhex("cececece") + JKS[4:]).message
    assert "version 3" in refused(JKS[:4] + struct.pack(">I", 3) + JKS[8:]).message
    assert "neither a JKS" in refused(b"hello").message
    assert (
        "without a private key"
        in refused(b"-----BEGIN PUBLIC KEY-----\nMII\n-----END PUBLIC KEY-----").message
    )


@pytest.mark.parametrize("size", [5, 12, 100, 1000, len(JKS) - 21, len(JKS) - 1])
def test_a_truncated_jks(size: int) -> None:
    assert "cut short" in refused(JKS[:size]).message


@pytest.mark.parametrize("size", [1, 12, 100, 1000, len(P12) - 1])
def test_a_truncated_pkcs12(size: int) -> None:
    assert "cut short or damaged" in refused(P12[:size]).message


@pytest.mark.parametrize("at", [4 + 4 + 4 + 10, 200, len(JKS) - 1])
def test_a_changed_byte_fails_the_integrity_check(at: int) -> None:
    changed = bytearray(JKS)
    changed[at] ^= 1
    assert refused(bytes(changed)).password


def test_an_iteration_count_that_would_compute_for_hours() -> None:
    changed = P12.replace(bytes.fromhex("02022710"), bytes.fromhex("02027fff"), 1)
    assert "damaged" in refused(changed).message  # still quick, so it is tried, and fails
    slow = P12[:-4] + bytes.fromhex("02047fffffff")
    slow = slow[:2] + struct.pack(">H", len(slow) - 4) + slow[4:]
    mac = slow.index(bytes.fromhex("304d3031300d"))
    slow = slow[: mac + 1] + bytes([0x4F]) + slow[mac + 2 :]
    started = time.monotonic()
    assert "2147483647 iterations" in refused(slow).message
    assert time.monotonic() - started < 10  # so many iterations would take an hour


def test_lengths_that_lie_allocate_nothing() -> None:
    huge = struct.pack(">I", 0x7FFFFFFF)
    assert "claims to hold" in refused(JKS[:8] + huge + JKS[12:]).message
    chain = jks(("k", b"x" * 60, []))
    at = len(chain) - 20 - 4
    assert "claims a chain" in refused(chain[:at] + huge + chain[at + 4 :]).message


@pytest.mark.parametrize(
    ("given", "key", "said"),
    [
        ({}, FILE, "is required"),
        ({FILE: "/nowhere/at/all.p12"}, FILE, "names no file"),
        ({PATH: "/nowhere/at/all.p12"}, PATH, "names no file"),
        ({PATH: "/tmp"}, PATH, "not a file"),
        ({PATH: "/dev/zero"}, PATH, "not a file"),
        ({PATH: "a\0b"}, PATH, "cannot be read"),
        ({FILE: "data:text/plain,abc"}, FILE, "without base64"),
        ({FILE: "data:text/plain;base64,!!!"}, FILE, "no valid base64"),
        ({FILE: "data:text/plain;base64,"}, FILE, "is empty"),
        ({FILE: url(b"x" * (1 << 20) + b"x")}, FILE, "larger than"),
        ({FILE: url(JKS), PATH: "/x"}, PATH, "both given"),
    ],
)
def test_values_that_lead_nowhere(given: dict[str, str], key: str, said: str) -> None:
    with pytest.raises(ConfigurationError, match=said) as error:
        load(**given)
    assert error.value.faults[0].key == key


def test_a_key_pasted_without_its_prefix_is_not_repeated() -> None:
    text = "xx" + base64.b64encode(JKS).decode()
    with pytest.raises(ConfigurationError) as error:
        load(**{FILE: text})
    assert text[:40] not in str(error.value)


# ---- example keys --------------------------------------------------------------------------------------


def example_given() -> dict[str, str]:
    path = ROOT / "keys-example" / "salesforce-jwt.p12"
    return {PATH: str(path), "salesforce.jwt.keystore.password": "example-only"}


def test_the_example_keystore_is_refused_unless_allowed() -> None:
    with pytest.raises(ConfigurationError, match=r"example keystore.*bridge\.allow\.example\.keys=true"):
        load_keystore(config_of(example_given()))
    load_keystore(config_of({**example_given(), "bridge.allow.example.keys": "true"})).check_validity()


def test_the_example_key_is_refused_in_another_wrapping_and_under_another_certificate() -> None:
    example_key = open_keystore((ROOT / "keys-example" / "salesforce-jwt.p12").read_bytes(), "example-only")
    again = p12(example_key.private_key, certificate(example_key.private_key))
    pem = example_key.private_key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    for data in (again, pem):
        with pytest.raises(ConfigurationError, match="example keystore"):
            load(**{FILE: url(data)})


def test_the_example_certificate_is_known_beside_any_key(key: rsa.RSAPrivateKey) -> None:
    pem = (ROOT / "keys-example" / "salesforce-jwt.crt").read_bytes()
    assert example_keys.is_example(key, x509.load_pem_x509_certificate(pem))
    assert not example_keys.is_example(key, certificate(key))
    assert not example_keys.is_example(key, None)


def test_the_constants_are_those_of_the_files() -> None:
    pem = (ROOT / "keys-example" / "salesforce-jwt.crt").read_bytes()
    digest = hashlib.sha256(der(x509.load_pem_x509_certificate(pem))).hexdigest()
    assert {digest} == example_keys.CERTIFICATES
