"""Protobuf: Connect's layout rendered, registered schemas extended, and the generated encoder.

A message is the frame (magic byte and schema id, or nothing), the message's place in its file (Confluent's message
indexes, left out without a frame) and the bytes that the Protobuf runtime writes. The encoder is made for a written
schema, which may be a foreign one: other numbers, wrappers, ``optional``, enums, more fields.
The runtime is imported when the first encoder is made, since it costs memory that other formats need not spend.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

from bridge.errors import Fatal, Stage
from bridge.event import Data
from bridge.formats.options import require
from bridge.formats.protobuf import evolve as protobuf_evolve
from bridge.formats.protobuf import plain
from bridge.formats.protobuf.indexes import message_indexes
from bridge.formats.protobuf.render import Options, Renderer
from bridge.formats.reader import careful_reader, of_event
from bridge.formats.rows import Layout, Row
from bridge.formats.sources import of_row, of_values
from bridge.languages.protobuf import File, Message, parse
from bridge.languages.spelling import protobuf_name
from bridge.model.protection import Protection, Seal, checked, whole
from bridge.model.schema import Kind, Schema
from bridge.model.texts import earlier_of, imports_of

if TYPE_CHECKING:
    from bridge.formats.protobuf.write import Column

NAME: Final = "PROTOBUF"


def render(schema: Schema, settings: Mapping[str, str]) -> str:
    """The schema's text in the managed connector's layout. Fatal(stage=SCHEMA) for what Protobuf cannot hold."""
    # here: the Protobuf library is slow to load
    from bridge.languages.protobuf.descriptors import load

    if schema.kind is not Kind.STRUCT:
        return plain.document(schema)
    text = Renderer(Options.of(settings)).document(schema)
    load(text)
    return text


def missing_fields(schema: Schema, written: str, settings: Mapping[str, str]) -> tuple[str, ...]:
    """Names of the fields that a registered schema lacks; empty: it covers the event."""
    if schema.kind is not Kind.STRUCT:
        return plain.missing(schema, written)
    file, rename = parse(written), _rename(Options.of(settings))
    return protobuf_evolve.missing(schema, file, root(schema, file, rename)[0], rename)


def with_fields(schema: Schema, written: str, settings: Mapping[str, str]) -> str:
    """The registered text with the missing fields under new numbers, everything else in it as it is; what earlier
    versions had and it has not is reserved."""
    # here: the Protobuf library is slow to load
    from bridge.languages.protobuf.descriptors import load

    if schema.kind is not Kind.STRUCT:
        return plain.document(schema)
    options, file = Options.of(settings), parse(written)
    rename = _rename(options)
    message, before = root(schema, file, rename)[0], map(parse, earlier_of(written))
    text = protobuf_evolve.extended(schema, file, message, options, rename, before)
    load(text, imports_of(written))
    return text


def compile_rows(
    rows: Layout,
    written: str | None,
    frame: bytes,
    settings: Mapping[str, str],
    protection: Protection | None = None,
) -> Callable[[Row], bytes]:
    """The encoder for rows in their final form."""
    # here: the Protobuf library is slow to load
    from bridge.formats.protobuf.code import generate

    parts = _Made(rows.schema, written, frame, settings, protection)
    encode = generate(
        "encode", "row", *parts.parts, lambda _: of_row(rows), lambda row: parts.carefully(rows.values(row))
    )
    return whole(encode, parts.frame, protection)


def compile_values(
    schema: Schema,
    written: str | None,
    frame: bytes,
    settings: Mapping[str, str],
    protection: Protection | None = None,
) -> Callable[[dict[str, object]], bytes]:
    """The encoder for values by field name, in the forms of ``model/schema.py``; for the value itself where ``schema``
    is no struct."""
    # here: the Protobuf library is slow to load
    from bridge.formats.protobuf.code import generate

    if schema.kind is not Kind.STRUCT:
        return plain.encoder(schema, written, frame, settings, protection)
    parts = _Made(schema, written, frame, settings, protection)
    encode = generate("encode", "values", *parts.parts, lambda _: of_values(schema), parts.carefully)
    return whole(encode, parts.frame, protection)


def compile_fused(
    rows: Layout,
    written: str | None,
    frame: bytes,
    settings: Mapping[str, str],
    protection: Protection | None = None,
) -> Callable[[Data], bytes]:
    """From the event to the message in one generated function. Not for use by several threads at once."""
    # here: the Protobuf library is slow to load
    from bridge.formats.protobuf.code import generate

    parts, read = _Made(rows.schema, written, frame, settings, protection), careful_reader(rows)

    def carefully(data: Data) -> bytes:
        return parts.carefully(rows.values(read(data)))

    convert = generate("convert", "data", *parts.parts, lambda code: of_event(code, rows), carefully)
    return whole(convert, parts.frame, protection)


def root(schema: Schema, file: File, rename: Callable[[str], str]) -> tuple[Message, tuple[int, ...]]:
    """The record's message in a file and its indexes: by full name, else by simple name, else the first."""
    full = ".".join(rename(part) for part in (schema.name or "ConnectDefault1").split("."))
    place = (
        _by_path(file, full.removeprefix(f"{file.package}.")) if full.startswith(f"{file.package}.") else None
    )
    place = place or _by_path(file, full.rpartition(".")[2])
    if place is not None:
        return place
    if not file.messages:
        raise Fatal("the registered Protobuf schema has no message", stage=Stage.SCHEMA)
    return file.messages[0], (0,)


def _by_path(file: File, path: str) -> tuple[Message, tuple[int, ...]] | None:
    messages, indexes, message = file.messages, [], None
    for name in path.split("."):
        index = next((i for i, m in enumerate(messages) if m.name == name), None)
        if index is None:
            return None
        indexes.append(index)
        message = messages[index]
        messages = message.messages
    return None if message is None else (message, tuple(indexes))


def _rename(options: Options) -> Callable[[str], str]:
    return protobuf_name if options.scrub else lambda name: name


class _Made:
    """What an encoder is generated from."""

    def __init__(
        self,
        schema: Schema,
        written: str | None,
        frame: bytes,
        settings: Mapping[str, str],
        protection: Protection | None,
    ) -> None:
        # here: the Protobuf library is slow to load
        from bridge.formats.protobuf.write import Written, columns, filler
        from bridge.languages.protobuf.descriptors import (
            descriptor,
            field_numbers,
            for_encoding,
            message_class,
            pool_of,
        )

        options = Options.of(settings)
        rename = _rename(options)
        text = render(schema, settings) if written is None else written
        protection, file = checked(protection, text), parse(text)
        message_type, path = root(schema, file, rename)
        lacking = protobuf_evolve.missing(schema, file, message_type, rename)
        if options.strict:
            require(lacking, f"schema {message_type.name}")
        imports = imports_of(text)
        proto = descriptor(file, imports)
        full = ".".join([*([file.package] if file.package else []), *_names(file, path)])
        message = message_class(pool_of(for_encoding(proto), imports), full)
        record = schema.name or full
        numbers = field_numbers(proto)
        target = Written(record, message.DESCRIPTOR, numbers, _seals(protection, numbers), options.strict)
        outputs: list[Column] = columns(
            schema, message.DESCRIPTOR, target, rename, fill=options.fill_defaults
        )
        self.frame = frame + message_indexes(path) if frame else b""
        start = self.frame if protection.payload is None else b""
        self.parts = (message, outputs, start)
        fill = filler(outputs, record)
        self.carefully: Callable[[dict[str, Any]], bytes] = lambda values: (
            start + fill(message(), values).SerializeToString()
        )


def _seals(protection: Protection, numbers: Mapping[str, Mapping[str, int]]) -> dict[tuple[str, int], Seal]:
    """By message and number. Fatal(stage=ENCRYPT) for a protected field that the schema has not."""
    out = {}
    for full, seal in protection.fields.items():
        owner, _, name = full.rpartition(".")
        if name not in numbers.get(owner, {}):
            raise Fatal(f"the schema has no field {full}, which is to be encrypted", stage=Stage.ENCRYPT)
        out[owner, numbers[owner][name]] = seal
    return out


def _names(file: File, path: tuple[int, ...]) -> list[str]:
    messages, out = file.messages, []
    for index in path:
        out.append(messages[index].name)
        messages = messages[index].messages
    return out
