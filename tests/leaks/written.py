"""What stands in Kafka afterwards: names of topics, and every record of those of a run, committed or not."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping

from confluent_kafka import OFFSET_BEGINNING, Consumer, Message, TopicPartition

from tests.leaks.evidence import Evidence
from tests.support.kafka_broker import Broker


def collect(broker: Broker, group: str, ours: tuple[str, ...], evidence: Evidence, records: Evidence) -> None:
    """Everything goes to the evidence, the values by their topic to ``records``. ``ours``: what names of topics begin
    with. ``group``: of the consumer that reads them."""
    consumer = Consumer({"bootstrap.servers": broker.bootstrap, "group.id": group,
                         "isolation.level": "read_uncommitted", "enable.auto.commit": False})  # fmt: skip
    topics = consumer.list_topics(timeout=30).topics
    for topic in topics:
        evidence.add("names of topics", topic)
    wanted = [t for t in topics if t.startswith(ours) or "zdenka" in t or "pavla" in t]
    for message in _every_record(consumer, {name: len(topics[name].partitions) for name in wanted}):
        evidence.add("keys", message.key())
        evidence.add("values", message.value())
        records.add(message.topic() or "", message.value())
        for name, value in message.headers() or ():
            evidence.add("headers", name)
            evidence.add("headers", value)
    consumer.close()


def _every_record(consumer: Consumer, topics: Mapping[str, int]) -> Iterator[Message]:
    """All that was written to the topics (name → partitions), committed or not."""
    ends: dict[tuple[str, int], int] = {}
    for topic, count in topics.items():
        for partition in range(count):
            low, high = consumer.get_watermark_offsets(TopicPartition(topic, partition), timeout=30)
            if high > low:
                ends[topic, partition] = high
    consumer.assign([TopicPartition(topic, partition, OFFSET_BEGINNING) for topic, partition in ends])
    until = time.monotonic() + 60
    while ends:
        assert time.monotonic() < until, ends
        for message in consumer.consume(500, 0.5):
            assert message.error() is None, message.error()
            yield message
        for place in consumer.position([TopicPartition(*key) for key in ends]):
            if place.offset >= ends[place.topic, place.partition]:
                del ends[place.topic, place.partition]
