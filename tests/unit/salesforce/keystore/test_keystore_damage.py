"""No damage to a keystore raises anything but ours, and none takes long."""

from __future__ import annotations

import time
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
)
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from bridge.errors import ConfigurationError
from bridge.salesforce.keystore import KeystoreError, open_keystore
from tests.unit.salesforce.keystore.stores import (
    FILE,
    JKS,
    P12,
    PASSWORD,
    _der,
    certificate,
    jks,
    load,
    p12,
    pkcs8,
    refused,
)


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
