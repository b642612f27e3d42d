"""Keystores: what Java, OpenSSL and we ourselves write is read; everything else ends in one sentence, quickly."""

from __future__ import annotations

import base64
import hashlib
import struct
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    pkcs12,
)
from cryptography.x509.oid import NameOID
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from bridge.config import config_of
from bridge.errors import ConfigurationError, Fatal, Stage
from bridge.salesforce import example_keys
from bridge.salesforce.jks import KEY_PROTECTOR
from bridge.salesforce.keymaker import make_pair
from bridge.salesforce.keystore import KeystoreError, SigningKey, load_keystore, open_keystore

ROOT = Path(__file__).parents[3]
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


@pytest.fixture(scope="module")
def key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


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


# ---- what is refused -----------------------------------------------------------------------------------


def refused(data: bytes, password: str = PASSWORD) -> KeystoreError:
    with pytest.raises(KeystoreError) as error:
        open_keystore(data, password)
    assert "\n" not in error.value.message
    return error.value


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
    assert time.monotonic() - started < 1


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


# ---- fuzz ----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def seeds(key: rsa.RSAPrivateKey) -> list[bytes]:
    encrypted = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"confluent"))
    return [JKS, P12, encrypted, p12(key, None, more=[certificate(key)]), jks(("k", pkcs8(key), []))]


edits = st.lists(
    st.tuples(
        st.floats(0, 1), st.sampled_from(["flip", "set", "cut", "insert"]), st.binary(min_size=1, max_size=6)
    ),
    min_size=1,
    max_size=6,
)


def edited(data: bytes, changes: list[tuple[float, str, bytes]]) -> bytes:
    for where, how, piece in changes:
        at = int(where * len(data))
        if how == "flip":
            data = data[:at] + bytes(b ^ piece[0] for b in data[at : at + 1]) + data[at + 1 :]
        elif how == "set":
            data = data[:at] + piece + data[at + len(piece) :]
        elif how == "cut":
            data = data[:at] + data[at + len(piece) * 20 :]
        else:
            data = data[:at] + piece + data[at:]
    return data


@settings(deadline=3000, max_examples=1500, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, 4), edits, st.sampled_from([PASSWORD, "wrong", ""]))
@example(1, [(0.0, "set", bytes.fromhex("3080"))], PASSWORD)
def test_no_damage_raises_anything_but_ours(
    seeds: list[bytes], which: int, changes: Any, password: str
) -> None:
    data = edited(seeds[which], changes)
    try:
        found = open_keystore(data, password)
    except KeystoreError as error:
        assert error.message  # noqa: PT017
        return
    assert found.private_key.key_size >= 2048


@settings(deadline=3000, max_examples=300)
@given(
    st.binary(max_size=300), st.sampled_from([b"", JKS[:4], b"\x30\x82", b"-----BEGIN PRIVATE KEY-----\n"])
)
def test_no_bytes_at_all_raise_anything_but_ours(data: bytes, head: bytes) -> None:
    with pytest.raises(KeystoreError):
        open_keystore(head + data, PASSWORD)


@settings(max_examples=300)
@given(st.text(max_size=200) | st.text("data:;base64,MI+/=u3Q\n", max_size=200))
def test_no_value_raises_anything_but_ours(value: str) -> None:
    with pytest.raises(ConfigurationError):
        load(**{FILE: value})


def test_a_nested_bomb_is_refused_quickly() -> None:
    bomb = b""
    for _ in range(2000):
        bomb = _der(0x30, bomb)[:60000]
    started = time.monotonic()
    refused(bomb)
    refused(b"\x30\x80" * 200_000)
    refused(_der(0x30, b"\x04\x00" * 30_000))
    assert time.monotonic() - started < 3


def test_many_entries_are_read_quickly() -> None:
    many = jks(*[("c", b"", [b""])] * 9_999)
    started = time.monotonic()
    assert "no private key" in refused(many).message
    assert time.monotonic() - started < 2
