"""What an encoder needs to know of encryption: a seal for each protected field, and one for the whole payload.

Encoders are generated from a schema *and* its protection. A protected field's writer contains the seal, so no
encoder exists that could write it otherwise; a protected field that the schema has no place for is an error.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Final, TypeVar

from attrs import field, frozen

from bridge.errors import Fatal, Stage

TAGS = "confluent:tags"

T = TypeVar("T")
_PROTOBUF_TAGS: Final = "confluent.field_meta"
Bytes = Callable[[bytes], bytes]


class Seal:
    """Encrypts a field's value: ``text`` takes UTF-8 and gives the bytes of the text to write, ``raw`` bytes.

    ``built_in`` is called when an encoder takes one of them, which it does once, while it is compiled.
    """

    __slots__ = ("_built_in", "_raw", "_text")

    def __init__(self, text: Bytes, raw: Bytes, built_in: Callable[[], None] = lambda: None) -> None:
        self._text, self._raw, self._built_in = text, raw, built_in

    @property
    def text(self) -> Bytes:
        """For a text."""
        self._built_in()
        return self._text

    @property
    def raw(self) -> Bytes:
        """For bytes."""
        self._built_in()
        return self._raw

    def watched(self, built_in: Callable[[], None]) -> Seal:
        """The same, telling when it is built in."""
        return Seal(self._text, self._raw, built_in)


@frozen
class Protection:
    """Seals by the field's full name in the written schema (``languages/places.py``). ``key``: equal for equal keys."""

    fields: Mapping[str, Seal] = field(factory=dict, hash=False, eq=False)
    payload: Seal | None = field(default=None, eq=False)
    key: tuple[object, ...] = ()

    @property
    def count(self) -> int:
        """How many fields it protects in each record; the whole payload is one more."""
        return len(self.fields) + (self.payload is not None)

    def watched(self) -> tuple[Protection, set[str]]:
        """The same for one compilation, and the full names of the fields whose seal an encoder has built in by now;
        ``*`` for that of the payload."""
        placed: set[str] = set()
        fields = {name: seal.watched(partial(placed.add, name)) for name, seal in self.fields.items()}
        payload = None if self.payload is None else self.payload.watched(partial(placed.add, "*"))
        return Protection(fields, payload, self.key), placed


NOTHING: Final = Protection()
"""Somebody looked, and nothing is protected."""


def checked(protection: Protection | None, text: str) -> Protection:
    """Fail closed: a schema with tags is compiled only by somebody who says what they protect.

    ``protection`` None means that nobody looked. Fatal(stage=ENCRYPT).
    """
    # Kafka Connect's Protobuf layout has field_meta for its own parameters, too: without the word there is no tag.
    in_protobuf = _PROTOBUF_TAGS in text and "tags" in text
    if protection is None and (TAGS in text or in_protobuf):
        raise Fatal(
            "the schema has tags, and nobody said which of its fields are to be encrypted",
            stage=Stage.ENCRYPT,
        )
    return NOTHING if protection is None else protection


def unsealed(protection: Protection, what: str) -> None:
    """For a value that has no fields. Fatal(stage=ENCRYPT) where anything is protected."""
    if protection.fields or protection.payload:
        raise Fatal(
            f"{what} is no record any more, and something of it is to be encrypted: put HoistField$Value behind the "
            "transforms, or take the rule away",
            stage=Stage.ENCRYPT,
        )


def refused(protection: Protection | None, form: str) -> None:
    """For a format without a place for ciphertext. Fatal(stage=ENCRYPT) where anything is protected."""
    if protection is not None and (protection.fields or protection.payload):
        raise Fatal(
            f"{form} has no schema to hold encryption rules; use AVRO, JSON_SR or PROTOBUF",
            stage=Stage.ENCRYPT,
        )


def whole(encode: Callable[[T], bytes], frame: bytes, protection: Protection | None) -> Callable[[T], bytes]:
    """The encoder itself, or, where the payload is encrypted, the frame and what is left of it: encode without."""
    if protection is None or protection.payload is None:
        return encode
    seal = protection.payload.raw
    return lambda value: frame + seal(encode(value))
