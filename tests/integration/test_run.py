"""The connector as a whole, in this process: simulated org, real broker."""

import json
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Producer

from bridge.errors import Fatal, Fenced
from bridge.kafka.offsets import position_key, position_value
from bridge.pipeline.commits import Commits
from bridge.sandbox import samples
from bridge.sandbox.org import Org
from tests.support.bridge_run import EVENT, Bridge, running, wait_until
from tests.support.kafka_broker import Broker
from tests.support.kafka_client import create_topic, read, unique


@pytest.fixture
def bridge(tmp_path: Path, broker: Broker, org: Org) -> Bridge:
    return Bridge.of(tmp_path, broker, org)


def test_all_retained_and_new_events_arrive_once_in_order(bridge: Bridge, org: Org) -> None:
    ids = org.publish_many(EVENT, 1000)
    with running(bridge) as connector:
        ids += org.publish_many(EVENT, 500)
        wait_until(lambda: connector.stats.events_delivered == 1500)
        ids.append(org.publish(EVENT, {"Order_Number__c": "O-1", "Amount__c": 1.5}))
        wait_until(lambda: connector.stats.events_delivered == 1501)
    assert bridge.replay_ids() == ids
    last = bridge.values()[-1]
    assert last["Order_Number__c"] == "O-1"
    assert last["Amount__c"] == 1.5
    assert last["_ObjectType"] == EVENT
    assert bridge.position() == {"replayId": ids[-1]}


@pytest.mark.parametrize("place", ["no reader", "/dev/full"])
def test_output_that_cannot_be_written_ends_nothing(place: str, bridge: Bridge, org: Org) -> None:
    ids = org.publish_many(EVENT, 5)
    if place == "no reader":
        theirs, ours = os.pipe()
        os.close(theirs)
    else:
        ours = os.open(place, os.O_WRONLY)
    run = subprocess.Popen(bridge.command("--max-events", "5"), stdout=ours, stderr=ours)
    os.close(ours)
    try:
        assert run.wait(60) == 0
    finally:
        run.kill()
    assert bridge.replay_ids() == ids


def test_records_are_as_the_managed_connector_writes_them(bridge: Bridge, org: Org) -> None:
    org.publish(EVENT, {"Order_Number__c": "O-1"})
    bridge.run(max_events=1)
    (message,) = read(bridge.broker, bridge.topic)
    assert message.key() is None
    assert message.headers() is None
    value = json.loads(message.value() or b"")
    assert list(value)[:4] == ["ReplayId", "CreatedDate", "CreatedById", "EventUuid"]
    assert list(value)[-2:] == ["_ObjectType", "_EventType"]
    assert isinstance(value["ReplayId"], str)
    assert abs(value["CreatedDate"] / 1000 - time.time()) < 60


def test_a_run_goes_on_after_the_committed_position(bridge: Bridge, org: Org) -> None:
    ids = org.publish_many(EVENT, 10)
    bridge.run(max_events=4)
    assert bridge.replay_ids() == ids[:4]
    bridge.run(until_idle=0.5)
    ids += org.publish_many(EVENT, 3)
    bridge.run(max_events=3)
    assert bridge.replay_ids() == ids


def test_max_events_is_exact_within_one_reply(bridge: Bridge, org: Org) -> None:
    ids = org.publish_many(EVENT, 300)
    bridge.run(max_events=123)
    assert bridge.replay_ids() == ids[:123]
    assert bridge.position() == {"replayId": ids[122]}


def test_latest_takes_only_what_comes_after_the_start(bridge: Bridge, org: Org) -> None:
    bridge.settings["salesforce.initial.start"] = "latest"
    org.publish_many(EVENT, 5, created=time.time() - 3600)
    with running(bridge) as connector:
        ids = org.publish_many(EVENT, 2)
        wait_until(lambda: connector.stats.events_delivered == 2)
    assert bridge.replay_ids() == ids


def test_latest_loses_nothing_when_the_session_is_lost_before_the_first_event(
    bridge: Bridge, org: Org
) -> None:
    bridge.settings["salesforce.initial.start"] = "latest"
    org.publish_many(EVENT, 5, created=time.time() - 3600)
    with running(bridge) as connector:
        org.forget_sessions()
        ids = org.publish_many(EVENT, 3, created=time.time() + 2)
        wait_until(lambda: connector.stats.events_delivered == 3)
    assert bridge.replay_ids() == ids


def test_latest_loses_nothing_across_a_restart_before_the_first_event(bridge: Bridge, org: Org) -> None:
    bridge.settings["salesforce.initial.start"] = "latest"
    org.publish_many(EVENT, 5, created=time.time() - 3600)
    with running(bridge) as connector:
        wait_until(lambda: connector.stats.transactions == 1)  # the start is remembered
    ids = org.publish_many(EVENT, 3, created=time.time() + 2)
    bridge.run(max_events=3)
    assert bridge.replay_ids() == ids


def test_what_is_published_after_the_line_is_running_survives_a_kill_a_moment_later(
    bridge: Bridge, org: Org, tmp_path: Path
) -> None:
    bridge.settings["salesforce.initial.start"] = "latest"
    org.publish_many(EVENT, 5, created=time.time() - 60)
    log = tmp_path / "log"
    process = bridge.spawn(log=log)
    try:
        wait_until(lambda: b"is RUNNING" in log.read_bytes(), 60, 0.001)
        ids = org.publish_many(EVENT, 12)
    finally:
        process.kill()
        process.wait()
    bridge.run(max_events=12 - len(bridge.replay_ids()))
    assert bridge.replay_ids() == ids


def test_it_is_not_running_before_the_start_is_durable(
    bridge: Bridge, org: Org, monkeypatch: pytest.MonkeyPatch
) -> None:
    bridge.settings["salesforce.initial.start"] = "latest"
    may_commit, states = threading.Event(), list[str]()

    def slow(commits: Commits, record: object, end: Any = Commits.end) -> None:
        assert may_commit.wait(60)
        states.append(commits.stats.state)
        end(commits, record)

    monkeypatch.setattr(Commits, "end", slow)
    connector = bridge.start()
    try:
        wait_until(lambda: connector.stats.subscribes == 1, 60)
        assert connector.state != "RUNNING"
        may_commit.set()
        wait_until(lambda: connector.state == "RUNNING", 60)
        assert states[0] != "RUNNING"
    finally:
        may_commit.set()
        connector.stop()
        assert connector.join(30)


def test_a_second_process_fences_the_first_which_says_so(bridge: Bridge, org: Org) -> None:
    with running(bridge) as first:
        first_ids = org.publish_many(EVENT, 5)
        wait_until(lambda: first.stats.events_delivered == 5)
        with running(bridge) as second:
            ids = org.publish_many(EVENT, 5)
            wait_until(lambda: second.stats.events_delivered == 5)
            wait_until(lambda: first.join(0))
            assert isinstance(first.error, Fenced)
            assert "took this connector over" in first.error.message
            assert second.state == "RUNNING"
    assert bridge.replay_ids() == first_ids + ids


def test_a_position_of_another_org_is_refused_with_the_remedy(bridge: Bridge, org: Org) -> None:
    org.publish_many(EVENT, 3)
    bridge.run(max_events=3)
    org.refresh("00D000000000002AAA")
    org.publish_many(EVENT, 3)
    connector = bridge.run(max_events=3)
    assert isinstance(connector.error, Fatal)
    assert "00D000000000002AAA" in connector.error.message
    assert "offsets reset" in connector.error.message
    assert len(bridge.replay_ids()) == 3


def test_a_position_written_by_kafka_connect_is_taken_over(bridge: Bridge, org: Org) -> None:
    ids = org.publish_many(EVENT, 5)
    create_topic(bridge.broker, bridge.offsets, config={"cleanup.policy": "compact"})
    producer = Producer(bridge.broker.client())
    producer.produce(bridge.offsets, position_value(ids[2]), position_key(bridge.name))
    producer.flush(10)
    bridge.run(until_idle=0.5)
    assert bridge.replay_ids() == ids[3:]


def test_a_bad_event_ends_the_connector_and_what_came_before_it_is_committed(
    bridge: Bridge, org: Org
) -> None:
    ids = org.publish_many(EVENT, 3)
    bad = org.publish(EVENT, {"Amount__c": {"not": "a number"}})
    org.publish_many(EVENT, 3)
    connector = bridge.run()
    assert connector.state == "FAILED"
    assert isinstance(connector.error, Fatal)
    assert connector.error.position == bad
    assert "Amount__c" in connector.error.message
    assert "errors.tolerance" in connector.error.message
    assert bridge.replay_ids() == ids
    assert bridge.position() == {"replayId": ids[-1]}


def test_tolerated_bad_events_go_to_the_dead_letter_topic(bridge: Bridge, org: Org) -> None:
    dead = create_topic(bridge.broker, unique("dead"))
    bridge.settings |= {"errors.tolerance": "all", "errors.deadletterqueue.topic.name": dead}
    ids = org.publish_many(EVENT, 3)
    bad = org.publish(EVENT, {"Amount__c": {"not": "a number"}})
    ids += org.publish_many(EVENT, 3)
    connector = bridge.run(until_idle=0.5)
    assert connector.error is None
    assert bridge.replay_ids() == ids
    (letter,) = read(bridge.broker, dead)
    assert b'"not"' in (letter.value() or b"")
    headers = dict(letter.headers() or [])
    assert headers["__connect.errors.connector.name"] == bridge.name.encode()
    assert str(bad).encode() in headers["__connect.errors.exception.message"] or b"Amount__c" in (
        headers["__connect.errors.exception.message"] or b""
    )
    assert connector.stats.dead_letters == 1


def test_a_changed_event_definition_is_followed_without_a_restart(bridge: Bridge, org: Org) -> None:
    from attrs import evolve

    from bridge.sandbox.definition import FieldDefinition

    with running(bridge) as connector:
        org.publish_many(EVENT, 3)
        wait_until(lambda: connector.stats.events_delivered == 3)
        wider = evolve(
            samples.ORDER_PLACED,
            fields=(*samples.ORDER_PLACED.fields, FieldDefinition("Coupon__c", "string", length=20)),
        )
        org.define(wider)
        org.publish(EVENT, {"Order_Number__c": "O-9", "Coupon__c": "TEN"})
        wait_until(lambda: connector.stats.events_delivered == 4)
    values = bridge.values()
    assert values[3]["Coupon__c"] == "TEN"
    assert values[0]["_EventType"] != values[3]["_EventType"]


def test_pause_stops_fetching_and_resume_goes_on(bridge: Bridge, org: Org) -> None:
    with running(bridge) as connector:
        ids = org.publish_many(EVENT, 5)
        wait_until(lambda: connector.stats.events_delivered == 5)
        connector.pause()
        wait_until(lambda: connector.state == "PAUSED")
        polls = org.state()["counters"]
        ids += org.publish_many(EVENT, 5)
        time.sleep(0.3)
        assert org.state()["counters"] == polls
        assert connector.stats.events_delivered == 5
        connector.resume()
        wait_until(lambda: connector.stats.events_delivered == 10)
    assert bridge.replay_ids() == ids


def test_a_broker_that_is_away_for_a_while_is_waited_for(
    tmp_path: Path, org: Org, own_broker: Callable[..., Broker], caplog: pytest.LogCaptureFixture
) -> None:
    bridge = Bridge.of(tmp_path, own_broker(), org)
    with running(bridge) as connector:
        ids = org.publish_many(EVENT, 50)
        wait_until(lambda: connector.stats.events_delivered == 50)
        # Kafka 4.3.1 forgets the markers of a transaction that commits as its only broker is killed (on restart:
        # "Couldn't find leader endpoint … can be skipped"): the transaction hangs for ever. Let it write them.
        time.sleep(1)
        bridge.broker.kill()
        ids += org.publish_many(EVENT, 50)
        time.sleep(12)  # longer than a transaction lives
        bridge.broker.start()
        ids += org.publish_many(EVENT, 50)
        wait_until(lambda: bridge.position() == {"replayId": ids[-1]}, 60, every=0.5)
        assert connector.state == "RUNNING"
    assert bridge.replay_ids() == ids
    assert "waiting for Kafka" in caplog.text or "starts again from the committed position" in caplog.text


def test_sigterm_drains_commits_and_exits_0(bridge: Bridge, org: Org, tmp_path: Path) -> None:
    ids = org.publish_many(EVENT, 2000)
    process = bridge.spawn()
    try:
        assert process.stdout.readline() == f"{bridge.name} is RUNNING\n"
        wait_until(lambda: bridge.position() == {"replayId": ids[-1]}, 30, every=0.2)
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0, process.stderr.read()
    finally:
        process.kill()
    assert bridge.replay_ids() == ids


def test_at_least_once_by_configuration(bridge: Bridge, org: Org) -> None:
    bridge.worker["exactly.once.source.support"] = "disabled"
    ids = org.publish_many(EVENT, 1000)
    bridge.run(max_events=600)
    assert bridge.position() == {"replayId": ids[599]}
    bridge.run(until_idle=0.5)
    assert bridge.replay_ids() == ids


def restarted_before_the_next_event(bridge: Bridge, org: Org) -> list[int]:
    """Runs until it listens, and once more; the ids published while it did not run."""
    with running(bridge):
        pass
    ids = org.publish_many(EVENT, 3)
    bridge.run(max_events=3)
    return ids


def test_the_choice_after_an_expired_position_survives_a_restart_before_the_next_event(
    bridge: Bridge, org: Org
) -> None:
    bridge.settings["invalid.replay.id.behaviour"] = "latest"
    first = org.publish_many(EVENT, 1, created=time.time() - 400)
    bridge.run(max_events=1)
    lost = org.publish_many(EVENT, 2, created=time.time() - 300)
    org.expire(time.time() - 350)
    producer = Producer(bridge.broker.client())
    producer.produce(bridge.offsets, position_value(first[0] - 1), position_key(bridge.name))
    assert producer.flush(30) == 0
    ids = restarted_before_the_next_event(bridge, org)
    assert lost
    assert bridge.replay_ids() == [*first, *ids]


@pytest.mark.parametrize(("option", "initial"), [(-1, "all"), (-2, "latest")])
def test_a_replay_option_taken_over_from_kafka_connect_is_a_start_with_its_guarantees(
    bridge: Bridge, org: Org, option: int, initial: str
) -> None:
    bridge.settings["salesforce.initial.start"] = initial
    create_topic(bridge.broker, bridge.offsets, config={"cleanup.policy": "compact"})
    producer = Producer(bridge.broker.client())
    producer.produce(bridge.offsets, position_value(option), position_key(bridge.name))
    assert producer.flush(30) == 0
    old = org.publish_many(EVENT, 2, created=time.time() - 300)
    with running(bridge) as connector:
        wait_until(lambda: connector.stats.events_delivered == (0 if option == -1 else 2))
    ids = org.publish_many(EVENT, 3)
    with running(bridge) as connector:
        wait_until(lambda: connector.stats.events_delivered == 3)
        org.forget_sessions()
        wait_until(lambda: connector.stats.subscribes == 2)
        ids += org.publish_many(EVENT, 3)
        wait_until(lambda: connector.stats.events_delivered == 6)
    assert bridge.replay_ids() == (ids if option == -1 else [*old, *ids])


def test_another_negative_replay_id_is_refused_in_one_sentence(bridge: Bridge, org: Org) -> None:
    create_topic(bridge.broker, bridge.offsets, config={"cleanup.policy": "compact"})
    producer = Producer(bridge.broker.client())
    producer.produce(bridge.offsets, position_value(-5), position_key(bridge.name))
    assert producer.flush(30) == 0
    connector = bridge.run()
    assert isinstance(connector.error, Fatal)
    assert "replayId that is not between 0 and" in connector.error.message
