"""JSON Schema: Connect's layout rendered, registered schemas extended, and the encoder.

A message is the frame (magic byte and schema id, or nothing) and the value as JSON. Where the registered schema
allows what Connect writes, as its own layout does, a row encodes as it is; a foreign schema is met by
``write.py``. Equal to the converter's output as parsed values, not as bytes.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, Final

from attrs import evolve

from bridge.errors import BadRecord, Fatal, Stage
from bridge.event import Data
from bridge.formats.code import Code
from bridge.formats.json_schema import plain
from bridge.formats.json_schema.render import INDEX, Options, document, property_of
from bridge.formats.json_schema.write import fits, object_writer
from bridge.formats.json_values import Converter, converter, encode_json
from bridge.formats.moved import places, written_as
from bridge.formats.options import require
from bridge.formats.reader import careful_reader, finalise
from bridge.formats.rows import Layout, Row
from bridge.languages.json_schema.types import Object, parse, root_object
from bridge.model.protection import Protection, Seal, checked, whole
from bridge.model.schema import Kind, Schema

NAME: Final = "JSON_SR"


def render(schema: Schema, settings: Mapping[str, str]) -> str:
    """The schema's text in the managed connector's layout."""
    return encode_json(document(schema, Options.of(settings))).decode()


def missing_fields(schema: Schema, written: str, settings: Mapping[str, str]) -> tuple[str, ...]:
    """Names of the fields that a registered schema lacks; empty: it covers the event."""
    if schema.kind is not Kind.STRUCT:
        return plain.missing(schema, written, settings)
    return _missing(schema, root_object(parse(written)), "")


def with_fields(schema: Schema, written: str, settings: Mapping[str, str]) -> str:
    """The registered schema with the missing fields at its end, everything else in it as it is."""
    if schema.kind is not Kind.STRUCT:
        return render(schema, settings)
    whole = parse(written)
    _extend(schema, root_object(whole), Options.of(settings), whole.node)
    return json.dumps(whole.node, ensure_ascii=False, separators=(",", ":"))


def compile_rows(
    rows: Layout,
    written: str | None,
    frame: bytes,
    settings: Mapping[str, str],
    protection: Protection | None = None,
) -> Callable[[Row], bytes]:
    """The encoder for rows in their final form. Rows hold no defaults and no decimals."""
    options, seals = Options.of(settings), _seals(protection, written)
    convert = _converter(rows.schema, written, options, seals)
    before = _before(frame, protection)
    if convert is None and not seals and rows.moves is None:
        return whole(lambda row: before + encode_json(row), frame, protection)
    if convert is None:
        convert = converter(
            rows.schema, rows.schema.name or "the record", "", evolve(options.style, seals=seals)
        )
    to_document = convert
    return whole(lambda row: before + encode_json(to_document(rows.values(row))), frame, protection)


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
        return plain.encoder(schema, written, frame, settings, protection)
    options, seals = Options.of(settings), _seals(protection, written)
    convert = _converter(schema, written, options, seals)
    if convert is None:
        convert = converter(schema, schema.name or "the record", "", evolve(options.style, seals=seals))
    to_document, before = convert, _before(frame, protection)
    return whole(lambda values: before + _encoded(to_document(values)), frame, protection)


def compile_fused(
    rows: Layout,
    written: str | None,
    frame: bytes,
    settings: Mapping[str, str],
    protection: Protection | None = None,
) -> Callable[[Data], bytes]:
    """From the event to the message in one generated function. Not for use by several threads at once."""
    seals = _seals(protection, written)
    without_payload = None if protection is None else evolve(protection, payload=None)
    before = _before(frame, protection)
    read, encode_row = careful_reader(rows), compile_rows(rows, written, before, settings, without_payload)
    expressions = places(rows)
    direct = {f.name for f in rows.schema.fields if f.schema.kind is Kind.STRING}
    own = _converter(rows.schema, written, Options.of(settings), seals) is None and set(seals) <= {
        *direct,
        *_beside(rows, seals),
    }
    code = Code("convert", "data")
    code.indent("try:")
    finalise(code, rows)
    if own:
        for number, (name, seal) in enumerate(seals.items()):
            if name in direct:
                place = expressions[name]
                into = expressions[name] = place if rows.shape is None else f"sealed_{number}"
                encrypt = code.use(seal.text, f"encrypt_{number}")
                text = f"{encrypt}(value.encode()).decode()"
                code.line(f"{into} = None if (value := {place}) is None else {text}")
        record = written_as(code, rows, expressions)
        code.line(f"return {before!r} + {code.use(encode_json, 'encode')}({record})")
    else:
        code.line(f"return {code.use(encode_row, 'encode_row')}(row)")
    code.dedent()
    code.fall_back(lambda data: encode_row(read(data)), "data")
    return whole(code.build(), frame, protection)


def _before(frame: bytes, protection: Protection | None) -> bytes:
    """The frame, unless the payload is encrypted and the frame comes afterwards."""
    return frame if protection is None or protection.payload is None else b""


def _seals(protection: Protection | None, written: str | None) -> dict[str, Seal]:
    """By path as ``json_values`` has it: ``$.items[0].name`` is ``items[].name``."""
    fields = checked(protection, written or "").fields
    return {name.removeprefix("$.").replace("[0]", "[]"): seal for name, seal in fields.items()}


def _beside(rows: Layout, seals: Mapping[str, Seal]) -> set[str]:
    """Protected fields that the event has not, nor anything below them."""
    columns = {column.name for column in rows.schema.fields}
    return {name for name in seals if name.partition(".")[0].removesuffix("[]") not in columns}


def _encoded(value: Any) -> bytes:
    try:
        return encode_json(value)
    except UnicodeEncodeError:
        raise BadRecord(
            "a text has half a surrogate pair, which UTF-8 cannot hold", stage=Stage.ENCODE
        ) from None


def _converter(
    schema: Schema, written: str | None, options: Options, seals: Mapping[str, Seal]
) -> Converter | None:
    """For a written schema that is met with care; None where Connect's own form will do. Fatal(stage=SCHEMA)."""
    if written is None:
        return None
    root = root_object(parse(written))
    lacking = _missing(schema, root, "")
    if options.strict:
        require(lacking, "schema")
    if fits(schema, root):
        return None
    return object_writer(schema, root, schema.name or "the record", "", evolve(options.style, seals=seals))


def _missing(schema: Schema, written: Object, path: str) -> tuple[str, ...]:
    out: list[str] = []
    for column in schema.fields:
        if column.name not in written.properties:
            out.append(path + column.name)
        elif column.schema.kind is Kind.STRUCT and (inner := written.part(column.name)) is not None:
            out += _missing(column.schema, inner, f"{path}{column.name}.")
    return tuple(out)


def _extend(schema: Schema, written: Object, options: Options, own: Any) -> None:
    properties = written.extendable()
    nodes = [node for node in properties.values() if isinstance(node, dict)]
    indexes = [index for node in nodes if isinstance(index := node.get(INDEX), int)]
    following = max(indexes) + 1 if indexes else None if properties else 0
    for column in schema.fields:
        if column.name not in properties and own is not written.root.node:
            raise Fatal(
                f"the event has a field {column.name}, which is missing in a document that the registered schema "
                "refers to; register a version of that with it",
                stage=Stage.SCHEMA,
            )
        if column.name not in properties:
            properties[column.name] = property_of(column, following, options)
            following = None if following is None else following + 1
        elif column.schema.kind is Kind.STRUCT and (inner := written.part(column.name)) is not None:
            _extend(column.schema, inner, options, own)
