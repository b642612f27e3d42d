"""JSON as Kafka Connect's JsonConverter writes it: one object, Timestamp and Date as integers.

Equal to the converter's output as parsed values, not as bytes (Java writes ``1.0E21`` and escapes characters
outside the BMP). Source: ``JsonConverter`` of Apache Kafka 4.3.1; recorded in ``tests/vectors/connect-layout``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec
from attrs import frozen

from bridge.event import Data
from bridge.formats.changes import changed_only
from bridge.formats.code import Code
from bridge.formats.json_values import Style, converter, encode_json
from bridge.formats.moved import places, written_as
from bridge.formats.options import choice, flag
from bridge.formats.reader import careful_reader, finalise
from bridge.formats.rows import Layout, Row
from bridge.model.connect_json import to_document
from bridge.model.protection import Protection, refused
from bridge.model.schema import Schema

NAME: Final = "JSON"
CHANGED_ONLY: Final = "bridge.cdc.fields.changed"
"""The one setting that is not the converter's: of a change event, fields that did not change are left out."""


@frozen
class Options:
    """What the converter's settings say."""

    schemas_enable: bool
    style: Style
    changed_only: bool = False

    @classmethod
    def of(cls, settings: Mapping[str, str]) -> Options:
        """Typed settings; ConfigurationError."""
        decimals = choice(settings, "decimal.format", ("BASE64", "NUMERIC"), "BASE64")
        fill = flag(settings, "replace.null.with.default", True)
        enable = flag(settings, "schemas.enable", False)
        return cls(enable, Style(decimals == "NUMERIC", fill), flag(settings, CHANGED_ONLY, False))


def render(schema: Schema, settings: Mapping[str, str]) -> str:
    """Connect's schema document; it is written beside every value with ``schemas.enable=true``."""
    return encode_json(_schema_document(schema, Options.of(settings))).decode()


def missing_fields(schema: Schema, written: str, settings: Mapping[str, str]) -> tuple[str, ...]:
    """JSON has no registered schema that could lack a field."""
    return ()


def with_fields(schema: Schema, written: str, settings: Mapping[str, str]) -> str:
    """JSON has no registered schema."""
    return written


def compile_rows(
    rows: Layout,
    written: str | None,
    frame: bytes,
    settings: Mapping[str, str],
    protection: Protection | None = None,
) -> Callable[[Row], bytes]:
    """The encoder for rows of a layout. Rows hold no defaults and no decimals: they encode as they are."""
    refused(protection, NAME)
    options = Options.of(settings)
    before, after = _around(rows.schema, options)
    if rows.moves is not None:
        return lambda row: before + encode_json(rows.values(row)) + after
    if options.changed_only:
        return lambda row: before + encode_json(changed_only(msgspec.to_builtins(rows.values(row)))) + after
    if not before:
        return encode_json
    return lambda row: before + encode_json(row) + after


def compile_values(
    schema: Schema,
    written: str | None,
    frame: bytes,
    settings: Mapping[str, str],
    protection: Protection | None = None,
) -> Callable[[dict[str, object]], bytes]:
    """The encoder for values by field name, in the forms of ``model/schema.py``."""
    refused(protection, NAME)
    options = Options.of(settings)
    before, after = _around(schema, options)
    convert = converter(schema, schema.name or "the record", "", options.style)

    def encode(values: dict[str, Any]) -> bytes:
        made = convert(values)
        return before + encode_json(changed_only(made) if options.changed_only else made) + after

    return encode


def compile_fused(
    rows: Layout,
    written: str | None,
    frame: bytes,
    settings: Mapping[str, str],
    protection: Protection | None = None,
) -> Callable[[Data], bytes]:
    """From the event to the value in one generated function; the careful way where it fails."""
    read, encode_row = careful_reader(rows), compile_rows(rows, written, frame, settings, protection)
    before, after = _around(rows.schema, options := Options.of(settings))
    if options.changed_only:
        return lambda data: encode_row(read(data))
    code = Code("convert", "data")
    code.indent("try:")
    finalise(code, rows)
    encoded = f"{code.use(encode_json, 'encode')}({written_as(code, rows, places(rows))})"
    code.line(f"return {before!r} + {encoded} + {after!r}" if before else f"return {encoded}")
    code.dedent()
    code.fall_back(lambda data: encode_row(read(data)), "data")
    return code.build()


def _around(schema: Schema, options: Options) -> tuple[bytes, bytes]:
    if not options.schemas_enable:
        return b"", b""
    return b'{"schema":' + encode_json(_schema_document(schema, options)) + b',"payload":', b"}"


def _schema_document(schema: Schema, options: Options) -> dict[str, Any]:
    def with_encoded_defaults(one: Schema, document: dict[str, Any]) -> dict[str, Any]:
        for inner, part in zip(one.fields, document.get("fields", ()), strict=False):
            with_encoded_defaults(inner.schema, part)
        if "default" in document:
            document["default"] = converter(one, "the schema", "default", options.style)(one.default)
        return document

    return with_encoded_defaults(schema, to_document(schema))
