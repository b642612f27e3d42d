"""Values → what msgspec writes as Kafka Connect's two JSON converters would: ``JsonConverter`` and
``JsonSchemaConverter`` differ in how they treat defaults and maps whose keys are not text, and in nothing else.
"""

from __future__ import annotations

import base64
import math
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, Final

import msgspec
from attrs import field, frozen

from bridge.errors import Fatal, Stage
from bridge.formats.bad_values import unwritable
from bridge.java.numbers import shortest_float
from bridge.model.connect_json import decimal_to_bytes, scale_of
from bridge.model.protection import Seal
from bridge.model.schema import DECIMAL, UNSET, Kind, Schema

Converter = Callable[[Any], Any]
encode_json: Final = msgspec.json.Encoder(decimal_format="number").encode


@frozen
class Style:
    """How values are written. ``fill_defaults``: a default stands for null. ``entries``: a map without text
    keys is a list of ``{"key":…,"value":…}`` instead of pairs."""

    numeric_decimals: bool = False
    fill_defaults: bool = True
    entries: bool = False
    seals: Mapping[str, Seal] = field(factory=dict, hash=False)
    """What encrypts the value at a path (``address.Street``, ``items[].name``)."""


def converter(schema: Schema, record: str, path: str, style: Style) -> Converter:
    """The closure for values of ``schema``. BadRecord for a null that may not be, and a decimal that does not fit."""
    inner = _inner(schema, record, path, style)
    default = schema.default
    if default is not UNSET and default is not None and style.fill_defaults:
        return lambda value: inner(default if value is None else value)
    if schema.optional or not path:
        return lambda value: None if value is None else inner(value)

    def required(value: Any) -> Any:
        if value is None:
            raise unwritable(record, path, "is null, and is not optional")
        return inner(value)

    return required


def _inner(schema: Schema, record: str, path: str, style: Style) -> Converter:
    if schema.kind is Kind.STRUCT:
        return _struct(schema, record, path, style)
    if schema.kind is Kind.ARRAY and schema.value_schema is not None:
        item = converter(schema.value_schema, record, f"{path}[]", style)
        return lambda value: [item(v) for v in value]
    if schema.kind is Kind.MAP and schema.value_schema is not None and schema.key_schema is not None:
        item = converter(schema.value_schema, record, f"{path}{{}}", style)
        if schema.key_schema.kind is Kind.STRING and not schema.key_schema.optional:
            return lambda value: {k: item(v) for k, v in value.items()}
        if style.entries:
            return lambda value: [{"key": k, "value": item(v)} for k, v in value.items()]
        return lambda value: [[k, item(v)] for k, v in value.items()]
    if schema.name == DECIMAL:
        return _decimal(scale_of(schema), record, path, style)
    if schema.kind is Kind.BYTES:
        return lambda value: base64.b64encode(value).decode()
    if schema.kind is Kind.FLOAT64:
        return lambda value: float(value) if math.isfinite(value) else _not_finite(value)
    if schema.kind is Kind.FLOAT32:
        return lambda value: shortest_float(value) if math.isfinite(value) else _not_finite(value)
    return lambda value: value


def _struct(schema: Schema, record: str, path: str, style: Style) -> Converter:
    start = f"{path}." if path else ""
    steps = [
        (f.name, sealed(converter(f.schema, record, start + f.name, style), start + f.name, style))
        for f in schema.fields
    ]

    def convert(value: Any) -> Any:
        given = value if isinstance(value, dict) else msgspec.to_builtins(value)
        return {name: step(given.get(name)) for name, step in steps}

    return convert


def sealed(convert: Converter, path: str, style: Style) -> Converter:
    """The closure itself, or, where the field is protected, one that encrypts the text it makes."""
    seal = style.seals.get(path)
    if seal is None:
        return convert
    encrypt = seal.text

    def seal_it(rendered: Any) -> Any:
        if isinstance(rendered, str):
            return encrypt(rendered.encode()).decode()
        if isinstance(rendered, list):
            return [seal_it(item) for item in rendered]
        if rendered is None:
            return None
        raise Fatal(f"field {path} is to be encrypted and is no text; only texts can be", stage=Stage.ENCRYPT)

    return lambda value: seal_it(convert(value))


def _decimal(scale: int, record: str, path: str, style: Style) -> Converter:
    def convert(value: Decimal) -> Any:
        try:
            raw = decimal_to_bytes(value, scale)
        except ValueError as error:
            raise unwritable(record, path, f"does not fit its decimal type: {error}") from None
        return value if style.numeric_decimals else base64.b64encode(raw).decode()

    return convert


def _not_finite(value: float) -> str:
    """Jackson quotes what JSON has no number for."""
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
