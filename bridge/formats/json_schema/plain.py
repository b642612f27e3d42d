"""Values that are no object, as transforms leave them: the type alone, ``oneOf`` null and ``{"type":"string"}``."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, Final

from bridge.errors import Fatal, Stage
from bridge.formats.json_schema.render import Options, document
from bridge.formats.json_values import converter, encode_json
from bridge.model.protection import Protection, checked, unsealed
from bridge.model.schema import Schema

VALUE: Final = "the value"
_WORDS: Final = ("type", "oneOf", "items", "additionalProperties", "connect.type")


def missing(schema: Schema, written: str, settings: Mapping[str, str]) -> tuple[str, ...]:
    """Empty where the registered schema has the type that Connect's layout gives the value."""
    wanted = json.loads(encode_json(document(schema, Options.of(settings))))
    return () if _type_of(json.loads(written)) == _type_of(wanted) else (VALUE,)


def encoder(
    schema: Schema,
    written: str | None,
    frame: bytes,
    settings: Mapping[str, str],
    protection: Protection | None,
) -> Callable[[Any], bytes]:
    """The encoder for values. Fatal where the registered type is another, or something is to be encrypted."""
    unsealed(checked(protection, written or ""), VALUE)
    if written is not None and missing(schema, written, settings):
        raise Fatal(f"the value is {schema.kind}, the registered schema has another type", stage=Stage.SCHEMA)
    convert = converter(schema, "the record", "", Options.of(settings).style)
    return lambda value: frame + encode_json(convert(value))


def _type_of(node: Any) -> Any:
    """The words of a schema that say what its values are."""
    if isinstance(node, dict):
        return {key: _type_of(value) for key, value in node.items() if key in _WORDS}
    return [_type_of(item) for item in node] if isinstance(node, list) else node
