"""Fields that JSON written out of Protobuf would not tell apart: ``Order_Id__c`` and ``OrderId__c``."""

from __future__ import annotations

from collections.abc import Iterator

from bridge.languages.protobuf.descriptors import json_name
from bridge.languages.traits import traits_of
from bridge.model.schema import Kind, Schema


def alike(schema: Schema, language: str | None) -> tuple[str, ...]:
    """A sentence for each field that protoc would give the JSON name of another; none in a language without them.

    What we render says ``json_name`` for the second (``formats/protobuf/render.py``); a schema that somebody else wrote
    may not, and then protoc refuses it.
    """
    return tuple(_pairs(schema, "")) if traits_of(language).camel_case else ()


def _pairs(schema: Schema, path: str) -> Iterator[str]:
    first: dict[str, str] = {}
    for field in schema.fields:
        name = json_name(field.name)
        other = first.setdefault(name, field.name)
        if other != field.name:
            yield (
                f"Protobuf gives {path}{other} and {path}{field.name} one name in JSON ({name}); "
                f"{field.name} keeps its own by json_name, which a schema written by hand needs, too"
            )
        if field.schema.kind is Kind.STRUCT:
            yield from _pairs(field.schema, f"{path}{field.name}.")
