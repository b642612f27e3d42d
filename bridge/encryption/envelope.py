"""The bytes of client-side field level encryption. Two things are done with a key: encrypt and decrypt.

Ciphertext, as Confluent's clients write it (Java 8.3.1, Python 2.16; associated data is empty everywhere)::

    AES256_GCM, AES128_GCM   IV(12) ‖ ciphertext ‖ tag(16), the IV random
    AES256_SIV               synthetic IV(16) ‖ ciphertext, deterministic (RFC 5297, one empty associated string)
    where the rule expires   00 ‖ DEK version (u4, big-endian) ‖ one of the above

A bytes field carries this raw, a string field its standard base64. A plaintext DEK is a serialised Tink key
proto: ``1a`` length key (AesGcmKey, field 3) or ``12`` length key (AesSivKey, field 2); a version of 0 is left
out. Vectors: tests/vectors/csfle, written by the Java serializers.
"""

from __future__ import annotations

import os
import sys
from binascii import Error as Base64Error
from binascii import a2b_base64, b2a_base64
from collections.abc import Callable
from enum import StrEnum
from typing import Final
from weakref import WeakSet

from attrs import field, frozen
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, AESSIV

IV: Final = 12
TAG: Final = 16
IVS_AT_ONCE: Final = 512
_MAGIC: Final = 0
_PREFIX: Final = 5


class Algorithm(StrEnum):
    """How a DEK encrypts, by Confluent's names."""

    AES256_GCM = "AES256_GCM"
    AES128_GCM = "AES128_GCM"
    AES256_SIV = "AES256_SIV"

    @property
    def key_bytes(self) -> int:
        """The length of a key."""
        return {"AES256_GCM": 32, "AES128_GCM": 16, "AES256_SIV": 64}[self.value]

    @property
    def deterministic(self) -> bool:
        """Whether equal plaintexts give equal ciphertexts."""
        return self is Algorithm.AES256_SIV


class NotDecryptedError(Exception):
    """Bytes that a key does not open; the message says what is wrong with them, never what they hold."""


Bytes = Callable[[bytes], bytes]


def new_material(algorithm: Algorithm) -> bytes:
    """A fresh plaintext DEK in Tink's form."""
    return material_of(os.urandom(algorithm.key_bytes), algorithm)


def material_of(key: bytes, algorithm: Algorithm) -> bytes:
    """A key in Tink's form."""
    return bytes((0x12 if algorithm.deterministic else 0x1A, len(key))) + key


def key_of(material: bytes, algorithm: Algorithm) -> bytes:
    """The key in a Tink key proto. Raises ValueError where it is none of the algorithm."""
    wanted = 0x12 if algorithm.deterministic else 0x1A
    if material[:2] == b"\x08\x00":  # an explicit version 0
        material = material[2:]
    if len(material) != algorithm.key_bytes + 2 or material[0] != wanted or material[1] != len(material) - 2:
        raise ValueError(f"no {algorithm} key")
    return material[2:]


# --- random IVs ------------------------------------------------------------------------------------------------


class Ivs:
    """Random IVs of one key, drawn by the block, so that values are counted (``uses.py``) without a step for each.

    ``left``: how many may be drawn still. ``more``: called where they are used up; gives leave for some, or raises.
    """

    __slots__ = ("__weakref__", "drawn", "left", "more", "pool")

    def __init__(self) -> None:
        self.pool: list[bytes] = []
        self.left = sys.maxsize
        self.drawn = 0
        self.more: Callable[[], None] = lambda: None
        _every.add(self)

    def draw(self) -> bytes:
        """The first of a new block; the others go into the pool."""
        if self.left < IVS_AT_ONCE:
            self.more()
        self.left -= IVS_AT_ONCE
        self.drawn += IVS_AT_ONCE
        block = os.urandom(IV * IVS_AT_ONCE)
        fresh = [block[at : at + IV] for at in range(0, len(block), IV)]
        out = fresh.pop()
        self.pool.extend(fresh)
        return out


_every: WeakSet[Ivs] = WeakSet()


def _forget_all() -> None:
    for ivs in list(_every):
        ivs.pool.clear()


# A child would use the very IVs its parent uses, which breaks GCM.
os.register_at_fork(after_in_child=_forget_all)


# --- with a key ------------------------------------------------------------------------------------------------


@frozen
class Cipher:
    """A DEK ready for use. ``version``: written before the ciphertext, None where the rule does not expire."""

    algorithm: Algorithm
    version: int | None
    encrypt: Bytes = field(repr=False, eq=False)
    encrypt_text: Bytes = field(repr=False, eq=False)
    """UTF-8 in, the base64 text's bytes out: what a string field carries."""
    decrypt: Bytes = field(repr=False, eq=False)
    """NotDecryptedError for what this key does not open; takes the version off, whichever it is."""


def cipher_of(
    material: bytes, algorithm: Algorithm, version: int | None = None, ivs: Ivs | None = None
) -> Cipher:
    """The cipher of a plaintext DEK; ``ivs``: where its values are counted. ValueError where the material is no key of
    the algorithm."""
    key = key_of(material, algorithm)
    prefix = b"" if version is None else version_prefix(version)
    if algorithm.deterministic:
        return _siv(AESSIV(key), algorithm, prefix, version)
    return _gcm(AESGCM(key), algorithm, prefix, version, ivs or Ivs())


def version_prefix(version: int) -> bytes:
    """What stands before the ciphertext where a rule expires."""
    return bytes((_MAGIC,)) + version.to_bytes(4, "big")


def version_of(ciphertext: bytes) -> int:
    """The DEK version a ciphertext names. NotDecryptedError where it names none."""
    if len(ciphertext) < _PREFIX or ciphertext[0] != _MAGIC:
        raise NotDecryptedError("it does not begin with a key version, as the rule's expiry wants it")
    version = int.from_bytes(ciphertext[1:_PREFIX], "big")
    if not 0 < version < 1 << 31:
        raise NotDecryptedError(f"it names the impossible key version {version}")
    return version


def from_text(text: str) -> bytes:
    """The ciphertext in a string field. NotDecryptedError where it is no base64."""
    try:
        return a2b_base64(text.encode("ascii"), strict_mode=True)
    except (Base64Error, UnicodeEncodeError):
        raise NotDecryptedError("it is no base64, so no ciphertext") from None


def _gcm(aead: AESGCM, algorithm: Algorithm, prefix: bytes, version: int | None, ivs: Ivs) -> Cipher:
    seal, unseal = aead.encrypt, aead.decrypt
    next_iv, draw = ivs.pool.pop, ivs.draw

    def encrypt(data: bytes) -> bytes:
        try:
            iv = next_iv()
        except IndexError:
            iv = draw()
        return prefix + iv + seal(iv, data, None)

    def encrypt_text(data: bytes) -> bytes:
        try:
            iv = next_iv()
        except IndexError:
            iv = draw()
        return b2a_base64(prefix + iv + seal(iv, data, None), newline=False)

    def decrypt(data: bytes) -> bytes:
        body = data[len(prefix) :]
        if len(body) < IV + TAG:
            raise NotDecryptedError(f"it has {len(data)} bytes, fewer than any ciphertext of {algorithm}")
        try:
            return unseal(body[:IV], body[IV:], None)
        except InvalidTag:
            raise NotDecryptedError(_WRONG) from None

    return Cipher(algorithm, version, encrypt, encrypt_text, decrypt)


def _siv(aead: AESSIV, algorithm: Algorithm, prefix: bytes, version: int | None) -> Cipher:
    associated = [b""]  # not None: no associated data at all gives other bytes

    def encrypt(data: bytes) -> bytes:
        return prefix + aead.encrypt(data, associated)

    def encrypt_text(data: bytes) -> bytes:
        return b2a_base64(prefix + aead.encrypt(data, associated), newline=False)

    def decrypt(data: bytes) -> bytes:
        body = data[len(prefix) :]
        if len(body) < TAG:
            raise NotDecryptedError(f"it has {len(data)} bytes, fewer than any ciphertext of {algorithm}")
        try:
            return aead.decrypt(body, associated)
        except InvalidTag:
            raise NotDecryptedError(_WRONG) from None

    return Cipher(algorithm, version, encrypt, encrypt_text, decrypt)


_WRONG: Final = "it was changed, or encrypted with another key"
