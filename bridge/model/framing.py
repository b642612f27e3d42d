"""Where a message says which schema it was written with: before the value, or in a header of the record.

Confluent's serializers 8.0: ``PrefixSchemaIdSerializer`` writes a zero byte and the schema's id (u4, big-endian) before
the value, ``HeaderSchemaIdSerializer`` a header ``__value_schema_id`` or ``__key_schema_id`` with a byte 1 and the
schema's GUID (16 bytes), and leaves the value alone. Protobuf's message indexes follow the id or the GUID.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final
from uuid import UUID

from attrs import frozen

from bridge.errors import Fatal, Stage
from bridge.model.registered import Registered

GUID_MAGIC: Final = b"\1"
GUID_BYTES: Final = 17
VALUE_HEADER: Final = "__value_schema_id"
KEY_HEADER: Final = "__key_schema_id"
_SETTINGS: Final = {VALUE_HEADER: "value.schema.id.serializer", KEY_HEADER: "key.schema.id.serializer"}
Headers = tuple[tuple[str, bytes | None], ...]


@frozen
class Framing:
    """How one side of records is framed. ``header``: its name; None for the form with a prefix. ``indexed``: a
    Protobuf value, whose message indexes go with what names the schema."""

    header: str | None = None
    indexed: bool = False

    @classmethod
    def of(cls, settings: Mapping[str, str], header: str, *, indexed: bool = False) -> Framing:
        """As a converter's settings say; ``header`` says which side it is."""
        chosen = settings.get(_SETTINGS[header], "").strip()
        return cls(header if chosen.endswith("HeaderSchemaIdSerializer") else None, indexed)

    def frame(self, registered: Registered) -> bytes:
        """What encoders put before the value. Fatal where the registry gives no GUID and a header is wanted."""
        if self.header is None:
            return registered.frame
        if not registered.guid:
            raise Fatal(
                f"the registry gives no GUID for {registered.subject} version {registered.version}, which "
                f"{_SETTINGS[self.header]}=HeaderSchemaIdSerializer puts into a header: use a registry of version 8.0 "
                "or later, or PrefixSchemaIdSerializer",
                stage=Stage.SCHEMA,
            )
        return GUID_MAGIC + UUID(registered.guid).bytes

    def split(self, encoded: bytes | None) -> tuple[bytes | None, Headers]:
        """What an encoder made, as the record's value and the headers that go with it."""
        if self.header is None or encoded is None:
            return encoded, ()
        end = GUID_BYTES + (indexes_length(encoded, GUID_BYTES) if self.indexed else 0)
        return encoded[end:], ((self.header, encoded[:end]),)


def indexes_length(data: bytes, at: int) -> int:
    """How many bytes Protobuf's message indexes take: a count and as many numbers, all zigzag varints."""
    start, left = at, 1
    counted = False
    while left:
        number = shift = 0
        while True:
            number |= (data[at] & 127) << shift
            at, shift = at + 1, shift + 7
            if not data[at - 1] & 128:
                break
        left -= 1
        if not counted:
            left, counted = number >> 1, True
    return at - start
