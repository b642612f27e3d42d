"""Reading a topic's committed records: from its start or its end, for as long as somebody wants them.

No consumer group is joined and no position is kept, so reading needs no right on groups and disturbs nobody.
"""

from __future__ import annotations

import difflib
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final, TypeVar

from attrs import define, field

from bridge.errors import BridgeError, Fatal, Retriable, Stage
from bridge.kafka.errors import ErrorWatch, classify
from bridge.kafka.librdkafka import Settings
from bridge.waits import READ

if TYPE_CHECKING:
    from confluent_kafka import Consumer, KafkaError, Message, TopicPartition

T = TypeVar("T")
_SLICE: Final = 2.0
_GRACE: Final = 2.0
_UNKNOWN: Final = frozenset({"UNKNOWN_TOPIC_OR_PART", "_UNKNOWN_TOPIC", "_UNKNOWN_PARTITION"})


@define
class Reader:
    """Records of one topic. ``settings`` are librdkafka's, as ``settings.worker_settings`` makes them."""

    settings: Settings
    topic: str
    from_beginning: bool = False
    patience: float = READ.longest
    waiting: Callable[[str], None] = lambda reason: None
    stopped: Callable[[], bool] = lambda: False
    _watch: ErrorWatch = field(factory=lambda: ErrorWatch(stage=Stage.RECEIVE))

    def read(self, *, max_events: int | None = None, until_idle: float | None = None) -> Iterator[Message]:
        """Committed records as they come; ends after ``max_events``, or ``until_idle`` seconds without any.

        Raises Fatal for a topic that is not there or may not be read, Retriable when Kafka cannot be reached.
        """
        with self.consuming() as consumer:
            consumer.assign(self._start(consumer))
            yield from self._records(consumer, max_events, until_idle)

    @contextmanager
    def consuming(self, more: Settings | None = None) -> Iterator[Consumer]:
        """A client that joins no group, with ``more`` settings."""
        from confluent_kafka import Consumer, KafkaException

        config: dict[str, Any] = {**self.settings, "group.id": "sfbridge-consume", "error_cb": self._watch}
        try:
            consumer = Consumer({**config, **(more or {})})
        except KafkaException as error:
            raise self._watch.explain(error, "connecting to Kafka") from error
        self._watch.serve = consumer.poll
        try:
            yield consumer
        finally:
            self._watch.serve = None  # client and watch refer to each other
            consumer.close()

    def _records(
        self, consumer: Consumer, max_events: int | None, until_idle: float | None
    ) -> Iterator[Message]:
        seen, last, told = 0, time.monotonic(), 0.0
        while not self.stopped() and (max_events is None or seen < max_events):
            message = consumer.poll(0.1)
            now = time.monotonic()
            error = None if message is None else message.error()
            if error is not None and self.concerns_reading(error):
                self._check(classify(error, "reading", topic=self.topic, verb="read"))
            elif message is not None and error is None:
                seen, last = seen + 1, now
                yield message
                last = time.monotonic()
            elif until_idle is not None and now - last >= until_idle:
                return
            reason = self._watch.reason()
            if reason and now - told > 10:
                told = now
                self._check(self._watch.error("reading"))
                self.waiting(reason)

    def _check(self, error: BridgeError | None) -> None:
        if isinstance(error, Fatal):
            raise error

    @staticmethod
    def concerns_reading(error: KafkaError) -> bool:
        """librdkafka looks for the group's coordinator although no group is joined, and may have no right to."""
        return error.name() != "GROUP_AUTHORIZATION_FAILED"

    def _start(self, consumer: Consumer) -> list[TopicPartition]:
        """Every partition, at its start or at its end as of now."""
        from confluent_kafka import OFFSET_BEGINNING, OFFSET_END, TopicPartition

        where = OFFSET_BEGINNING if self.from_beginning else OFFSET_END
        return [TopicPartition(self.topic, partition, where) for partition in self.partitions(consumer)]

    def partitions(self, consumer: Consumer) -> list[int]:
        """The topic's partitions. Raises Fatal, Retriable."""
        topic = self.asked(lambda: consumer.list_topics(self.topic, timeout=_SLICE)).topics[self.topic]
        if topic.error is not None and topic.error.name() in _UNKNOWN:
            raise Fatal(self._missing(consumer), stage=Stage.RECEIVE)
        if topic.error is not None:
            raise classify(
                topic.error,
                f"looking for topic {self.topic}",
                topic=self.topic,
                verb="read",
                stage=Stage.RECEIVE,
            )
        return sorted(topic.partitions)

    def _missing(self, consumer: Consumer) -> str:
        every = self.asked(lambda: consumer.list_topics(timeout=_SLICE)).topics
        names = [name for name in every if not name.startswith("__")]
        near = difflib.get_close_matches(self.topic, names, n=3, cutoff=0.6)
        some = (
            f"; there is {', '.join(near)}" if near else f"; there are {len(names)} others" if names else ""
        )
        return f"topic {self.topic} does not exist, or may not be seen (ACL Describe){some}"

    def asked(self, ask: Callable[[], T]) -> T:
        """Metadata, by a call that raises KafkaException; asked for again until ``patience`` is over, or the connection
        says why it cannot work."""
        from confluent_kafka import KafkaException

        until = time.monotonic() + self.patience
        refused_at: float | None = None
        while True:
            try:
                answer = ask()
            except KafkaException as error:
                reason = self._watch.explain(error, f"reading {self.topic}", topic=self.topic, verb="read")
                now = time.monotonic()
                if not isinstance(reason, Retriable):
                    refused_at = refused_at or now
                    if now - refused_at >= _GRACE:
                        raise reason from error
                elif now > until or self.stopped():
                    raise reason from error
                self.waiting(reason.message)
            else:
                self._watch.clear()
                return answer
