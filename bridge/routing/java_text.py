"""Values as Java prints them: what StringConverter and SimpleHeaderConverter write.

Sources: ``Struct.toString``, ``Date.toString``, ``Values.convertToString`` of Apache Kafka 4.3.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Final

from bridge.errors import BadRecord, Stage
from bridge.java import numbers as numbers
from bridge.java.simple_date_format import SimpleDateFormat
from bridge.model.schema import DECIMAL, Kind, Schema
from bridge.transforms.record import TEMPORAL, Float32, Instant, Value
from bridge.transforms.temporal import iso_text, to_ms

_DATE: Final = SimpleDateFormat("EEE MMM dd HH:mm:ss zzz yyyy")


def to_string(value: Value, schema: Schema | None) -> str:
    """``value.toString()``. BadRecord for bytes, whose text says nothing of them."""
    if isinstance(value, list):
        inner = schema.value_schema if schema else None
        return f"[{', '.join(to_string(item, inner) for item in value)}]"
    if isinstance(value, dict):
        return _braces(value, schema)
    if schema is not None and schema.name in TEMPORAL:
        return _DATE.format(to_ms(schema, value))
    if isinstance(value, Instant):
        return _DATE.format(value)
    if isinstance(value, bytes):
        raise BadRecord("bytes cannot be written as text", stage=Stage.ENCODE)
    return "null" if value is None else _plain(value, schema)


def _braces(value: dict[Value, Value], schema: Schema | None) -> str:
    if schema is not None and schema.kind is Kind.STRUCT:
        shown = ((f.name, value[f.name], f.schema) for f in schema.fields if value[f.name] is not None)
        return f"Struct{{{','.join(f'{name}={to_string(item, its)}' for name, item, its in shown)}}}"
    keys, inner = (schema.key_schema, schema.value_schema) if schema else (None, None)
    return f"{{{', '.join(f'{to_string(k, keys)}={to_string(v, inner)}' for k, v in value.items())}}}"


def _plain(value: Value, schema: Schema | None) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        single = schema.kind is Kind.FLOAT32 if schema else isinstance(value, Float32)
        return numbers.float_text(value) if single else numbers.double_text(value)
    return str(value)


def header_text(value: Value, schema: Schema | None, *, embedded: bool = False) -> str:
    """``Values.convertToString``: texts inside lists and maps are quoted, bytes are base64."""
    if value is None:
        return "null"
    if isinstance(value, str):
        return _quoted(value) if embedded else value
    if isinstance(value, bytes):
        text = base64.b64encode(value).decode()
        return _quoted(text) if embedded else text
    if isinstance(value, list):
        inner = schema.value_schema if schema else None
        return f"[{','.join(header_text(item, inner, embedded=True) for item in value)}]"
    if isinstance(value, dict):
        return f"{{{','.join(_entry(key, its, schema) for key, its in value.items())}}}"
    if schema is not None and schema.name in TEMPORAL:
        return iso_text(to_ms(schema, value))
    return iso_text(value) if isinstance(value, Instant) else _plain(value, schema)


def _entry(key: Value, value: Value, schema: Schema | None) -> str:
    if schema is not None and schema.kind is Kind.STRUCT:
        field = schema.field_named(key)
        return f"{_quoted(key)}:{header_text(value, field.schema if field else None, embedded=True)}"
    keys, inner = (schema.key_schema, schema.value_schema) if schema else (None, None)
    return f"{header_text(key, keys, embedded=True)}:{header_text(value, inner, embedded=True)}"


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


Encoder = Callable[[Value], bytes]


def text_encoder(schema: Schema | None) -> Encoder:
    """StringConverter for values of a schema."""
    if schema is not None and schema.kind is Kind.STRING:
        return str.encode
    if schema is not None and schema.kind is Kind.BYTES and schema.name != DECIMAL:
        raise BadRecord("a key of bytes cannot be written by StringConverter", stage=Stage.ENCODE)
    return lambda value: to_string(value, schema).encode()
