"""The row of a schema: a msgspec struct whose fields are the record's layout, decoded from the payload in one pass.

A row's fields stand in the order of the output and are named like it on the wire, so the payload decodes into
it directly and it encodes to JSON as it is. What the payload lacks (ReplayId, EventUuid) is set afterwards;
what is the same for every event (_ObjectType, _EventType) is a default value.
"""

from __future__ import annotations

import keyword
from collections.abc import Callable, Mapping
from datetime import datetime
from enum import Enum, auto
from typing import Annotated, Any, Final

import msgspec
from attrs import field, frozen

from bridge.changes import HEADER
from bridge.formats.changes import settling
from bridge.languages.avro.wire import Wire
from bridge.model.moves import Fixed, Moves
from bridge.model.schema import DATE, TIMESTAMP, EventField, EventType, Kind, Schema
from bridge.model.wire import AS_IT_STANDS

Row = msgspec.Struct
"""A row in its final form has the values of ``model/schema.py``; nested structs are rows too."""


class Form(Enum):
    """How a value stands in a row that was just decoded, before it has its final form."""

    FINAL = auto()
    MOMENT = auto()  # datetime; final: ms
    DAY = auto()  # text of a date; final: days
    NUMBER = auto()  # raw JSON of a number or string; final: its text
    JSON = auto()  # raw JSON of anything; final: its text


@frozen
class Slot:
    """One field of the row: its name in the record, its attribute, and the form it is decoded in."""

    name: str
    attribute: str
    form: Form
    schema: Schema
    parts: tuple[str, ...] = ()
    """Of a person's name, which may be a text or these."""


@frozen
class Layout:
    """A row type with all that generated functions need to know of it."""

    event: EventType
    schema: Schema
    row: type[Row]
    slots: tuple[Slot, ...]
    constants: Mapping[str, str]
    decode: Callable[[object], Row] = field(eq=False)
    drops_unknown: bool = False
    passed_over: frozenset[str] = frozenset()
    """Fields of the event that are not written on purpose."""
    settle: Callable[[Row], None] | None = field(default=None, eq=False)
    """What is to be done with a change event's row once it is decoded; ``decode`` does it."""
    wire: Wire | None = None
    """The schema of payloads in Avro; None: they are JSON."""
    moves: Moves | None = None
    """Where the fields of ``schema`` come from, where these are not those of ``slots`` (``formats/moved.py``)."""
    shape: type[Row] | None = None
    """What is written as JSON instead of the row, where fields are moved."""

    def values(self, row: Row) -> dict[str, object]:
        """The values that are written, by field name."""
        if self.moves is None:
            return {s.name: getattr(row, s.attribute) for s in self.slots}
        attributes = {s.name: s.attribute for s in self.slots}
        return {
            name: move.text if isinstance(move, Fixed) else getattr(row, attributes[move])
            for name, move in self.moves.items()
        }


NO_TEXT: Final = frozenset({"boolean", "double", "percent", "int", "long", "address", "location"})
"""Declared types that are no JSON text on the wire; as a text they are their own JSON text."""

_INT32 = Annotated[int, msgspec.Meta(ge=-(2**31), le=2**31 - 1)]
_INT64 = Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)]
_TYPES: Final[dict[Kind, Any]] = {
    Kind.STRING: str,
    Kind.BOOLEAN: bool,
    Kind.FLOAT64: float,
    Kind.INT32: _INT32,
    Kind.INT64: _INT64,
}


def layout(
    event: EventType, schema: Schema, *, drop_unknown: bool = False, wire: Wire | None = None
) -> Layout:
    """The row type of an event's schema as ``record_schema`` makes it; ``wire``: of payloads in Avro."""
    declared = {f.name: f for f in event.fields if f.part_of is None}
    constants = {"_ObjectType": event.name}
    if event.schema_id is not None:
        constants["_EventType"] = event.schema_id
    slots, columns = [], []
    for position, column in enumerate(schema.fields):
        of = declared.get(column.name, _TEXT)
        form, parts = _form(column.schema, of.type), _text_or(of)
        slot = Slot(column.name, attribute_name(column.name, position), form, column.schema, parts)
        slots.append(slot)
        columns.append((slot.attribute, _type(slot, drop_unknown), constants.get(column.name)))
    passed_over = frozenset(declared) - {column.name for column in schema.fields}
    row = _struct("Row", columns, slots, forbid_unknown=not (drop_unknown or passed_over))
    decode: Callable[[Any], Row] = msgspec.json.Decoder(row).decode
    if passed_over and not drop_unknown:
        decode = _strict(decode, passed_over.union(column.name for column in schema.fields))
    settle = None
    if event.entity is not None:
        settle = _settling(event, slots)
        decode = _settled(decode, settle)
    return Layout(
        event, schema, row, tuple(slots), constants, decode, drop_unknown, passed_over, settle, wire
    )


_TEXT: Final = EventField("", "string")


def _text_or(field: EventField) -> tuple[str, ...]:
    """The parts that a text may have instead."""
    return () if field.type in ("address", "location") else tuple(child.name for child in field.children)


def _settling(event: EventType, slots: list[Slot]) -> Callable[[Any], None]:
    person = next((f for f in event.fields if f.part_of is None and _text_or(f)), None)
    parts = {} if person is None else {child.name: child.flat or child.name for child in person.children}
    return settling({s.name: s.attribute for s in slots}, None if person is None else person.name, parts)


def _settled(decode: Callable[[Any], Row], settle: Callable[[Any], None]) -> Callable[[Any], Row]:
    def decode_and_settle(payload: Any) -> Row:
        row = decode(payload)
        settle(row)
        return row

    return decode_and_settle


def _strict(decode: Callable[[Any], Row], allowed: frozenset[str]) -> Callable[[Any], Row]:
    """Passing over some fields must not mean passing over any: those nobody knows are still refused."""
    names = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode

    def decode_known(payload: Any) -> Row:
        if not allowed.issuperset(names(payload)):
            raise ValueError("an unknown field")
        return decode(payload)

    return decode_known


def attribute_name(name: str, position: int) -> str:
    """The field's own name where Python can use it, else one made of its position."""
    usable = name.isascii() and name.isidentifier() and not keyword.iskeyword(name)
    return name if usable and not name.startswith(("__", "field_")) else f"field_{position}"


def _form(schema: Schema, declared: str) -> Form:
    if schema.name == TIMESTAMP:
        return Form.MOMENT
    if schema.name == DATE:
        return Form.DAY
    if schema.kind is Kind.STRING and declared in AS_IT_STANDS:
        return Form.NUMBER if declared == "currency" else Form.JSON
    if schema.kind is Kind.STRING and declared in NO_TEXT:
        return Form.JSON
    return Form.FINAL


def _type(slot: Slot, drop_unknown: bool) -> Any:
    if slot.form is Form.MOMENT:
        return datetime | None
    if slot.form is Form.DAY:
        return str | None
    if slot.form in (Form.NUMBER, Form.JSON):
        return msgspec.Raw
    if slot.schema.kind is Kind.STRUCT:
        return nested_type(slot.schema, drop_unknown or slot.name == HEADER) | None
    if slot.parts:
        columns = [(name, str | None, None) for name in slot.parts]
        return str | msgspec.defstruct("Person", columns, forbid_unknown_fields=not drop_unknown) | None
    if slot.schema.kind is Kind.ARRAY:
        return list[str] | None  # no event has lists of anything else
    return _TYPES[slot.schema.kind] | None


def nested_type(schema: Schema, drop_unknown: bool) -> type[Row]:
    """The row of a struct within a record."""
    slots = [
        Slot(f.name, attribute_name(f.name, i), Form.FINAL, f.schema) for i, f in enumerate(schema.fields)
    ]
    columns = [(s.attribute, _type(s, drop_unknown), None) for s in slots]
    return _struct("Nested", columns, slots, forbid_unknown=not drop_unknown)


def _struct(name: str, columns: list[Any], slots: list[Slot], *, forbid_unknown: bool) -> type[Row]:
    return msgspec.defstruct(
        name,
        columns,
        gc=False,
        forbid_unknown_fields=forbid_unknown,
        rename={s.attribute: s.name for s in slots},
    )
