"""ValueToKey: fields of the value as the key."""

from __future__ import annotations

from typing import Any, Final

from attrs import evolve

from bridge.java.exceptions import data_error
from bridge.model.schema import Field, Kind, Schema
from bridge.transforms.record import ConnectRecord
from bridge.transforms.spec import REPLACE_NULL, Settings, Spec, field_list, replaces_nulls
from bridge.transforms.step import Leak, OnRecord, Side, State, Transform, tags_of
from bridge.transforms.structs import copier, require_map, require_struct

_PURPOSE: Final = "copying fields from value to key"
SPEC: Final = Spec(
    "ValueToKey",
    "Makes a key out of fields of the value, so that records of one entity stay in order in one partition.",
    (field_list("The fields, in the key's order."), REPLACE_NULL),
    {"fields": "Order_Number__c"},
    'the key is the struct `{"Order_Number__c": …}`',
)


def make(settings: Settings, side: Side) -> Transform:
    """A ValueToKey."""
    names: list[str] = settings["fields"]
    defaults = replaces_nulls(settings)
    bindings: dict[int, tuple[Schema, Schema, Any]] = {}

    def bind(schema: Schema) -> tuple[Schema, Schema, Any]:
        fields: list[Field] = []
        for name in names:
            field = schema.field_named(name)
            if field is None:
                raise data_error(f"Field does not exist: {name}")
            fields.append(field)
        copy = copier(fields, defaults=defaults)
        bindings[id(schema)] = bound = (schema, Schema(Kind.STRUCT, fields=tuple(fields)), copy)
        return bound

    def apply(record: ConnectRecord) -> bool:
        schema, value = record.value_schema, record.value
        if schema is None:
            require_map(value, _PURPOSE)
            record.key_schema, record.key = None, {name: value.get(name) for name in names}
            return True
        if value is None or schema.kind is not Kind.STRUCT:
            require_struct(schema, value, _PURPOSE)
        _, record.key_schema, copy = bindings.get(id(schema)) or bind(schema)
        record.key = key = {name: value[name] for name in names}
        if copy is not dict.copy:
            record.key = copy(key)
        return True

    def trace(state: State) -> State:
        if state.value is None:
            return evolve(state, key=None)
        require_struct(state.value, {}, _PURPOSE)
        key = bind(state.value)[1]
        return evolve(state, key=key).leaking(*(Leak(f.name, tags_of(f), "the key") for f in key.fields))

    return OnRecord(apply, trace)
