"""Schemas and values in the form of Kafka Connect's JsonConverter, read: how the vectors hold them."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

from attrs import evolve

from bridge.model.connect_json import decimal_from_bytes, scale_of
from bridge.model.schema import DECIMAL, Field, Kind, Schema

_KINDS: Final = {kind.value: kind for kind in Kind} | {"float": Kind.FLOAT32, "double": Kind.FLOAT64}


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
