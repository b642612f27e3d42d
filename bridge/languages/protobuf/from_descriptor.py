"""A compiled file's descriptor to elements: what the library knows, and schemas registered in their binary form.

Custom options do not survive this way; labels, numbers, names and types do.
"""

from __future__ import annotations

import base64
import binascii
from typing import Any, Final

from google.protobuf.descriptor_pb2 import (
    DescriptorProto,
    EnumDescriptorProto,
    FieldDescriptorProto,
    FileDescriptorProto,
)
from google.protobuf.message import DecodeError

from bridge.languages.protobuf.elements import (
    Constant,
    Enum,
    Extensions,
    Field,
    File,
    Import,
    Message,
    OneOf,
    Option,
    Range,
    Reserved,
    Rpc,
    Service,
)

_LABELS: Final = {
    FieldDescriptorProto.LABEL_REQUIRED: "required",
    FieldDescriptorProto.LABEL_REPEATED: "repeated",
    FieldDescriptorProto.LABEL_OPTIONAL: "optional",
}


def from_base64(text: str) -> File | None:
    """The elements of a ``FileDescriptorProto`` in base64; None where the text is not one."""
    try:
        descriptor = FileDescriptorProto.FromString(base64.b64decode(text, validate=True))
    except (binascii.Error, ValueError, DecodeError):
        return None
    return from_proto(descriptor)


def from_descriptor(descriptor: Any) -> File:
    """The elements of a file of the library's pool."""
    proto = FileDescriptorProto()
    descriptor.CopyToProto(proto)
    return from_proto(proto)


def from_proto(proto: FileDescriptorProto) -> File:
    """The elements of a descriptor."""
    syntax = proto.syntax or "proto2"
    public = {proto.dependency[index] for index in proto.public_dependency}
    return File(
        syntax=syntax if syntax in ("proto2", "proto3") else None,
        package=proto.package,
        imports=[Import(name, "public" if name in public else "") for name in proto.dependency],
        types=[
            *(_message(m, proto3=syntax == "proto3") for m in proto.message_type),
            *map(_enum, proto.enum_type),
        ],
        services=[_service(service) for service in proto.service],
        options=_options(proto.options),
    )


def _message(proto: DescriptorProto, *, proto3: bool) -> Message:
    synthetic = {f.oneof_index for f in proto.field if f.proto3_optional}
    message = Message(proto.name, options=_options(proto.options))
    one_ofs = {n: OneOf(o.name) for n, o in enumerate(proto.oneof_decl) if n not in synthetic}
    message.one_ofs = list(one_ofs.values())
    for entry in proto.field:
        if entry.HasField("oneof_index") and not entry.proto3_optional:
            one_ofs[entry.oneof_index].fields.append(_field(entry, None))
            continue
        label: str | None = _LABELS[entry.label]
        if proto3 and label == "optional" and not entry.proto3_optional:
            label = None
        message.fields.append(_field(entry, label))
    message.types = [*(_message(m, proto3=proto3) for m in proto.nested_type), *map(_enum, proto.enum_type)]
    numbers = [Range(r.start, r.end - 1) for r in proto.reserved_range]
    message.reserved = [Reserved((value,)) for value in (*numbers, *proto.reserved_name)]
    message.extensions = [Extensions((Range(r.start, r.end - 1),)) for r in proto.extension_range]
    return message


def _field(proto: FieldDescriptorProto, label: str | None) -> Field:
    kind = proto.type_name or FieldDescriptorProto.Type.Name(proto.type).removeprefix("TYPE_").lower()
    default = proto.default_value if proto.HasField("default_value") else None
    return Field(label, kind, proto.name, proto.number, _options(proto.options), default)


def _enum(proto: EnumDescriptorProto) -> Enum:
    return Enum(proto.name, [Constant(v.name, v.number) for v in proto.value], _options(proto.options))


def _service(proto: Any) -> Service:
    methods = [
        Rpc(m.name, m.input_type, m.output_type, m.client_streaming, m.server_streaming) for m in proto.method
    ]
    return Service(proto.name, methods, _options(proto.options))


def _options(options: Any) -> list[Option]:
    """The options that are set and plain; extensions are not known here."""
    listed = []
    for field, value in options.ListFields():
        if field.is_extension or field.message_type is not None or field.is_repeated:
            continue
        if field.enum_type is not None:
            listed.append(Option(field.name, "ENUM", field.enum_type.values_by_number[value].name))
        elif isinstance(value, bool):
            listed.append(Option(field.name, "BOOLEAN", str(value).lower()))
        else:
            listed.append(Option(field.name, "STRING" if isinstance(value, str) else "NUMBER", str(value)))
    return listed
