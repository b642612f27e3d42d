"""A neutral schema → Protobuf schema text (proto3) in Kafka Connect's layout.

Follows ``ProtobufData.fromConnectSchema`` of Confluent's converters 8.3.1 as recorded in
``tests/vectors/connect-layout``: package and message from the struct's name, fields numbered from 1,
``google.protobuf.Timestamp``, ``google.type.Date``, an unnamed struct is ``ConnectDefault1``, a map a repeated entry
message; parameters in ``(confluent.field_meta)``, whose file Connect does not import.

Where a field has tags, the file is one that protoc compiles: it imports ``confluent/meta.proto`` and writes
``(.confluent.field_meta)``, because inside a package ``io.confluent.…`` the name without the leading dot means
``io.confluent.field_meta``. Every client of the registry reads both spellings (Java's ``ProtobufSchema.mergeOptions``
takes a leading dot away; the others read the compiled descriptor).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from attrs import define, field, frozen

from bridge.errors import Fatal, Stage
from bridge.formats.options import flag
from bridge.languages.protobuf.descriptors import json_name
from bridge.languages.spelling import protobuf_name
from bridge.model.connect_json import scale_of
from bridge.model.schema import DATE, DECIMAL, TIME, TIMESTAMP, Field, Kind, Schema

_VALID: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
_PARAMETER: Final = "io.confluent.connect.protobuf."
META: Final = "confluent/meta.proto"
ALIKE: Final = "option deprecated_legacy_json_field_conflicts = true;"
_LOGICAL: Final[Mapping[str, tuple[str, str]]] = {
    TIMESTAMP: ("google.protobuf.Timestamp", "google/protobuf/timestamp.proto"),
    DATE: ("google.type.Date", "google/type/date.proto"),
    TIME: ("google.type.TimeOfDay", "google/type/timeofday.proto"),
    DECIMAL: ("confluent.type.Decimal", "confluent/type/decimal.proto"),
}
_SCALARS: Final[Mapping[Kind, tuple[str, str]]] = {
    Kind.INT8: ("int32", "Int32Value"),
    Kind.INT16: ("int32", "Int32Value"),
    Kind.INT32: ("int32", "Int32Value"),
    Kind.INT64: ("int64", "Int64Value"),
    Kind.FLOAT32: ("float", "FloatValue"),
    Kind.FLOAT64: ("double", "DoubleValue"),
    Kind.BOOLEAN: ("bool", "BoolValue"),
    Kind.STRING: ("string", "StringValue"),
    Kind.BYTES: ("bytes", "BytesValue"),
}
_NARROW: Final = {Kind.INT8: "int8", Kind.INT16: "int16"}


@frozen
class Options:
    """What the converter's settings say. ``connect.meta.data``, ``enhanced.protobuf.schema.support``,
    ``flatten.unions``, ``generalized.sum.type.support``, ``generate.index.for.unions``, ``int.for.enums``,
    ``generate.struct.for.nulls``, ``optional.for.proto2`` and ``wrapper.for.raw.primitives`` are about reading, or
    about enums and unions, which events have not: they change nothing that Connect writes, and nothing here."""

    scrub: bool
    optional: bool
    wrapper: bool
    fill_defaults: bool
    strict: bool

    @classmethod
    def of(cls, settings: Mapping[str, str]) -> Options:
        """Typed settings; ConfigurationError."""
        return cls(
            scrub=flag(settings, "scrub.invalid.names", False),
            optional=flag(settings, "optional.for.nullables", False),
            wrapper=flag(settings, "wrapper.for.nullables", False),
            fill_defaults=not flag(settings, "ignore.default.for.nullables", False),
            strict=flag(settings, "latest.compatibility.strict", True),
        )


@define
class Message:
    """A message while it is written."""

    name: str
    schema: Schema
    lines: list[str] = field(factory=list)
    nested: list[list[str]] = field(factory=list)
    structs: dict[str, Schema] = field(factory=dict)
    json_names: set[str] = field(factory=set)
    """The names that protoc gives the message's fields in JSON."""

    def json_option(self, name: str) -> list[str]:
        """What a field must say of its name in JSON, because protoc would give it one that another field has:
        ``Order_Id__c`` and ``OrderId__c`` are both ``OrderIdC``. protoc takes such a message only with the option."""
        derived = json_name(name)
        if derived not in self.json_names:
            self.json_names.add(derived)
            return []
        if ALIKE not in self.lines:
            self.lines.insert(0, ALIKE)
        return [f'json_name = "{name}"']


@define
class Renderer:
    """Renders the messages of one file. ``used`` are names of unnamed structs that stand in the file already,
    ``label`` what a singular field must be labelled with in the file's syntax, ``compiles``: the file imports what its
    options are declared in."""

    options: Options
    used: frozenset[str] = frozenset()
    label: str = ""
    compiles: bool = False
    imports: list[str] = field(factory=list)
    _unnamed: int = 0

    def document(self, schema: Schema) -> str:
        """The whole file. Fatal(stage=SCHEMA) naming what Protobuf cannot hold."""
        self.compiles = self.compiles or has_tags(schema)
        package, name = self.root_name(schema)
        body = self.message(name, schema)
        head = ['syntax = "proto3";', *([f"package {package};"] if package else []), ""]
        imports = [*(f'import "{path}";' for path in self.imports), ""] if self.imports else []
        return "\n".join([*head, *imports, *body, ""])

    def root_name(self, schema: Schema) -> tuple[str, str]:
        """Package and name of the record's message."""
        parts = [self.name(part) for part in (schema.name or self._default_name()).split(".")]
        return ".".join(parts[:-1]), parts[-1]

    def message(self, name: str, schema: Schema) -> list[str]:
        """The lines of a message."""
        out, number = Message(name, schema), 0
        for column in schema.fields:
            tag = column.schema.parameters.get(f"{_PARAMETER}Tag")
            number += tag is None
            self.field(out, column, number if tag is None else int(tag))
        return block(out)

    def field(self, owner: Message, column: Field, number: int, *, labelled: bool = True) -> None:
        """Add a field and the messages it needs to its owner; ``labelled``: a nullable one may say so."""
        schema, name, label = column.schema, self.name(column.name), self.label
        if schema.kind in (Kind.ARRAY, Kind.MAP):
            label = "repeated"
        elif labelled and self.options.optional and schema.optional:
            label = "optional"
        if schema.kind is Kind.ARRAY:
            assert schema.value_schema is not None
            schema = schema.value_schema
            if schema.kind in (Kind.ARRAY, Kind.MAP):
                raise Fatal(f"field {name}: Protobuf has no lists of lists or maps", stage=Stage.SCHEMA)
        kind, parameters = self._type(owner, schema, name)
        text = f"{label} {kind} {name} = {number}".lstrip()
        plain = owner.json_option(name)
        meta = _meta(parameters, sorted(column.tags), dotted=self.compiles)
        owner.lines += _with_options(text, plain, meta)
        if meta and self.compiles:
            self._import(META)

    def name(self, name: str) -> str:
        """A name in Protobuf; Fatal(stage=SCHEMA) where it is not allowed there."""
        if self.options.scrub:
            return protobuf_name(name)
        if _VALID.fullmatch(name):
            return name
        raise Fatal(
            f"the name {name} is not allowed in a Protobuf schema; "
            "value.converter.scrub.invalid.names=true rewrites it",
            stage=Stage.SCHEMA,
        )

    def _type(self, owner: Message, schema: Schema, name: str) -> tuple[str, dict[str, str]]:
        logical = _LOGICAL.get(schema.name or "")
        if logical is not None:
            kind, path = logical
            self._import(path)
            return kind, _decimal_parameters(schema) if schema.name == DECIMAL else {}
        if schema.kind is Kind.STRUCT:
            return self._struct(owner, schema, name), {}
        if schema.kind is Kind.MAP:
            return self._map(owner, schema), {}
        parameters = {"connect.type": _NARROW[schema.kind]} if schema.kind in _NARROW else {}
        scalar, wrapper = _SCALARS[schema.kind]
        if self.options.wrapper and schema.optional:
            self._import("google/protobuf/wrappers.proto")
            return f"google.protobuf.{wrapper}", parameters
        return scalar, parameters

    def _struct(self, owner: Message, schema: Schema, name: str) -> str:
        kind = self._simple_name(schema)
        if kind == name:
            kind += "Message"
        within = owner.structs | {owner.name: owner.schema}
        if kind not in within:
            owner.structs[kind] = schema
            owner.nested.append(self.message(kind, schema))
        elif within[kind].fields != schema.fields:
            raise Fatal(f"two different structs in {owner.name} are both named {kind}", stage=Stage.SCHEMA)
        return kind

    def _map(self, owner: Message, schema: Schema) -> str:
        assert schema.key_schema is not None
        assert schema.value_schema is not None
        name = self._simple_name(schema)
        if "_" in name:
            name = "".join(part[:1].upper() + part[1:].lower() for part in name.split("_"))
        entry = Message(f"{name}Entry", schema)
        for number, (name_, part) in enumerate(
            (("key", schema.key_schema), ("value", schema.value_schema)), 1
        ):
            self.field(entry, Field(name_, part), number, labelled=False)
        owner.nested.append(block(entry))
        return entry.name

    def _simple_name(self, schema: Schema) -> str:
        return self.name((schema.name or self._default_name()).rpartition(".")[2])

    def _default_name(self) -> str:
        while True:
            self._unnamed += 1
            name = f"ConnectDefault{self._unnamed}"
            if not {name, f"{name}Entry"} & self.used:
                return name

    def _import(self, path: str) -> None:
        if path not in self.imports:
            self.imports.append(path)


def block(message: Message) -> list[str]:
    """The lines of a message with its nested ones, without indentation of its own."""
    body = [*message.lines, *([""] if message.nested else [])]
    body += [line for nested in message.nested for line in nested]
    return [f"message {message.name} {{", *indented(body), "}"]


def indented(lines: list[str], by: str = "  ") -> list[str]:
    """Lines one level deeper; empty ones stay empty."""
    return [f"{by}{line}" if line else "" for line in lines]


def _decimal_parameters(schema: Schema) -> dict[str, str]:
    precision = schema.parameters.get("connect.decimal.precision")
    out = {} if precision is None else {"precision": precision}
    return out | {"scale": str(scale_of(schema))}


def has_tags(schema: Schema | None) -> bool:
    """Whether any field of a schema has a tag."""
    return schema is not None and (
        any(column.tags or has_tags(column.schema) for column in schema.fields)
        or has_tags(schema.key_schema)
        or has_tags(schema.value_schema)
    )


def _meta(parameters: Mapping[str, str], tags: list[str], *, dotted: bool) -> list[str]:
    """The lines of a field's parameters and tags; none where it has neither."""
    if not parameters and not tags:
        return []
    parts: list[list[str]] = []
    if parameters:
        entries = [["  {", f'    key: "{k}",', f'    value: "{v}"', "  },"] for k, v in parameters.items()]
        entries[-1][-1] = "  }"
        parts.append(["params: [", *(line for entry in entries for line in entry), "]"])
    if tags:
        quoted = [f'  "{tag}",' for tag in tags]
        quoted[-1] = quoted[-1].rstrip(",")
        parts.append(["tags: [", *quoted, "]"])
    for part in parts[:-1]:
        part[-1] += ","
    inner = [line for part in parts for line in part]
    return [f"({'.' if dotted else ''}confluent.field_meta) = {{", *indented(inner), "}"]


def _with_options(text: str, plain: list[str], meta: list[str]) -> list[str]:
    if not plain and not meta:
        return [f"{text};"]
    lines = [", ".join([*plain, *meta[:1]]), *meta[1:]]
    lines[0] = f"{text} [{lines[0]}"
    lines[-1] += "];"
    return lines
