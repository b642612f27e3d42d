"""The offsets topic is read once by a process, and every question is answered up to the end as it is then."""

from __future__ import annotations

import gc
import os
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient

from bridge.errors import Retriable
from bridge.kafka import committed, followed
from bridge.kafka import kept as kept_module
from bridge.kafka.committed import NotRead
from bridge.kafka.followed import following
from bridge.kafka.kept import Kept
from bridge.kafka.offsets import position_key, position_value, read_position
from bridge.kafka.uses import read_uses, uses_key, uses_value
from tests.support.bridge_run import wait_until
from tests.support.kafka_broker import Broker
from tests.support.kafka_client import create_topic, unique

PARTITIONS = 3


@pytest.fixture
def topic(broker: Broker) -> str:
    return create_topic(
        broker, unique("offsets"), partitions=PARTITIONS, config={"cleanup.policy": "compact"}
    )


@pytest.fixture
def taken(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Offsets of all records that were read from the broker."""
    offsets: list[int] = []
    take = Kept.take

    def counted(self: Kept, message: object) -> None:
        offsets.append(message.offset())  # type: ignore[attr-defined]  # a Message
        take(self, message)  # type: ignore[arg-type]  # as above

    monkeypatch.setattr(Kept, "take", counted)
    return offsets


def write(broker: Broker, topic: str, *positions: tuple[str, int]) -> None:
    producer = Producer(broker.client({"partitioner": "murmur2_random"}))
    for name, replay_id in positions:
        producer.produce(topic, position_value(replay_id), position_key(name))
    assert producer.flush(30) == 0


def transaction(broker: Broker, topic: str, name: str, replay_id: int) -> Producer:
    """One that is open, its record in the topic."""
    producer = Producer(
        broker.client({"partitioner": "murmur2_random", "transactional.id": unique("neighbour")})
    )
    producer.init_transactions(30)
    producer.begin_transaction()
    producer.produce(topic, position_value(replay_id), position_key(name))
    assert producer.flush(30) == 0
    return producer


def position(broker: Broker, topic: str, name: str, **more: object) -> int | None:
    return read_position(broker.client(), topic, name, **more).replay_id  # type: ignore[arg-type]  # tests know


@pytest.fixture
def claim(broker: Broker, topic: str) -> Iterator[followed.Followed]:
    """As a worker has it, which runs on."""
    with following(broker.client(), topic) as one:
        yield one


@pytest.mark.usefixtures("claim")
def test_positions_of_all_cost_one_pass(broker: Broker, topic: str, taken: list[int]) -> None:
    names = [f"c{index}" for index in range(40)]
    write(broker, topic, *((name, replay_id) for replay_id in range(50) for name in names))
    with ThreadPoolExecutor(len(names)) as threads:
        found = list(threads.map(lambda name: position(broker, topic, name), names))
    assert found == [49] * len(names)
    assert len(taken) == 50 * len(names)
    assert position(broker, topic, "another") is None
    assert len(taken) == 50 * len(names)


@pytest.mark.usefixtures("claim")
def test_a_question_is_answered_up_to_the_end_as_it_is_then(
    broker: Broker, topic: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for linger in (0.0, 5.0):
        monkeypatch.setattr(followed, "LINGER", linger)
        for replay_id in range(20):
            write(broker, topic, ("orders", replay_id))
            assert position(broker, topic, "orders") == replay_id


@pytest.mark.usefixtures("claim")
def test_an_open_transaction_is_waited_for_and_its_outcome_counts(broker: Broker, topic: str) -> None:
    write(broker, topic, ("orders", 1))
    assert position(broker, topic, "orders") == 1
    for replay_id, end, then in ((2, Producer.commit_transaction, 2), (3, Producer.abort_transaction, 2)):
        open_one = transaction(broker, topic, "orders", replay_id)
        assert position(broker, topic, "orders", undecided=True) == replay_id
        with ThreadPoolExecutor(1) as threads:
            asked = threads.submit(position, broker, topic, "orders")
            time.sleep(0.5)
            assert not asked.done()
            end(open_one, 30)
            assert asked.result(30) == then


@pytest.mark.usefixtures("claim")
def test_why_it_is_waited_is_said_and_a_stop_ends_it(
    broker: Broker, topic: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Soon:
        longest = 0.3

    monkeypatch.setattr(committed, "SILENCE", Soon)
    open_one = transaction(broker, topic, "other", 1)
    said: list[str] = []
    stop = threading.Event()
    with ThreadPoolExecutor(1) as threads:
        asked = threads.submit(position, broker, topic, "orders", stopped=stop.is_set, waiting=said.append)
        wait_until(lambda: said, 30)
        assert "an open transaction of another producer holds back" in said[0]
        stop.set()
        assert isinstance(asked.exception(30), NotRead)
    open_one.abort_transaction(30)
    assert position(broker, topic, "orders") is None


@pytest.mark.usefixtures("claim")
def test_a_topic_that_is_made_anew_holds_nothing_of_before(broker: Broker, topic: str) -> None:
    write(broker, topic, ("orders", 7), ("orders", 8))
    assert position(broker, topic, "orders", identity="first") == 8
    admin = AdminClient(broker.client())
    admin.delete_topics([topic])[topic].result(30)
    wait_until(lambda: topic not in admin.list_topics(timeout=10).topics, 30)
    create_topic(broker, topic, partitions=PARTITIONS, config={"cleanup.policy": "compact"})
    assert position(broker, topic, "orders") is None
    write(broker, topic, *[("orders", 9)] * 5)
    assert position(broker, topic, "orders") == 9
    assert position(broker, topic, "orders", identity="second") == 9


@pytest.mark.usefixtures("claim")
def test_a_topic_that_is_gone_is_said_and_asked_for_again(
    broker: Broker, topic: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(committed, "_GONE", 0.3)
    write(broker, topic, ("orders", 7))
    assert position(broker, topic, "orders") == 7
    admin = AdminClient(broker.client())
    admin.delete_topics([topic])[topic].result(30)
    with pytest.raises(Retriable, match="was there and is not any more; was it deleted"):
        position(broker, topic, "orders")
    create_topic(broker, topic, partitions=PARTITIONS, config={"cleanup.policy": "compact"})
    write(broker, topic, ("orders", 1))
    assert position(broker, topic, "orders") == 1


@pytest.mark.usefixtures("claim")
def test_who_was_not_kept_is_read_anew(
    broker: Broker, topic: str, taken: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept_module, "MOST", 10)
    write(broker, topic, *((f"c{index}", index) for index in range(100)))
    assert position(broker, topic, "c3") == 3
    assert position(broker, topic, "c5") == 5
    assert len(taken) == 200
    assert position(broker, topic, "c3") == 3
    assert len(taken) == 200


@pytest.mark.usefixtures("claim")
def test_without_questions_it_keeps_up(
    broker: Broker, topic: str, taken: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(followed, "EVERY", 0.2)
    monkeypatch.setattr(followed, "LINGER", 0.1)
    assert position(broker, topic, "orders") is None
    write(broker, topic, ("orders", 1), ("orders", 2))
    wait_until(lambda: len(taken) == 2, 30)
    assert position(broker, topic, "orders") == 2


@pytest.mark.usefixtures("claim")
def test_what_was_read_long_ago_is_read_anew(
    broker: Broker, topic: str, taken: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A tombstone that came and was compacted away meanwhile would not be seen."""
    write(broker, topic, ("orders", 1))
    assert position(broker, topic, "orders") == 1
    monkeypatch.setattr(followed, "OLD", 0.0)
    assert position(broker, topic, "orders") == 1
    assert len(taken) == 2


def test_what_is_cleared_for_one_is_read_again_for_the_other(
    broker: Broker, topic: str, claim: followed.Followed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the answer and the look at it: nobody takes an empty store for no position."""
    write(broker, topic, ("orders", 4))
    ask = claim._ask
    cleared: list[int] = []

    def cleared_in_between(*arguments: object) -> None:
        ask(*arguments)  # type: ignore[arg-type]  # whatever it is given
        if len(cleared) < 3:
            with claim._moved:
                claim._kept.clear()
            cleared.append(1)

    monkeypatch.setattr(followed.Followed, "_ask", lambda self, *arguments: cleared_in_between(*arguments))
    assert position(broker, topic, "orders") == 4
    assert len(cleared) == 3


@pytest.mark.usefixtures("claim")
def test_it_keeps_up_after_somebody_gave_up(
    broker: Broker, topic: str, taken: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(followed, "EVERY", 0.2)
    monkeypatch.setattr(followed, "LINGER", 0.1)
    with pytest.raises(NotRead):
        position(broker, topic, "orders", stopped=lambda: True)
    write(broker, topic, ("orders", 1), ("orders", 2))
    wait_until(lambda: len(taken) == 2, 30)


@pytest.mark.usefixtures("claim")
def test_counts_of_keys_are_read_beside(broker: Broker, topic: str, taken: list[int]) -> None:
    producer = Producer(broker.client())
    for name, values in (("a", 5), ("b", 7)):
        producer.produce(topic, uses_value({("kek", "subject", "AES256_GCM", 1): values}), uses_key(name))
    assert producer.flush(30) == 0
    assert position(broker, topic, "a") is None
    assert read_uses(broker.client(), topic).of(but="b") == {("kek", "subject", "AES256_GCM", 1): 5}
    assert len(taken) == 2


def test_when_nobody_has_it_nothing_of_it_is_left(broker: Broker, topic: str) -> None:
    write(broker, topic, ("orders", 1))
    gc.collect()
    gc.disable()
    try:
        before = _threads()
        with following(broker.client(), topic):
            assert position(broker, topic, "orders") == 1
            with ThreadPoolExecutor(2) as threads:
                list(threads.map(lambda name: position(broker, topic, name), ("a", "b")))
        wait_until(lambda: _threads() <= before, 30)
    finally:
        gc.enable()
    assert not [key for key in followed._followed if key[1] == topic]


def _threads() -> int:
    return len(os.listdir("/proc/self/task"))
