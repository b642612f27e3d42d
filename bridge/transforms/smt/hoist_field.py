"""HoistField: the whole key or value becomes the one field of a struct."""

from __future__ import annotations

from typing import Any, Final

from bridge.config.property import STRING
from bridge.model.schema import Field, Kind, Schema
from bridge.transforms.record import ConnectRecord
from bridge.transforms.spec import Key, Settings, Spec
from bridge.transforms.step import Bound, OnSide, Side, Transform
from bridge.transforms.structs import check_names, null_required

SPEC: Final = Spec(
    "HoistField",
    "Wraps the whole key or value into a struct (or map) of one field.",
    (Key("field", STRING, "The name of that field."),),
    {"field": "payload"},
    '`{…}` becomes `{"payload": {…}}`',
)


def make(settings: Settings, side: Side) -> Transform:
    """A HoistField."""
    name: str = settings["field"]

    def bind(schema: Schema | None) -> Bound:
        if schema is None:
            return Bound(None, lambda value, _: {name: value})
        field = Field(name or "", schema)
        check_names((field,))

        def convert(value: Any, _: ConnectRecord) -> Any:
            if value is None and not schema.optional:
                raise null_required(name, schema)
            return {name: value}

        return Bound(Schema(Kind.STRUCT, fields=(field,)), convert)

    return OnSide(side, bind)
