"""How a field's name is spelled in a schema's text: Kafka Connect's ``scrub.invalid.names``, per language.

Follows ``AvroData.scrubName`` and ``ProtobufData.scrubName`` of Confluent's converters 8.3.1.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final
from urllib.parse import quote_plus

_VALID: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)


def avro_name(name: str) -> str:
    """A name with what Avro does not allow replaced."""
    if _VALID.fullmatch(name):
        return name
    out = "".join(_avro_character(c) for c in name)
    return out if not out[:1].isdigit() else f"x{out}"


def protobuf_name(name: str) -> str:
    """A name with what Protobuf does not allow replaced; it also hides a leading underscore."""
    if _VALID.fullmatch(name) and name[0] != "_":
        return name
    encoded = quote_plus(name, safe=".-*_").replace("~", "%7E")
    if encoded[:1].isdigit() or encoded[:1] == "_":
        encoded = f"x{encoded}"
    return re.sub(r"[^A-Za-z0-9_]", "_", encoded)


@lru_cache(maxsize=4096)
def spellings(name: str) -> frozenset[str]:
    """Every name that a field may have in a schema's text, whatever the language and the converter's settings."""
    return frozenset((name, avro_name(name), protobuf_name(name)))


def _avro_character(character: str) -> str:
    if character.isascii() and (character.isalnum() or character == "_"):
        return character
    if character in "-.* ":  # what Java's URLEncoder leaves alone, and the blank, which it makes a plus sign
        return "_"
    return "".join(f"_{byte:02X}" for byte in character.encode())
