"""TimestampNowField: fields set to the time of processing (kafka-connect-transform-common)."""

from __future__ import annotations

from typing import Any, Final

from attrs import evolve

from bridge.model.schema import TIMESTAMP, Field, Schema
from bridge.transforms.record import ConnectRecord, Instant
from bridge.transforms.smt.timestamp_now import now
from bridge.transforms.spec import Settings, Spec, field_list
from bridge.transforms.step import Bound, OnSide, Side, Transform
from bridge.transforms.structs import require_fields, require_map
from bridge.transforms.temporal import logical

SPEC: Final = Spec(
    "TimestampNowField",
    "Sets fields to the time of processing; they are optional timestamps, added where they are missing.",
    (field_list("The fields."),),
    {"fields": "carriedAt"},
    "every record has a timestamp `carriedAt`",
)


def make(settings: Settings, side: Side) -> Transform:
    """A TimestampNowField."""
    names: list[str] = settings["fields"]

    def schemaless(value: Any, _: ConnectRecord) -> Any:
        require_map(value, "setting timestamps")
        return value | dict.fromkeys(names, Instant(now()))

    def bind(schema: Schema | None) -> Bound:
        if schema is None:
            return Bound(None, schemaless)
        stamp = logical(TIMESTAMP, optional=True)
        old = [Field(f.name, stamp) if f.name in names else f for f in require_fields(schema)]
        new = [Field(name, stamp) for name in names if schema.field_named(name) is None]
        after = evolve(schema, fields=(*old, *new))
        return Bound(after, lambda value, _: value | dict.fromkeys(names, now()))

    return OnSide(side, bind, passes_null=True)
