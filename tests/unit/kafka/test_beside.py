"""Records that nobody waits for: taken or dropped, each named once, and nothing is left of their producer."""

from __future__ import annotations

import logging
import threading

import pytest
from confluent_kafka import Consumer, TopicPartition

from bridge.kafka import beside, lasting
from bridge.kafka.beside import Beside
from bridge.sandbox.kafka import MockKafka
from tests.support.bridge_run import wait_until
from tests.support.fatal_error import answer_next_record
from tests.unit.kafka.test_shared import settled, threads

AWAY = {"bootstrap.servers": "127.0.0.1:1", "log_level": 0}


@pytest.fixture(autouse=True)
def quiet() -> None:
    logging.getLogger("librdkafka").setLevel(logging.CRITICAL)


def test_records_arrive_in_order_with_their_headers() -> None:
    lost: list[tuple[bytes, str]] = []
    with MockKafka(["told"]) as kafka:
        settings = {"bootstrap.servers": kafka.bootstrap}
        one = Beside(settings, settings, "told", lambda key, why: lost.append((key, why)))
        for number in range(3):
            one.send(b"key", b"%d" % number, [("name", b"value")])
        one.close()
        consumer = Consumer({**settings, "group.id": "g", "enable.auto.commit": False})
        consumer.assign([TopicPartition("told", 0, 0)])
        messages = consumer.consume(3, 20)
        consumer.close()
    assert lost == []
    assert [message.value() for message in messages] == [b"0", b"1", b"2"]
    assert {message.key() for message in messages} == {b"key"}
    assert [message.headers() for message in messages] == [[("name", b"value")]] * 3


def test_a_full_queue_drops_and_returns_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(beside, "_MUST", {**beside._MUST, "queue.buffering.max.messages": 5})
    monkeypatch.setattr(beside, "_LAST", 0.2)
    lost: list[str] = []
    one = Beside(AWAY, AWAY, "told", lambda key, why: lost.append(why))
    for number in range(20):
        one.send(b"key", b"%d" % number, [])
    assert lost == ["more of them are queued than Kafka takes"] * 15
    one.close()
    assert len(lost) == 20, "what is still queued at the end is dropped, too, and said"


def test_what_has_waited_too_long_is_said_while_kafka_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(beside, "_MUST", {**beside._MUST, "message.timeout.ms": 200})
    monkeypatch.setattr(beside, "_LAST", 0.2)
    said = threading.Event()
    one = Beside(AWAY, AWAY, "told", lambda key, why: said.set())
    one.send(b"key", b"value", [])
    assert said.wait(30)
    one.close()


def test_nothing_is_left_of_it() -> None:
    with MockKafka(["told"]) as kafka:
        settings = {"bootstrap.servers": kafka.bootstrap}
        before = threads()
        for _ in range(3):
            one = Beside(settings, settings, "told", lambda key, why: None)
            one.send(b"key", b"value", [])
            one.close()
            del one
        assert settled(before)


def test_a_dead_client_is_followed_by_another_and_what_it_lost_is_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(lasting, "_PAUSE", 0.0)
    lost: list[str] = []
    with MockKafka(["told"]) as kafka:
        settings = {"bootstrap.servers": kafka.bootstrap, "log_level": 0}
        one = Beside(settings, settings, "told", lambda key, why: lost.append(why))
        answer_next_record(kafka)
        one.send(b"key", b"lost", [])
        wait_until(lambda: lost, 20)
        for number in range(3):
            one.send(b"key", b"%d" % number, [])
        one.close()
        consumer = Consumer({**settings, "group.id": "g", "enable.auto.commit": False})
        consumer.assign([TopicPartition("told", 0, 0)])
        messages = consumer.consume(3, 20)
        consumer.close()
        assert [message.value() for message in messages] == [b"0", b"1", b"2"]
    assert len(lost) == 1
    assert "the broker lost the state of this producer" in lost[0]
