"""Avro: Connect's layout rendered, registered schemas extended, and the generated flat encoder.

A message is the frame (magic byte and schema id, or nothing) and the record in Avro's binary encoding. The
encoder is generated for a written schema, which may be a foreign one: other order, more fields with defaults,
non-null types, promotions. The generated function does what occurs in nearly every event (texts, null,
doubles, dates); whatever it stumbles over is done again by the closures of ``write.py``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec

from bridge.errors import Fatal, Stage
from bridge.event import Data
from bridge.formats.avro import plain
from bridge.formats.avro.code import generate
from bridge.formats.avro.defaults import varint
from bridge.formats.avro.evolve import with_fields as with_fields
from bridge.formats.avro.render import Options, Renderer
from bridge.formats.avro.write import Column, columns, nullable
from bridge.formats.options import require
from bridge.formats.reader import careful_reader, of_event
from bridge.formats.rows import Layout, Row
from bridge.formats.sources import of_row, of_values
from bridge.languages.avro.types import AvroType, parse
from bridge.languages.spelling import avro_name
from bridge.model.protection import Protection, checked, whole
from bridge.model.schema import Kind, Schema

NAME: Final = "AVRO"
_text: Final = msgspec.json.Encoder().encode


def render(schema: Schema, settings: Mapping[str, str]) -> str:
    """The schema's text in the managed connector's layout. Fatal(stage=SCHEMA) for a name Avro does not allow."""
    return _text(Renderer(Options.of(settings)).document(schema)).decode()


def missing_fields(schema: Schema, written: str, settings: Mapping[str, str]) -> tuple[str, ...]:
    """Names of the fields that a registered schema lacks; empty: it covers the event."""
    if schema.kind is not Kind.STRUCT:
        return plain.missing(schema, written)
    return _missing(schema, _record_type(parse(written)), Options.of(settings), "")


def compile_rows(
    rows: Layout,
    written: str | None,
    frame: bytes,
    settings: Mapping[str, str],
    protection: Protection | None = None,
) -> Callable[[Row], bytes]:
    """The encoder for rows in their final form."""
    record, start = _record(rows.schema, written, frame, settings, protection)
    carefully = _careful(record, start, rows.schema.name)
    encode = generate(
        "encode", "row", record, start, lambda _: of_row(rows), lambda row: carefully(rows.values(row))
    )
    return whole(encode, frame, protection)


def compile_values(
    schema: Schema,
    written: str | None,
    frame: bytes,
    settings: Mapping[str, str],
    protection: Protection | None = None,
) -> Callable[[dict[str, object]], bytes]:
    """The encoder for values by field name, in the forms of ``model/schema.py``; for the value itself where ``schema``
    is no struct."""
    if schema.kind is not Kind.STRUCT:
        text = render(schema, settings) if written is None else written
        return plain.encoder(schema, text, frame, settings, protection)
    record, start = _record(schema, written, frame, settings, protection)
    encode = generate(
        "encode", "values", record, start, lambda _: of_values(schema), _careful(record, start, schema.name)
    )
    return whole(encode, frame, protection)


def compile_fused(
    rows: Layout,
    written: str | None,
    frame: bytes,
    settings: Mapping[str, str],
    protection: Protection | None = None,
) -> Callable[[Data], bytes]:
    """From the event to the message in one generated function. Not for use by several threads at once."""
    record, start = _record(rows.schema, written, frame, settings, protection)
    read, encode = careful_reader(rows), _careful(record, start, rows.schema.name)
    convert = generate(
        "convert",
        "data",
        record,
        start,
        lambda code: of_event(code, rows, slices=True),
        lambda data: encode(rows.values(read(data))),
    )
    return whole(convert, frame, protection)


# --- matching --------------------------------------------------------------------------------------------------


def _record_type(written: AvroType) -> AvroType:
    record = _branch(written)
    if record is None:
        raise Fatal(f"the registered schema is {written} and not a record", stage=Stage.SCHEMA)
    return record


def _name_in(options: Options, name: str) -> str:
    return avro_name(name) if options.scrub else name


def _missing(schema: Schema, record: AvroType, options: Options, path: str) -> tuple[str, ...]:
    types = {f.name: f.type for f in record.fields}
    out: list[str] = []
    for column in schema.fields:
        name = _name_in(options, column.name)
        if name not in types:
            out.append(path + column.name)
        elif column.schema.kind is Kind.STRUCT and (inner := _branch(types[name])) is not None:
            out += _missing(column.schema, inner, options, f"{path}{column.name}.")
    return tuple(out)


def _branch(written: AvroType) -> AvroType | None:
    branches = written.branches if written.kind == "union" else (written,)
    return next((b for b in branches if b.kind == "record"), None)


def _record(
    schema: Schema,
    written: str | None,
    frame: bytes,
    settings: Mapping[str, str],
    protection: Protection | None,
) -> tuple[list[Column], bytes]:
    """The written record's columns and the bytes before them. Fatal(stage=SCHEMA) naming what does not fit."""
    options = Options.of(settings)
    text = render(schema, settings) if written is None else written
    top = parse(text, checked(protection, text))
    if protection is not None and protection.payload is not None:
        frame = b""
    record = _record_type(top)
    lacking = _missing(schema, record, options, "")
    if options.strict:
        require(lacking, f"schema {record.name}")
    names = {_name_in(options, f.name): f.name for f in schema.fields}
    start = frame + (varint(top.branches.index(record)) if top.kind == "union" else b"")
    return columns(schema, record, names, ignore_null_defaults=options.ignore_null_defaults), start


def _careful(record: list[Column], start: bytes, name: str | None) -> Callable[[dict[str, Any]], bytes]:
    steps = [
        (
            c.source,
            nullable(c.schema, c.target, name or "the record") if c.schema and c.target else None,
            c.constant,
        )
        for c in record
    ]

    def encode(values: dict[str, Any]) -> bytes:
        return start + b"".join(
            step(values.get(name)) if step and name is not None else fixed for name, step, fixed in steps
        )

    return encode
