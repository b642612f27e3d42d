"""Encoding to Avro's binary form, the complete way: one closure for each type, built once for a schema.

The generated functions of ``formats/avro/`` are the quick way for what occurs in every event; whatever they stumble
over comes here, and errors are raised here. Bytes: Avro 1.12 specification, *Binary Encoding*. Where a union
has several branches for a value, the exact type wins over a promotion, then the earlier branch.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec
from attrs import evolve, frozen

from bridge.errors import Fatal, Stage
from bridge.formats.avro.defaults import absent, varint
from bridge.formats.bad_values import unwritable
from bridge.languages.avro.types import AvroType
from bridge.model.connect_json import decimal_to_bytes
from bridge.model.protection import Seal
from bridge.model.schema import DATE, DECIMAL, TIME, TIMESTAMP, UNSET, Kind, Schema

Write = Callable[[Any], bytes]
INTEGERS: Final = {Kind.INT8: 8, Kind.INT16: 16, Kind.INT32: 32, Kind.INT64: 64}

_WHOLE: Final = ("int", "long")
_EXACT: Final[dict[Kind, tuple[str, ...]]] = {
    Kind.STRING: ("string", "enum"),
    Kind.BOOLEAN: ("boolean",),
    Kind.INT8: ("int", "long", "float", "double"),
    Kind.INT16: ("int", "long", "float", "double"),
    Kind.INT32: ("int", "long", "double", "float"),
    Kind.INT64: ("long", "int", "double", "float"),
    Kind.FLOAT32: ("float", "double"),
    Kind.FLOAT64: ("double", "long", "int"),
    Kind.BYTES: ("bytes", "fixed"),
    Kind.ARRAY: ("array",),
    Kind.MAP: ("map",),
    Kind.STRUCT: ("record",),
}
"""Avro types a kind can be written as, best first. A double goes into a long where it is a whole number."""
_LOGICAL: Final[dict[str, Mapping[str | None, int]]] = {
    TIMESTAMP: {
        None: 1,
        "timestamp-millis": 1,
        "timestamp-micros": 1000,
        "local-timestamp-millis": 1,
        "local-timestamp-micros": 1000,
    },
    TIME: {None: 1, "time-millis": 1, "time-micros": 1000},
    DATE: {None: 1, "date": 1},
}
"""Avro logical types a Connect logical type can be written as, with the factor that takes it there."""


@frozen
class Target:
    """Where values of a field go: the branch's bytes before a value, the type, a factor for its unit.

    ``null`` is what stands for null; None where the written schema has no place for it. ``seal``: values are
    encrypted by it, and no writer is made for them that does not.
    """

    path: str
    type: AvroType
    head: bytes
    null: bytes | None
    factor: int = 1
    seal: Seal | None = None


def target(
    schema: Schema,
    written: AvroType,
    path: str,
    seal: Seal | None = None,
    *,
    ignore_null_defaults: bool = False,
) -> Target:
    """Match a neutral schema with a written type. Fatal(stage=SCHEMA) where it does not fit, Fatal(stage=ENCRYPT)
    where it is to be encrypted and cannot be."""
    branches = written.branches if written.kind == "union" else (written,)
    fitting = [(rank, i) for i, b in enumerate(branches) if (rank := _rank(schema, b)) is not None]
    if not fitting:
        wanted = schema.name or schema.kind.value
        raise Fatal(
            f"field {path} is {wanted}, the registered schema has {written} for it", stage=Stage.SCHEMA
        )
    _, chosen = min(fitting)
    null = next((i for i, b in enumerate(branches) if b.kind == "null"), None)
    union = written.kind == "union"
    result = Target(
        path,
        branches[chosen],
        varint(chosen) if union else b"",
        None if null is None else varint(null) if union else b"",
        _LOGICAL.get(schema.name or "", {}).get(branches[chosen].logical, 1),
        seal,
    )
    if seal is not None and result.type.kind not in ("string", "bytes", "array", "map"):
        raise Fatal(
            f"field {path} is to be encrypted and is {result.type}; only texts and bytes can be",
            stage=Stage.ENCRYPT,
        )
    default = schema.default
    if default is UNSET or default is None or (schema.optional and ignore_null_defaults):
        return result
    filled = result.head + writer(schema, result, path)(default)
    return evolve(result, null=filled)


def _rank(schema: Schema, written: AvroType) -> int | None:
    kinds = _EXACT[schema.kind]
    if written.kind not in kinds:
        return None
    factors = _LOGICAL.get(schema.name or "")
    if factors is not None and (written.kind not in _WHOLE or written.logical not in factors):
        return None
    if schema.name == DECIMAL and written.logical != "decimal":
        return None
    if schema.kind is Kind.STRUCT and schema.name and written.name == schema.name:
        return -1
    return kinds.index(written.kind)


def writer(schema: Schema, into: Target, record: str) -> Write:
    """The closure that writes non-null values of ``schema`` as the target's type, without the branch."""
    kind, path = into.type.kind, into.path
    if kind == "record":
        return _record(schema, into.type, path, record)
    if kind in ("array", "map"):
        return _blocks(schema, into, record)
    if kind == "string":
        return _string if into.seal is None else _sealed_string(into.seal)
    if kind == "enum":
        return _enum(into.type, record, path)
    if kind in _WHOLE:
        return _integer(schema, into, 32 if kind == "int" else 64, record)
    if kind in ("bytes", "fixed"):
        return _bytes(schema, into, record)
    simple: dict[str, Write] = {
        "boolean": lambda value: b"\x01" if value else b"\x00",
        "double": struct.Struct("<d").pack,
        "float": struct.Struct("<f").pack,
    }
    return _checked(simple[kind], record, path, kind)


def nullable(schema: Schema, into: Target, record: str) -> Write:
    """The closure that writes any value of ``schema``, branch included. BadRecord for a null without a place."""
    write, head, null = writer(schema, into, record), into.head, into.null

    def either(value: Any) -> bytes:
        if value is not None:
            return head + write(value)
        if null is None:
            raise unwritable(record, into.path, "is null, which the registered schema does not allow")
        return null

    return either


@frozen
class Column:
    """A field of the written record: what of the value goes there, or the bytes that always stand there."""

    name: str
    source: str | None
    schema: Schema | None
    target: Target | None
    constant: bytes = b""


def columns(
    schema: Schema,
    written: AvroType,
    names: Mapping[str, str],
    *,
    ignore_null_defaults: bool = False,
    path: str = "",
) -> list[Column]:
    """For each field of a written record, where its value comes from.

    ``names``: name in the written record → name in ``schema``. Fatal(stage=SCHEMA) naming a field without
    default and without null that the schema lacks.
    """
    out = []
    for column in written.fields:
        source = schema.field_named(names.get(column.name, column.name))
        where = f"{path}{column.name}"
        if source is None:
            out.append(Column(column.name, None, None, None, absent(column, where)))
        else:
            into = target(
                source.schema, column.type, where, column.seal, ignore_null_defaults=ignore_null_defaults
            )
            out.append(Column(column.name, source.name, source.schema, into))
    return out


def _record(schema: Schema, written: AvroType, path: str, record: str) -> Write:
    steps: list[tuple[str | None, Write | None, bytes]] = [
        (c.source, nullable(c.schema, c.target, record) if c.schema and c.target else None, c.constant)
        for c in columns(schema, written, {}, path=f"{path}.")
    ]

    def write(value: Any) -> bytes:
        given = value if isinstance(value, dict) else msgspec.to_builtins(value)
        return b"".join(step(given.get(name)) if step else constant for name, step, constant in steps)

    return write


def _blocks(schema: Schema, whole: Target, record: str) -> Write:
    written = whole.type
    assert schema.value_schema is not None
    assert written.inner is not None
    into = target(schema.value_schema, written.inner, f"{whole.path}[]", whole.seal)
    item = nullable(schema.value_schema, into, record)
    if written.kind == "map":

        def write_map(value: Any) -> bytes:
            entries = [_string(key) + item(v) for key, v in value.items()]
            return varint(len(entries)) + b"".join(entries) + b"\x00" if entries else b"\x00"

        return write_map

    def write_array(value: Any) -> bytes:
        return varint(len(value)) + b"".join(map(item, value)) + b"\x00" if value else b"\x00"

    return write_array


def _string(value: str) -> bytes:
    encoded = value.encode()
    return varint(len(encoded)) + encoded


def _sealed_string(seal: Seal) -> Write:
    encrypt = seal.text

    def write(value: str) -> bytes:
        encoded = encrypt(value.encode())
        return varint(len(encoded)) + encoded

    return write


def _enum(written: AvroType, record: str, path: str) -> Write:
    symbols = {symbol: varint(i) for i, symbol in enumerate(written.symbols)}

    def write(value: str) -> bytes:
        index = symbols.get(value)
        if index is None:
            raise unwritable(record, path, f"is none of the symbols of the registered enum {written.name}")
        return index

    return write


def _integer(schema: Schema, into: Target, bits: int, record: str) -> Write:
    low, high, factor = -(1 << bits - 1), (1 << bits - 1) - 1, into.factor

    def write(value: Any) -> bytes:
        number = int(value) if isinstance(value, int) or float(value).is_integer() else None
        if number is None:
            raise unwritable(record, into.path, f"has a fraction, and the registered schema has {into.type}")
        number *= factor
        if not low <= number <= high:
            raise unwritable(record, into.path, f"is beyond the range of the registered {into.type}")
        return varint(number)

    return write


def _bytes(schema: Schema, into: Target, record: str) -> Write:
    written, path, encrypt = into.type, into.path, into.seal.raw if into.seal else None

    def raw(value: Any) -> bytes:
        if schema.name != DECIMAL:
            return bytes(value)
        try:
            return decimal_to_bytes(value, written.scale)
        except ValueError as error:
            raise unwritable(record, path, f"does not fit its decimal type: {error}") from None

    def write_fixed(value: Any) -> bytes:
        out = raw(value)
        if schema.name == DECIMAL and len(out) < written.size:
            out = (b"\xff" if out[0] & 128 else b"\x00") * (written.size - len(out)) + out
        if len(out) != written.size:
            raise unwritable(
                record, path, f"has {len(out)} bytes, the registered {written.name} {written.size}"
            )
        return out

    def write_bytes(value: Any) -> bytes:
        out = raw(value) if encrypt is None else encrypt(raw(value))
        return varint(len(out)) + out

    return write_fixed if written.kind == "fixed" else write_bytes


def _checked(write: Write, record: str, path: str, kind: str) -> Write:
    def checked(value: Any) -> bytes:
        try:
            return write(value)
        except (struct.error, OverflowError, TypeError):
            raise unwritable(record, path, f"cannot be written as {kind}") from None

    return checked
