"""Kafka's clients end with whoever made them, whatever the cyclic collector does; those that only ask are shared."""

import gc
import logging
import os
import time
from collections.abc import Iterator

import pytest
from attrs import evolve

from bridge.errors import Fatal, Retriable, Stage, without_frames
from bridge.kafka.cluster import Cluster
from bridge.kafka.errors import ErrorWatch
from bridge.kafka.producer import Producer
from bridge.kafka.shared import digest_of, shared_client
from bridge.waits import KAFKA_REQUEST
from bridge.worker.groups import members

NOBODY = {"bootstrap.servers": "127.0.0.1:1", "log_level": 0}


@pytest.fixture(autouse=True)
def uncollected() -> Iterator[None]:
    logging.getLogger("librdkafka").setLevel(logging.CRITICAL)
    gc.collect()
    gc.disable()
    before = -1
    while (now := threads()) != before:  # what other tests left behind may still be ending
        before = now
        time.sleep(0.1)
    yield
    gc.enable()


def threads() -> int:
    return len(os.listdir("/proc/self/task"))


def settled(expected: int) -> bool:
    until = time.monotonic() + 10
    while threads() > expected and time.monotonic() < until:
        time.sleep(0.01)
    return threads() <= expected


@pytest.mark.parametrize("transactional_id", ["id", None])
def test_a_producer_that_is_closed_leaves_no_thread(
    transactional_id: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bridge.kafka.producer.SLICE", 0.1)
    before = threads()
    producer = Producer(
        NOBODY,
        transactional_id=transactional_id,
        stopped=lambda: True,
        waiting=lambda reason: None,
        patience=0,
    )
    assert threads() > before
    if transactional_id is None:
        producer.send(("topic", b"value"))
    with pytest.raises(Retriable):
        producer.flush() if transactional_id is None else producer.fence("topic")
    producer.close()
    assert settled(before)


def test_whoever_asks_with_equal_settings_asks_by_one_connection() -> None:
    before = threads()
    with Cluster({**NOBODY, "client.id": "a"}) as first:
        one = threads()
        with Cluster({**NOBODY, "client.id": "b"}), Cluster(NOBODY):
            assert threads() == one
        with Cluster({**NOBODY, "sasl.password": "x"}):
            assert threads() > one
        assert settled(one)
        assert first._admin.list_topics is not None
    assert settled(before)


def test_a_cluster_that_nobody_closed_ends_with_its_last_reference() -> None:
    before = threads()
    cluster = Cluster(NOBODY)
    assert threads() > before
    del cluster
    assert settled(before)


def test_a_group_is_asked_without_a_client_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bridge.worker.groups.KAFKA_REQUEST", evolve(KAFKA_REQUEST, seconds=0.2))
    with Cluster(NOBODY):
        before = threads()
        with pytest.raises(Retriable):
            members(NOBODY, "group")
        assert threads() <= before + 1


def test_secrets_tell_clients_apart_and_names_do_not() -> None:
    assert digest_of({"a": "1", "client.id": "x"}) == digest_of({"client.id": "y", "a": "1"})
    assert digest_of({"a": "1"}) != digest_of({"a": 1})
    assert digest_of({"sasl.password": "one"}) != digest_of({"sasl.password": "two"})
    assert b"secret" not in digest_of({"sasl.password": "secret"})


def test_what_one_is_told_of_a_connection_all_know_who_share_it() -> None:
    shared = shared_client(NOBODY)
    try:
        one = ErrorWatch(stage=Stage.POSITION, beside=shared.watch)
        until = time.monotonic() + 10
        while one.reason() is None and time.monotonic() < until:
            shared.client.poll(0.05)
        told = one.error("asking")
        assert isinstance(told, Retriable)
        assert told.stage is Stage.POSITION
    finally:
        shared.release()


def test_an_error_that_is_kept_holds_nothing_of_what_raised_it() -> None:
    class Client:
        pass

    def fails() -> None:
        client = Client()
        try:
            raise OSError(str(client))
        except OSError as error:
            raise Fatal("no", stage=Stage.PRODUCE) from error

    try:
        fails()
    except Fatal as error:
        kept = without_frames(error)
    assert not [one for one in gc.get_objects() if type(one) is Client]
    assert isinstance(kept.__cause__, OSError)
