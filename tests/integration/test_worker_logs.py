"""The reader of a state topic: what it does when its consumer has stopped fetching."""

import time

import pytest
from confluent_kafka import Producer

from bridge.errors import Retriable
from bridge.worker import logs
from bridge.worker.writing import Writer
from tests.support.bridge_run import wait_until
from tests.support.kafka_broker import Broker
from tests.support.kafka_client import unique


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


def test_the_end_is_known_without_waiting_for_an_empty_fetch(
    broker: Broker, topic: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The mark of a transaction's end is the last thing in the topic, and no client is given it."""
    monkeypatch.setattr(logs, "FETCH_WAIT_MS", 30_000)
    seen: list[str] = []

    def take_in(key: str, value: bytes | None) -> None:
        if key == "later":
            time.sleep(0.3)  # a look meets this record before it has been taken in
        seen.append(key)

    reader = logs.Reader(broker.client(), topic, take_in)
    reader.start()
    writer = Writer(broker.client(), reader, unique("leader"))
    try:
        for number in range(3):
            writer.append([(f"key-{number}", b"{}")])
            reader.catch_up(20)
        assert seen == ["key-0", "key-1", "key-2"]
        open_one = Producer(broker.client({"transactional.id": unique("open")}))
        open_one.init_transactions(30)
        open_one.begin_transaction()
        open_one.produce(topic, b"{}", b"later")
        open_one.flush(30)
        with pytest.raises(Retriable, match="was not read to its end in time"):
            reader.catch_up(0.5)
        open_one.commit_transaction(30)
        reader.catch_up(20)
        assert seen[-1] == "later"
    finally:
        writer.close()
        reader.stop()


def test_more_than_the_clients_queue_holds_is_written(broker: Broker, topic: str) -> None:
    seen: list[str] = []
    reader = logs.Reader(broker.client(), topic, lambda key, value: seen.append(key))
    reader.start()
    writer = Writer(broker.client({"queue.buffering.max.messages": 10}), reader, unique("leader"))
    try:
        writer.append([(f"key-{number}", b"{}") for number in range(500)])
        assert len(seen) == 500
    finally:
        writer.close()
        reader.stop()
