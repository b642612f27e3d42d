"""A ``Schema`` as Kafka Connect's JsonConverter writes it (``schemas.enable=true``), and back."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

from attrs import evolve

from bridge.model.schema import DECIMAL, UNSET, Field, Kind, Schema

_NAMES: Final = {Kind.FLOAT32: "float", Kind.FLOAT64: "double"}
_KINDS: Final = {_NAMES.get(kind, kind.value): kind for kind in Kind}


def to_document(schema: Schema) -> dict[str, Any]:
    """The schema document, keys in Connect's order."""
    document: dict[str, Any] = {"type": _NAMES.get(schema.kind, schema.kind.value)}
    if schema.kind is Kind.STRUCT:
        document["fields"] = [to_document(f.schema) | {"field": f.name} for f in schema.fields]
    if schema.key_schema is not None:
        document["keys"] = to_document(schema.key_schema)
    if schema.value_schema is not None:
        document["items" if schema.kind is Kind.ARRAY else "values"] = to_document(schema.value_schema)
    document["optional"] = schema.optional
    for key in ("name", "version", "doc"):
        if (value := getattr(schema, key)) is not None:
            document[key] = value
    if schema.parameters:
        document["parameters"] = dict(schema.parameters)
    if schema.default is not UNSET and schema.default is not None:
        document["default"] = schema.default
    return document


def from_document(document: Mapping[str, Any]) -> Schema:
    """The schema of a document; KeyError for an unknown type."""
    kind = _KINDS[document["type"]]
    inner = document.get("items", document.get("values"))
    schema = Schema(
        kind=kind,
        optional=document.get("optional", False),
        name=document.get("name"),
        version=document.get("version"),
        doc=document.get("doc"),
        parameters=dict(document.get("parameters", {})),
        fields=tuple(Field(f["field"], from_document(f)) for f in document.get("fields", ())),
        key_schema=from_document(document["keys"]) if "keys" in document else None,
        value_schema=from_document(inner) if inner is not None else None,
    )
    return (
        evolve(schema, default=value_from_json(schema, document["default"]))
        if "default" in document
        else schema
    )


def scale_of(schema: Schema) -> int:
    """Digits after the point of a Decimal's schema; the parameter is obligatory in Connect."""
    return int(schema.parameters.get("scale", "0"))


def value_from_json(schema: Schema, value: Any) -> Any:
    """A value in JsonConverter's form (bytes base64, decimals base64 or numbers) → as ``Schema`` wants it."""
    if value is None:
        return None
    if schema.kind is Kind.STRUCT:
        return {f.name: value_from_json(f.schema, value.get(f.name)) for f in schema.fields}
    if schema.kind is Kind.ARRAY and schema.value_schema is not None:
        return [value_from_json(schema.value_schema, item) for item in value]
    if schema.kind is Kind.MAP and schema.value_schema is not None:
        return {key: value_from_json(schema.value_schema, item) for key, item in value.items()}
    if schema.name == DECIMAL:
        if isinstance(value, str):
            return decimal_from_bytes(base64.b64decode(value), scale_of(schema))
        return Decimal(str(value))
    return base64.b64decode(value) if schema.kind is Kind.BYTES else value


def decimal_from_bytes(raw: bytes, scale: int) -> Decimal:
    """Connect's Decimal: the unscaled number, big-endian two's complement."""
    unscaled = int.from_bytes(raw, "big", signed=True)
    return Decimal((unscaled < 0, tuple(map(int, str(abs(unscaled)))), -scale))


def decimal_to_bytes(value: Decimal, scale: int) -> bytes:
    """The shortest two's complement of ``value`` at that scale. ValueError where digits would be lost."""
    sign, digits, exponent = value.as_tuple()
    if not isinstance(exponent, int):
        raise ValueError("not a finite number")
    shift = exponent + scale
    number = int("".join(map(str, digits)))
    if shift >= 0:
        number *= 10**shift
    elif number % 10**-shift:
        raise ValueError(f"more than {scale} digits after the point")
    else:
        number //= 10**-shift
    number = -number if sign else number
    length = ((number + (number < 0)).bit_length() + 8) // 8
    raw: bytes = number.to_bytes(length, "big", signed=True)
    return raw
