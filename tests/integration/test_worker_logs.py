"""The reader of a state topic: what it does when its consumer has stopped fetching."""

import pytest
from confluent_kafka import Producer

from bridge.worker import logs
from tests.support.bridge_run import wait_until
from tests.support.kafka_broker import Broker


def test_a_reader_that_stalls_begins_anew_where_it_stands(
    broker: Broker, topic: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logs, "STALLED", 0.2)
    seen: list[str] = []
    producer = Producer(broker.client())
    producer.produce(topic, b"{}", b"one")
    producer.flush(10)
    reader = logs.Reader(broker.client(), topic, lambda key, value: seen.append(key))
    reader.start()
    try:
        assert seen == ["one"]
        reader._consumer.unassign()  # as a consumer behaves that never fetches again
        producer.produce(topic, b"{}", b"two")
        producer.flush(10)
        wait_until(lambda: seen == ["one", "two"], 20)
    finally:
        reader.stop()
