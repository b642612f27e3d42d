"""Places in a Protobuf schema, and messages changed at them.

A field's full name is its descriptor's (``acme.Person.Addr.street``). Only ``string`` and ``bytes`` fit, repeated ones
item by item; maps, wrappers and messages do not, as in Java. Absent fields stay absent: nothing is created.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from attrs import frozen
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message as ProtoMessage

from bridge.languages.places import Below, Change, Node, Nowhere, Place, Places, Stray
from bridge.languages.protobuf import File, Message, map_parts, parse
from bridge.languages.protobuf.descriptors import SCALARS
from bridge.languages.protobuf.tags import FIELD, MESSAGE, tags_of
from bridge.model.texts import imports_of

_FITS: Final = ("string", "bytes")


def places(text: str) -> Places:
    """Every field of every message, those of imported schemas included."""
    files = [parse(one) for one in (text, *imports_of(text).values())]
    parts = [_places(file) for file in files]
    root: Node = Nowhere()
    if files[0].messages:
        messages = {
            name: message for file in files for name, message in _messages(file.messages, file.package)
        }
        root = _Type(messages, next(_messages(files[0].messages, files[0].package))[0])
    return Places(
        tuple(f for each in parts for f in each.fields), tuple(s for each in parts for s in each.stray), root
    )


@frozen(eq=False)
class _Type:
    """A message by its full name."""

    messages: Mapping[str, Message]
    name: str

    def below(self) -> Iterator[Below]:
        for column in self.messages[self.name].every_field():
            pair = map_parts(column.type)
            inner = _resolved(self.messages, pair[1] if pair else column.type, self.name)
            node = Nowhere() if inner is None else _Type(self.messages, inner)
            yield Below(column.name, f"{self.name}.{column.name}", node)


def _resolved(messages: Mapping[str, Message], name: str, scope: str) -> str | None:
    """The full name of a message that is named inside another; the innermost scope first."""
    if name.startswith("."):
        return name[1:] if name[1:] in messages else None
    while True:
        full = f"{scope}.{name}" if scope else name
        if full in messages:
            return full
        if not scope:
            return None
        scope = scope.rpartition(".")[0]


def _places(file: File) -> Places:
    fields: list[Place] = []
    stray: list[Stray] = []
    messages = list(_messages(file.messages, file.package))
    enums = {e.name for e in file.enums} | {e.name for _, m in messages for e in m.enums}
    for name, message in messages:
        if tags := frozenset(tags_of(message.options, MESSAGE)):
            stray.append(Stray(f"the message {name}", tags))
        for column in message.every_field():
            pair = map_parts(column.type)
            word = f"map of {pair[1]}" if pair else column.type
            fits = column.type in _FITS
            container = pair is None and column.type not in SCALARS and column.type not in enums
            tags = frozenset(tags_of(column.options, FIELD))
            fields.append(Place(f"{name}.{column.name}", tags, word, fits, container))
    return Places(tuple(fields), tuple(stray))


def change(message: ProtoMessage, to: Change) -> None:
    """Change a message in place: ``to`` applied to each string and bytes field that is set."""
    for column, value in message.ListFields():
        if column.message_type is not None:
            if not column.message_type.GetOptions().map_entry:
                for part in value if is_repeated(column) else (value,):
                    change(part, to)
            elif column.message_type.fields_by_name["value"].message_type is not None:
                for part in value.values():
                    change(part, to)
        elif column.type in (column.TYPE_STRING, column.TYPE_BYTES):
            if is_repeated(column):
                changed = [to(column.full_name, item) for item in value]
                del value[:]
                value.extend(changed)
            else:
                setattr(message, column.name, to(column.full_name, value))


def is_repeated(column: FieldDescriptor) -> bool:
    """Whether a field descriptor is of a repeated field, in every version of the runtime."""
    repeated = getattr(column, "is_repeated", None)
    return bool(column.label == column.LABEL_REPEATED if repeated is None else repeated)


def _messages(messages: list[Message], scope: str) -> Iterator[tuple[str, Message]]:
    for message in messages:
        name = f"{scope}.{message.name}" if scope else message.name
        yield name, message
        yield from _messages(message.messages, name)
