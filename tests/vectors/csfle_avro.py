"""Avro cases: the recorded plaintext as a neutral schema and value, written by the bridge's encoder."""

from __future__ import annotations

import base64
from typing import Any

from bridge.formats import FORMATS
from bridge.languages.avro.binary import Reading, reading
from bridge.languages.avro.types import AvroType, parse
from bridge.model.protection import Protection
from bridge.model.schema import Field, Kind, Schema
from bridge.reading.opener import Opener

_KINDS = {
    "string": Kind.STRING,
    "enum": Kind.STRING,
    "bytes": Kind.BYTES,
    "fixed": Kind.BYTES,
    "boolean": Kind.BOOLEAN,
    "int": Kind.INT32,
    "long": Kind.INT64,
    "float": Kind.FLOAT32,
    "double": Kind.FLOAT64,
}


def opened(case: Any, opener: Opener, body: bytes) -> Any:
    return _plain(opener.avro(body, _reading(case)))


def wire(case: Any, body: bytes) -> Any:
    return _plain(_reading(case).value(body))


def written(case: Any, plaintext: Any, frame: bytes, protection: Protection) -> bytes:
    schema = _schema(parse(case.text), plaintext)
    value = _value(parse(case.text), plaintext)
    return FORMATS["AVRO"].compile_values(schema, case.text, frame, {}, protection)(value)


def normal(case: Any, document: Any) -> Any:
    return document


def differences(case: Any, plaintext: Any, found: Any, path: str = "$") -> set[str]:
    if isinstance(plaintext, dict) and isinstance(found, dict):
        return set().union(
            *(differences(case, plaintext.get(k), found.get(k), f"{path}.{k}") for k in {*plaintext, *found})
        )
    if isinstance(plaintext, list) and isinstance(found, list) and len(plaintext) == len(found):
        pairs = enumerate(zip(plaintext, found, strict=True))
        return set().union(*(differences(case, a, b, f"{path}[{i}]") for i, (a, b) in pairs))
    return set() if plaintext == found else {path}


def _reading(case: Any) -> Reading:
    return reading(case.text, logical=False)


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return base64.b64encode(value).decode() if isinstance(value, bytes) else value


def _branch(type_: AvroType, value: Any) -> AvroType:
    """The branch of a union that a JSON value is of."""
    if type_.kind != "union":
        return type_
    wanted: dict[type, tuple[str, ...]] = {
        str: ("string", "enum", "bytes", "fixed"),
        bool: ("boolean",),
        int: ("long", "int", "double", "float"),
        float: ("double", "float"),
        list: ("array",),
        dict: ("record", "map"),
    }
    kinds = wanted.get(type(value), ())
    found = [b for kind in kinds for b in type_.branches if b.kind == kind]
    return next(iter(found), next(b for b in type_.branches if b.kind != "null"))


def _schema(type_: AvroType, value: Any) -> Schema:
    chosen = _branch(type_, value)
    optional = type_.kind == "union"
    if chosen.kind == "record":
        given = value or {}
        fields = tuple(Field(f.name, _schema(f.type, given.get(f.name))) for f in chosen.fields)
        return Schema(Kind.STRUCT, optional, chosen.name, fields=fields)
    if chosen.kind in ("array", "map"):
        assert chosen.inner is not None
        items = list(value.values() if isinstance(value, dict) else value or ())
        some = next((item for item in items if item is not None), None)
        inner = _schema(chosen.inner, some)
        key = Schema(Kind.STRING)
        kind = Kind.ARRAY if chosen.kind == "array" else Kind.MAP
        return Schema(kind, optional, key_schema=key if kind is Kind.MAP else None, value_schema=inner)
    return Schema(_KINDS[chosen.kind], optional)


def _value(type_: AvroType, value: Any) -> Any:
    chosen = _branch(type_, value)
    if value is None:
        return None
    if chosen.kind == "record":
        return {f.name: _value(f.type, value.get(f.name)) for f in chosen.fields}
    if chosen.kind == "array":
        assert chosen.inner is not None
        return [_value(chosen.inner, item) for item in value]
    if chosen.kind == "map":
        assert chosen.inner is not None
        return {key: _value(chosen.inner, item) for key, item in value.items()}
    return base64.b64decode(value) if chosen.kind in ("bytes", "fixed") else value
