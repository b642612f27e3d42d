"""ExtractField: one field in place of the whole key or value."""

from __future__ import annotations

from operator import itemgetter
from typing import Any, Final

from bridge.config.property import HIGH, STRING
from bridge.java.exceptions import illegal_argument
from bridge.model.schema import Kind, Schema
from bridge.transforms.field_path import field_at, mapped_value_at, steps_of, value_at
from bridge.transforms.record import ConnectRecord, java_class
from bridge.transforms.spec import REPLACE_NULL, Key, Settings, Spec, needed, one_of, replaces_nulls
from bridge.transforms.step import Bound, Leak, OnSide, Side, Transform, tags_of
from bridge.transforms.structs import default_of, not_a, require_map

_PURPOSE: Final = "field extraction"
SPEC: Final = Spec(
    "ExtractField",
    "Puts one field in place of the whole key or value.",
    (
        Key("field", STRING, "The field, or the path to it with syntax V2."),
        REPLACE_NULL,
        Key(
            "field.syntax.version",
            STRING,
            "V1: a plain name; V2: a dotted path, backticks around names with dots.",
            "V1",
            HIGH,
            one_of("V1", "V2", any_case=True),
            "V1, V2",
        ),
    ),
    {"field": "Order_Number__c"},
    "with `$Key` behind a ValueToKey: the key is the text of `Order_Number__c`",
)


def make(settings: Settings, side: Side) -> Transform:
    """An ExtractField."""
    path = needed(settings, "field")
    steps = steps_of(path, settings["field.syntax.version"])
    defaults = replaces_nulls(settings)

    def schemaless(value: Any, _: ConnectRecord) -> Any:
        if value is None:
            return None
        require_map(value, _PURPOSE)
        return mapped_value_at(steps, value)

    def bind(schema: Schema | None) -> Bound:
        if schema is None:
            return Bound(None, schemaless)
        if schema.kind is not Kind.STRUCT:
            return Bound(schema, _refuse(schema))
        field = field_at(schema, steps)
        if field is None:
            raise illegal_argument(f"Unknown field: {path}")
        leaks = (
            (Leak(path, tags_of(field), f"the whole {side}"),)
            if field.schema.kind is not Kind.STRUCT or field.tags
            else ()
        )
        if len(steps) == 1 and (not defaults or default_of(field.schema) is None):
            get = itemgetter(steps[0])
            return Bound(field.schema, lambda value, _: None if value is None else get(value), leaks)
        return Bound(field.schema, lambda value, _: value_at(schema, steps, value, defaults=defaults), leaks)

    def _refuse(schema: Schema) -> Any:
        def convert(value: Any, _: ConnectRecord) -> Any:
            if value is not None:
                raise not_a("Struct objects supported", _PURPOSE, java_class(value, schema))
            field_at(schema, steps)

        return convert

    return OnSide(side, bind)
