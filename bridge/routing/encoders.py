"""Small encoders of values and keys, and what is put around others."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from bridge.errors import BadRecord
from bridge.model.schema import Kind, Schema
from bridge.routing.key_converters import Encoder
from bridge.transforms.smt.cast import caster

T = TypeVar("T")


def fitted(
    encode: Callable[[dict[str, object]], bytes], after: Schema, written: Schema
) -> Callable[[dict[str, object]], bytes]:
    """Values in the form that the contract's ``otherwise`` gives to fields that cannot be encrypted."""
    kinds = {f.name: f.schema for f in written.fields}
    casts = {
        f.name: caster(f.schema, Kind.STRING)
        for f in after.fields
        if f.name in kinds and kinds[f.name].kind is Kind.STRING and f.schema.kind is not Kind.STRING
    }
    if not casts:
        return encode
    return lambda values: encode(values | {name: cast(values[name]) for name, cast in casts.items()})


def unless_null(encode: Callable[[T], bytes]) -> Callable[[T | None], bytes | None]:
    """A null stays one."""
    return lambda value: None if value is None else encode(value)


def null(value: object) -> None:
    """Of records that have no value, or no key."""


def refuse(error: BadRecord) -> Encoder:
    """Of records that nobody can write: each time anew, because an error belongs to its record."""

    def encode(value: object) -> bytes | None:
        raise type(error)(error.message, stage=error.stage)

    return encode
