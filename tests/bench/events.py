"""The events of the benchmarks, by kind: ``usual`` ones of a foreign org, and those that cost more or less.

A reply is one ``%`` formatting of a prepared template, so that the load generator costs little and any number of
events needs no memory; several templates take turns, so that an event comes again only after thousands of others.
Replay ids count up from 1.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from typing import Final

import msgspec
from attrs import define, field, frozen

from bridge.sandbox import samples
from bridge.sandbox.definition import EventDefinition
from tests.bench import foreign
from tests.bench.foreign import Texts, Value

EVENT: Final = samples.ORDER_PLACED
# The moment of the socket write, set by the server in live replies, so that a consumer can tell the latency.
STAMP: Final = b"sent="
_STAMP_DIGITS: Final = 16
_STAMPED: Final = "Notes__c"
_FIRST_ID: Final = 10**9  # ten digits are the room that a template leaves for a replay id
_TEMPLATE_BYTES: Final = 8 << 20  # of all templates together


@frozen
class Kind:
    """Events of one declaration. ``bytes``: of a message, about; ``messages``: how many different ones there are."""

    about: str
    bytes: int
    event: EventDefinition
    payload: Callable[[random.Random, int], Mapping[str, Value]]
    messages: int = 6400


def _foreign(about: str, bytes: int, event: EventDefinition, texts: Texts, messages: int = 6400) -> Kind:
    return Kind(about, bytes, event, lambda draws, _: foreign.payload(event, draws, texts), messages)


def _together(_: random.Random, number: int) -> Mapping[str, Value]:
    standard = {"CreatedDate": "2026-01-05T08:00:00.000Z", "CreatedById": "0055g00000Ab1cdAAC"}
    return {**standard, **samples.payload(EVENT, number), _STAMPED: "x" * 20}


USUAL: Final = "usual"
KINDS: Final[Mapping[str, Kind]] = {
    USUAL: _foreign(
        "12 fields, dates over ten years, nulls, texts up to 240 characters", 730, EVENT, Texts(240)
    ),
    "together": Kind("12 fields, all there, dates within two days of each other", 650, EVENT, _together, 400),
    "texts": _foreign("12 fields, texts up to 20,000 characters", 6_000, EVENT, Texts(20_000), 800),
    "fields-100": _foreign("100 fields", 3_000, foreign.wide(100), Texts(60), 1600),
    "fields-500": _foreign("500 fields", 14_500, foreign.wide(500), Texts(60), 400),
}


def messages(kind: Kind, schema_id: str, count: int, seed: int = 15) -> list[bytes]:
    """``count`` Bayeux messages of a kind, with replay ids from ``10**9`` on."""
    draws = random.Random(seed)
    return [_message(kind, schema_id, number, kind.payload(draws, number)) for number in range(count)]


def _message(kind: Kind, schema_id: str, number: int, payload: Mapping[str, Value]) -> bytes:
    event = {"EventUuid": f"{number:08d}-0000-4000-8000-00{number:010d}", "replayId": _FIRST_ID + number}
    data = {"schema": schema_id, "payload": payload, "event": event}
    whole = {"data": data, "channel": kind.event.channel}
    return msgspec.json.encode(whole)


@define
class Replies:
    """Bodies of replies to ``/meta/connect``, without the connect's own message."""

    kind: Kind
    schema_id: str
    size: int = 400
    _messages: list[bytes] = field(factory=list)
    _templates: list[bytes] = field(factory=list)

    def __attrs_post_init__(self) -> None:
        slots = messages(self.kind, self.schema_id, min(self.kind.messages, 400))
        most = max(1, min(self.kind.messages, _TEMPLATE_BYTES * len(slots) // sum(map(len, slots))))
        self._messages = [_open(one, n) for n, one in enumerate(messages(self.kind, self.schema_id, most))]
        for first in range(0, max(1, most - self.size + 1), self.size):
            self._templates.append(b",".join(self._one(first + slot) for slot in range(self.size)))

    def body(self, first: int, count: int) -> bytes:
        """``count`` messages from replay id ``first`` on, comma-separated."""
        if count == self.size:
            template = self._templates[first // self.size % len(self._templates)]
            return template % tuple(range(first, first + count))
        return b",".join(self._one(slot) % (first + slot) for slot in range(count))

    def stamped(self, number: int, nanoseconds: int) -> bytes:
        """One message that says when it was written (``time.monotonic_ns``)."""
        found = msgspec.json.decode(self._one(number) % number)
        found["data"]["payload"][_STAMPED] = f"{STAMP.decode()}{nanoseconds:0{_STAMP_DIGITS}d}"
        return msgspec.json.encode(found)

    def _one(self, slot: int) -> bytes:
        return self._messages[slot % len(self._messages)]


def _open(message: bytes, number: int) -> bytes:
    """The message with room for its replay id."""
    return message.replace(b"%", b"%%").replace(b'"replayId":%d' % (_FIRST_ID + number), b'"replayId":%d')


def stamp(value: bytes) -> int | None:
    """The moment a record's event was written to the socket, found in the record's bytes whatever their format."""
    at = value.find(STAMP)
    return int(value[at + len(STAMP) : at + len(STAMP) + _STAMP_DIGITS]) if at >= 0 else None
