"""The open transaction: how much is in it, since when, and whether that is enough."""

from __future__ import annotations

import time
from collections.abc import Sequence

from attrs import define, field

from bridge.errors import BridgeError, Retriable
from bridge.event import Arguments
from bridge.kafka.errors import NotAcknowledged, TopicUnknown
from bridge.kafka.line import Line
from bridge.kafka.producer import Producer, TransactionExpired


@define
class Open:
    """What was handed to Kafka and is not committed; at-least-once, what was not flushed."""

    line: Line = field(factory=lambda: Line(10.0, "producer.transaction.timeout.ms"))
    records: int = 0
    bytes: int = 0
    _since: float = 0.0

    def add(self, batch: Sequence[Arguments]) -> int:
        """A batch is about to be produced; its values' bytes."""
        if not self.records:
            self._since = time.monotonic()
        size = sum([len(arguments[1] or b"") for arguments in batch])
        self.records += len(batch)
        self.bytes += size
        return size

    def is_due(self, records: int, seconds: float) -> bool:
        """Whether there are so many records, or more bytes than the line allows, or it is as old as that."""
        return self.records >= records or self.bytes >= self.line.open_bytes or self.age() >= seconds

    def committed(self) -> None:
        """All of it is."""
        if self.records:
            self.line.passed(self.bytes, self.age())
        self.records = self.bytes = 0

    def explained(self, error: BridgeError, producer: Producer) -> BridgeError:
        """What to say of an error that ended the run: of a transaction that took too long, how much it held."""
        if not isinstance(error, NotAcknowledged | TransactionExpired | TopicUnknown) or not self.records:
            return error
        if gone := producer.missing_topic():
            return Retriable(
                f"producing: topic {gone} was there and is not any more; was it deleted?", stage=error.stage
            )
        if isinstance(error, TopicUnknown):
            return error
        acknowledged = max(0, self.records - producer.outstanding())
        return self.line.failed(error, self.bytes, self.records, acknowledged, self.age())

    def age(self) -> float:
        """Seconds since its first record was produced; 0 without one."""
        return time.monotonic() - self._since if self.records else 0.0
