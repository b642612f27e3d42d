"""Reading Protobuf messages for people: the registered text → a function from a message's bytes to plain values.

Well-known types come as what they mean: a date-time, a date, a time, a decimal, a wrapper's value. A field without
presence that was not written has its default, one with presence is None.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, Final

from google.protobuf.descriptor import FieldDescriptor as Of

from bridge.formats.protobuf.write import WRAPPERS
from bridge.languages.protobuf import File, parse
from bridge.languages.protobuf.descriptors import (
    descriptor,
    field_numbers,
    for_encoding,
    message_class,
    pool_of,
)
from bridge.model.connect_json import decimal_from_bytes

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class Reader:
    """Reads what follows magic byte and schema id: message indexes and message. Not for several threads at once."""

    def __init__(self, text: str, imports: Mapping[str, str] | None = None) -> None:
        """Fatal(stage=SCHEMA) for a text that is no valid schema; ``imports`` are texts by path."""
        self._file = parse(text)
        proto = descriptor(self._file, imports)
        self._values = _Values(field_numbers(proto))
        # under names that are no names of a class's own
        self._pool = pool_of(for_encoding(proto), imports)
        self._classes: dict[tuple[int, ...], Any] = {}

    def read(self, data: bytes) -> dict[str, object]:
        """The values by field name. ValueError for bytes that are not such a message."""
        from google.protobuf.message import DecodeError

        path, start = indexes(data)
        try:
            return self._values.message(self._class(path).FromString(data[start:]))
        except DecodeError:
            raise ValueError("the bytes are no such message") from None

    def _class(self, path: tuple[int, ...]) -> Any:
        if path not in self._classes:
            self._classes[path] = message_class(self._pool, full_name(self._file, path))
        return self._classes[path]


def full_name(file: File, path: tuple[int, ...]) -> str:
    """A message's full name by its indexes in the file. ValueError where there is none."""
    messages, names = file.messages, [file.package] if file.package else []
    for index in path:
        if not 0 <= index < len(messages):
            raise ValueError("the schema has no such message")
        names.append(messages[index].name)
        messages = messages[index].messages
    return ".".join(names)


def indexes(data: bytes) -> tuple[tuple[int, ...], int]:
    """The message indexes at the beginning, and where the message begins. ValueError."""
    count, at = _varint(data, 0)
    if count == 0:
        return (0,), at
    if not 0 < count <= len(data):
        raise ValueError("no message indexes")
    path = []
    for _ in range(count):
        index, at = _varint(data, at)
        path.append(index)
    return tuple(path), at


def _varint(data: bytes, at: int) -> tuple[int, int]:
    number = shift = 0
    while True:
        if at >= len(data) or shift > 63:
            raise ValueError("no message indexes")
        number |= (data[at] & 127) << shift
        at, shift = at + 1, shift + 7
        if not data[at - 1] & 128:
            return number >> 1 ^ -(number & 1), at


class _Values:
    """Messages → plain values, fields under the names they have in the text."""

    def __init__(self, numbers: Mapping[str, Mapping[str, int]]) -> None:
        self._names = {full: {n: name for name, n in fields.items()} for full, fields in numbers.items()}

    def message(self, message: Any) -> dict[str, Any]:
        """A message's fields, in the order of the text."""
        kind = type(message).DESCRIPTOR
        names = self._names.get(kind.full_name, {})
        return {names.get(field.number, field.name): self._field(message, field) for field in kind.fields}

    def _field(self, message: Any, field: Of) -> Any:
        value = getattr(message, field.name)
        if field.is_repeated:
            if field.type == Of.TYPE_MESSAGE and field.message_type.GetOptions().map_entry:
                inner = field.message_type.fields_by_name["value"]
                return {key: self._one(inner, item) for key, item in value.items()}
            return [self._one(field, item) for item in value]
        return None if field.has_presence and not message.HasField(field.name) else self._one(field, value)

    def _one(self, field: Of, value: Any) -> Any:
        if field.type == Of.TYPE_ENUM:
            symbol = field.enum_type.values_by_number.get(value)
            return value if symbol is None else symbol.name
        if field.type != Of.TYPE_MESSAGE:
            return value
        name = field.message_type.full_name
        if name in WRAPPERS:
            return value.value
        meaning = _MEANINGS.get(name)
        try:
            return self.message(value) if meaning is None else meaning(value)
        except (ValueError, OverflowError):
            return self.message(value)


_MEANINGS: Final[Mapping[str, Callable[[Any], Any]]] = {
    "google.protobuf.Timestamp": lambda v: (
        _EPOCH + timedelta(seconds=v.seconds, microseconds=v.nanos // 1000)
    ),
    "google.type.Date": lambda v: date(v.year, v.month, v.day),
    "google.type.TimeOfDay": lambda v: time(v.hours, v.minutes, v.seconds, v.nanos // 1000),
    "confluent.type.Decimal": lambda v: Decimal(decimal_from_bytes(v.value, v.scale)),
}
