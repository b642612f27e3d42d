"""SetSchemaMetadata: the schema's name and version."""

from __future__ import annotations

from typing import Any, Final

from attrs import evolve

from bridge.config.property import HIGH, INT, STRING
from bridge.java.exceptions import InvalidConfig, data_error
from bridge.model.schema import Schema
from bridge.transforms.record import ConnectRecord
from bridge.transforms.spec import REPLACE_NULL, Key, Settings, Spec, replaces_nulls
from bridge.transforms.step import Bound, OnSide, Side, Transform
from bridge.transforms.structs import copier, require_fields

SPEC: Final = Spec(
    "SetSchemaMetadata",
    "Sets the name or version of a struct's schema; the name is the record's name in Avro.",
    (
        Key("schema.name", STRING, "The name to set.", None, HIGH),
        Key("schema.version", INT, "The version to set.", None, HIGH),
        REPLACE_NULL,
    ),
    {"schema.name": "com.example.OrderPlaced"},
    "the Avro record is called `com.example.OrderPlaced`",
)


def make(settings: Settings, side: Side) -> Transform:
    """A SetSchemaMetadata."""
    defaults = replaces_nulls(settings)
    changes: dict[str, Any] = {}
    for key, attribute in (("schema.name", "name"), ("schema.version", "version")):
        if settings[key] is not None:
            changes[attribute] = settings[key]
    if not changes:
        raise InvalidConfig("Neither schema name nor version configured")

    def bind(schema: Schema | None) -> Bound:
        if schema is None:
            return Bound(None, _without_schema)
        fields = require_fields(schema)
        copy = copier(fields, defaults=defaults)
        return Bound(
            evolve(schema, **changes),
            lambda value, _: None if value is None else copy(value),
            moves={f.name: f.name for f in fields} if copy is dict.copy else None,
        )

    return OnSide(side, bind)


def _without_schema(value: Any, _: ConnectRecord) -> Any:
    if value is not None:
        raise data_error("Schema required for [updating schema metadata]")
