"""ExtractTimestamp: the record's timestamp out of a field (kafka-connect-transform-common)."""

from __future__ import annotations

from typing import Final

from bridge.config.property import HIGH, STRING
from bridge.java.exceptions import data_error
from bridge.model.schema import TIMESTAMP, Kind
from bridge.transforms.record import ConnectRecord
from bridge.transforms.spec import Key, Settings, Spec
from bridge.transforms.step import Leak, OnRecord, Side, State, Transform, tags_of

SPEC: Final = Spec(
    "ExtractTimestamp",
    "Makes a field (an int64 of ms, or a timestamp) the record's timestamp.",
    (Key("field.name", STRING, "The field.", importance=HIGH),),
    {"field.name": "CreatedDate"},
    "the record's timestamp is the moment the event was published",
)


def make(settings: Settings, side: Side) -> Transform:
    """An ExtractTimestamp."""
    name = settings["field.name"]

    def apply(record: ConnectRecord) -> bool:
        schema, value = record.value_schema, record.value
        if schema is not None:
            field = schema.field_named(name)
            if field is None or (field.schema.kind is not Kind.INT64 and field.schema.name != TIMESTAMP):
                raise data_error(f"the field {name} is not there or is neither an int64 nor a timestamp")
        moment = value.get(name) if isinstance(value, dict) else None
        if not isinstance(moment, int) or isinstance(moment, bool):
            raise data_error(f"the field {name} holds no timestamp")
        record.timestamp = int(moment)
        return True

    def trace(state: State) -> State:
        field = state.value.field_named(name) if state.value else None
        return state.leaking(Leak(name, tags_of(field), "the record's timestamp")) if field else state

    return OnRecord(apply, trace)
