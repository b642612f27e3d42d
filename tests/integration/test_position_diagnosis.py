"""What is said when the position cannot be read, or is gone: the reason that is true, and the topic's name."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient

from bridge.errors import Retriable
from bridge.kafka.offsets import read_position
from bridge.pipeline import connector as lifecycle
from bridge.sandbox.org import Org
from tests.support.bridge_run import EVENT, Bridge, running, wait_until
from tests.support.faulty_line import FaultyLine, broker_behind_a_line
from tests.support.kafka_broker import Broker
from tests.support.kafka_client import create_topic, unique


@pytest.fixture(scope="module")
def lined(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Broker, FaultyLine]]:
    with broker_behind_a_line(tmp_path_factory.mktemp("lined") / "broker") as both:
        yield both


def _reading(settings: dict[str, object], topic: str) -> tuple[list[str], threading.Thread, threading.Event]:
    """A reader of a position in a thread: what it says, and how it is stopped."""
    said: list[str] = []
    stop = threading.Event()

    def read() -> None:
        try:
            read_position(settings, topic, "orders", stopped=stop.is_set, waiting=said.append)
        except Retriable as error:
            said.append(error.message)

    thread = threading.Thread(target=read)
    thread.start()
    return said, thread, stop


def test_a_broker_that_is_a_black_hole_while_the_position_is_read(lined: tuple[Broker, FaultyLine]) -> None:
    """It answers the first questions; then a fetch is answered no more, and no transaction is to blame."""
    broker, line = lined
    topic = create_topic(broker, unique("offsets"), config={"cleanup.policy": "compact"})
    producer = Producer(broker.client())
    for number in range(200):
        producer.produce(topic, b"x" * 10_000, f"other-{number}".encode())
    assert producer.flush(30) == 0
    line.down.rate = 200_000
    settings = {"bootstrap.servers": line.address, "socket.timeout.ms": 5000, "log_level": 0}
    said, thread, stop = _reading(settings, topic)
    try:
        time.sleep(3)
        line.die()
        wait_until(lambda: said, 60)
        assert not [text for text in said if "open transaction" in text]
        assert "reading the position" in said[0]
    finally:
        stop.set()
        line.down.rate = None
        line.revive()
        thread.join(60)


def test_an_open_transaction_is_named_where_it_is_one(broker: Broker) -> None:
    topic = create_topic(broker, unique("offsets"), config={"cleanup.policy": "compact"})
    producer = Producer(broker.client({"transactional.id": unique("open")}))
    producer.init_transactions(30)
    producer.begin_transaction()
    producer.produce(topic, b"{}", b"other")
    assert producer.flush(30) == 0
    said, thread, stop = _reading({"bootstrap.servers": broker.bootstrap}, topic)
    try:
        wait_until(lambda: said, 60)
        assert f"an open transaction of another producer holds back {topic}, partitions [0]" in said[0]
    finally:
        stop.set()
        producer.abort_transaction(30)
        thread.join(60)


def test_a_deleted_topic_of_positions_is_named_and_the_connector_goes_on(
    broker: Broker,
    org: Org,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(lifecycle, "FIRST_WAIT", 0.5)
    bridge = Bridge.of(tmp_path, broker, org)
    ids = org.publish_many(EVENT, 5)
    with running(bridge) as connector:
        assert bridge.replay_ids(5, timeout=60) == ids
        admin = AdminClient(broker.client())
        admin.delete_topics([bridge.offsets])[bridge.offsets].result(30)
        ids += org.publish_many(EVENT, 5)
        wait_until(lambda: connector.stats.restarts or connector.error, 60)
        ids += org.publish_many(EVENT, 5)
        wait_until(lambda: connector.error or connector.stats.last_replay_id == ids[-1], 60)
        assert connector.error is None
    assert bridge.replay_ids(timeout=60) == ids
    assert bridge.position() == {"replayId": ids[-1]}
    assert f"topic {bridge.offsets} was there and is not any more" in caplog.text
    assert f"topic {bridge.offsets} holds no position of this connector any more" in caplog.text
    assert "another one took the connector over" not in caplog.text
    assert "did not get through" not in caplog.text
