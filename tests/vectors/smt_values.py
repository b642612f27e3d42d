"""Schemas and values of the recorded transforms, from their JSON form and back."""

from __future__ import annotations

import base64
import math
from decimal import Decimal
from typing import Any

from bridge.java.numbers import float32
from bridge.model.schema import DATE, DECIMAL, TIME, TIMESTAMP, UNSET, Field, Kind, Schema
from bridge.transforms.record import BigInt, Float32, Instant, Int8, Int16, Int32, Struct

_TAGS = {Kind.INT8: "$int8", Kind.INT16: "$int16", Kind.INT32: "$int32", Kind.INT64: "$int64"}
_TEMPORAL = {DATE: "$date", TIME: "$time", TIMESTAMP: "$timestamp"}
_BOXES: dict[str, Any] = {
    "$int8": Int8, "$int16": Int16, "$int32": Int32, "$int64": int, "$bigint": BigInt, "$timestamp": Instant,
}  # fmt: skip
_KINDS = {Int8: Kind.INT8, Int16: Kind.INT16, Int32: Kind.INT32, int: Kind.INT64}


class Number(int):
    """A number under a temporal schema that is no instant."""


def decode_schema(given: dict[str, Any] | None) -> Schema | None:
    """A schema out of its JSON form."""
    if given is None:
        return None
    bare = Schema(
        Kind(given["type"]),
        optional=given["optional"],
        name=given.get("name"),
        version=given.get("version"),
        doc=given.get("doc"),
        parameters=given.get("parameters", {}),
        fields=tuple(Field(f["name"], _schema(f["schema"])) for f in given.get("fields", ())),
        key_schema=decode_schema(given.get("keySchema")),
        value_schema=decode_schema(given.get("valueSchema")),
    )
    if "default" not in given:
        return bare
    from attrs import evolve

    return evolve(bare, default=decode(given["default"], bare))


def _schema(given: dict[str, Any]) -> Schema:
    schema = decode_schema(given)
    assert schema is not None
    return schema


def encode_schema(schema: Schema | None) -> dict[str, Any] | None:
    """The JSON form of a schema."""
    if schema is None:
        return None
    out: dict[str, Any] = {"type": str(schema.kind), "optional": schema.optional}
    for key in ("name", "version", "doc"):
        if getattr(schema, key) is not None:
            out[key] = getattr(schema, key)
    if schema.parameters:
        out["parameters"] = dict(schema.parameters)
    if schema.default is not UNSET and schema.default is not None:
        out["default"] = encode(schema.default, schema)
    if schema.kind is Kind.STRUCT:
        out["fields"] = [{"name": f.name, "schema": encode_schema(f.schema)} for f in schema.fields]
    if schema.kind is Kind.MAP:
        out["keySchema"] = encode_schema(schema.key_schema)
    if schema.kind in (Kind.MAP, Kind.ARRAY):
        out["valueSchema"] = encode_schema(schema.value_schema)
    return out


def decode(given: Any, schema: Schema | None) -> Any:
    """A value out of its JSON form; without schema one that says what it is."""
    if isinstance(given, list):
        inner = schema.value_schema if schema else None
        return [decode(item, inner) for item in given]
    if not isinstance(given, dict):
        return given
    if "$struct" in given:
        own = decode_schema(given["schema"]) if "schema" in given else schema
        assert own is not None
        values = {f.name: decode(given["$struct"][f.name], f.schema) for f in own.fields}
        return Struct(own, values) if schema is None else values
    (tag, content), *_ = given.items()
    if tag == "$map":
        inner = schema.value_schema if schema else None
        return {key: decode(value, inner) for key, value in content.items()}
    if tag == "$entries":
        keys, inner = (schema.key_schema, schema.value_schema) if schema else (None, None)
        return {decode(key, keys): decode(value, inner) for key, value in content}
    if tag in ("$bytes", "$bytebuffer"):
        return base64.b64decode(content)
    if tag == "$decimal":
        return Decimal(content)
    if tag in ("$float32", "$float64"):
        number = float32(float(content)) if tag == "$float32" else float(content)
        return Float32(number) if tag == "$float32" and schema is None else number
    return int(content) if schema else _BOXES[tag](int(content))


def encode(value: Any, schema: Schema | None) -> Any:
    """The JSON form of a value."""
    if value is None or isinstance(value, bool | str):
        return value
    if isinstance(value, bytes):
        return {"$bytes": base64.b64encode(value).decode()}
    if isinstance(value, Decimal):
        return {"$decimal": str(value)}
    if isinstance(value, list):
        return [encode(item, schema.value_schema if schema else None) for item in value]
    if isinstance(value, dict):
        return _encode_dict(value, schema)
    if isinstance(value, float):
        tag = (
            "$float32"
            if isinstance(value, Float32) or (schema is not None and schema.kind is Kind.FLOAT32)
            else "$float64"
        )
        return {tag: value if math.isfinite(value) else _word(value)}
    if schema is not None:
        if type(value) is Instant:  # of another kind than the schema's
            return {"$timestamp": int(value)}
        assert type(value) in (int, Number, *_KINDS), f"{value!r} does not fit {schema.kind}"
        if type(value) is Number:
            return {_TAGS[schema.kind]: int(value)}
        if type(value) in _KINDS and type(value) is not int:  # of an inner list, which keeps its own types
            return {_TAGS[_KINDS[type(value)]]: int(value)}
        return {_tag(schema, int(value)): int(value)}
    if isinstance(value, BigInt):
        return {"$bigint": str(Decimal(int(value)))}
    return (
        {"$timestamp": int(value)} if isinstance(value, Instant) else {_TAGS[_KINDS[type(value)]]: int(value)}
    )


def _tag(schema: Schema, value: int) -> str:
    """An instant's tag; that of the number where the type is another, as after a cast."""
    name = schema.name or ""
    if name not in _TEMPORAL or schema.kind is not (Kind.INT64 if name == TIMESTAMP else Kind.INT32):
        return _TAGS.get(schema.kind, "$int64")
    return "$timestamp" if name == TIME and not 0 <= value < 86_400_000 else _TEMPORAL[name]


def _word(value: float) -> str:
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"


def _encode_dict(value: dict[Any, Any], schema: Schema | None) -> Any:
    if isinstance(value, Struct):
        return {"$struct": _fields(value, value.schema), "schema": encode_schema(value.schema)}
    if schema is not None and schema.kind is Kind.STRUCT:
        return {"$struct": _fields(value, schema)}
    keys, inner = (schema.key_schema, schema.value_schema) if schema else (None, None)
    if all(isinstance(key, str) for key in value):
        return {"$map": {key: encode(found, inner) for key, found in value.items()}}
    return {"$entries": [[encode(key, keys), encode(found, inner)] for key, found in value.items()]}


def _fields(value: dict[str, Any], schema: Schema) -> dict[str, Any]:
    assert set(value) == {f.name for f in schema.fields}, "value and schema disagree"
    return {f.name: encode(value[f.name], f.schema) for f in schema.fields}


__all__ = ["DECIMAL", "Number", "decode", "decode_schema", "encode", "encode_schema"]
