"""Protobuf: which changes of a file leave data readable, by number, kind and label of its fields.

Compared are the files as they are written. A message that is moved or reordered, a field that is renamed, added or
removed, and an integer that becomes another integer are no obstacle; a removed message, another kind of type,
a package's change, a required field and several fields that move into one oneof are.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from attrs import define, field

from bridge.java.hash_order import hash_order
from bridge.languages.compatibility.source import InvalidSchema, Source
from bridge.languages.protobuf.elements import Enum, Field, File, Message, OneOf, map_parts
from bridge.languages.protobuf.from_descriptor import from_base64
from bridge.languages.protobuf.known import known_files
from bridge.languages.protobuf.names import Names, Type
from bridge.languages.protobuf.parser import parse
from bridge.languages.protobuf.reader import InvalidProto
from bridge.languages.protobuf.render import render

# (path, word for the reader, word for the writer) → the registry's words
_WORDS: Final[Mapping[str, str]] = {
    "PACKAGE_CHANGED": "The package at '{0}' in the {1} schema does not match the package in the {2} schema",
    "MESSAGE_REMOVED": "The {1} schema is missing a MESSAGE type at path '{0}' in the {2} schema",
    "FIELD_KIND_CHANGED": "The type of a field at path '{0}' in the {1} schema does not match the {2} schema",
    "FIELD_SCALAR_KIND_CHANGED": "The kind of a SCALAR field at path '{0}' in the {1} schema does not match its kind "
    "in the {2} schema",
    "FIELD_NAMED_TYPE_CHANGED": "The type of a MESSAGE field at path '{0}' in the {1} schema does not match its type "
    "in the {2} schema",
    "FIELD_NUMERIC_LABEL_CHANGED": "The label for a NUMERIC field at path '{0}' in the {1} schema does not match "
    "its label in the {2} schema",
    "REQUIRED_FIELD_ADDED": "A required field  at path '{0}' in the {1} schema is missing in the {2} schema",
    "REQUIRED_FIELD_REMOVED": "The {1} schema is missing a required field at path: '{0}' in the {2} schema",
    "ONEOF_FIELD_REMOVED": "The {1} schema is missing a oneof field at path '{0}' in the {2} schema",
    "MULTIPLE_FIELDS_MOVED_TO_ONEOF": "Multiple fields in the oneof at path '{0}' in the {1} schema are outside "
    "a oneof in the {2} schema",
    "FIELD_MOVED_TO_EXISTING_ONEOF": "A field in the oneof at path '{0}' in the {1} schema is outside "
    "an existing oneof in the {2} schema",
}
# Kinds of scalars within which a field may change, with the label of which a change counts for all but text.
_SCALAR_KINDS: Final[Mapping[str, str]] = {
    **dict.fromkeys(("int32", "int64", "uint32", "uint64", "bool"), "general"),
    **dict.fromkeys(("sint32", "sint64"), "signed"),
    **dict.fromkeys(("string", "bytes"), "text"),
    **dict.fromkeys(("fixed32", "sfixed32"), "fixed32"),
    **dict.fromkeys(("fixed64", "sfixed64"), "fixed64"),
    "float": "float",
    "double": "double",
}
Difference = tuple[str, str]


def judge(reader: Source, writer: Source, reader_word: str, writer_word: str, lenient: bool) -> list[str]:
    """What stands against reading ``writer``'s data with ``reader``; ``new`` and ``old`` are the words for them."""
    del lenient
    old, new = load(writer), load(reader)
    comparison = _Comparison(names_of(writer, old), names_of(reader, new))
    comparison.files(old, new)
    return [
        f'{{errorType:"{kind}", description:"{_WORDS[kind].format(path, reader_word, writer_word)}"}}'
        for kind, path in comparison.differences
    ]


def load(source: Source) -> File:
    """The file's elements; a text may also be a compiled descriptor in base64. Raises ``InvalidSchema``."""
    try:
        return parse(source.text, like_registry=True)
    except InvalidProto as error:
        binary = from_base64(source.text)
        if binary is None:
            raise InvalidSchema(f"Could not parse Protobuf - {error.fault}") from None
        return binary


def normalized(source: Source) -> str:
    """The text in which schemas that mean the same are the same. Raises ``InvalidSchema`` for an unknown type."""
    file = load(source)
    try:
        return render(file, names_of(source, file))
    except InvalidProto as error:
        raise InvalidSchema(error.fault) from None


def names_of(source: Source, file: File) -> Names:
    """The names known to a schema: its own, those of its references and those every schema may import."""
    imports = {name: load(Source("PROTOBUF", text)) for name, text in source.imports.items()}
    names = Names()
    names.collect(file, {**known_files(), **imports}, source.references)
    return names


@define
class _Comparison:
    _old: Names
    _new: Names
    _path: list[str] = field(factory=list)
    _scope: list[str] = field(factory=list)
    _inside: list[int] = field(factory=list)
    differences: list[Difference] = field(factory=list)

    def files(self, old: File, new: File) -> None:
        if old.package != new.package:
            self._add("PACKAGE_CHANGED")
        self._types(old.types, new.types)

    def _add(self, kind: str) -> None:
        self.differences.append((kind, "#/" + "/".join(self._path)))

    def _types(self, old: Sequence[Message | Enum], new: Sequence[Message | Enum]) -> None:
        before = {t.name: t for t in old if isinstance(t, Message)}
        after = {t.name: t for t in new if isinstance(t, Message)}
        for name in hash_order(before, after):
            self._path.append(name)
            self._scope.append(name)
            if name in before and name in after:
                self._messages(before[name], after[name])
            elif name in before:
                kind = self._type(self._old, name)
                if kind is not None and kind.map_type is None:
                    self._add("MESSAGE_REMOVED")
            self._scope.pop()
            self._path.pop()

    def _messages(self, old: Message, new: Message) -> None:
        if id(old) not in self._inside:
            self._inside.append(id(old))
            self._members(old, new)
            self._inside.pop()
        self._types(old.types, new.types)

    def _members(self, old: Message, new: Message) -> None:
        before = {f.tag: f for f in old.fields}
        after = {f.tag: f for f in new.fields}
        in_one_of = {f.tag for one_of in old.one_ofs for f in one_of.fields}
        for one_of in new.one_ofs:
            moved = [f.tag for f in one_of.fields if before.pop(f.tag, None) is not None]
            there = [f.tag for f in one_of.fields if f.tag not in moved and f.tag in in_one_of]
            self._path.append(one_of.name)
            if len(moved) > 1:
                self._add("MULTIPLE_FIELDS_MOVED_TO_ONEOF")
            elif moved and there:
                self._add("FIELD_MOVED_TO_EXISTING_ONEOF")
            self._path.pop()
        self._one_ofs(old.one_ofs, new.one_ofs)
        for tag in hash_order(before, after):
            self._path.append(str(tag))
            if tag in before and tag in after:
                self._fields(before[tag], after[tag])
            elif tag in before and before[tag].label == "required":
                self._add("REQUIRED_FIELD_REMOVED")
            elif tag in after and after[tag].label == "required":
                self._add("REQUIRED_FIELD_ADDED")
            self._path.pop()

    def _one_ofs(self, old: Sequence[OneOf], new: Sequence[OneOf]) -> None:
        before, after = ({one_of.name: one_of for one_of in one_ofs} for one_ofs in (old, new))
        for name in hash_order(before, after):
            if name not in before or name not in after:
                continue
            self._path.append(name)
            earlier, later = ({f.tag: f for f in one_of.fields} for one_of in (before[name], after[name]))
            for tag in hash_order(earlier, later):
                self._path.append(str(tag))
                if tag not in later:
                    self._add("ONEOF_FIELD_REMOVED")
                elif tag in earlier:
                    self._fields(earlier[tag], later[tag])
                self._path.pop()
            self._path.pop()

    def _fields(self, old: Field, new: Field) -> None:
        self._compare((old.label, new.label), old.type, new.type)

    def _compare(self, labels: tuple[str | None, str | None], old: str, new: str) -> None:
        old_type, new_type = self._type(self._old, old), self._type(self._new, new)
        old = (old_type.map_type if old_type else None) or old
        new = (new_type.map_type if new_type else None) or new
        kinds = _kind(old, old_type), _kind(new, new_type)
        if kinds[0] != kinds[1]:
            self._add("FIELD_KIND_CHANGED")
        elif kinds[0] == "scalar":
            self._scalars(labels, _scalar_kind(old), _scalar_kind(new))
        elif kinds[0] == "map":
            for one, other in zip(map_parts(old) or (), map_parts(new) or (), strict=True):
                self._compare((None, None), one, other)
        else:
            self._named(old, new)

    def _scalars(self, labels: tuple[str | None, str | None], old: str, new: str) -> None:
        if old != new:
            self._add("FIELD_SCALAR_KIND_CHANGED")
        elif None not in labels and labels[0] != labels[1] and old != "text":
            self._add("FIELD_NUMERIC_LABEL_CHANGED")

    def _named(self, old: str, new: str) -> None:
        old_name = self._old.inside(self._scope).resolve(old)
        new_name = self._new.inside(self._scope).resolve(new)
        if old_name is None or new_name is None:
            if old != new:
                self._add("FIELD_NAMED_TYPE_CHANGED")
            return
        old_type, new_type = self._old.types[old_name], self._new.types[new_name]
        local = _local(old_name, old_type)
        if local != _local(new_name, new_type):
            self._add("FIELD_NAMED_TYPE_CHANGED")
        elif old_type.reference is None or old_type.reference != new_type.reference:
            self._elsewhere(local, old_type, new_type)

    def _elsewhere(self, local: str, old: Type, new: Type) -> None:
        """Two types of one name from different files are compared where they stand."""
        if not isinstance(old.element, Message) or not isinstance(new.element, Message):
            return
        parts = local.split(".")
        names = [Names(n.types, n.extensions, t.package) for n, t in ((self._old, old), (self._new, new))]
        inner = _Comparison(names[0], names[1], list(parts), list(parts), list(self._inside))
        inner._messages(old.element, new.element)
        self.differences += inner.differences
        if inner.differences:
            self._add("FIELD_NAMED_TYPE_CHANGED")

    def _type(self, names: Names, name: str) -> Type | None:
        return names.inside(self._scope).type(name)


def _kind(name: str, kind: Type | None) -> str:
    if map_parts(name):
        return "map"
    is_scalar = name in _SCALAR_KINDS or (kind is not None and isinstance(kind.element, Enum))
    return "scalar" if is_scalar else "message"


def _scalar_kind(name: str) -> str:
    """Enums are numbers."""
    return _SCALAR_KINDS.get(name, "general")


def _local(full: str, kind: Type) -> str:
    return full.removeprefix(f"{kind.package}.")
