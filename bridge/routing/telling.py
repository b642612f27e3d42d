"""What a route is told apart by and described with, and which fields of an event no schema knows."""

from __future__ import annotations

import msgspec

from bridge.changes import HEADER
from bridge.event import Data
from bridge.model.registered import Registered
from bridge.model.schema import EventType
from bridge.routing.registration import Written


def tags_of_fields(event: EventType) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """What an event's equality leaves out: the tags, which may change while the schema id stays."""
    parts = ((f"{f.name}.{c.name}", c) for f in event.fields for c in f.children)
    every = (*((f.name, f) for f in event.fields), *parts)
    return tuple((name, tuple(sorted(f.tags))) for name, f in every if f.tags)


def describes(event: EventType, written: Registered | None) -> str:
    """A route in words, for the log."""
    what = f"{event.name} schema {event.schema_id}"
    return (
        what if written is None else f"{what} as {written.subject} version {written.version} id {written.id}"
    )


def unknown_fields(event: EventType, sample: Data) -> set[str]:
    """The fields of an event that its schema does not declare."""
    try:
        given = msgspec.json.decode(sample.json(), type=dict[str, msgspec.Raw])
    except (ValueError, RecursionError):  # it is judged when its turn comes
        return set()
    known = {f.name for f in event.fields} | {"ReplayId", "EventUuid", "_ObjectType", "_EventType", HEADER}
    return set(given) - known


def identity(written: Written) -> tuple[object, ...]:
    """What a route is compiled from, besides the event."""
    registered = written.registered
    return registered.id, registered.subject, registered.text, written.schema, written.protection.key
