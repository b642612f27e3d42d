"""MaskField: the empty value of its type, or a replacement, in place of a field's value."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any, Final

from bridge.config.property import LOW, STRING
from bridge.java import numbers as numbers
from bridge.java.exceptions import JavaError, data_error
from bridge.model.schema import DECIMAL, Kind, Schema
from bridge.transforms.record import (
    TEMPORAL,
    BigInt,
    ConnectRecord,
    Float32,
    Instant,
    Int8,
    Int16,
    Int32,
    java_class,
    kind_of,
)
from bridge.transforms.spec import REPLACE_NULL, Key, Settings, Spec, field_list, non_empty, replaces_nulls
from bridge.transforms.step import Bound, OnSide, Side, Transform
from bridge.transforms.structs import copier, require_fields, require_map, require_struct

_PURPOSE: Final = "mask fields"
SPEC: Final = Spec(
    "MaskField",
    "Puts the empty value of its type (0, false, empty text), or a replacement, in place of fields.",
    (
        field_list("The fields to mask."),
        Key(
            "replacement",
            STRING,
            "Text or number to put there; only for text and numbers.",
            None,
            LOW,
            non_empty,
        ),
        REPLACE_NULL,
    ),
    {"fields": "Customer_Phone__c", "replacement": "***"},
    "every `Customer_Phone__c` that is not null is `***`",
)
_BITS: Final = {Kind.INT8: 8, Kind.INT16: 16, Kind.INT32: 32, Kind.INT64: 64}
_BOXES: Final[dict[Kind, type]] = {Kind.INT8: Int8, Kind.INT16: Int16, Kind.INT32: Int32, Kind.INT64: int}


def make(settings: Settings, side: Side) -> Transform:
    """A MaskField."""
    defaults = replaces_nulls(settings)
    names: list[str] = settings["fields"]
    replacement: str | None = settings["replacement"]

    def schemaless(value: Any, _: ConnectRecord) -> Any:
        require_map(value, _PURPOSE)
        return value | {name: _untyped(value.get(name), replacement) for name in names}

    def bind(schema: Schema | None) -> Bound:
        if schema is None:
            return Bound(None, schemaless)
        if schema.kind is not Kind.STRUCT:
            return Bound(schema, lambda value, _: require_struct(schema, value, _PURPOSE))
        fields = require_fields(schema)
        masks = {f.name: _masked(masker(f.schema, replacement)) for f in fields if f.name in names}
        copy = copier(fields, defaults=defaults, changes=masks)

        def convert(value: Any, _: ConnectRecord) -> Any:
            if value is None:
                require_struct(schema, value, _PURPOSE)
            return copy(value)

        return Bound(schema, convert)

    return OnSide(side, bind)


def _masked(mask: Callable[[], Any]) -> Callable[[Any], Any]:
    return lambda value: None if value is None else mask()


def masker(schema: Schema, replacement: str | None) -> Callable[[], Any]:
    """What stands for a value of a schema; the function raises DataException where there is no such thing."""
    kind, java = schema.kind, java_class(0, schema)
    try:
        mask = _empty(schema, java) if replacement is None else _replaced(schema, java, replacement)
    except JavaError as error:
        failed = error

        def refuse() -> Any:
            raise JavaError(failed.java_class, failed.message)

        return refuse
    if kind in (Kind.ARRAY, Kind.MAP):
        return list if kind is Kind.ARRAY else dict
    return lambda: mask


def _untyped(value: Any, replacement: str | None) -> Any:
    if value is None:
        return None
    if type(value) is BigInt:
        return BigInt(0) if replacement is None else BigInt(_big(replacement))
    if type(value) is Decimal:
        return Decimal(0) if replacement is None else _decimal(replacement, "number")
    if type(value) is Instant:
        if replacement is None:
            return Instant(0)
        raise _no_replacement("java.util.Date")
    kind = kind_of(value)
    assert kind is not None
    mask = masker(Schema(kind), replacement)()
    if kind in _BOXES:
        return _BOXES[kind](mask)
    return Float32(mask) if kind is Kind.FLOAT32 else mask


def _empty(schema: Schema, java: str) -> Any:
    if schema.name in TEMPORAL:
        return 0
    if schema.name == DECIMAL:
        return Decimal(0)
    empty: dict[Kind, Any] = {Kind.BOOLEAN: False, Kind.STRING: "", Kind.FLOAT32: 0.0, Kind.FLOAT64: 0.0}
    if schema.kind in _BITS or schema.kind in (Kind.ARRAY, Kind.MAP):
        return 0
    if schema.kind not in empty:
        raise data_error(f"Cannot mask value of type: class {java}")
    return empty[schema.kind]


def _replaced(schema: Schema, java: str, text: str) -> Any:
    if schema.name in TEMPORAL:
        raise _no_replacement(java)
    if schema.name == DECIMAL:
        return _decimal(text, "number")
    if schema.kind is Kind.STRING:
        return text
    if schema.kind in _BITS:
        return numbers.wrap(numbers.long_of(_decimal(text, "a number")), _BITS[schema.kind])
    if schema.kind in (Kind.FLOAT32, Kind.FLOAT64):
        value = float(_decimal(text, "a number") or Decimal(0))  # a BigDecimal has no negative zero
        return numbers.float32(value) if schema.kind is Kind.FLOAT32 else value
    raise _no_replacement(java)


def _no_replacement(java: str) -> JavaError:
    return data_error(f"Cannot mask value of type class {java} with custom replacement.")


def _unconvertible(text: str, into: str) -> JavaError:
    return data_error(f"Unable to convert {text} (class java.lang.String) to {into}")


def _decimal(text: str, into: str) -> Decimal:
    try:
        return numbers.parse_decimal(text)
    except ValueError:
        raise _unconvertible(text, into) from None


def _big(text: str) -> int:
    try:
        return numbers.parse_big(text)
    except ValueError:
        raise _unconvertible(text, "number") from None
