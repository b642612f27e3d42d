"""A stretch of a topic: its committed records from somewhere up to its end as of now, or a sample of them.

Unlike ``consumer.Reader``, which follows a topic, this ends by offsets: nothing that is committed is missed because it
came late, and what comes meanwhile is not waited for.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, cast

from attrs import define, field, frozen

from bridge.errors import Fatal, Retriable, Stage
from bridge.kafka.errors import classify
from bridge.reading.consumer import Reader
from bridge.waits import KAFKA_REQUEST

if TYPE_CHECKING:
    from confluent_kafka import Consumer, Message

_AGO: Final = re.compile(r"(\d+)([smhd])")
_UNITS: Final = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


@frozen
class Since:
    """Where to begin: an offset of every partition, or a record's time (ms)."""

    text: str
    offset: int | None = None
    time_ms: int | None = None


class StillToComeError(ValueError):
    """A time that is later than now, where something has to have happened since."""


def since_of(text: str, now: datetime | None = None) -> Since:
    """An offset (``1200``), a time (ISO 8601, else UTC), or how long ago (``90m``, ``24h``, ``7d``).

    Raises ValueError, StillToComeError for a time later than now.
    """
    if text.isascii() and text.isdigit():
        return Since(text, offset=int(text))
    return Since(text, time_ms=time_of(text, now))


def time_of(text: str, now: datetime | None = None) -> int:
    """A time, or how long ago, as for :func:`since_of`; ms since the epoch. Raises ValueError, StillToComeError."""
    now = now or datetime.now(UTC)
    at = _time(text, now)
    if at > now:
        raise StillToComeError(f"{text} is later than now, {now:%Y-%m-%dT%H:%M:%SZ}")
    return int(at.timestamp() * 1000)


def until_of(text: str, now: datetime | None = None) -> Since:
    """Where to end: a time, or how long ago; it may be still to come. Raises ValueError."""
    return Since(text, time_ms=int(_time(text, now or datetime.now(UTC)).timestamp() * 1000))


def _time(text: str, now: datetime) -> datetime:
    try:
        if match := _AGO.fullmatch(text):
            return now - timedelta(**{_UNITS[match[2]]: int(match[1])})
        at = datetime.fromisoformat(text)
        at = at if at.tzinfo else at.replace(tzinfo=UTC)
        return at.astimezone(UTC)  # what is beyond the calendar there raises here
    except OverflowError as error:
        raise ValueError(text) from error


@define
class Part:
    """Offsets of one partition, ``end`` not included. ``room``: how many records at most."""

    partition: int
    start: int
    end: int
    room: int | None = None
    reached: int = 0


@define
class Stretch:
    """What is to be read. ``offsets`` counts places, of which some hold the marks of transactions, not records."""

    reader: Reader
    since: Since | None = None
    sample: int | None = None
    offsets: int = 0
    skipped: int = 0
    """Places before ``since``."""
    held_back: list[str] = field(factory=list)
    """Where an open transaction hides what comes after it."""
    patience: float = 20.0
    partition: int | None = None
    """The only one that is read."""
    newest: int | None = None
    """So many places at the end of each partition, and none before."""
    until: Since | None = None
    """A time; records of then and later are left out."""

    def read(self, progress: Callable[[int, int], None] = lambda records, offsets: None) -> Iterator[Message]:
        """The records. ``progress`` is told how many there were, and of how many places.

        Raises Fatal for a topic that is not there or may not be read, Retriable when Kafka cannot be reached.
        """
        # The end that a read_committed reader is told of can lie before records that are committed.
        with self.reader.consuming({"isolation.level": "read_uncommitted"}) as consumer:
            wanted = [one for one in self.reader.partitions(consumer) if self.partition in (None, one)]
            if not wanted:
                raise Fatal(
                    f"the topic {self.reader.topic} has no partition {self.partition}", stage=Stage.RECEIVE
                )
            parts = [self._part(consumer, partition) for partition in wanted]
        self.offsets = sum(part.end - part.start for part in parts)
        with self.reader.consuming({"enable.partition.eof": True, "fetch.wait.max.ms": 50}) as consumer:
            seen = 0
            for stage in _rounds(parts, self.sample):
                for message in self._records(consumer, stage):
                    seen += 1
                    progress(seen, self.offsets)
                    yield message

    def _part(self, consumer: Consumer, partition: int) -> Part:
        from confluent_kafka import TopicPartition

        place = TopicPartition(self.reader.topic, partition)
        low, end = self.reader.asked(
            lambda: consumer.get_watermark_offsets(place, timeout=KAFKA_REQUEST.longest)
        )
        if self.until is not None and self.until.time_ms is not None:
            end = self._at(consumer, partition, self.until.time_ms, low, end)
        start = low
        if self.since is not None and self.since.offset is not None:
            start = min(max(low, self.since.offset), end)
        elif self.since is not None and self.since.time_ms is not None:
            start = max(low, self._at(consumer, partition, self.since.time_ms, low, end))
        if self.newest is not None:
            start = max(start, end - self.newest)
        self.skipped += start - low
        return Part(partition, start, end)

    def _at(self, consumer: Consumer, partition: int, time_ms: int, low: int, end: int) -> int:
        """The offset of the first record of a time or later, ``end`` at most."""
        first = self._looked_up(consumer, partition, time_ms)
        if first >= 0 or low >= end:
            return end if first < 0 else min(end, first)
        if self._looked_up(consumer, partition, 0) >= 0:
            return end
        return self._found(consumer, partition, time_ms, low, end)

    def _looked_up(self, consumer: Consumer, partition: int, time_ms: int) -> int:
        """What Kafka says; negative for none."""
        from confluent_kafka import TopicPartition

        wanted = [TopicPartition(self.reader.topic, partition, time_ms)]
        (first,) = self.reader.asked(
            lambda: consumer.offsets_for_times(wanted, timeout=KAFKA_REQUEST.longest)
        )
        return int(first.offset)

    def _found(self, consumer: Consumer, partition: int, time_ms: int, low: int, end: int) -> int:
        """The same by the records' own times, for a broker that looks up none: the sandbox's in-process mock of Kafka
        answers that there is no record of any time, although there are some."""
        from confluent_kafka import TopicPartition

        consumer.assign([TopicPartition(self.reader.topic, partition, low)])
        until = time.monotonic() + self.patience
        at = low
        try:
            while at < end and time.monotonic() < until and not self.reader.stopped():
                message = consumer.poll(0.2)
                if message is None or message.error() is not None:
                    continue
                if message.timestamp()[1] >= time_ms:
                    return min(end, cast(int, message.offset()))
                at = cast(int, message.offset()) + 1
                until = time.monotonic() + self.patience
        finally:
            consumer.unassign()
        return end

    def _records(self, consumer: Consumer, parts: list[Part]) -> Iterator[Message]:
        from confluent_kafka import KafkaError, TopicPartition

        topic = self.reader.topic
        missing = {part.partition: part for part in parts if part.end > part.start and part.room != 0}
        consumer.assign([TopicPartition(topic, one.partition, one.start) for one in missing.values()])
        last = time.monotonic()
        while missing and not self.reader.stopped():
            message = consumer.poll(0.2)
            if message is None:
                if time.monotonic() - last > self.patience:
                    self._give_up(missing)
                    return
                continue
            part, error = missing.get(cast(int, message.partition())), message.error()
            if error is not None and error.code() != KafkaError._PARTITION_EOF:
                self._check(error)
                continue
            if part is None:
                continue
            at = cast(int, message.offset())  # its type allows None, which no message of a partition has
            part.reached = at if error is not None else at + 1
            if error is None and at < part.end:
                last = time.monotonic()
                yield message
                last = time.monotonic()
                part.room = None if part.room is None else part.room - 1
            if part.reached >= part.end or part.room == 0:
                del missing[part.partition]
                consumer.incremental_unassign([TopicPartition(topic, part.partition)])

    def _check(self, error: Any) -> None:
        if not self.reader.concerns_reading(error):
            return
        reason = classify(error, "reading", topic=self.reader.topic, verb="read", stage=Stage.RECEIVE)
        if isinstance(reason, Fatal):
            raise reason
        if reason is not None:
            self.reader.waiting(reason.message)

    def _give_up(self, missing: dict[int, Part]) -> None:
        if not any(part.reached for part in missing.values()):
            raise Retriable(
                f"Kafka gives no record of {self.reader.topic}; is it overloaded, or away?",
                stage=Stage.RECEIVE,
            )
        self.held_back = [
            f"partition {one.partition} could be read up to offset {one.reached} only, of {one.end}: an open "
            "transaction holds back what comes after"
            for one in missing.values()
        ]


def _share(parts: list[Part], sample: int) -> None:
    """Alike for each partition; what a short one has no use for goes to the longer ones."""
    shortest_first = sorted(parts, key=lambda part: part.end - part.start)
    for index, part in enumerate(shortest_first):
        fair = -(-sample // (len(parts) - index))
        part.room = min(fair, part.end - part.start)
        sample -= part.room


def _rounds(parts: list[Part], sample: int | None) -> Iterator[list[Part]]:
    """All of it; of a sample first the older half, then the newer one, so that a change in between is seen."""
    if sample is None:
        yield parts
        return
    living = [part for part in parts if part.end > part.start]
    _share(living, sample)
    late = []
    for part in living:
        room = part.room or 0
        older = (room + 1) // 2
        if part.end - part.start <= room:
            continue
        part.room = older
        late.append(Part(part.partition, max(part.start, part.end - (room - older)), part.end, room - older))
    yield living
    seen = {part.partition: part.reached for part in living}
    yield [Part(o.partition, max(o.start, seen[o.partition]), o.end, o.room) for o in late]
