"""What travels: a message as Salesforce sends it, a delivery of them, a record for Kafka.

The message types are msgspec structs, because the receiver parses a whole reply into them in one pass; an
event's payload stays raw bytes until its schema is known. The wire format is Bayeux 1.0 with Salesforce's
event envelope ``{"data": {"schema", "payload", "event": {"replayId", "EventUuid"}}, "channel"}``.
"""

from __future__ import annotations

from datetime import datetime

import msgspec
from attrs import define, frozen


class Head(msgspec.Struct, gc=False):
    """``data.event``: the position of the event in its channel and (API 52 and later) its id."""

    replayId: int  # noqa: N815 - the wire's own name
    EventUuid: str | None = None

    def as_it_came(self) -> bytes | None:
        """The replay id, where a transport has more of it than its number."""
        return None


class RawHead(Head, gc=False):
    """The head of an event whose replay id came as bytes."""

    raw: bytes = b""

    def as_it_came(self) -> bytes | None:
        return self.raw


class _ChangeHeader(msgspec.Struct, gc=False):
    transactionKey: str  # noqa: N815 - the wire's own name
    sequenceNumber: int  # noqa: N815 - the wire's own name
    entityName: str = ""  # noqa: N815 - the wire's own name
    recordIds: list[str] = msgspec.field(default_factory=list)  # noqa: N815 - the wire's own name


class _Change(msgspec.Struct, gc=False):
    ChangeEventHeader: _ChangeHeader | None = None


_change = msgspec.json.Decoder(_Change).decode


class _Committed(msgspec.Struct, gc=False):
    commitTimestamp: int | None = None  # noqa: N815 - the wire's own name


class _Created(msgspec.Struct):
    CreatedDate: datetime | None = None
    ChangeEventHeader: _Committed | None = None


_created = msgspec.json.Decoder(_Created).decode
_fields = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_NULL = msgspec.Raw(b"null")


class Data(msgspec.Struct, gc=False):
    """``data``: the unparsed payload, the head, and the opaque id of the schema it was published with.

    What is asked of the payload without its route are methods: a transport whose payloads are not JSON has a subclass.
    """

    payload: msgspec.Raw
    event: Head
    schema: str | None = None

    def json(self) -> msgspec.Raw | bytes:
        """The payload as JSON, which is what CometD carries. ValueError where it cannot be told."""
        return self.payload

    def without(self, name: str) -> Data:
        """The same event with null in one field. ValueError alike."""
        fields = {**_fields(self.json()), name: _NULL}
        return Data(msgspec.Raw(msgspec.json.encode(fields)), self.event, self.schema)

    def name(self) -> str | None:
        """What tells the event from others of the same replay id: its EventUuid, else what identifies a change
        (transaction, number within it, object, records); None where it has neither. Never the payload: an enriched
        field is filled in when the event is delivered, and may differ the next time."""
        if self.event.EventUuid:
            return self.event.EventUuid
        try:
            header = _change(self.json()).ChangeEventHeader
        except (ValueError, RecursionError):  # msgspec's errors, no UTF-8
            return None
        if header is None:
            return None
        return "\0".join(
            (header.transactionKey, str(header.sequenceNumber), header.entityName, *header.recordIds)
        )

    def alone(self) -> Data:
        """The same without the reply that it came in, for those who keep it."""
        return msgspec.structs.replace(self, payload=self.payload.copy())

    def entity(self) -> str | None:
        """The object whose change it is; None for a platform event."""
        try:
            header = _change(self.json()).ChangeEventHeader
        except (ValueError, RecursionError):  # msgspec's errors, no UTF-8
            return None
        return None if header is None else header.entityName or None

    def created_ms(self) -> int | None:
        """When it was published: ``CreatedDate`` in ms since the epoch, None where it has none that is one. The
        ``CreatedDate`` of a change event is its record's: there the header says when the change was committed."""
        try:
            found = _created(self.json())
            if found.ChangeEventHeader is not None:
                return found.ChangeEventHeader.commitTimestamp
            created = found.CreatedDate
            return None if created is None else int(created.timestamp() * 1000 + 0.5)
        except (ValueError, OverflowError, RecursionError):  # msgspec's errors, no UTF-8, the year 1
            return None


class Message(msgspec.Struct, gc=False):
    """One Bayeux message: an event where ``data`` is set, else a reply to something we sent."""

    channel: str
    data: Data | None = None
    id: str | int | None = None
    clientId: str | None = None  # noqa: N815 - the wire's own name
    subscription: str | None = None
    successful: bool | None = None
    error: str | None = None
    advice: dict[str, object] | None = None
    ext: dict[str, object] | None = None


@frozen
class Unreadable:
    """An event message that could not be parsed: its bytes, its replay id where that much was readable."""

    raw: bytes
    reason: str
    replay_id: int | None = None


@define
class Delivery:
    """Events received together, ascending by replay id, none seen before; ``size`` in bytes."""

    events: list[Message]
    size: int
    received_at: float
    unreadable: list[Unreadable]

    def split(self, most: int) -> tuple[Delivery, Delivery | None]:
        """The first part, of about ``most`` bytes and at least one event, and the rest; what is unreadable comes
        last."""
        count = max(1, len(self.events) * most // self.size) if self.size > most else len(self.events)
        if count >= len(self.events):
            return self, None
        size = self.size * count // len(self.events)
        first = Delivery(self.events[:count], size, self.received_at, [])
        rest = Delivery(self.events[count:], self.size - size, self.received_at, self.unreadable)
        return first, rest


@frozen
class Record:
    """A record for Kafka; what a route yields when key, headers or topic depend on the event."""

    topic: str
    value: bytes | None
    key: bytes | None = None
    headers: tuple[tuple[str, bytes | None], ...] = ()
    timestamp: int | None = None
    sealed: int = 0
    """How many protected fields its value has."""
    gap: str | None = None
    """Of a change event without its content: which kind."""
    before: tuple[Record, ...] = ()
    """Other records of the same event, which go before this one."""

    def produced(self) -> Produced:
        """What ``produce`` takes."""
        return (self.topic, self.value, self.key, -1, None, None, self.timestamp or 0, list(self.headers))


Header = tuple[str, bytes | None]
Produced = tuple[str, bytes | None, bytes | None, int, None, None, int, list[Header]]
"""Positional arguments of confluent_kafka's ``produce``: topic, value, key, partition (-1: any), two callbacks,
timestamp (ms since the epoch, 0: none), headers."""
Arguments = Produced | tuple[str, bytes] | tuple[str, bytes | None, bytes | None]
"""The same, or without what follows the value or the key."""
