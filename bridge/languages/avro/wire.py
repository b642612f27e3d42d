"""Events in Avro, as the Pub/Sub API carries them: a schema by its id, and payloads in its binary form.

What CometD carries of the same event is its JSON: dates and times as texts where the ``doc`` of the field says that a
number is one, names and values otherwise the same. Sources: Pub/Sub API guide; recorded events and schemas.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from math import isfinite
from typing import Any, Final

import msgspec
from attrs import define, field

from bridge.documents import Broken, Json, json_of
from bridge.event import Data
from bridge.java.numbers import double_text
from bridge.languages.avro.binary import Reading, reading
from bridge.languages.avro.changes import change_converter, is_change

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_DAY: Final = 86_400_000
_encode: Final = msgspec.json.Encoder().encode

Convert = Callable[[Any], object]


class AvroData(Data, gc=False):
    """An event whose payload is in Avro: bytes, whatever the base's type says."""

    wire: Wire | None = None
    """The schema it is written with; never None."""

    def json(self) -> bytes:
        """The payload as CometD carries it."""
        assert self.wire is not None
        return self.wire.json(bytes(self.payload))

    def alone(self) -> Data:
        return self  # its payload is no part of something larger

    def without(self, name: str) -> Data:
        assert self.wire is not None
        payload: Any = self.wire.without(bytes(self.payload), name)
        return AvroData(payload, self.event, self.schema, self.wire)


def wire_of(data: Data) -> Wire | None:
    """The schema of a payload in Avro, None of one in JSON."""
    return data.wire if isinstance(data, AvroData) else None


@define(eq=False)
class Wire:
    """The schema that events of one id are written with. ``document``: the parsed text of GetSchema."""

    schema_id: str
    text: str = field(repr=False)
    document: Mapping[str, Json] = field(repr=False)
    changes: bool
    """Whether it is the schema of change events."""
    _reading: Reading = field(repr=False)
    _convert: Convert = field(repr=False)
    _words: Mapping[str, str] = field(repr=False)

    @classmethod
    def of(cls, schema_id: str, text: str) -> Wire:
        """From GetSchema's answer. Raises ValueError for a text that is no schema of a record."""
        try:
            document: Any = json_of(text)
        except Broken as broken:
            raise ValueError(str(broken)) from None
        if not isinstance(document, dict) or document.get("type") != "record":
            raise ValueError("is no Avro record")
        try:
            read = reading(text, logical=False)
            changes = is_change(document)
            convert = change_converter(document, _field) if changes else _record(document, {})
            words = {str(entry["name"]): word_of(entry) for entry in document["fields"]}
        except (KeyError, TypeError, AttributeError, RecursionError) as error:
            raise ValueError(f"is no Avro schema ({type(error).__name__})") from None
        except Exception as error:  # fastavro's own errors have no common class
            raise ValueError(f"is no Avro schema ({type(error).__name__})") from None
        return cls(schema_id, text, document, changes, read, convert, words)

    @property
    def event(self) -> str:
        """The event's API name."""
        return str(self.document.get("name")).rpartition(".")[2]

    def values(self, payload: bytes) -> dict[str, object]:
        """The payload's values as they are written. ValueError for bytes that are no such record."""
        try:
            values = self._reading.value(payload)
        except Exception as error:  # fastavro's, for bytes that are cut or are something else
            raise ValueError(f"is not what its schema says ({type(error).__name__})") from None
        assert isinstance(values, dict)
        return values

    def word(self, name: str) -> str:
        """The second word of a field's ``doc`` (``Data:DateTime:00N…``)."""
        return self._words.get(name, "")

    def without(self, payload: bytes, name: str) -> bytes:
        """The payload with null in one field. ValueError where that has none."""
        # here: fastavro is slow to load
        from fastavro import schemaless_writer

        out = io.BytesIO()
        try:
            schemaless_writer(out, self._reading.parsed, {**self.values(payload), name: None})
        except (TypeError, KeyError, AttributeError):
            raise ValueError("has no null there") from None
        return out.getvalue()

    def json(self, payload: bytes) -> bytes:
        """The payload as CometD carries it; a moment that no date can name stays a number. ValueError as
        :meth:`values`, and for names of fields that do not fit the schema."""
        return _encode(self._convert(self.values(payload)))


def moment_text(ms: int) -> str:
    """``2024-08-07T12:12:19.078Z``, from ms since the epoch. OverflowError beyond the years 1 to 9999."""
    return f"{(_EPOCH + timedelta(milliseconds=ms)).isoformat(timespec='milliseconds')[:23]}Z"


def day_text(ms: int) -> str:
    """``2024-08-09``, from ms since the epoch at midnight UTC."""
    return moment_text(ms // _DAY * _DAY)[:10]


def time_text(ms: int) -> str:
    """``08:15:30.000Z``, from ms of the day."""
    if not 0 <= ms < _DAY:
        raise OverflowError
    return moment_text(ms)[11:]


def number_text(number: float) -> object:
    """A number as Salesforce writes it, which is what Java's ``Double.toString`` makes; as a text what JSON has no
    number for."""
    if 1e-3 <= abs(number) < 1e7 or number == 0:
        return number
    text = double_text(number)
    return msgspec.Raw(text.encode()) if isfinite(number) else text


WORDS: Final[Mapping[str, Convert]] = {
    "DateTime": moment_text,
    "DateOnly": day_text,
    "Birthday": day_text,
    "TimeOnly": time_text,
}
"""The second word of a field's ``doc`` → the text that CometD carries in place of the number."""


def word_of(entry: Mapping[str, Any]) -> str:
    """The second word of a field's ``doc`` (``Data:DateTime:00N…``)."""
    parts = str(entry.get("doc") or "").split(":")
    return parts[1] if len(parts) > 1 else ""


def _record(document: Mapping[str, Any], named: dict[str, Mapping[str, Any]]) -> Convert:
    named[str(document["name"]).rpartition(".")[2]] = document
    steps = [(str(entry["name"]), _field(entry, named)) for entry in document["fields"]]

    def convert(values: Mapping[str, Any]) -> object:
        return {name: step(values[name]) if step else values[name] for name, step in steps}

    return convert


def _field(entry: Mapping[str, Any], named: dict[str, Mapping[str, Any]]) -> Convert | None:
    type_ = entry["type"]
    branches = [branch for branch in (type_ if isinstance(type_, list) else [type_]) if branch != "null"]
    for branch in branches:
        known = named.get(branch.rpartition(".")[2]) if isinstance(branch, str) else branch
        if known is not None and known.get("type") == "record":
            nested = _record(known, named)
            return lambda value: nested(value) if isinstance(value, dict) else value
    kinds = {branch["type"] if isinstance(branch, dict) else branch for branch in branches}
    if kinds == {"double"}:
        return lambda value: None if value is None else number_text(value)
    word = WORDS.get(word_of(entry))
    if kinds == {"long"} and word is not None:
        return lambda value: None if value is None else _said(word, value)
    return None


def _said(word: Convert, value: object) -> object:
    """A number in words; itself where they have none for it."""
    try:
        return word(value)
    except OverflowError:
        return value
