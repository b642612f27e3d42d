"""A neutral schema → JSON Schema (draft 7) in Kafka Connect's layout.

Follows ``JsonSchemaData.fromConnectSchema`` of Confluent's converters 8.3.1 as recorded in
``tests/vectors/connect-layout``: ``oneOf`` null and T, ``title`` for names, ``connect.index`` for the order of fields,
no ``$schema`` and no ``required``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from attrs import frozen

from bridge.formats.json_values import Style, converter
from bridge.formats.options import choice, flag
from bridge.model.schema import DECIMAL, UNSET, Field, Kind, Schema

TAGS: Final = "confluent:tags"
INDEX: Final = "connect.index"
_PRIMITIVES: Final = {
    Kind.INT8: ("integer", "int8"),
    Kind.INT16: ("integer", "int16"),
    Kind.INT32: ("integer", "int32"),
    Kind.INT64: ("integer", "int64"),
    Kind.FLOAT32: ("number", "float32"),
    Kind.FLOAT64: ("number", "float64"),
    Kind.BOOLEAN: ("boolean", None),
    Kind.STRING: ("string", None),
    Kind.BYTES: ("string", "bytes"),
}


@frozen
class Options:
    """What the converter's settings say. ``connect.meta.data``, ``scrub.invalid.names``,
    ``use.optional.for.nonrequired``, ``json.oneof.for.nullables``, ``json.write.dates.iso8601``,
    ``json.schema.spec.version``, ``flatten.singleton.unions`` and ``generalized.sum.type.support`` change nothing
    that Connect writes, and so nothing here."""

    style: Style
    open_objects: bool
    strict: bool

    @classmethod
    def of(cls, settings: Mapping[str, str]) -> Options:
        """Typed settings; ConfigurationError."""
        decimals = choice(settings, "decimal.format", ("BASE64", "NUMERIC"), "BASE64")
        fill = not flag(settings, "ignore.default.for.nullables", False)
        return cls(
            style=Style(numeric_decimals=decimals == "NUMERIC", fill_defaults=fill, entries=True),
            open_objects=flag(settings, "object.additional.properties", True),
            strict=flag(settings, "latest.compatibility.strict", True),
        )


def document(schema: Schema, options: Options) -> dict[str, Any]:
    """The schema's document."""
    base = _base(schema, options)
    return {"oneOf": [{"type": "null"}, base]} if schema.optional else base


def property_of(column: Field, index: int | None, options: Options) -> dict[str, Any]:
    """A field's document as it stands under ``properties``; tags stand there too, as they are ignored deeper."""
    out = document(column.schema, options)
    if index is not None:
        out[INDEX] = index
    if column.tags:
        out[TAGS] = sorted(column.tags)
    return out


def _base(schema: Schema, options: Options) -> dict[str, Any]:
    out, connect_type = _typed(schema, options)
    if schema.name is not None:
        out["title"] = schema.name
    if schema.doc is not None:
        out["description"] = schema.doc
    if schema.default is not UNSET and schema.default is not None:
        out["default"] = converter(schema, "the schema", "default", options.style)(schema.default)
    if schema.version is not None:
        out["connect.version"] = schema.version
    parameters = {k: v for k, v in schema.parameters.items() if not k.startswith("io.confluent.connect.json")}
    if parameters:
        out["connect.parameters"] = parameters
    if connect_type is not None:
        out["connect.type"] = connect_type
    return out


def _typed(schema: Schema, options: Options) -> tuple[dict[str, Any], str | None]:
    if schema.kind is Kind.STRUCT:
        out: dict[str, Any] = {"type": "object"}
        if not options.open_objects:
            out["additionalProperties"] = False
        properties = {f.name: property_of(f, i, options) for i, f in enumerate(schema.fields)}
        return (out | {"properties": properties} if properties else out), None
    if schema.kind is Kind.ARRAY and schema.value_schema is not None:
        return {"type": "array", "items": document(schema.value_schema, options)}, None
    if schema.kind is Kind.MAP and schema.value_schema is not None and schema.key_schema is not None:
        values = document(schema.value_schema, options)
        if schema.key_schema.kind is Kind.STRING and not schema.key_schema.optional:
            return {"type": "object", "additionalProperties": values}, "map"
        entry = {"key": document(schema.key_schema, options) | {INDEX: 0}, "value": values | {INDEX: 1}}
        return {"type": "array", "items": {"type": "object", "properties": entry}}, "map"
    name, connect_type = _PRIMITIVES[schema.kind]
    if schema.name == DECIMAL and options.style.numeric_decimals:
        name = "number"
    return {"type": name}, connect_type
