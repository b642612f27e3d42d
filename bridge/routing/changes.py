"""What is done with change events besides converting them: how their header is written, what says which fields were set
to null and which hold a difference only, a record for each Salesforce record, tombstones.

Kafka headers, there only where they name something: ``bridge.cdc.nulled.fields`` (fields that an UPDATE set to null)
and ``bridge.cdc.diff.fields`` (long texts of which the value is a unified diff: it must not be taken for the text).
Both hold names as in ``changedFields``, separated by commas, and no values.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

import msgspec
from attrs import frozen

from bridge.changes import CHANGED, DIFFS, HEADER, NULLED, is_gap
from bridge.config import Config, TopicTemplate
from bridge.config.declarations.formats import RAW
from bridge.event import Data, Record
from bridge.formats.changes import committed_ms, part, put, text, texts
from bridge.formats.reader import Reader, read_with
from bridge.formats.rows import Layout, Row
from bridge.routing.routes import Route

_OF_KAFKA: Final = ((NULLED, "bridge.cdc.nulled.fields"), (DIFFS, "bridge.cdc.diff.fields"))
_TYPE: Final = "changeType"
_members = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
Headers = tuple[tuple[str, bytes | None], ...]


@frozen
class Changes:
    """What a connector's configuration says of change events."""

    convert: bool = False
    """A part of a name is called as the record calls it."""
    tombstones: bool = False
    split: bool = False
    """An event about several Salesforce records makes a record for each."""
    raw: bool = False
    """The value is the message as it came."""

    @classmethod
    def of(cls, config: Config) -> Changes:
        """Of a connector of either kind: one of platform events has none of it."""
        return cls(
            bool(config.get("convert.changed.fields")),
            bool(config.get("bridge.cdc.tombstone.on.delete")),
            config.get("bridge.record.key") == "record_id",
            config.get("output.data.format") == RAW,
        )

    def reader(self, rows: Layout) -> Reader:
        """The reader of a layout, with the header as the configuration wants it."""
        read = read_with(rows)
        if rows.event.entity is None or not (self.convert or rows.event.full_header):
            return read
        attributes, parts = _attributes(rows), _parts(rows) if self.convert else {}
        header_at, named = attributes[HEADER], _named(rows)

        def read_header(data: Data) -> Row:
            row = read(data)
            header = getattr(row, header_at)
            if names := texts(header, CHANGED):
                put(header, CHANGED, [parts.get(name, name) for name in names])
            if rows.event.full_header:
                for field, found in named(
                    data, lambda name: getattr(row, attributes.get(name, name), None)
                ).items():
                    put(header, field, found)
            return row

        return read_header

    def ids(self, header: object) -> list[str]:
        """The Salesforce records that a record is to be made for."""
        ids = texts(header, "recordIds")
        return ids if self.split else ids[:1]

    def buries(self, header: object) -> bool:
        """Whether the record of this header has no value."""
        return self.tombstones and text(header, _TYPE) == "DELETE"


Value = Callable[[str], object]
"""A field's value by its name."""
Tell = Callable[[Data, Value], tuple[Headers, str | None]]


def about(rows: Layout) -> Tell:
    """For an event and its values: the Kafka headers, and the kind of gap that it is, if it is one."""
    named = _named(rows)

    def tell(data: Data, value_of: Value) -> tuple[Headers, str | None]:
        found = named(data, value_of)
        headers = tuple((to, ",".join(found[field]).encode()) for field, to in _OF_KAFKA if found[field])
        type_ = text(value_of(HEADER), _TYPE)
        return headers, type_ if is_gap(type_) else None

    return tell


def _named(rows: Layout) -> Callable[[Data, Value], dict[str, list[str]]]:
    """The fields that were set to null, and those that hold a difference, as ``changedFields`` names them."""
    parts = _parts(rows)

    def named(data: Data, value_of: Value) -> dict[str, list[str]]:
        changed = texts(value_of(HEADER), CHANGED)
        return {
            NULLED: [name for name in changed if _at(name, value_of, parts) is None],
            DIFFS: _differences(data) if b'"diff"' in bytes(data.payload) else [],
        }

    return named


def by_change(
    rows: Layout,
    template: TopicTemplate,
    topic: str | None,
    encode: Callable[[Row], bytes],
    sealed: int,
    changes: Changes,
    *,
    timestamps: bool,
) -> Callable[[Data], Record]:
    """The route of change events that no transform and no key concerns."""
    read, tell, attributes = changes.reader(rows), about(rows), _attributes(rows)

    def record(data: Data) -> Record:
        row = read(data)

        def value_of(name: str) -> object:
            return getattr(row, attributes[name]) if name in attributes else None

        headers, gap = tell(data, value_of)
        made = template.fill(value_of) if topic is None else topic
        moment = committed_ms(value_of(HEADER)) if timestamps else None
        value = message_of(data) if changes.raw else encode(row)
        return Record(made, value, headers=headers, timestamp=moment, sealed=sealed, gap=gap)

    return record


def not_carried(event: str, schema_id: str | None) -> Route:
    """The route of an event that the channel delivers and the connector does not carry."""
    return Route("", _no_value, lambda data: None, f"{event} schema {schema_id}: not carried")


def _no_value(data: Data) -> bytes:
    raise AssertionError("an event that is not carried has no value")


def moment_of(values: Mapping[str, object]) -> int | None:
    """When the event was published: a platform event's ``CreatedDate``, else when the change was committed."""
    header = values.get(HEADER)
    found = values.get("CreatedDate") if header is None else committed_ms(header)
    return found if isinstance(found, int) else None


def message_of(data: Data) -> bytes:
    """The message as the Streaming API sends it: the payload's bytes are those that came."""
    event: dict[str, str | int] = {"replayId": data.event.replayId}
    if data.event.EventUuid:
        event = {"EventUuid": data.event.EventUuid, **event}
    return msgspec.json.encode({"schema": data.schema, "payload": msgspec.Raw(data.json()), "event": event})


def _attributes(rows: Layout) -> dict[str, str]:
    return {slot.name: slot.attribute for slot in rows.slots}


def _parts(rows: Layout) -> dict[str, str]:
    """Parts of compound fields that the record has as fields of their own: ``Name.FirstName`` → ``FirstName``."""
    return {
        f"{whole.name}.{child.name}": child.flat
        for whole in rows.event.fields
        if whole.type not in ("address", "location")
        for child in whole.children
        if child.flat
    }


def _at(name: str, value_of: Value, parts: Mapping[str, str]) -> object:
    """The value of a field that ``changedFields`` names, in either spelling."""
    if name in parts:
        return value_of(parts[name])
    whole, _, inner = name.partition(".")
    value = value_of(whole)
    return value if not inner or value is None else part(value, inner)


def _differences(data: Data) -> list[str]:
    """The fields that hold a difference."""
    return [
        name
        for name, raw in _members(data.json()).items()
        if name != HEADER and bytes(raw)[:1] == b"{" and set(_members(raw)) == {"diff"}
    ]
