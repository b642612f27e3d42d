"""The in-process Kafka: records go in and out in order, from any client."""

import time

from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient

from bridge.sandbox.kafka import MockKafka


def test_records_come_out_as_they_went_in() -> None:
    with MockKafka(["orders"]) as kafka:
        producer = Producer(
            {"bootstrap.servers": kafka.bootstrap, "enable.idempotence": True, "log_level": 0}
        )
        for number in range(100):
            producer.produce("orders", str(number).encode())
        assert producer.flush(10) == 0
        consumer = Consumer({"bootstrap.servers": kafka.bootstrap, "group.id": "g", "log_level": 0})
        consumer.assign([TopicPartition("orders", 0, 0)])
        values: list[bytes | None] = []
        deadline = time.monotonic() + 20
        while len(values) < 100 and time.monotonic() < deadline:
            message = consumer.poll(0.2)
            if message is not None and message.error() is None:
                values.append(message.value())
        consumer.close()
        assert values == [str(number).encode() for number in range(100)]


def test_topics_have_one_partition_and_admin_calls_are_answered() -> None:
    with MockKafka(["orders"]) as kafka:
        admin = AdminClient({"bootstrap.servers": kafka.bootstrap, "log_level": 0})
        assert len(admin.list_topics(timeout=10).topics["orders"].partitions) == 1
        assert len(admin.describe_cluster(request_timeout=10).result(10).nodes) == 2


def test_closing_twice_does_no_harm() -> None:
    kafka = MockKafka()
    assert kafka.bootstrap.startswith("127.0.0.1:")
    kafka.close()
    kafka.close()
