"""The producer without transactions: a position is written only after every record before it is acknowledged."""

import pytest

from bridge.errors import BridgeError
from bridge.kafka.offsets import position_key, position_value
from bridge.kafka.producer import Producer
from tests.support.kafka_broker import Broker
from tests.support.kafka_client import create_topic, read, unique


def producer_of(broker: Broker) -> Producer:
    settings = broker.client({"delivery.report.only.error": True, "enable.idempotence": True})
    return Producer(settings, transactional_id=None, stopped=lambda: False, waiting=lambda reason: None)


def test_a_record_that_the_broker_refuses_keeps_the_position_where_it_was(broker: Broker) -> None:
    """The broker refuses what the producer could not know: the topic allows less than it says it does."""
    topic = create_topic(broker, unique("small"), config={"max.message.bytes": "1000"})
    offsets = create_topic(broker, unique("offsets"), config={"cleanup.policy": "compact"})
    producer = producer_of(broker)
    try:
        producer.begin()
        producer.produce(topic, b"x" * 5000)
        with pytest.raises(BridgeError):
            producer.commit((offsets, position_value(7), position_key("x")))
    finally:
        producer.close()
    assert read(broker, offsets) == []


def test_the_position_follows_its_records(broker: Broker) -> None:
    topic, offsets = create_topic(broker, unique("out")), create_topic(broker, unique("offsets"))
    producer = producer_of(broker)
    try:
        producer.begin()
        for number in range(100):
            producer.produce(topic, b"%d" % number)
        producer.commit((offsets, position_value(99), position_key("x")))
        assert len(read(broker, topic)) == 100, "acknowledged before the position is even sent"
        producer.flush()
    finally:
        producer.close()
    assert [message.value() for message in read(broker, offsets)] == [b'{"replayId":99}']
