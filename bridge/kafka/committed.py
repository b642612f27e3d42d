"""All that is committed in a topic, up to its end as of now: what a connector remembers is read so at its start."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Final, Protocol

from attrs import define, field

from bridge.errors import Retriable, Stage
from bridge.kafka.errors import ErrorWatch, classify
from bridge.kafka.librdkafka import Settings
from bridge.waits import KAFKA_REQUEST, SILENCE

if TYPE_CHECKING:
    from confluent_kafka import KafkaError, Message

_DOING: Final = "reading the position"
_GONE: Final = 10.0  # seconds that brokers may not know the topic: one that starts up knows none
_AT_ONCE: Final = 1000  # records that are taken from the client together
Take = Callable[["Message"], None]


class NotRead(Retriable):
    """It was to stop before the end was reached."""


def never() -> bool:
    """Whether it is to stop, where nobody says so."""
    return False


def nothing(reason: str) -> None:
    """What is done with a reason to wait, where nobody wants to know."""


class Sink(Protocol):
    """Where records go. All of it is used with ``lock`` held, and ``version`` is another one after ``reached`` was set
    back."""

    lock: threading.Condition
    version: int
    reached: dict[int, int]
    """By partition, the offset up to which everything was taken in."""

    def begin(self, ends: Mapping[int, tuple[int, int]]) -> None:
        """Low and high watermarks by partition, before anything is read up to them."""

    def take(self, message: Message) -> None:
        """One record."""


@define(eq=False)
class _Given:
    """Gives every record to ``given``."""

    given: Take
    lock: threading.Condition = field(factory=threading.Condition)
    version: int = 0
    reached: dict[int, int] = field(factory=dict)

    def begin(self, ends: Mapping[int, tuple[int, int]]) -> None: ...

    def take(self, message: Message) -> None:
        self.given(message)


def read_topic(
    consumer_settings: Settings,
    topic: str,
    group: str,
    take: Take,
    *,
    stopped: Callable[[], bool] = never,
    waiting: Callable[[str], None] = nothing,
    undecided: bool = False,
    seen: bool = True,
) -> None:
    """Give every record to ``take``; of one key the last counts. The arguments are those of :class:`Topic`; what is
    asked again and again is asked of ``kafka.followed``. Raises Retriable when Kafka does not answer, or the topic is
    gone."""
    source = Topic(
        consumer_settings,
        topic,
        group=group,
        undecided=undecided,
        seen=seen,
        stopped=stopped,
        waiting=waiting,
    )
    try:
        source.catch_up(_Given(take))
    finally:
        source.close()


class Topic:
    """The clients that read a topic. ``group``: named where the settings name none, and never joined.

    ``undecided``: what was written last counts, even if its transaction is open or was aborted. This never waits
    for an open transaction, our own included, and so is the question that may be asked before fencing.
    ``seen``: the topic was there a moment ago, so that a broker which does not know it is waited for.

    Reads ``read_committed`` up to the high watermark that a ``read_uncommitted`` reader sees. The end that a
    ``read_committed`` reader is told of is not enough: a neighbour's open transaction on the same partition
    puts it before our own committed position.
    """

    def __init__(
        self,
        settings: Settings,
        topic: str,
        *,
        group: str = "sfbridge-positions",
        undecided: bool = False,
        seen: bool = True,
        stopped: Callable[[], bool] = never,
        waiting: Callable[[str], None] = nothing,
    ) -> None:
        from confluent_kafka import Consumer

        self._topic, self._seen = topic, seen
        self._stopped, self._waiting = stopped, waiting
        self._gone = _Gone(topic)
        self._watch, self._askers = ErrorWatch(stage=Stage.POSITION), ErrorWatch(stage=Stage.POSITION)
        self._assigned: tuple[int, frozenset[int]] = (-1, frozenset())
        common = {**settings, "group.id": settings.get("group.id") or group}
        self._consumer = Consumer(
            {
                **common,
                "isolation.level": "read_uncommitted" if undecided else "read_committed",
                "enable.auto.commit": False,
                "enable.auto.offset.store": False,
                "enable.partition.eof": True,
                "auto.offset.reset": "earliest",
                "fetch.wait.max.ms": 50,  # the end of a partition is told only when a fetch comes back empty
                # what is fetched ahead is memory: librdkafka's own choice is 64 MB and 50 MB a fetch
                "queued.min.messages": 10_000,
                "queued.max.messages.kbytes": 4_096,
                "fetch.queue.backoff.ms": 2,  # instead of a second until more is fetched into a queue that was full
                "max.partition.fetch.bytes": 524_288,
                "fetch.max.bytes": 4_194_304,
                "message.max.bytes": 1_000_000,
                "error_cb": self._watch,
            }
        )
        # A client of its own: this one is told of the ends of open transactions, too.
        self._asker = Consumer({**common, "isolation.level": "read_uncommitted", "error_cb": self._askers})

    def close(self) -> None:
        """End the clients."""
        self._consumer.close()
        self._asker.close()

    def catch_up(self, sink: Sink) -> int | None:
        """Give ``sink`` what it lacks, up to the end as of now. The sink's version that is complete; None where
        ``stopped`` said so before."""
        ends = self._ends()
        with sink.lock:
            sink.begin(ends)
        return self._read_to(sink, {partition: high for partition, (low, high) in ends.items() if high > low})

    def _ends(self) -> dict[int, tuple[int, int]]:
        """Low and high watermarks by partition, open transactions included; none where it was stopped."""
        from confluent_kafka import KafkaException

        while True:
            try:
                return self._watermarks()
            except KafkaException as error:
                self._gone.check(error.args[0])
                reason = self._askers.explain(error, _DOING, topic=self._topic, verb="read", seen=self._seen)
                if not isinstance(reason, Retriable) or self._stopped():
                    raise reason from error
                self._waiting(reason.message)
                self._asker.poll(0.2)

    def _watermarks(self) -> dict[int, tuple[int, int]]:
        from confluent_kafka import KafkaException, TopicPartition

        longest = KAFKA_REQUEST.longest
        metadata = self._asker.list_topics(self._topic, timeout=longest).topics[self._topic]
        if metadata.error is not None:
            raise KafkaException(metadata.error)
        return {
            partition: self._asker.get_watermark_offsets(
                TopicPartition(self._topic, partition), timeout=longest
            )
            for partition in metadata.partitions
        }

    def _read_to(self, sink: Sink, ends: dict[int, int]) -> int | None:
        """Consume until every partition's position has reached its end."""
        told = time.monotonic()
        while True:
            with sink.lock:
                missing = {part: end for part, end in ends.items() if sink.reached.get(part, 0) < end}
                version = sink.version
                if missing:
                    self._assign(sink, ends)
            if not missing:
                return version
            if self._stopped():
                return None
            messages = self._next()
            if messages:
                told = time.monotonic()
            elif time.monotonic() - told > SILENCE.longest:
                self._waiting(self._why_silent(missing))
                told = time.monotonic()
            with sink.lock:
                if sink.version == version:
                    self._take(sink, messages)

    def _assign(self, sink: Sink, ends: Mapping[int, int]) -> None:
        """Where the sink has come to; left alone while that is where the client stands."""
        from confluent_kafka import TopicPartition

        version, assigned = self._assigned
        if version == sink.version and ends.keys() <= assigned:
            return
        self._assigned = sink.version, assigned | ends.keys()
        self._consumer.assign(
            [TopicPartition(self._topic, part, sink.reached.get(part, 0)) for part in self._assigned[1]]
        )

    def _next(self) -> list[Message]:
        """What is there, as soon as something is."""
        first = self._consumer.poll(0.2)
        return [] if first is None else [first, *self._consumer.consume(_AT_ONCE, 0)]

    def _take(self, sink: Sink, messages: list[Message]) -> None:
        from confluent_kafka import KafkaError

        reached = sink.reached
        for message in messages:
            error = message.error()
            if error is None:
                sink.take(message)
                reached[message.partition() or 0] = (message.offset() or 0) + 1
            elif error.code() == KafkaError._PARTITION_EOF:
                part = message.partition() or 0
                reached[part] = max(message.offset() or 0, reached.get(part, 0))
            elif error.name() != "GROUP_AUTHORIZATION_FAILED":
                # … for librdkafka looks for the group's coordinator although no group is joined
                self._refused(error)

    def _refused(self, error: KafkaError) -> None:
        self._gone.check(error)
        reason = classify(
            error, _DOING, topic=self._topic, verb="read", stage=Stage.POSITION, seen=self._seen
        )
        if not isinstance(reason, Retriable):
            raise reason
        self._waiting(reason.message)

    def _why_silent(self, missing: Mapping[int, int]) -> str:
        """Why no record comes. The end that a ``read_committed`` reader is told of lies before an open transaction; a
        broker that does not say it is not there."""
        from confluent_kafka import KafkaException, TopicPartition

        held = []
        try:
            for partition, end in sorted(missing.items()):
                stable = self._consumer.get_watermark_offsets(
                    TopicPartition(self._topic, partition), timeout=SILENCE.longest
                )[1]
                if stable < end:
                    held.append(partition)
        except KafkaException as error:
            self._gone.check(error.args[0])
            return self._watch.explain(error, _DOING, topic=self._topic, verb="read", seen=True).message
        if held:
            return (
                f"an open transaction of another producer holds back {self._topic}, partitions {held}; if it stays so, "
                "'kafka-transactions.sh find-hanging' names it"
            )
        return f"{_DOING}: the broker answers, but no record of {self._topic} has come for {SILENCE.longest:.0f} s"


class _Gone:
    """How long no broker has known the topic: one that starts up knows none for a moment."""

    def __init__(self, topic: str) -> None:
        self._topic = topic
        self._since: float | None = None

    def check(self, error: KafkaError) -> None:
        """Raises Retriable where it is gone: the next attempt creates what may be created, and says what may not."""
        if error.name() not in (
            "UNKNOWN_TOPIC_OR_PART",
            "_UNKNOWN_TOPIC",
            "_UNKNOWN_PARTITION",
            "UNKNOWN_TOPIC_ID",
        ):
            self._since = None
            return
        self._since = self._since or time.monotonic()
        if time.monotonic() - self._since >= _GONE:
            raise Retriable(
                f"{_DOING}: topic {self._topic} was there and is not any more; was it deleted?",
                stage=Stage.POSITION,
            )
