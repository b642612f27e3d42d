"""Protobuf schemas as text: parsed into elements, written back in one canonical form, their type names resolved.

The elements keep what compatibility and the registry need (labels as written, options, reserved, groups), which a
compiled descriptor loses. No compiler is called and nothing is read from disk.
"""

from __future__ import annotations

from bridge.schema.proto.elements import Enum, Field, File, Message, OneOf, Option
from bridge.schema.proto.parser import parse
from bridge.schema.proto.reader import InvalidProto
from bridge.schema.proto.render import render

__all__ = ["Enum", "Field", "File", "InvalidProto", "Message", "OneOf", "Option", "parse", "render"]
