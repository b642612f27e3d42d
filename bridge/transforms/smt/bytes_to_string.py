"""BytesToString: bytes fields as text (kafka-connect-transform-common)."""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable
from typing import Any, Final

from attrs import evolve

from bridge.config.property import HIGH, STRING
from bridge.java.exceptions import data_error, invalid
from bridge.model.schema import DECIMAL, Field, Kind, Schema
from bridge.transforms.record import ConnectRecord
from bridge.transforms.spec import Key, Settings, Spec, field_list
from bridge.transforms.step import Bound, OnSide, Side, Transform
from bridge.transforms.structs import require_fields, require_map

_SURROGATE: Final = re.compile(rb"\xed[\xa0-\xbf][\x80-\xbf]?")
"""Half a pair in UTF-8: one replacement character in Java, one for each byte in Python."""
_REPLACEMENT: Final = "\ufffd".encode()


def _charset(name: str, value: Any) -> None:
    try:
        b"x".decode(value or "", "replace")
    except (LookupError, ValueError):  # not known, none of texts, or no name at all
        raise invalid(name, value, "no such character set") from None


SPEC: Final = Spec(
    "BytesToString",
    "Makes text of fields that are bytes; what the character set does not have becomes the replacement character.",
    (
        Key("charset", STRING, "The character set of the bytes.", "UTF-8", HIGH, _charset, "a character set"),
        field_list("The fields."),
    ),
    {"fields": "payload"},
    "the bytes `payload` become text",
)


def make(settings: Settings, side: Side) -> Transform:
    """A BytesToString."""
    names, decoded = settings["fields"], _decoder(settings["charset"])

    def text(value: Any) -> Any:
        return decoded(value) if isinstance(value, bytes) else value

    def schemaless(value: Any, _: ConnectRecord) -> Any:
        require_map(value, "converting bytes")
        return value | {name: text(value[name]) for name in names if name in value}

    def bind(schema: Schema | None) -> Bound:
        if schema is None:
            return Bound(None, schemaless)
        fields = require_fields(schema)
        chosen = [f.name for f in fields if f.name in names and _is_bytes(f.schema)]
        fields_after = tuple(
            Field(f.name, Schema(Kind.STRING, optional=f.schema.optional), f.tags) if f.name in chosen else f
            for f in fields
        )
        return Bound(
            evolve(schema, fields=fields_after),
            lambda value, _: value | {name: text(value[name]) for name in chosen},
        )

    return OnSide(side, bind, passes_null=True)


def _decoder(charset: str) -> Callable[[bytes], str]:
    if codecs.lookup(charset).name != "utf-8":
        return lambda value: _replaced(value, charset)

    def utf_8(value: bytes) -> str:
        try:
            return value.decode()
        except UnicodeDecodeError:
            return _SURROGATE.sub(_REPLACEMENT, value).decode(errors="replace")

    return utf_8


def _replaced(value: bytes, charset: str) -> str:
    try:
        return value.decode(charset, "replace")
    except UnicodeError:
        raise data_error(f"bytes cannot be read as {charset}") from None


def _is_bytes(schema: Schema) -> bool:
    return schema.kind is Kind.BYTES and schema.name != DECIMAL
