"""Records of routes without transforms, where more than the value depends on the event or on the schema."""

from __future__ import annotations

from collections.abc import Callable

from attrs import evolve

from bridge.config import TopicTemplate
from bridge.event import Data, Record
from bridge.formats.reader import read_with
from bridge.formats.rows import Layout, Row
from bridge.model.framing import Framing


def alone(topic: str, convert: Callable[[Data], bytes], sealed: int) -> Callable[[Data], Record]:
    """The record of a value alone."""
    return lambda data: Record(topic, convert(data), sealed=sealed)


def with_header(record: Callable[[Data], Record], framing: Framing) -> Callable[[Data], Record]:
    """The record with its schema's GUID in a header instead of before the value."""

    def split(data: Data) -> Record:
        whole = record(data)
        value, headers = framing.split(whole.value)
        return evolve(whole, value=value, headers=(*whole.headers, *headers))

    return split


def by_event(
    rows: Layout,
    template: TopicTemplate,
    topic: str | None,
    encode: Callable[[Row], bytes],
    sealed: int,
    *,
    timestamps: bool,
) -> Callable[[Data], Record]:
    """The route where topic or timestamp depend on the event."""
    read = read_with(rows)
    attributes = {s.name: s.attribute for s in rows.slots}

    def record(data: Data) -> Record:
        row = read(data)

        def value_of(name: str) -> object:
            return getattr(row, attributes[name]) if name in attributes else None

        final = template.fill(value_of) if topic is None else topic
        created = value_of("CreatedDate") if timestamps else None
        timestamp = created if isinstance(created, int) else None
        return Record(final, encode(row), timestamp=timestamp, sealed=sealed)

    return record
