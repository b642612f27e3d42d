"""Protobuf schemas as text: parsed into elements, written back in one canonical form, their type names resolved.

The elements keep what compatibility and the registry need (labels as written, options, reserved, groups), which a
compiled descriptor loses, and the places at which a schema that evolves can be added to. No compiler is called,
nothing is read from disk, and the Protobuf runtime is imported by none of what is named here.
"""

from __future__ import annotations

from bridge.languages.protobuf.elements import (
    MAX_TAG,
    Enum,
    Field,
    File,
    Message,
    OneOf,
    Option,
    is_map_entry,
    map_parts,
    plain,
)
from bridge.languages.protobuf.parser import parse
from bridge.languages.protobuf.reader import InvalidProto
from bridge.languages.protobuf.render import render

__all__ = [
    "MAX_TAG",
    "Enum",
    "Field",
    "File",
    "InvalidProto",
    "Message",
    "OneOf",
    "Option",
    "is_map_entry",
    "map_parts",
    "parse",
    "plain",
    "render",
]
