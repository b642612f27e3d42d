"""Protobuf cases: dynamic messages. What is not set stays so, so an unset field counts as equal to anything."""

from __future__ import annotations

from typing import Any

from google.protobuf import json_format

from bridge.errors import BridgeError
from bridge.formats import FORMATS
from bridge.languages.protobuf import parse
from bridge.languages.protobuf.descriptors import load, message_class
from bridge.languages.protobuf.places import change
from bridge.model.protection import Protection
from bridge.model.schema import Field, Kind, Schema
from bridge.reading.opener import Opener


def _class(case: Any) -> Any:
    file = parse(case.text)
    first = file.messages[0].name
    name = case.recorded.get("message") or (f"{file.package}.{first}" if file.package else first)
    return message_class(load(case.text), name)


def _indexes(case: Any) -> bytes:
    """Of the message written, as they stand before it: zigzag count and indexes, the first message as one 0."""
    name, out = _class(case).DESCRIPTOR, []
    while name is not None:
        siblings = (
            name.containing_type.nested_types
            if name.containing_type
            else name.file.message_types_by_name.values()
        )
        out.append([sibling.full_name for sibling in siblings].index(name.full_name))
        name = name.containing_type
    out.reverse()
    return b"\0" if out == [0] else bytes((len(out) * 2, *(index * 2 for index in out)))


def _without(case: Any, body: bytes) -> bytes:
    if any("headers" in message for message in case.recorded["messages"]):
        return body
    indexes = _indexes(case)
    assert body.startswith(indexes), "the message indexes differ"
    return body[len(indexes) :]


def opened(case: Any, opener: Opener, body: bytes) -> Any:
    return json_format.MessageToDict(
        opener.protobuf(_without(case, body), _class(case)()), preserving_proto_field_name=True
    )


def wire(case: Any, body: bytes) -> Any:
    return _class(case).FromString(_without(case, body))


def written(case: Any, plaintext: Any, frame: bytes, protection: Protection) -> bytes:
    """By the bridge's encoder; what Connect's data model cannot hold by hand."""
    message = json_format.ParseDict(plaintext, _class(case)())
    try:
        encode = FORMATS["PROTOBUF"].compile_values(_schema([message]), case.text, frame, {}, protection)
        return encode(_value(message))
    except BridgeError:
        return _by_hand(case, message, frame, protection)


def _schema(messages: list[Any]) -> Schema:
    """A struct of the fields that any of the messages sets."""
    name = messages[0].DESCRIPTOR.full_name if messages else "R"
    columns = {column.name: column for message in messages for column, _ in message.ListFields()}
    fields = tuple(Field(key, _field(column, messages)) for key, column in columns.items())
    return Schema(Kind.STRUCT, optional=True, name=name, fields=fields)


def _field(column: Any, messages: list[Any]) -> Schema:
    values = [getattr(message, column.name) for message in messages]
    if column.message_type is not None and column.message_type.GetOptions().map_entry:
        text = Schema(Kind.STRING)
        return Schema(Kind.MAP, optional=True, key_schema=text, value_schema=text)
    if column.message_type is not None:
        inner = _schema([one for value in values for one in (value if _many(column) else [value])])
    else:
        names = {
            column.TYPE_STRING: Kind.STRING,
            column.TYPE_BYTES: Kind.BYTES,
            column.TYPE_BOOL: Kind.BOOLEAN,
        }
        whole = Kind.FLOAT64 if column.type in (column.TYPE_DOUBLE, column.TYPE_FLOAT) else Kind.INT64
        inner = Schema(names.get(column.type, whole), optional=True)
    return Schema(Kind.ARRAY, optional=True, value_schema=inner) if _many(column) else inner


def _value(message: Any) -> dict[str, Any]:
    out: dict[str, Any] = {}
    for column, value in message.ListFields():
        if column.message_type is not None and column.message_type.GetOptions().map_entry:
            out[column.name] = dict(value)
        elif column.message_type is not None:
            out[column.name] = [_value(one) for one in value] if _many(column) else _value(value)
        else:
            out[column.name] = list(value) if _many(column) else value
    return out


def _by_hand(case: Any, message: Any, frame: bytes, protection: Protection) -> bytes:
    def sealed(name: str, value: Any) -> Any:
        seal = protection.fields.get(name)
        if seal is None:
            return value
        return seal.raw(value) if isinstance(value, bytes) else seal.text(value.encode()).decode()

    change(message, sealed)
    body = message.SerializeToString()
    before = frame + _indexes(case) if frame else b""
    return before + (body if protection.payload is None else protection.payload.raw(body))


def normal(case: Any, document: Any) -> Any:
    """Without defaults and empty messages: Java creates those above an encrypted field."""
    message = json_format.ParseDict(document, _class(case)())
    found = json_format.MessageToDict(message, preserving_proto_field_name=True)
    return _pruned(found, message)


def _pruned(document: Any, message: Any) -> Any:
    return {key: value for key, value in document.items() if value != {}}


def differences(case: Any, plaintext: Any, found: Any) -> set[str]:
    """Only of fields that the plaintext sets."""
    return _compared(json_format.ParseDict(plaintext, _class(case)()), found, "$")


def _compared(expected: Any, found: Any, path: str) -> set[str]:
    out: set[str] = set()
    for column, value in expected.ListFields():
        other, where = getattr(found, column.name), f"{path}.{column.name}"
        if column.message_type is not None and not column.message_type.GetOptions().map_entry:
            pairs = zip(value, other, strict=True) if _many(column) else ((value, other),)
            for number, (a, b) in enumerate(pairs):
                out |= _compared(a, b, f"{where}[{number}]")
        elif _many(column):
            out |= {f"{where}[{i}]" for i, (a, b) in enumerate(zip(value, other, strict=True)) if a != b}
        elif value != other:
            out.add(where)
    return out


def _many(column: Any) -> bool:
    return bool(column.is_repeated)
