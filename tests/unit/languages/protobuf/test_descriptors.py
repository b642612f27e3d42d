"""Protobuf texts parsed and compiled as protoc does, by the files that come with compiled descriptors."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import google.api
import google.protobuf
import pytest
from google.protobuf.descriptor_pb2 import DescriptorProto, FileDescriptorProto

from bridge.languages.protobuf import parse
from bridge.languages.protobuf.descriptors import descriptor

ROOTS = {Path(path).parents[1] for module in (google.api, google.protobuf) for path in module.__path__}
FILES = {
    str(file.relative_to(root)): file
    for root in sorted(ROOTS)
    for folder in ("google/type", "google/protobuf", "google/rpc", "google/logging/type")
    for file in sorted((root / folder).glob("*.proto"))
}


def bare(proto: FileDescriptorProto) -> FileDescriptorProto:
    """What the descriptor promises: no options but map entries, no services, no extensions."""
    proto.ClearField("options")
    del proto.service[:], proto.extension[:], proto.public_dependency[:]
    if proto.syntax == "proto2":
        proto.ClearField("syntax")
    for message in proto.message_type:
        _bare(message)
    for enum in proto.enum_type:
        _bare_enum(enum)
    return proto


def _bare(message: DescriptorProto) -> None:
    if not message.options.map_entry:
        message.ClearField("options")
    del message.extension[:], message.extension_range[:], message.reserved_range[:], message.reserved_name[:]
    for field in message.field:
        for name in ("options", "json_name", "default_value"):
            field.ClearField(name)
    for oneof in message.oneof_decl:
        oneof.ClearField("options")
    for enum in message.enum_type:
        _bare_enum(enum)
    for nested in message.nested_type:
        _bare(nested)
    ordered = [DescriptorProto.FromString(n.SerializeToString()) for n in message.nested_type]
    del message.nested_type[:]
    message.nested_type.extend(sorted(ordered, key=lambda nested: nested.name))


def _bare_enum(enum: Any) -> None:
    enum.ClearField("options")
    enum.ClearField("visibility")
    del enum.reserved_range[:], enum.reserved_name[:]
    for value in enum.value:
        value.ClearField("options")


def test_the_files_are_there() -> None:
    assert len(FILES) >= 15


@pytest.mark.parametrize("name", FILES)
def test_like_protoc(name: str) -> None:
    module = importlib.import_module(name.removesuffix(".proto").replace("/", ".") + "_pb2")
    expected = FileDescriptorProto.FromString(module.DESCRIPTOR.serialized_pb)
    made = descriptor(parse(FILES[name].read_text()), None, name)
    assert bare(made) == bare(expected)
