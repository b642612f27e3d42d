"""A ``Schema`` as Kafka Connect's JsonConverter writes it (``schemas.enable=true``), and its decimals."""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from bridge.model.schema import UNSET, Kind, Schema

_NAMES: Final = {Kind.FLOAT32: "float", Kind.FLOAT64: "double"}


def to_document(schema: Schema) -> dict[str, object]:
    """The schema document, keys in Connect's order."""
    document: dict[str, object] = {"type": _NAMES.get(schema.kind, schema.kind.value)}
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


def scale_of(schema: Schema) -> int:
    """Digits after the point of a Decimal's schema; the parameter is obligatory in Connect."""
    return int(schema.parameters.get("scale", "0"))


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
