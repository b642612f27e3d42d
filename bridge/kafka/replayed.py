"""Which dead letters of a connector were replayed: one record of the offsets topic for each connector.

Key ``bridge-letters-<connector>``, value ``{"topics":[{"topic":…,"id":…,"done":{"0":[[0,17],[19,25]]}}]}``, in the
compacted offsets topic. ``done``: partition → the offsets (first and last) up to which nothing is left to replay.
``id``: the topic's, where the broker tells; a topic that was deleted and made anew has another, and nothing of it was
replayed. The record is written in the transaction of what was replayed.
"""

from __future__ import annotations

from bisect import bisect_right
from typing import TYPE_CHECKING, Final

import msgspec
from attrs import define, field

from bridge.documents import Broken, read
from bridge.foreign import Foreign

if TYPE_CHECKING:
    from confluent_kafka import Message

PREFIX: Final = b"bridge-letters-"


class _Topic(msgspec.Struct):
    topic: str
    id: str | None = None
    done: dict[str, list[tuple[int, int]]] = {}


class _Letters(msgspec.Struct):
    topics: list[_Topic] = []


def replayed_key(connector: str) -> bytes:
    """The record's key."""
    return PREFIX + connector.encode()


@define
class Replayed:
    """One connector's. Within a partition of the offsets topic the later record counts; where the key is in two,
    because the number of partitions was changed, the one that was written last."""

    connector: str
    topic: str
    """The dead-letter topic."""
    topic_id: str | None = None
    _records: dict[int, tuple[int, bytes | None]] = field(factory=dict)
    _others: list[_Topic] = field(factory=list)
    _done: dict[int, list[tuple[int, int]]] = field(factory=dict)

    def take(self, message: Message) -> None:
        """One record of the offsets topic."""
        if message.key() == replayed_key(self.connector):
            value = message.value()
            self._records[message.partition() or 0] = (message.timestamp()[1], value)
            self._read(message, max(self._records.values(), key=lambda record: record[0])[1])

    def _read(self, message: Message, value: bytes | None) -> None:
        self._done, self._others = {}, []
        try:
            topics = [] if value is None else read(value, _Letters).topics
            for one in topics:
                if one.topic != self.topic:
                    self._others.append(one)
                elif self.topic_id in (None, one.id) or one.id is None:
                    self._done = {int(part): sorted(ranges) for part, ranges in one.done.items()}
        except (Broken, ValueError) as broken:
            why = broken if isinstance(broken, Broken) else "names a partition that is no number"
            Foreign(message.topic() or "", self.connector).passed_over(
                message, f"it says of no dead letter whether it was replayed: its value {why}"
            )

    def value(self) -> bytes:
        """The record's value."""
        done = {str(partition): ranges for partition, ranges in sorted(self._done.items())}
        own = _Topic(self.topic, self.topic_id, done)
        return msgspec.json.encode(_Letters([*self._others, own]))

    def has(self, partition: int, offset: int) -> bool:
        """Whether the letter there was replayed."""
        ranges = self._done.get(partition, [])
        at = bisect_right(ranges, (offset, 2**63)) - 1
        return at >= 0 and ranges[at][0] <= offset <= ranges[at][1]

    def mark(self, partition: int, first: int, last: int) -> None:
        """Nothing is left to replay from one offset to another: the letter at ``last``, and before it what is no letter
        (the marks of transactions have offsets, too)."""
        ranges = self._done.setdefault(partition, [])
        at = bisect_right(ranges, (first, -1))
        if at and ranges[at - 1][1] >= first - 1:
            at -= 1
            first, last = ranges[at][0], max(last, ranges[at][1])
        end = at
        while end < len(ranges) and ranges[end][0] <= last + 1:
            last = max(last, ranges[end][1])
            end += 1
        ranges[at:end] = [(first, last)]
