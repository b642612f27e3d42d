"""Protobuf schemas in the registry: stored in one canonical layout, without comments."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from google.protobuf.descriptor_pb2 import FileOptions

from bridge.languages.compatibility import Source
from bridge.languages.compatibility.protobuf import load, names_of
from bridge.languages.protobuf import Enum, Field, InvalidProto, Message, Option, parse, render
from bridge.languages.protobuf.descriptors import descriptor
from bridge.languages.protobuf.option_text import merged
from bridge.languages.protobuf.tags import FIELD, MESSAGE, TAGS, tags_of
from bridge.sandbox.registry.error_codes import Unfit, UnknownEntity


def canonical(source: Source, *, normalize: bool, edits: tuple[Any, ...]) -> str:
    """The text that is stored; its types must be known."""
    file = load(source)
    names = names_of(source, file)
    try:
        normal = render(file, names)
    except InvalidProto as error:
        raise Unfit(error.fault) from None
    if edits:
        entities = dict(_entities(file.types, ""))
        for edit in edits:
            _edit(entities, edit)
        normal = render(file, names)
    return normal if normalize else render(file)


def tags(source: Source) -> Iterator[tuple[str, str, list[str]]]:
    """Tags of messages and fields, by name without the package."""
    for path, element in _entities(load(source).types, ""):
        record = isinstance(element, Message)
        kind = "sr_record" if record else "sr_field"
        yield path, kind, tags_of(element.options, MESSAGE if record else FIELD)


def formatted(source: Source, form: str) -> str:
    """``serialized``: the compiled descriptor in base64; ``ignore_extensions``: without custom options."""
    if form == "ignore_extensions":
        return render(load(source), extensions=False)
    if form != "serialized":
        return source.text
    file = descriptor(parse(source.text), source.imports, "default")
    tagged = {
        path: field_tags for path, kind, field_tags in tags(source) if kind == "sr_field" and field_tags
    }
    _with_options(file.options, load(source).options)
    for message in file.message_type:
        _as_served(message, proto3=file.syntax == "proto3")
        _with_tags(message, message.name, tagged)
    return base64.b64encode(file.SerializeToString(deterministic=True)).decode()


def same(one: Source, other: Source) -> bool:
    """Texts that differ are different schemas."""
    return one.text == other.text


def fields(source: Source) -> frozenset[str]:
    """Names of the first message's fields."""
    messages = [element for element in load(source).types if isinstance(element, Message)]
    return frozenset(entry.name for entry in messages[0].every_field()) if messages else frozenset()


_SERVED: Final = frozenset(FileOptions.DESCRIPTOR.fields_by_name) - {"features", "uninterpreted_option"}


def _with_options(served: FileOptions, options: Iterable[Option]) -> None:
    """The file's own options; what is none is passed over. A boolean is true only by that word, in any case."""
    for name, option in merged(option for option in options if not option.parenthesized).items():
        column = FileOptions.DESCRIPTOR.fields_by_name.get(name)
        if name not in _SERVED or column is None or column.is_repeated:
            continue
        text = str(option.value)
        if column.enum_type is not None:
            if (value := column.enum_type.values_by_name.get(text)) is not None:
                setattr(served, name, value.number)
        elif column.cpp_type == column.CPPTYPE_BOOL:
            setattr(served, name, text.lower() == "true")
        else:
            setattr(served, name, text)


def _as_served(message: Any, *, proto3: bool) -> None:
    """The registry writes no JSON names, no label where none is written, and options for every oneof."""
    for entry in message.field:
        entry.ClearField("json_name")
        if proto3 and entry.label == entry.LABEL_OPTIONAL and not entry.HasField("oneof_index"):
            entry.ClearField("label")
    for one_of in message.oneof_decl:
        one_of.options.SetInParent()
    for nested in message.nested_type:
        _as_served(nested, proto3=proto3)


def _with_tags(message: Any, path: str, tagged: Mapping[str, list[str]]) -> None:
    """Field tags as extension 1088 (``confluent.field_meta``, its ``tags`` being field 3): readers decrypt by them."""
    for entry in message.field:
        for tag in tagged.get(f"{path}.{entry.name}", ()):
            meta = b"\x1a" + bytes((len(tag.encode()),)) + tag.encode()
            entry.options.MergeFromString(b"\x82\x44" + bytes((len(meta),)) + meta)
    for nested in message.nested_type:
        _with_tags(nested, f"{path}.{nested.name}", tagged)


def _entities(types: Iterable[Message | Enum], scope: str) -> Iterator[tuple[str, Message | Field]]:
    for element in types:
        if isinstance(element, Message):
            path = f"{scope}{element.name}"
            yield path, element
            for one_of in element.one_ofs:
                for entry in one_of.fields:
                    yield f"{path}.{entry.name}", entry
            for entry in element.fields:
                yield f"{path}.{entry.name}", entry
            yield from _entities(element.types, f"{path}.")


def _edit(entities: dict[str, Message | Field], edit: Any) -> None:
    path = edit.path.removeprefix(".")
    element = entities.get(path)
    if element is None or edit.record != isinstance(element, Message):
        what = "Message" if edit.record else "Field"
        raise UnknownEntity(f"No matching {what} with name '{path.split('.')[-1]}' found in the schema")
    name = MESSAGE if edit.record else FIELD
    present = tags_of(element.options, name)
    kept = [tag for tag in present if edit.adding or tag not in edit.tags]
    kept += [tag for tag in edit.tags if edit.adding and tag not in kept]
    together = merged(element.options)
    meta = together.pop(name, None)
    value = dict(meta.value) if meta is not None and meta.kind == "MAP" else {}
    value.pop(TAGS, None)
    if kept:
        value[TAGS] = kept
    element.options = list(together.values()) + ([Option(name, "MAP", value, True)] if value else [])
