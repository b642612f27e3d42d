"""All that is committed in a topic, up to its end as of now: what a connector remembers is read so at its start."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

from bridge.errors import Retriable, Stage
from bridge.kafka.errors import ErrorWatch, classify
from bridge.kafka.librdkafka import Settings
from bridge.waits import KAFKA_REQUEST, SILENCE

if TYPE_CHECKING:
    from confluent_kafka import KafkaError, Message

_DOING: Final = "reading the position"
_GONE: Final = 10.0  # seconds that brokers may not know the topic: one that starts up knows none
Take = Callable[["Message"], None]


def read_topic(
    consumer_settings: Settings,
    topic: str,
    group: str,
    take: Take,
    *,
    stopped: Callable[[], bool] = lambda: False,
    waiting: Callable[[str], None] = lambda reason: None,
    undecided: bool = False,
    seen: bool = True,
) -> None:
    """Give every record to ``take``; of one key the last counts. ``group``: named where the settings name none.

    ``undecided``: what was written last counts, even if its transaction is open or was aborted. This never waits
    for an open transaction, our own included, and so is the question that may be asked before fencing.
    ``seen``: the topic was there a moment ago, so that a broker which does not know it is waited for.

    Reads ``read_committed`` up to the high watermark that a ``read_uncommitted`` reader sees. The end that a
    ``read_committed`` reader is told of is not enough: a neighbour's open transaction on the same partition
    puts it before our own committed position. Raises Retriable when Kafka does not answer, or the topic is gone.
    """
    from confluent_kafka import Consumer, TopicPartition

    gone = _Gone(topic)
    watch = ErrorWatch(stage=Stage.POSITION)
    consumer = Consumer(
        {
            **consumer_settings,
            "group.id": consumer_settings.get("group.id") or group,
            "isolation.level": "read_uncommitted" if undecided else "read_committed",
            "enable.auto.commit": False,
            "enable.auto.offset.store": False,
            "enable.partition.eof": True,
            "auto.offset.reset": "earliest",
            "fetch.wait.max.ms": 50,  # the end of a partition is told only when a fetch comes back empty
            "error_cb": watch,
        }
    )
    try:
        ends = _end_offsets(consumer_settings, topic, stopped, waiting, seen, gone)
        consumer.assign([TopicPartition(topic, partition, 0) for partition in ends])
        _read_to(consumer, ends, topic, take, stopped, waiting, seen, watch, gone)
    finally:
        consumer.close()


def _end_offsets(
    consumer_settings: Settings,
    topic: str,
    stopped: Callable[[], bool],
    waiting: Callable[[str], None],
    seen: bool,
    gone: _Gone,
) -> dict[int, int]:
    """High watermarks by partition, open transactions included; empty partitions are left out."""
    from confluent_kafka import Consumer, KafkaException

    watch = ErrorWatch(stage=Stage.POSITION)
    consumer = Consumer(
        {
            **consumer_settings,
            "group.id": consumer_settings.get("group.id") or "sfbridge-positions",
            "isolation.level": "read_uncommitted",
            "error_cb": watch,
        }
    )
    try:
        while True:
            try:
                return _watermarks(consumer, topic)
            except KafkaException as error:
                gone.check(error.args[0])
                reason = watch.explain(error, _DOING, topic=topic, verb="read", seen=seen)
                if not isinstance(reason, Retriable) or stopped():
                    raise reason from error
                waiting(reason.message)
                consumer.poll(0.2)
    finally:
        consumer.close()


def _watermarks(consumer: Any, topic: str) -> dict[int, int]:
    from confluent_kafka import KafkaException, TopicPartition

    metadata = consumer.list_topics(topic, timeout=KAFKA_REQUEST.longest).topics[topic]
    if metadata.error is not None:
        raise KafkaException(metadata.error)
    ends = {}
    for partition in metadata.partitions:
        low, high = consumer.get_watermark_offsets(
            TopicPartition(topic, partition), timeout=KAFKA_REQUEST.longest
        )
        if high > low:
            ends[partition] = high
    return ends


def _read_to(
    consumer: Any,
    ends: dict[int, int],
    topic: str,
    take: Take,
    stopped: Callable[[], bool],
    waiting: Callable[[str], None],
    seen: bool,
    watch: ErrorWatch,
    gone: _Gone,
) -> None:
    """Consume until every partition's position has reached its end."""
    from confluent_kafka import KafkaError

    missing = dict(ends)
    told = time.monotonic()
    while missing and not stopped():
        message = consumer.poll(0.2)
        if message is None:
            if time.monotonic() - told > SILENCE.longest:
                waiting(_why_silent(consumer, topic, missing, watch, gone))
                told = time.monotonic()
            continue
        told = time.monotonic()
        error = message.error()
        if error is None:
            take(message)
            reached = message.offset() + 1
        elif error.code() == KafkaError._PARTITION_EOF:
            reached = message.offset()
        elif error.name() == "GROUP_AUTHORIZATION_FAILED":
            continue  # librdkafka looks for the group's coordinator although no group is joined
        else:
            gone.check(error)
            reason = classify(error, _DOING, topic=topic, verb="read", stage=Stage.POSITION, seen=seen)
            if not isinstance(reason, Retriable):
                raise reason
            waiting(reason.message)
            continue
        if reached >= missing.get(message.partition(), reached + 1):
            del missing[message.partition()]


def _why_silent(consumer: Any, topic: str, missing: Mapping[int, int], watch: ErrorWatch, gone: _Gone) -> str:
    """Why no record comes. The end that a ``read_committed`` reader is told of lies before an open transaction; a
    broker that does not say it is not there."""
    from confluent_kafka import KafkaException, TopicPartition

    held = []
    try:
        for partition, end in sorted(missing.items()):
            stable = consumer.get_watermark_offsets(
                TopicPartition(topic, partition), timeout=SILENCE.longest
            )[1]
            if stable < end:
                held.append(partition)
    except KafkaException as error:
        gone.check(error.args[0])
        return watch.explain(error, _DOING, topic=topic, verb="read", seen=True).message
    if held:
        return (
            f"an open transaction of another producer holds back {topic}, partitions {held}; if it stays so, "
            "'kafka-transactions.sh find-hanging' names it"
        )
    return f"{_DOING}: the broker answers, but no record of {topic} has come for {SILENCE.longest:.0f} s"


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
