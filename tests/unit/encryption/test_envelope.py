"""The bytes: round trips, tampering, keys, prefixes, IVs."""

from __future__ import annotations

import base64
import os
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.encryption import envelope
from bridge.encryption.envelope import (
    Algorithm,
    NotDecryptedError,
    cipher_of,
    from_text,
    key_of,
    new_material,
    version_prefix,
)

ALGORITHMS = list(Algorithm)
VERSIONS = st.one_of(st.none(), st.integers(1, (1 << 31) - 1))


@given(st.sampled_from(ALGORITHMS), VERSIONS, st.binary(max_size=300))
def test_what_is_encrypted_opens_again(algorithm: Algorithm, version: int | None, data: bytes) -> None:
    cipher = cipher_of(new_material(algorithm), algorithm, version)
    sealed = cipher.encrypt(data)
    assert cipher.decrypt(sealed) == data
    assert cipher.decrypt(from_text(cipher.encrypt_text(data).decode())) == data
    overhead = 16 if algorithm.deterministic else 28
    assert len(sealed) == len(data) + overhead + (0 if version is None else 5)
    if version is not None:
        assert sealed[:5] == b"\0" + version.to_bytes(4, "big")
        assert envelope.version_of(sealed) == version


def test_a_thousand_tampered_messages_do_not_open() -> None:
    dice = random.Random(7)
    for number in range(1000):
        algorithm = ALGORITHMS[number % 3]
        cipher = cipher_of(new_material(algorithm), algorithm, 3 if number % 2 else None)
        sealed = bytearray(cipher.encrypt(os.urandom(dice.randrange(1, 60))))
        start = 5 if number % 2 else 0
        change = dice.choice(("flip", "cut", "grow", "swap"))
        if change == "flip":
            sealed[dice.randrange(start, len(sealed))] ^= 1 << dice.randrange(8)
        elif change == "cut":
            del sealed[dice.randrange(start, len(sealed)) :]
        elif change == "grow":
            sealed += os.urandom(dice.randrange(1, 9))
        else:
            sealed[start:] = bytes(reversed(sealed[start:]))
        with pytest.raises(NotDecryptedError, match=r"changed|fewer"):
            cipher.decrypt(bytes(sealed))


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_another_key_does_not_open(algorithm: Algorithm) -> None:
    sealed = cipher_of(new_material(algorithm), algorithm).encrypt(b"x")
    with pytest.raises(NotDecryptedError, match="another key"):
        cipher_of(new_material(algorithm), algorithm).decrypt(sealed)


@pytest.mark.parametrize(
    ("algorithm", "head"), [("AES256_GCM", "1a20"), ("AES128_GCM", "1a10"), ("AES256_SIV", "1240")]
)
def test_a_key_is_a_tink_proto(algorithm: str, head: str) -> None:
    material = new_material(Algorithm(algorithm))
    assert material[:2].hex() == head
    assert key_of(b"\x08\x00" + material, Algorithm(algorithm)) == material[2:]


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@pytest.mark.parametrize(
    "wrong", [b"", b"\x1a", b"\x1a\x20" + b"k" * 31, b"\x12\x20" + b"k" * 32, b"\x1a\x20" + b"k" * 33]
)
def test_what_is_no_key_is_refused(algorithm: Algorithm, wrong: bytes) -> None:
    with pytest.raises(ValueError, match="no AES"):
        cipher_of(wrong, algorithm)


@pytest.mark.parametrize("algorithm", list(Algorithm))
@pytest.mark.parametrize("version", [None, 3])
def test_what_is_shorter_than_any_ciphertext_is_told_apart(algorithm: Algorithm, version: int | None) -> None:
    """16 to 27 bytes are an IV and a part of a tag to GCM, and a whole (forged) text to SIV."""
    cipher = cipher_of(new_material(algorithm), algorithm, version)
    prefix = b"" if version is None else version_prefix(version)
    least = 16 if algorithm.deterministic else 28
    for length in range(least + 4):
        words = "fewer than any ciphertext" if length < least else "changed, or encrypted with another key"
        with pytest.raises(NotDecryptedError, match=words):
            cipher.decrypt(prefix + bytes(length))
    assert cipher.decrypt(cipher.encrypt(b"")) == b""


def test_siv_is_deterministic_and_gcm_is_not() -> None:
    siv = cipher_of(new_material(Algorithm.AES256_SIV), Algorithm.AES256_SIV)
    gcm = cipher_of(new_material(Algorithm.AES256_GCM), Algorithm.AES256_GCM)
    assert siv.encrypt(b"x") == siv.encrypt(b"x")
    ivs = {gcm.encrypt(b"x")[:12] for _ in range(5000)}
    assert len(ivs) == 5000


def test_a_forked_child_has_ivs_of_its_own() -> None:
    cipher = cipher_of(new_material(Algorithm.AES256_GCM), Algorithm.AES256_GCM)
    cipher.encrypt(b"fill the pool")
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        os.write(writing, b"".join(cipher.encrypt(b"")[:12] for _ in range(300)))
        os._exit(0)
    ours = {cipher.encrypt(b"")[:12] for _ in range(300)}
    with os.fdopen(reading, "rb") as pipe:
        os.close(writing)
        theirs = pipe.read()
    os.waitpid(child, 0)
    assert len(theirs) == 3600
    assert ours.isdisjoint(theirs[at : at + 12] for at in range(0, len(theirs), 12))


@pytest.mark.parametrize("text", ["alice@example.com", "žluť", "YQ", "YQ==\n", " YQ==", "Y-Q="])
def test_what_is_no_base64_is_no_ciphertext(text: str) -> None:
    with pytest.raises(NotDecryptedError, match="base64"):
        from_text(text)


@pytest.mark.parametrize("data", [b"", b"\0\0\0\0", b"\1\0\0\0\1", b"\0\0\0\0\0", b"\0\xff\0\0\0"])
def test_a_version_that_is_missing(data: bytes) -> None:
    with pytest.raises(NotDecryptedError, match="version"):
        envelope.version_of(data + (b"rest" if len(data) == 5 else b""))


def test_nothing_shows_a_key() -> None:
    material = new_material(Algorithm.AES256_GCM)
    shown = repr(cipher_of(material, Algorithm.AES256_GCM, 1))
    assert material[2:].hex() not in shown
    assert base64.b64encode(material).decode() not in shown
    assert "encrypt" not in shown
