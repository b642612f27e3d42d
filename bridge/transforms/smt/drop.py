"""Drop: null in place of the key or value."""

from __future__ import annotations

from typing import Final

from attrs import evolve

from bridge.config.property import STRING
from bridge.java.exceptions import data_error
from bridge.model.schema import Schema
from bridge.transforms.spec import Key, Settings, Spec, one_of
from bridge.transforms.step import Bound, OnSide, Side, Transform

_BEHAVIOURS: Final = ("nullify", "retain", "validate", "force_optional")
SPEC: Final = Spec(
    "Drop",
    "Puts null in place of the key or value.",
    (
        Key(
            "schema.behavior",
            STRING,
            "The schema: nullify makes it null; retain keeps it; validate keeps an optional one and fails on another; "
            "force_optional makes it optional.",
            "nullify",
            validator=one_of(*_BEHAVIOURS),
            valid=", ".join(_BEHAVIOURS),
        ),
    ),
    {"schema.behavior": "nullify"},
    "with `$Key`: the key is null again",
)


def make(settings: Settings, side: Side) -> Transform:
    """A Drop."""
    behaviour = settings["schema.behavior"]

    def bind(schema: Schema | None) -> Bound:
        if behaviour == "nullify" or schema is None:
            return Bound(None, lambda value, _: None)
        if behaviour == "validate" and not schema.optional:
            raise data_error(
                f"the {side}'s schema is not optional and cannot go with null (schema.behavior=validate)"
            )
        after = evolve(schema, optional=True) if behaviour == "force_optional" else schema
        return Bound(after, lambda value, _: None)

    return OnSide(side, bind)
