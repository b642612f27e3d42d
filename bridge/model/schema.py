"""The neutral schema model: nothing of Avro, JSON Schema or Protobuf in it.

Two levels. ``EventType`` is what Salesforce says of an event (its own types and labels). ``Schema`` is the
shape of the record that is written; it has exactly the expressive power of Kafka Connect's data model (kinds,
logical names, optional, default, version, doc, parameters), because transforms and converters are defined on
it. A tag belongs to a field and follows it through transforms.

Values that go with a ``Schema``: BOOLEAN bool · INT* int · FLOAT* float · STRING str · BYTES bytes ·
ARRAY list · MAP dict · STRUCT dict by field name; logical: TIMESTAMP int ms since the epoch, DATE int days,
TIME int ms of the day, DECIMAL ``decimal.Decimal``.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from attrs import field, frozen

TIMESTAMP: Final = "org.apache.kafka.connect.data.Timestamp"
DATE: Final = "org.apache.kafka.connect.data.Date"
TIME: Final = "org.apache.kafka.connect.data.Time"
DECIMAL: Final = "org.apache.kafka.connect.data.Decimal"


class Kind(StrEnum):
    """Connect's types, by Connect's names."""

    INT8 = "int8"
    INT16 = "int16"
    INT32 = "int32"
    INT64 = "int64"
    FLOAT32 = "float32"
    FLOAT64 = "float64"
    BOOLEAN = "boolean"
    STRING = "string"
    BYTES = "bytes"
    ARRAY = "array"
    MAP = "map"
    STRUCT = "struct"


class _Unset:
    """No default at all, which is not the same as a default of null."""

    def __repr__(self) -> str:
        return "UNSET"


UNSET: Final = _Unset()


@frozen
class Schema:
    """The shape of a value. ``name`` is a logical type's or a struct's full name."""

    kind: Kind
    optional: bool = False
    name: str | None = None
    version: int | None = None
    doc: str | None = None
    parameters: Mapping[str, str] = field(factory=dict, hash=False)
    default: object = field(default=UNSET, hash=False)
    fields: tuple[Field, ...] = ()
    key_schema: Schema | None = None
    value_schema: Schema | None = None

    def field_named(self, name: str) -> Field | None:
        """The field of that exact name, or None."""
        return next((f for f in self.fields if f.name == name), None)


@frozen
class Field:
    """A field of a struct, and the tags that say what is sensitive about it."""

    name: str
    schema: Schema
    tags: frozenset[str] = frozenset()


@frozen
class EventField:
    """A field as Salesforce declares it. ``type`` is describe's word (``string``, ``datetime``, …).

    ``tags`` maps each tag to its origin in words (``complianceGroup PII``). ``part_of``: the compound field of a change
    event that the value stands in when it comes. ``flat``, of a compound's child: the object's own name for it
    (``MailingStreet``).
    """

    name: str
    type: str
    label: str | None = None
    nillable: bool = True
    length: int | None = None
    precision: int | None = None
    scale: int | None = None
    children: tuple[EventField, ...] = ()
    tags: Mapping[str, str] = field(factory=dict, hash=False)
    part_of: str | None = None
    flat: str | None = None


@frozen
class EventType:
    """An event's declaration: API name, the schema id it was read for, the payload's fields in order."""

    name: str
    fields: tuple[EventField, ...]
    schema_id: str | None = None
    label: str | None = None
    entity: str | None = None
    """The object whose changes it is about; None for a platform event."""
    full_header: bool = False
    """Of a change event: its header's ``nulledFields`` and ``diffFields`` are written, too."""
