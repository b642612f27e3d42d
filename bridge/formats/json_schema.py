"""JSON Schema: Connect's layout rendered, registered schemas extended, and the encoder.

A message is the frame (magic byte and schema id, or nothing) and the value as JSON. Where the registered schema
allows what Connect writes, as its own layout does, a row encodes as it is; a foreign schema is met by
``json_schema_write.py``. Equal to the converter's output as parsed values, not as bytes.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, Final

from bridge.errors import BadRecord, Fatal, Stage
from bridge.event import Data
from bridge.formats.code import Code
from bridge.formats.json_schema_render import INDEX, Options, document, property_of
from bridge.formats.json_schema_types import Object, parse, root_object
from bridge.formats.json_schema_write import fits, object_writer
from bridge.formats.json_values import Converter, converter, encode_json
from bridge.formats.reader import careful_reader, finalise
from bridge.formats.rows import Layout, Row
from bridge.schema.model import Kind, Schema

NAME: Final = "JSON_SR"
REGISTERED: Final = True


def render(schema: Schema, settings: Mapping[str, str]) -> str:
    """The schema's text in the managed connector's layout."""
    return encode_json(document(schema, Options.of(settings))).decode()


def missing_fields(schema: Schema, written: str, settings: Mapping[str, str]) -> tuple[str, ...]:
    """Names of the fields that a registered schema lacks; empty: it covers the event."""
    return _missing(schema, root_object(parse(written)), "")


def with_fields(schema: Schema, written: str, settings: Mapping[str, str]) -> str:
    """The registered schema with the missing fields at its end, everything else in it as it is."""
    whole = parse(written)
    _extend(schema, root_object(whole), Options.of(settings))
    return json.dumps(whole, ensure_ascii=False, separators=(",", ":"))


def compile_rows(
    rows: Layout, written: str | None, frame: bytes, settings: Mapping[str, str]
) -> Callable[[Row], bytes]:
    """The encoder for rows in their final form. Rows hold no defaults and no decimals."""
    convert = _converter(rows.schema, written, Options.of(settings))
    if convert is None:
        return lambda row: frame + encode_json(row)
    return lambda row: frame + encode_json(convert(rows.values(row)))


def compile_values(
    schema: Schema, written: str | None, frame: bytes, settings: Mapping[str, str]
) -> Callable[[dict[str, Any]], bytes]:
    """The encoder for values by field name, in the forms of ``schema/model.py``."""
    options = Options.of(settings)
    convert = _converter(schema, written, options)
    if convert is None:
        convert = converter(schema, schema.name or "the record", "", options.style)
    return lambda values: frame + _encoded(convert(values))


def compile_fused(
    rows: Layout, written: str | None, frame: bytes, settings: Mapping[str, str]
) -> Callable[[Data], bytes]:
    """From the event to the message in one generated function. Not for use by several threads at once."""
    read, encode_row = careful_reader(rows), compile_rows(rows, written, frame, settings)
    own = _converter(rows.schema, written, Options.of(settings)) is None
    code = Code("convert", "data")
    code.indent("try:")
    finalise(code, rows)
    if own:
        code.line(f"return {frame!r} + {code.use(encode_json, 'encode')}(row)")
    else:
        code.line(f"return {code.use(encode_row, 'encode_row')}(row)")
    code.dedent()
    code.indent("except Exception:")
    code.line(f"return {code.use(lambda data: encode_row(read(data)), 'convert_carefully')}(data)")
    return code.build()


def _encoded(value: Any) -> bytes:
    try:
        return encode_json(value)
    except UnicodeEncodeError:
        raise BadRecord(
            "a text has half a surrogate pair, which UTF-8 cannot hold", stage=Stage.ENCODE
        ) from None


def _converter(schema: Schema, written: str | None, options: Options) -> Converter | None:
    """For a written schema that is met with care; None where Connect's own form will do. Fatal(stage=SCHEMA)."""
    if written is None:
        return None
    found = root_object(parse(written))
    lacking = _missing(schema, found, "")
    if lacking and options.strict:
        raise Fatal(
            f"the registered schema has no field {', '.join(lacking)}, which the event has; "
            "register a version with it, or set value.converter.latest.compatibility.strict=false to drop it",
            stage=Stage.SCHEMA,
        )
    if fits(schema, found):
        return None
    return object_writer(schema, found, schema.name or "the record", "", options.style)


def _missing(schema: Schema, written: Object, path: str) -> tuple[str, ...]:
    out: list[str] = []
    for column in schema.fields:
        if column.name not in written.properties:
            out.append(path + column.name)
        elif column.schema.kind is Kind.STRUCT and (inner := written.part(column.name)) is not None:
            out += _missing(column.schema, inner, f"{path}{column.name}.")
    return tuple(out)


def _extend(schema: Schema, written: Object, options: Options) -> None:
    properties = written.node.setdefault("properties", {})
    indexes = [node[INDEX] for node in properties.values() if isinstance(node, dict) and INDEX in node]
    following = max(indexes) + 1 if indexes else None if properties else 0
    for column in schema.fields:
        if column.name not in properties:
            properties[column.name] = property_of(column, following, options)
            following = None if following is None else following + 1
        elif column.schema.kind is Kind.STRUCT and (inner := written.part(column.name)) is not None:
            _extend(column.schema, inner, options)
