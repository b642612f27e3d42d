"""A connector that starts again after an interruption which left its own transaction open."""

import time
from pathlib import Path

import pytest
from confluent_kafka import Producer

from bridge.errors import Fenced, Retriable, Stage
from bridge.inspection.configuration import load
from bridge.kafka.offsets import position_key, position_value
from bridge.metrics import Stats
from bridge.pipeline.attempt import Attempt, Goal
from bridge.pipeline.loop import Pipeline
from bridge.sandbox.org import Org
from tests.support.bridge_run import EVENT, Bridge
from tests.support.kafka_broker import Broker


@pytest.fixture
def bridge(tmp_path: Path, broker: Broker, org: Org) -> Bridge:
    return Bridge.of(tmp_path, broker, org)


def leave_open(bridge: Bridge, replay_id: int) -> Producer:
    """A transaction of the connector that holds its position and has no end for the next minute."""
    settings = {"transactional.id": f"tests-{bridge.name}-0", "transaction.timeout.ms": 60_000}
    producer = Producer(bridge.broker.client(settings))
    producer.init_transactions(30)
    producer.begin_transaction()
    producer.produce(bridge.offsets, position_value(replay_id), position_key(bridge.name))
    producer.flush(10)
    return producer


def attempt(bridge: Bridge, events: int, left_at: set[int | None]) -> Attempt:
    made = Attempt(load(bridge.connector_file(), bridge.worker_file()), Goal(max_events=events), Stats())
    made._interruption.left_at(*left_at)
    return made


def test_it_does_not_wait_for_its_own_transaction_to_time_out(bridge: Bridge, org: Org) -> None:
    ids = org.publish_many(EVENT, 6)
    bridge.run(max_events=3)
    open_one = leave_open(bridge, ids[3])
    began = time.monotonic()
    attempt(bridge, 3, {ids[2], ids[3]}).run(lambda: False)
    assert time.monotonic() - began < 20
    assert bridge.replay_ids() == ids
    del open_one


def test_what_another_process_has_only_tried_to_write_makes_it_give_way(bridge: Bridge, org: Org) -> None:
    ids = org.publish_many(EVENT, 6)
    bridge.run(max_events=3)
    open_one = leave_open(bridge, ids[4])
    with pytest.raises(Fenced, match="another one took the connector over"):
        attempt(bridge, 3, {ids[2], ids[3]}).run(lambda: False)
    open_one.abort_transaction(30)  # which only works because it was not fenced


def run_that_fails_before_a_commit(one: Attempt, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(pipeline: Pipeline) -> None:
        raise Retriable("the registry is away", stage=Stage.SCHEMA)

    with monkeypatch.context() as patch:
        patch.setattr(Pipeline, "run", fail)
        with pytest.raises(Retriable, match="the registry is away"):
            one.run(lambda: False)


def test_what_was_aborted_before_it_fenced_is_no_sign_of_another_process(
    bridge: Bridge, org: Org, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = org.publish_many(EVENT, 6)
    bridge.run(max_events=3)
    leave_open(bridge, ids[4]).abort_transaction(30)
    one = attempt(bridge, 3, {ids[2], ids[4]})
    try:
        run_that_fails_before_a_commit(one, monkeypatch)
        assert one._offsets is not None
        one._offsets._fail(0, Retriable("Kafka was away", stage=Stage.POSITION))  # what was read is forgotten
        one.run(lambda: False)
    finally:
        one.release()
    assert bridge.replay_ids() == ids


def test_what_another_process_began_after_that_makes_it_give_way(
    bridge: Bridge, org: Org, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = org.publish_many(EVENT, 6)
    bridge.run(max_events=3)
    one = attempt(bridge, 3, {ids[2]})
    try:
        run_that_fails_before_a_commit(one, monkeypatch)
        open_one = leave_open(bridge, ids[4])
        with pytest.raises(Fenced, match="another one took the connector over"):
            one.run(lambda: False)
    finally:
        one.release()
    open_one.abort_transaction(30)
