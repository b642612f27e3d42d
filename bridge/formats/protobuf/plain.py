"""Values that are no struct, as transforms leave them: the wrapper of their type, ``google.protobuf.StringValue``.

Registered is the whole file of the message, as Connect's ProtobufConverter 8.3.1 registers the descriptor's file;
the message indexes say which message of it is meant. A logical type is its well-known message (Timestamp, Date, …).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from bridge.errors import BadRecord, Fatal, Stage
from bridge.formats.protobuf.indexes import message_indexes
from bridge.formats.protobuf.logical import LOGICAL, logical
from bridge.languages.protobuf import File, parse
from bridge.languages.protobuf.known import known_files
from bridge.languages.protobuf.render import render
from bridge.model.protection import Protection, checked, unsealed
from bridge.model.schema import DATE, DECIMAL, TIME, TIMESTAMP, Kind, Schema

VALUE: Final = "the value"
_WRAPPERS: Final = "google/protobuf/wrappers.proto"
_MESSAGES: Final = {
    Kind.INT8: "Int32Value",
    Kind.INT16: "Int32Value",
    Kind.INT32: "Int32Value",
    Kind.INT64: "Int64Value",
    Kind.FLOAT32: "FloatValue",
    Kind.FLOAT64: "DoubleValue",
    Kind.BOOLEAN: "BoolValue",
    Kind.STRING: "StringValue",
    Kind.BYTES: "BytesValue",
}
_FILES: Final = {
    TIMESTAMP: "google/protobuf/timestamp.proto",
    DATE: "google/type/date.proto",
    TIME: "google/type/timeofday.proto",
    DECIMAL: "confluent/type/decimal.proto",
}


def document(schema: Schema) -> str:
    """The text of the file that has the value's message. Fatal(stage=SCHEMA) for lists and maps, which have none."""
    return render(_file(schema))


def missing(schema: Schema, written: str) -> tuple[str, ...]:
    """Empty where the registered file has the value's message, under its name and in its package."""
    file = parse(written)
    package, _, name = message_of(schema).rpartition(".")
    return () if file.package == package and file.messages and _index(file, name) is not None else (VALUE,)


def message_of(schema: Schema) -> str:
    """The full name of the value's message. Fatal(stage=SCHEMA) for lists and maps."""
    if schema.name is not None and schema.name in LOGICAL:
        return LOGICAL[schema.name]
    if schema.kind not in _MESSAGES:
        raise Fatal(
            f"a value that is {schema.kind} has no Protobuf message: put HoistField$Value behind the transforms",
            stage=Stage.SCHEMA,
        )
    return f"google.protobuf.{_MESSAGES[schema.kind]}"


def encoder(
    schema: Schema,
    written: str | None,
    frame: bytes,
    settings: Mapping[str, str],
    protection: Protection | None,
) -> Callable[[Any], bytes]:
    """The encoder for values. Fatal where the registered file lacks their message, or something is to be encrypted."""
    # here: the Protobuf library is slow to load
    from bridge.languages.protobuf.descriptors import load, message_class

    text = document(schema) if written is None else written
    unsealed(checked(protection, text), VALUE)
    name = message_of(schema)
    place = _index(parse(text), name.rpartition(".")[2])
    if place is None or missing(schema, text):
        raise Fatal(
            f"the registered Protobuf file has no message {name}, which the value is", stage=Stage.SCHEMA
        )
    start = frame + message_indexes((place,)) if frame else b""
    message = message_class(load(text), name)
    make = logical(schema, message) if schema.name in LOGICAL else lambda value: message(value=value)

    def encode(value: Any) -> bytes:
        try:
            return start + bytes(make(value).SerializeToString())
        except (ValueError, TypeError, OverflowError) as error:
            raise BadRecord(f"the value does not fit {name}: {error}", stage=Stage.ENCODE) from None

    return encode


def _file(schema: Schema) -> File:
    message_of(schema)
    return known_files()[_FILES.get(schema.name or "", _WRAPPERS)]


def _index(file: File, name: str) -> int | None:
    return next((i for i, message in enumerate(file.messages) if message.name == name), None)
