"""JSON as Kafka Connect's JsonConverter writes it: one object, Timestamp and Date as integers.

Equal to the converter's output as parsed values, not as bytes (Java writes ``1.0E21`` and escapes characters
outside the BMP). Source: ``JsonConverter`` of Apache Kafka 4.3.1; recorded in ``tests/vectors/connect-layout``.
"""

from __future__ import annotations

import base64
import math
import struct
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, Final

import msgspec
from attrs import frozen

from bridge.event import Data
from bridge.formats.code import Code
from bridge.formats.errors import unwritable
from bridge.formats.options import choice, flag
from bridge.formats.reader import careful_reader, finalise
from bridge.formats.rows import Layout, Row
from bridge.schema.connect_json import decimal_to_bytes, scale_of, to_document
from bridge.schema.model import DECIMAL, UNSET, Field, Kind, Schema

NAME: Final = "JSON"
REGISTERED: Final = False
_encode: Final = msgspec.json.Encoder(decimal_format="number").encode


@frozen
class Options:
    """What the converter's settings say."""

    schemas_enable: bool = False
    numeric_decimals: bool = False
    replace_null: bool = True

    @classmethod
    def of(cls, settings: Mapping[str, str]) -> Options:
        """Typed settings; ConfigurationError."""
        return cls(
            schemas_enable=flag(settings, "schemas.enable", False),
            numeric_decimals=choice(settings, "decimal.format", ("BASE64", "NUMERIC"), "BASE64") == "NUMERIC",
            replace_null=flag(settings, "replace.null.with.default", True),
        )


def render(schema: Schema, settings: Mapping[str, str]) -> str:
    """Connect's schema document; it is written beside every value with ``schemas.enable=true``."""
    return _encode(_schema_document(schema, Options.of(settings))).decode()


def missing_fields(schema: Schema, written: str, settings: Mapping[str, str]) -> tuple[str, ...]:
    """JSON has no registered schema that could lack a field."""
    return ()


def with_fields(schema: Schema, written: str, settings: Mapping[str, str]) -> str:
    """JSON has no registered schema."""
    return written


def compile_rows(
    rows: Layout, written: str | None, frame: bytes, settings: Mapping[str, str]
) -> Callable[[Row], bytes]:
    """The encoder for rows of a layout. Rows hold no defaults and no decimals: they encode as they are."""
    before, after = _around(rows.schema, Options.of(settings))
    if not before:
        return _encode
    return lambda row: before + _encode(row) + after


def compile_values(
    schema: Schema, written: str | None, frame: bytes, settings: Mapping[str, str]
) -> Callable[[dict[str, Any]], bytes]:
    """The encoder for values by field name, in the forms of ``schema/model.py``."""
    options = Options.of(settings)
    before, after = _around(schema, options)
    convert = _converter(schema, schema.name or "the record", "", options)

    def encode(values: dict[str, Any]) -> bytes:
        return before + _encode(convert(values)) + after

    return encode


def compile_fused(
    rows: Layout, written: str | None, frame: bytes, settings: Mapping[str, str]
) -> Callable[[Data], bytes]:
    """From the event to the value in one generated function; the careful way where it fails."""
    read, encode_row = careful_reader(rows), compile_rows(rows, written, frame, settings)
    before, after = _around(rows.schema, Options.of(settings))
    code = Code("convert", "data")
    code.indent("try:")
    finalise(code, rows)
    encoded = f"{code.use(_encode, 'encode')}(row)"
    code.line(f"return {before!r} + {encoded} + {after!r}" if before else f"return {encoded}")
    code.dedent()
    code.indent("except Exception:")
    code.line(f"return {code.use(lambda data: encode_row(read(data)), 'convert_carefully')}(data)")
    return code.build()


def _around(schema: Schema, options: Options) -> tuple[bytes, bytes]:
    if not options.schemas_enable:
        return b"", b""
    return b'{"schema":' + _encode(_schema_document(schema, options)) + b',"payload":', b"}"


def _schema_document(schema: Schema, options: Options) -> dict[str, Any]:
    def with_encoded_defaults(one: Schema, document: dict[str, Any]) -> dict[str, Any]:
        for inner, part in zip(one.fields, document.get("fields", ()), strict=False):
            with_encoded_defaults(inner.schema, part)
        if "default" in document:
            document["default"] = _converter(one, "the schema", "default", options)(one.default)
        return document

    return with_encoded_defaults(schema, to_document(schema))


Converter = Callable[[Any], Any]


def _converter(schema: Schema, record: str, path: str, options: Options) -> Converter:
    """Value → what msgspec writes as Connect would."""
    inner = _inner(schema, record, path, options)
    default = schema.default
    if default is not UNSET and default is not None and options.replace_null:
        return lambda value: inner(default if value is None else value)
    if schema.optional or not path:
        return lambda value: None if value is None else inner(value)

    def required(value: Any) -> Any:
        if value is None:
            raise unwritable(record, path, "is null, and is not optional")
        return inner(value)

    return required


def _inner(schema: Schema, record: str, path: str, options: Options) -> Converter:
    if schema.kind is Kind.STRUCT:
        return _struct(schema.fields, record, path, options)
    if schema.kind is Kind.ARRAY and schema.value_schema is not None:
        item = _converter(schema.value_schema, record, f"{path}[]", options)
        return lambda value: [item(v) for v in value]
    if schema.kind is Kind.MAP and schema.value_schema is not None and schema.key_schema is not None:
        item = _converter(schema.value_schema, record, f"{path}{{}}", options)
        if schema.key_schema.kind is Kind.STRING and not schema.key_schema.optional:
            return lambda value: {k: item(v) for k, v in value.items()}
        return lambda value: [[k, item(v)] for k, v in value.items()]
    if schema.name == DECIMAL:
        return _decimal(scale_of(schema), record, path, options)
    if schema.kind is Kind.BYTES:
        return lambda value: base64.b64encode(value).decode()
    if schema.kind is Kind.FLOAT64:
        return lambda value: float(value) if math.isfinite(value) else _not_finite(value)
    if schema.kind is Kind.FLOAT32:
        return lambda value: _shortest(value) if math.isfinite(value) else _not_finite(value)
    return lambda value: value


def _struct(fields: tuple[Field, ...], record: str, path: str, options: Options) -> Converter:
    start = f"{path}." if path else ""
    steps = [(f.name, _converter(f.schema, record, start + f.name, options)) for f in fields]

    def convert(value: Any) -> Any:
        given = value if isinstance(value, dict) else msgspec.to_builtins(value)
        return {name: step(given.get(name)) for name, step in steps}

    return convert


def _decimal(scale: int, record: str, path: str, options: Options) -> Converter:
    def convert(value: Decimal) -> Any:
        try:
            raw = decimal_to_bytes(value, scale)
        except ValueError as error:
            raise unwritable(record, path, f"does not fit its decimal type: {error}") from None
        return value if options.numeric_decimals else base64.b64encode(raw).decode()

    return convert


def _not_finite(value: float) -> str:
    """Jackson quotes what JSON has no number for."""
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"


def _shortest(value: float) -> float:
    """The shortest decimal that is the same 32-bit float, as Java prints one."""
    single = struct.unpack("<f", struct.pack("<f", value))[0]
    for digits in range(1, 10):
        short = float(f"{single:.{digits}g}")
        if struct.unpack("<f", struct.pack("<f", short))[0] == single:
            return short
    return float(single)
