"""What a .proto file consists of. Types are named as they are written: relative, or absolute with a leading dot.

Places (``at``, ``begin``, ``end``, …) are offsets into the text that was parsed, so that it can be added to and stays
as it is otherwise; they are 0 in what comes from a compiled descriptor.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from attrs import Factory, define, field, frozen

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
    at: int = 0


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
    """A message; ``types`` are nested messages and enums in their order.

    ``begin`` and ``end`` are where its braces stand, ``last_field`` where the last field or oneof ends.
    """

    name: str
    fields: list[Field] = Factory(list)
    one_ofs: list[OneOf] = Factory(list)
    types: list[Message | Enum] = Factory(list)
    options: list[Option] = Factory(list)
    reserved: list[Reserved] = Factory(list)
    groups: list[Group] = Factory(list)
    extensions: list[Extensions] = Factory(list)
    extends: list[Extend] = Factory(list)
    begin: int = 0
    end: int = 0
    last_field: int = 0

    @property
    def messages(self) -> list[Message]:
        """The nested messages."""
        return _messages(self.types)

    @property
    def enums(self) -> list[Enum]:
        """The nested enums."""
        return _enums(self.types)

    @property
    def taken(self) -> list[tuple[int, int]]:
        """Numbers that are reserved or left to extensions, as ranges with both ends."""
        values = [value for given in self.reserved for value in given.values if not isinstance(value, str)]
        values += [value for given in self.extensions for value in given.values]
        return [(v, v) if isinstance(v, int) else (v.first, v.last) for v in values]

    @property
    def reserved_names(self) -> set[str]:
        """Names that are reserved."""
        return {value for given in self.reserved for value in given.values if isinstance(value, str)}

    def every_field(self) -> list[Field]:
        """The fields, those in oneofs included, in the order of the text."""
        inner = [field for one_of in self.one_ofs for field in one_of.fields]
        return sorted([*self.fields, *inner], key=lambda field: field.at) if inner else self.fields

    def field_named(self, name: str) -> Field | None:
        """The field of that name, also in a oneof."""
        return next((field for field in self.every_field() if field.name == name), None)

    def message_named(self, name: str) -> Message | None:
        """The nested message of that simple name."""
        return next((message for message in self.messages if message.name == name), None)


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


@frozen
class Import:
    """An import; ``kind`` is public, weak or nothing."""

    path: str
    kind: str = ""


@define(eq=False)
class File:
    """A whole file; ``syntax`` is proto2, proto3, editions or None where it is not said.

    ``import_place`` is where another import can be added to ``text``.
    """

    syntax: str | None = None
    edition: str | None = None
    package: str = ""
    imports: list[Import] = Factory(list)
    types: list[Message | Enum] = Factory(list)
    services: list[Service] = Factory(list)
    extends: list[Extend] = Factory(list)
    options: list[Option] = Factory(list)
    text: str = field(default="", repr=False)
    import_place: int = 0

    @property
    def messages(self) -> list[Message]:
        """The messages that are not nested."""
        return _messages(self.types)

    @property
    def enums(self) -> list[Enum]:
        """The enums that are not nested."""
        return _enums(self.types)

    def paths(self, kind: str | None = None) -> list[str]:
        """What is imported: all of it, or what is imported in one way."""
        return [each.path for each in self.imports if kind in (None, each.kind)]


def _messages(types: list[Message | Enum]) -> list[Message]:
    return [kind for kind in types if isinstance(kind, Message)]


def _enums(types: list[Message | Enum]) -> list[Enum]:
    return [kind for kind in types if isinstance(kind, Enum)]


def map_parts(type_name: str) -> tuple[str, str] | None:
    """Key and value type of ``map<key, value>``; None for another type."""
    if not type_name.startswith("map<"):
        return None
    key, _, value = type_name[4:-1].partition(",")
    return key.strip(), value.strip()


def plain(options: Iterable[Option], name: str) -> str | None:
    """The value of one of the language's own options, None where it is not set."""
    return next((str(o.value) for o in options if o.name == name and not o.parenthesized), None)


def is_map_entry(message: Message) -> bool:
    """Whether the message stands for the entries of a map, as descriptors have it."""
    return plain(message.options, "map_entry") == "true"
