"""Values that are no record, as transforms leave them (``ExtractField$Value`` of a text): ``["null","string"]``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from bridge.errors import Fatal
from bridge.formats.avro.write import nullable, target
from bridge.languages.avro.types import parse
from bridge.model.protection import Protection, checked, unsealed
from bridge.model.schema import Schema

VALUE: Final = "the value"


def missing(schema: Schema, written: str) -> tuple[str, ...]:
    """Empty where the registered type holds every value of ``schema``."""
    try:
        target(schema, parse(written), VALUE)
    except Fatal:
        return (VALUE,)
    return ()


def encoder(
    schema: Schema, text: str, frame: bytes, settings: Mapping[str, str], protection: Protection | None
) -> Callable[[Any], bytes]:
    """The encoder for values. Fatal where the registered type does not hold them, or something is to be encrypted."""
    unsealed(checked(protection, text), VALUE)
    into = target(schema, parse(text), VALUE)
    write = nullable(schema, into, schema.name or "the record")
    return lambda value: frame + write(value)
