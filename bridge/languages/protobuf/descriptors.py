"""A parsed Protobuf file → descriptors of the Protobuf runtime, and message classes in a pool of its own.

Names are resolved as protoc does: the innermost scope in which a name's first part is known decides. That is why
Connect refuses a Decimal in a package ``io.confluent.…``: there ``confluent`` is the package's own part.
Imports are the well-known ones that every registry knows (``google/protobuf``, ``google/type``, ``confluent/type``).
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, Final

from google.protobuf import descriptor_pool, message_factory
from google.protobuf.descriptor_pb2 import (
    DescriptorProto,
    Edition,
    EnumDescriptorProto,
    FieldDescriptorProto,
    FileDescriptorProto,
)
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message import Message as ProtoMessage

from bridge.errors import Fatal, Stage
from bridge.languages.protobuf import Enum, Field, File, Message, is_map_entry, map_parts, parse, plain

SCALARS: Final[Mapping[str, int]] = {
    name: getattr(FieldDescriptorProto, f"TYPE_{name.upper()}")
    for name in [
        "double",
        "float",
        "int32",
        "int64",
        "uint32",
        "uint64",
        "sint32",
        "sint64",
        "fixed32",
        "fixed64",
        "sfixed32",
        "sfixed64",
        "bool",
        "string",
        "bytes",
    ]
}
_LABELS: Final = {
    "optional": FieldDescriptorProto.LABEL_OPTIONAL,
    "required": FieldDescriptorProto.LABEL_REQUIRED,
    "repeated": FieldDescriptorProto.LABEL_REPEATED,
}
_OWN: Final[Mapping[str, str]] = {
    "confluent/type/decimal.proto": """syntax = "proto3"; package confluent.type;
        message Decimal { bytes value = 1; uint32 precision = 2; int32 scale = 3; }""",
    # only what can be meant by a schema that imports it: its options are passed over
    "confluent/meta.proto": """syntax = "proto3"; package confluent;
        message Meta { string doc = 1; map<string, string> params = 2; repeated string tags = 3; }""",
}
_OWN_NAMES: Final = {"confluent/types/decimal.proto": "confluent/type/decimal.proto"}
_KNOWN: Final = re.compile(r"google/(protobuf|type)/[a-z_]+\.proto")


def load(text: str, imports: Mapping[str, str] | None = None) -> DescriptorPool:
    """A pool with the file and what it imports; its name in the pool is ``schema.proto``.

    ``imports``: texts of files that are not well known, by path. Fatal(stage=SCHEMA) for what is no valid schema.
    """
    return pool_of(descriptor(parse(text), imports), imports)


def descriptor(
    file: File, imports: Mapping[str, str] | None = None, name: str = "schema.proto"
) -> FileDescriptorProto:
    """The file's descriptor, without options. Fatal(stage=SCHEMA) naming a type that is not known."""
    out = FileDescriptorProto(name=name, package=file.package, syntax=file.syntax or "proto2")
    if file.edition is not None:
        out.edition = _edition(file.edition)
    out.dependency.extend(file.paths())
    symbols = _Symbols()
    for path in _reached(file.paths(), imports or {}):
        symbols.add_file(imported(path, imports))
    _Builder(file, symbols).fill(out)
    return out


def pool_of(proto: FileDescriptorProto, imports: Mapping[str, str] | None = None) -> DescriptorPool:
    """A descriptor pool with a file and its imports. Fatal(stage=SCHEMA) in the runtime's words."""
    pool = descriptor_pool.DescriptorPool()
    try:
        for path in _reached(proto.dependency, imports or {}):
            pool.AddSerializedFile(imported(path, imports).SerializeToString())
        pool.AddSerializedFile(proto.SerializeToString())
    except TypeError as error:
        problem = str(error).removeprefix("Couldn't build proto file into descriptor pool: ")
        raise Fatal(f"the Protobuf schema is not valid: {problem}", stage=Stage.SCHEMA) from None
    return pool


def message_class(pool: DescriptorPool, full_name: str) -> type[ProtoMessage]:
    """The class of a message in a pool."""
    message: type[ProtoMessage] = message_factory.GetMessageClass(pool.FindMessageTypeByName(full_name))
    return message


def imported(path: str, imports: Mapping[str, str] | None = None) -> FileDescriptorProto:
    """The descriptor of an imported file. Fatal(stage=SCHEMA) for one that is not known."""
    if imports and path in imports:
        return descriptor(parse(imports[path]), imports, path)
    file = _well_known(path)
    if file is None:
        raise Fatal(
            f"the Protobuf schema imports {path}, which is neither well known nor among its references",
            stage=Stage.SCHEMA,
        )
    return file


@cache
def _well_known(path: str) -> FileDescriptorProto | None:
    if path in _OWN or path in _OWN_NAMES:
        return descriptor(parse(_OWN[_OWN_NAMES.get(path, path)]), None, path)
    if not _KNOWN.fullmatch(path):
        return None
    try:
        module = importlib.import_module(path.removesuffix(".proto").replace("/", ".") + "_pb2")
    except ImportError:
        return None
    return FileDescriptorProto.FromString(module.DESCRIPTOR.serialized_pb)


def _reached(paths: Any, imports: Mapping[str, str]) -> list[str]:
    """The imports and theirs, each after those it needs itself."""
    out: list[str] = []
    open_: list[str] = []

    def visit(path: str) -> None:
        if path in out:
            return
        if path in open_:
            raise Fatal(f"the Protobuf file {path} imports itself", stage=Stage.SCHEMA)
        open_.append(path)
        needs = parse(imports[path]).paths() if path in imports else imported(path).dependency
        for needed in needs:
            visit(needed)
        open_.remove(path)
        out.append(path)

    for path in paths:
        visit(path)
    return out


def _edition(text: str) -> Any:
    try:
        return Edition.Value(f"EDITION_{text}")
    except ValueError:
        raise Fatal(f"the Protobuf edition {text} is not known", stage=Stage.SCHEMA) from None


class _Symbols:
    """Full names of types and packages."""

    def __init__(self) -> None:
        self.messages: set[str] = set()
        self.enums: set[str] = set()
        self.packages: set[str] = set()

    def add_package(self, package: str) -> None:
        parts = package.split(".") if package else []
        self.packages |= {".".join(parts[: i + 1]) for i in range(len(parts))}

    def add_file(self, proto: FileDescriptorProto) -> None:
        self.add_package(proto.package)
        for message in proto.message_type:
            self._add(message, proto.package)
        self.enums |= {_joined(proto.package, enum.name) for enum in proto.enum_type}

    def _add(self, message: DescriptorProto, scope: str) -> None:
        name = _joined(scope, message.name)
        self.messages.add(name)
        self.enums |= {f"{name}.{enum.name}" for enum in message.enum_type}
        for nested in message.nested_type:
            self._add(nested, name)

    def resolve(self, name: str, scope: str) -> str | None:
        """The full name a name means within a scope."""
        if name.startswith("."):
            return name[1:] if self._is_type(name[1:]) else None
        first, dot, _ = name.partition(".")
        while True:
            start = _joined(scope, first)
            if self._is_type(start) if not dot else (start in self.messages or start in self.packages):
                full = _joined(scope, name)
                return full if self._is_type(full) else None
            if not scope:
                return None
            scope = scope.rpartition(".")[0]

    def _is_type(self, name: str) -> bool:
        return name in self.messages or name in self.enums


def _joined(scope: str, name: str) -> str:
    return f"{scope}.{name}" if scope else name


class _Builder:
    def __init__(self, file: File, symbols: _Symbols) -> None:
        self.file, self.symbols = file, symbols
        symbols.add_package(file.package)
        for scope, message in _all(file.messages, file.package):
            symbols.messages.add(_joined(scope, message.name))
            symbols.enums |= {f"{_joined(scope, message.name)}.{enum.name}" for enum in message.enums}
        symbols.enums |= {_joined(file.package, enum.name) for enum in file.enums}

    def fill(self, out: FileDescriptorProto) -> None:
        for message in self.file.messages:
            self._message(message, out.message_type.add(), self.file.package)
        for enum in self.file.enums:
            _enum(enum, out.enum_type.add())

    def _message(self, message: Message, out: DescriptorProto, scope: str) -> None:
        out.name = message.name
        full = _joined(scope, message.name)
        if is_map_entry(message):
            out.options.map_entry = True
        for nested in message.messages:
            self._message(nested, out.nested_type.add(), full)
        for enum in message.enums:
            _enum(enum, out.enum_type.add())
        for first, last in message.taken:
            out.reserved_range.add(start=first, end=last + 1)
        out.reserved_name.extend(sorted(message.reserved_names))
        inside: dict[Field, int] = {}
        for index, one_of in enumerate(message.one_ofs):
            out.oneof_decl.add(name=one_of.name)
            inside |= dict.fromkeys(one_of.fields, index)
        for column in message.every_field():
            field = out.field.add(name=column.name, number=column.tag)
            self._field(column, field, out, full)
            if column in inside:
                field.oneof_index = inside[column]
            elif column.label == "optional" and self.file.syntax == "proto3":
                field.proto3_optional = True
        _add_synthetic_oneofs(out)
        _separate_json_names(out)

    def _field(self, column: Field, out: FieldDescriptorProto, owner: DescriptorProto, full: str) -> None:
        out.label = _LABELS[column.label or "optional"]
        if pair := map_parts(column.type):
            entry = owner.nested_type.add(name=_map_entry(column.name))
            entry.options.map_entry = True
            for number, (name, kind) in enumerate(zip(("key", "value"), pair, strict=True), 1):
                self._type(kind, entry.field.add(name=name, number=number, label=1), full, column.name)
            out.label, out.type = FieldDescriptorProto.LABEL_REPEATED, FieldDescriptorProto.TYPE_MESSAGE
            out.type_name = f".{full}.{entry.name}"
            return
        self._type(column.type, out, full, column.name)
        if (packed := plain(column.options, "packed")) is not None:
            out.options.packed = packed == "true"
        if column.json_name is not None:
            out.json_name = column.json_name

    def _type(self, kind: str, out: FieldDescriptorProto, scope: str, name: str) -> None:
        if kind in SCALARS:
            out.type = SCALARS[kind]
            return
        full_name = self.symbols.resolve(kind, scope)
        if full_name is None:
            raise Fatal(f'{scope}.{name}: "{kind}" is not defined in the Protobuf schema', stage=Stage.SCHEMA)
        out.type_name = f".{full_name}"
        is_enum = full_name in self.symbols.enums
        out.type = FieldDescriptorProto.TYPE_ENUM if is_enum else FieldDescriptorProto.TYPE_MESSAGE


def _add_synthetic_oneofs(out: DescriptorProto) -> None:
    taken = {column.name for column in out.field} | {oneof.name for oneof in out.oneof_decl}
    for column in out.field:
        if column.proto3_optional:
            name = f"_{column.name}"
            while name in taken:  # as protoc does
                name = f"X{name}"
            taken.add(name)
            column.oneof_index = len(out.oneof_decl)
            out.oneof_decl.add(name=name)


def _separate_json_names(out: DescriptorProto) -> None:
    """``Foo_Bar__c`` and ``FooBar__c`` have one JSON name, which Java takes and the runtime here refuses."""
    seen: set[str] = set()
    for column in out.field:
        name = column.json_name or json_name(column.name)
        if name in seen:
            column.json_name = name = f"{column.name}#{column.number}"
        seen.add(name)


def json_name(name: str) -> str:
    """The name that protoc gives a field in JSON: what follows an underscore begins with a capital."""
    first, *rest = name.split("_")
    return first + "".join(part[:1].upper() + part[1:] for part in rest)


def _map_entry(name: str) -> str:
    return "".join(part[:1].upper() + part[1:] for part in name.split("_")) + "Entry"


def _enum(enum: Enum, out: EnumDescriptorProto) -> None:
    out.name = enum.name
    if plain(enum.options, "allow_alias") == "true":
        out.options.allow_alias = True
    for constant in enum.constants:
        out.value.add(name=constant.name, number=constant.tag)


def _all(messages: list[Message], scope: str) -> Iterator[tuple[str, Message]]:
    for message in messages:
        yield scope, message
        yield from _all(message.messages, _joined(scope, message.name))


def for_encoding(proto: FileDescriptorProto) -> FileDescriptorProto:
    """The same file with its fields named after their numbers: names are not on the wire, and these are attributes
    that neither Python nor a message class has a use of its own for."""
    out = FileDescriptorProto()
    out.CopyFrom(proto)
    for message in out.message_type:
        _rename(message)
    return out


def attribute(number: int) -> str:
    """A field's name in ``for_encoding``."""
    return f"f{number}_"


def _rename(message: DescriptorProto) -> None:
    for nested in message.nested_type:
        if not nested.options.map_entry:
            _rename(nested)
    for index, oneof in enumerate(message.oneof_decl):
        oneof.name = f"o{index}_"
    for column in message.field:
        column.name = attribute(column.number)
        column.ClearField("json_name")
    del message.reserved_name[:]


def field_numbers(proto: FileDescriptorProto) -> dict[str, dict[str, int]]:
    """Full name of each message of the file → its fields' names → numbers."""
    out: dict[str, dict[str, int]] = {}

    def visit(message: DescriptorProto, scope: str) -> None:
        full = _joined(scope, message.name)
        out[full] = {column.name: column.number for column in message.field}
        for nested in message.nested_type:
            visit(nested, full)

    for message in proto.message_type:
        visit(message, proto.package)
    return out
