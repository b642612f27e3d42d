"""The in-process Kafka forgets everything: what its offsets topics hold is kept beside it, and put back at a start.

Positions, and what the bridge keeps beside them, are in topics whose names end in ``-offsets``.
"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Final

from bridge.errors import Fatal, Stage
from bridge.sandbox.kept import Keep
from bridge.sandbox.running import Running

if TYPE_CHECKING:
    from confluent_kafka import Consumer, Message

SUFFIX: Final = "-offsets"
_LOOK: Final = 0.5  # seconds between two looks for topics that are new
_LONGEST: Final = 10.0  # seconds that the in-process cluster may take for an answer


class Positions(Running):
    """Puts the kept records back, then follows the topics until it is stopped."""

    def __init__(self, bootstrap: str, keep: Keep) -> None:
        self._settings = {"bootstrap.servers": bootstrap, "log_level": 0}
        self._keep = keep
        self._stop = threading.Event()
        self._ends: dict[tuple[str, int], int] = {}
        self._thread = threading.Thread(target=self._follow, name="sandbox-positions", daemon=True)

    def start(self) -> None:
        """Put back what was kept. Raises Fatal when the in-process Kafka does not take it."""
        from confluent_kafka import Producer

        producer = Producer({**self._settings, "partitioner": "murmur2_random"})
        for one in self._keep.records():
            producer.produce(one.topic, one.value, one.key, timestamp=one.at, headers=list(one.headers))
        if producer.flush(_LONGEST):
            raise Fatal("The in-process Kafka did not take the kept positions.", stage=Stage.POSITION)
        self._thread.start()

    def stop(self) -> None:
        """Keep what was written until now, too."""
        self._stop.set()
        if self._thread.ident is not None:
            self._thread.join(2 * _LONGEST)

    def _follow(self) -> None:
        from confluent_kafka import Consumer

        consumer = Consumer(
            {
                **self._settings,
                "group.id": "sandbox-positions",
                "enable.auto.commit": False,
                "auto.offset.reset": "earliest",
                "fetch.wait.max.ms": 100,
            }
        )
        looked = 0.0
        while not self._stop.is_set():
            if time.monotonic() - looked > _LOOK:
                looked = time.monotonic()
                self._assign_new(consumer)
            self._take(consumer.poll(0.1))
        self._to_the_end(consumer)
        consumer.close()

    def _assign_new(self, consumer: Consumer) -> None:
        from confluent_kafka import TopicPartition

        topics = consumer.list_topics(timeout=_LONGEST).topics
        every = {
            (name, partition)
            for name, topic in topics.items()
            if name.endswith(SUFFIX)
            for partition in topic.partitions
        }
        fresh = sorted(every - self._ends.keys())
        self._ends |= dict.fromkeys(fresh, 0)
        if fresh:
            consumer.incremental_assign([TopicPartition(*one, 0) for one in fresh])

    def _to_the_end(self, consumer: Consumer) -> None:
        from confluent_kafka import TopicPartition

        until = time.monotonic() + _LONGEST
        self._assign_new(consumer)
        wanted = {
            one: consumer.get_watermark_offsets(TopicPartition(*one), timeout=_LONGEST)[1]
            for one in self._ends
        }
        while any(self._ends[one] < end for one, end in wanted.items()) and time.monotonic() < until:
            self._take(consumer.poll(0.1))

    def _take(self, message: Message | None) -> None:
        if message is None or message.error():
            return
        topic, partition, offset = message.topic(), message.partition(), message.offset()
        assert topic is not None
        assert partition is not None
        assert offset is not None
        self._ends[topic, partition] = offset + 1
        key, value = message.key(), message.value()
        if isinstance(key, bytes):
            self._keep.record(topic, key, value, message.headers(), message.timestamp()[1])
