"""A registered Protobuf text with fields added: numbers are stable for ever, and the rest of the text stays as it is.

A new field gets the number after the highest that is or was in use: fields, reserved and extension ranges, and the
fields of earlier versions. What somebody reserved is never used again, neither number nor name; what an earlier version
had and the latest has not is reserved.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Final

from attrs import frozen

from bridge.errors import Fatal, Stage
from bridge.formats.protobuf.render import ALIKE, META, Options, Renderer, has_tags, indented
from bridge.formats.protobuf.render import Message as Rendered
from bridge.languages.protobuf import MAX_TAG, File, Message
from bridge.languages.protobuf.descriptors import json_name
from bridge.model.schema import Kind, Schema

_INTERNAL: Final = (19_000, 19_999)  # the runtime's own
_ALIKE_OPTION: Final = ALIKE.split()[1]
_REST_OF_LINE: Final = re.compile(r"[ \t]*(?://[^\n]*|/\*[^\n]*?\*/[ \t]*)?(?=\n|$)")
_INDENT: Final = re.compile(r"(?:^|\n)([ \t]*)[^\n]*$")


@frozen
class _Insertion:
    place: int
    text: str


def missing(
    schema: Schema, file: File, message: Message, rename: Callable[[str], str], path: str = ""
) -> tuple[str, ...]:
    """Names of the fields that a message lacks, nested ones with their path."""
    out: list[str] = []
    for column in schema.fields:
        field = message.field_named(rename(column.name))
        if field is None:
            out.append(path + column.name)
        elif column.schema.kind is Kind.STRUCT and (inner := _message_of(file, message, field.type)):
            out += missing(column.schema, file, inner, rename, f"{path}{column.name}.")
    return tuple(out)


def extended(
    schema: Schema,
    file: File,
    message: Message,
    options: Options,
    rename: Callable[[str], str],
    earlier: Iterable[File] = (),
) -> str:
    """The text with the missing fields. Fatal(stage=SCHEMA) for a reserved name, and where no number is left."""
    history: dict[str, dict[int, str]] = {}
    for before in earlier:
        for path, message_before in _all(before.messages):
            history.setdefault(path, {}).update({f.tag: f.name for f in message_before.every_field()})
    used = frozenset(m.name for _, m in _all(file.messages))
    label = "" if file.syntax in ("proto3", "editions") else "optional"
    renderer = Renderer(options, used=used, label=label, compiles=META in file.paths() or has_tags(schema))
    insertions = list(_insertions(schema, file, message, renderer, rename, history))
    lines = "".join(f'\nimport "{path}";' for path in renderer.imports if path not in file.paths())
    if lines:
        insertions.append(_Insertion(_line_end(file.text, file.import_place), lines))
    text = file.text
    for insertion in sorted(insertions, key=lambda one: one.place, reverse=True):
        text = text[: insertion.place] + insertion.text + text[insertion.place :]
    return text


def _insertions(
    schema: Schema,
    file: File,
    message: Message,
    renderer: Renderer,
    rename: Callable[[str], str],
    history: Mapping[str, Mapping[int, str]],
) -> Iterator[_Insertion]:
    gone = _gone(file, message, history)
    added, numbers = Rendered(message.name, schema), _free_numbers(message, gone)
    added.json_names.update(json_name(f.name) for f in message.every_field())
    added.structs |= _structs_there(schema, file, message, rename)
    for column in schema.fields:
        name = rename(column.name)
        field = message.field_named(name)
        if field is None:
            if name in message.reserved_names:
                raise Fatal(
                    f"the event has a field {column.name}, and the registered message {message.name} has reserved "
                    "that name; take it out of reserved, or rename the field",
                    stage=Stage.SCHEMA,
                )
            renderer.field(added, column, next(numbers))
        elif column.schema.kind is Kind.STRUCT and (inner := _message_of(file, message, field.type)):
            yield from _insertions(column.schema, file, inner, renderer, rename, history)
    if gone:
        present = {rename(f.name) for f in schema.fields} | {f.name for f in message.every_field()}
        names = sorted(set(gone.values()) - present - message.reserved_names)
        added.lines.append(f"reserved {', '.join(map(str, sorted(gone)))};")
        if names:
            quoted = ", ".join(f'"{name}"' for name in names)
            added.lines.append(f"reserved {quoted};")
    if ALIKE in added.lines and any(o.name == _ALIKE_OPTION for o in message.options):
        added.lines.remove(ALIKE)
    if added.lines:
        indent = _indent(file.text, message)
        place = _line_end(file.text, message.last_field + 1)
        yield _Insertion(place, "".join(f"\n{line}" for line in indented(added.lines, indent)))
    if added.nested:
        nested = indented([line for lines in added.nested for line in lines], _indent(file.text, message))
        start = file.text.rfind("\n", 0, message.end) + 1
        own_line = not file.text[start : message.end].strip()
        text = "".join(f"{line}\n" for line in nested)
        yield _Insertion(start, text) if own_line else _Insertion(message.end, f"\n{text}")


def _structs_there(
    schema: Schema, file: File, message: Message, rename: Callable[[str], str]
) -> dict[str, Schema]:
    """Named structs that fields of the message have, by the names of their messages: a new field refers to them. What
    they lack is added to them, too."""
    there = {}
    for column in schema.fields:
        field = message.field_named(rename(column.name))
        if field is None or column.schema.kind is not Kind.STRUCT or column.schema.name is None:
            continue
        if (inner := _message_of(file, message, field.type)) is not None:
            there[inner.name] = column.schema
    return there


def _gone(file: File, message: Message, history: Mapping[str, Mapping[int, str]]) -> dict[int, str]:
    """Numbers that earlier versions of a message used, and the latest neither has nor reserves; their names."""
    path = next((path for path, each in _all(file.messages) if each is message), "")
    used = {f.tag for f in message.every_field()}
    return {
        number: name
        for number, name in history.get(path, {}).items()
        if number not in used and not any(first <= number <= last for first, last in message.taken)
    }


def _free_numbers(message: Message, gone: Iterable[int]) -> Iterator[int]:
    taken = [*message.taken, _INTERNAL]
    highest = [f.tag for f in message.every_field()] + [last for _, last in message.taken if last < MAX_TAG]
    highest += gone
    number = max(highest, default=0)
    while True:
        number += 1
        while True:
            inside = next((last for first, last in taken if first <= number <= last), None)
            if inside is None:
                break
            number = inside + 1
        if number > MAX_TAG:
            raise Fatal(f"the registered message {message.name} has no number left", stage=Stage.SCHEMA)
        yield number


def _message_of(file: File, owner: Message, kind: str) -> Message | None:
    """The message of this file that a field's type means, None where it comes from elsewhere."""
    wanted = kind.lstrip(".").removeprefix(f"{file.package}." if file.package else ".")
    full = dict(_all(file.messages))
    scope = next((path for path, m in full.items() if m is owner), "")
    if kind.startswith("."):
        return full.get(wanted)
    while scope:
        if (message_type := full.get(f"{scope}.{wanted}")) is not None:
            return message_type
        scope = scope.rpartition(".")[0]
    return full.get(wanted)


def _all(messages: list[Message], scope: str = "") -> Iterator[tuple[str, Message]]:
    for message in messages:
        path = f"{scope}.{message.name}" if scope else message.name
        yield path, message
        yield from _all(message.messages, path)


def _line_end(text: str, place: int) -> int:
    """The end of the line where nothing but a comment follows, else the place itself."""
    rest = _REST_OF_LINE.match(text, place)
    return place if rest is None else rest.end()


def _indent(text: str, message: Message) -> str:
    """What fields of the message are indented by."""
    has_fields = message.last_field > message.begin
    at = message.last_field if has_fields else message.begin
    indent = _INDENT.search(text, 0, at)
    own = indent[1] if indent else ""
    return own if has_fields and "\n" in text[message.begin : at] else f"{own}  "
