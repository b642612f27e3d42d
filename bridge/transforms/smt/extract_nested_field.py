"""ExtractNestedField: a field of a struct is copied to the top (kafka-connect-transform-common)."""

from __future__ import annotations

from typing import Any, Final

from attrs import evolve

from bridge.config.property import HIGH, STRING
from bridge.java.exceptions import data_error
from bridge.model.schema import Field, Kind, Schema
from bridge.transforms.record import ConnectRecord, java_class
from bridge.transforms.spec import Key, Settings, Spec
from bridge.transforms.step import Bound, OnSide, Side, Transform, all_tags
from bridge.transforms.structs import require_fields, require_map, struct_like

SPEC: Final = Spec(
    "ExtractNestedField",
    "Copies a field of a struct to the top; one level deep.",
    (
        Key("input.outer.field.name", STRING, "The struct.", importance=HIGH),
        Key("input.inner.field.name", STRING, "The field in it.", importance=HIGH),
        Key("output.field.name", STRING, "What it is called at the top.", importance=HIGH),
    ),
    {"input.outer.field.name": "Ship_To__c", "input.inner.field.name": "City", "output.field.name": "city"},
    "every record has a field `city`",
)


def make(settings: Settings, side: Side) -> Transform:
    """An ExtractNestedField."""
    outer, inner = settings["input.outer.field.name"], settings["input.inner.field.name"]
    name = settings["output.field.name"]

    def schemaless(value: Any, _: ConnectRecord) -> Any:
        require_map(value, "nested field extraction")
        within = value.get(outer)
        if within is None:
            return value | {name: None}
        if not isinstance(within, dict):
            raise data_error(f"the field {outer} is {java_class(within)} and no map with a field {inner}")
        return value | {name: within.get(inner)}

    def bind(schema: Schema | None) -> Bound:
        if schema is None:
            return Bound(None, schemaless)
        require_fields(schema)
        parent = schema.field_named(outer)
        field = parent.schema.field_named(inner) if parent and parent.schema.kind is Kind.STRUCT else None
        if parent is None or field is None:
            raise data_error(f"there is no field {inner} in a struct {outer}")
        its = evolve(field.schema, optional=field.schema.optional or parent.schema.optional)
        tags = field.tags | parent.tags | all_tags(field.schema)
        after = struct_like(
            schema, (*schema.fields, Field(name, its, tags)), optional=schema.optional, default=schema.default
        )

        def convert(value: Any, _: ConnectRecord) -> Any:
            struct = value[outer]
            return value | {name: None if struct is None else struct[inner]}

        return Bound(after, convert)

    return OnSide(side, bind, passes_null=True)
