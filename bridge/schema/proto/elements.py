"""What a .proto file consists of. Types are named as they are written: relative, or absolute with a leading dot."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from attrs import Factory, define, frozen

MAX_TAG: Final = (1 << 29) - 1
_INTEGERS: Final = ("int32", "int64", "uint32", "uint64", "sint32", "sint64")
_FIXED: Final = ("fixed32", "fixed64", "sfixed32", "sfixed64")
SCALARS: Final = frozenset({"double", "float", "bool", "string", "bytes", *_INTEGERS, *_FIXED})


@frozen
class Primitive:
    """A boolean, number or enum word inside an option's map or list; ``text`` as written."""

    kind: str
    text: str


@frozen
class Option:
    """An option. ``kind``: STRING BOOLEAN NUMBER ENUM (text), MAP (dict), LIST (list), OPTION (an Option inside)."""

    name: str
    kind: str
    value: Any
    parenthesized: bool = False


@frozen
class Range:
    """Field numbers of ``reserved`` or ``extensions``, both ends included."""

    first: int
    last: int


@define(eq=False)
class Field:
    """A field; ``label`` is required, optional, repeated or None; ``type`` of maps is ``map<key, value>``."""

    label: str | None
    type: str
    name: str
    tag: int
    options: list[Option] = Factory(list)
    default: str | None = None
    json_name: str | None = None


@define(eq=False)
class Group:
    """A proto2 group."""

    label: str | None
    name: str
    tag: int
    fields: list[Field] = Factory(list)


@define(eq=False)
class OneOf:
    """A oneof with its fields."""

    name: str
    fields: list[Field] = Factory(list)
    groups: list[Group] = Factory(list)
    options: list[Option] = Factory(list)


@frozen
class Reserved:
    """``reserved``: names, numbers and ranges."""

    values: tuple[str | int | Range, ...]


@frozen
class Extensions:
    """``extensions``: numbers and ranges."""

    values: tuple[int | Range, ...]
    options: tuple[Option, ...] = ()


@define(eq=False)
class Extend:
    """``extend``: the message extended and the fields."""

    name: str
    fields: list[Field] = Factory(list)


@frozen
class Constant:
    """An enum's constant."""

    name: str
    tag: int
    options: tuple[Option, ...] = ()


@define(eq=False)
class Enum:
    """An enum."""

    name: str
    constants: list[Constant] = Factory(list)
    options: list[Option] = Factory(list)
    reserved: list[Reserved] = Factory(list)


@define(eq=False)
class Message:
    """A message; ``types`` are nested messages and enums in their order."""

    name: str
    fields: list[Field] = Factory(list)
    one_ofs: list[OneOf] = Factory(list)
    types: list[Message | Enum] = Factory(list)
    options: list[Option] = Factory(list)
    reserved: list[Reserved] = Factory(list)
    groups: list[Group] = Factory(list)
    extensions: list[Extensions] = Factory(list)
    extends: list[Extend] = Factory(list)

    def every_field(self) -> Iterator[Field]:
        """The fields, those in oneofs included."""
        yield from self.fields
        for one_of in self.one_ofs:
            yield from one_of.fields


@frozen
class Rpc:
    """A method of a service."""

    name: str
    request: str
    response: str
    request_streaming: bool = False
    response_streaming: bool = False
    options: tuple[Option, ...] = ()


@define(eq=False)
class Service:
    """A service."""

    name: str
    rpcs: list[Rpc] = Factory(list)
    options: list[Option] = Factory(list)


@define(eq=False)
class File:
    """A whole file; ``syntax`` is proto2, proto3 or None where it is not said."""

    syntax: str | None = None
    package: str | None = None
    imports: list[str] = Factory(list)
    public_imports: list[str] = Factory(list)
    weak_imports: list[str] = Factory(list)
    types: list[Message | Enum] = Factory(list)
    services: list[Service] = Factory(list)
    extends: list[Extend] = Factory(list)
    options: list[Option] = Factory(list)


def map_parts(type_name: str) -> tuple[str, str] | None:
    """Key and value type of ``map<key, value>``; None for another type."""
    if not type_name.startswith("map<"):
        return None
    key, _, value = type_name[4:-1].partition(",")
    return key.strip(), value.strip()


def is_map_entry(message: Message) -> bool:
    """Whether the message stands for the entries of a map, as descriptors have it."""
    return any(o.name == "map_entry" and not o.parenthesized and o.value == "true" for o in message.options)
