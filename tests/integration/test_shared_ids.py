"""Several events under one replay id, and an end between them: each once, whatever the position record holds."""

import time
from pathlib import Path
from typing import Any

import pytest

from bridge.inspection.configuration import load
from bridge.kafka.offsets import position_key
from bridge.progress import digest
from bridge.sandbox.org import Org
from bridge.worker.positions import Positions
from tests.support.bridge_run import EVENT, Bridge, running, wait_until
from tests.support.kafka_broker import Broker
from tests.support.kafka_client import create_topic, read


@pytest.fixture
def bridge(tmp_path: Path, broker: Broker, org: Org) -> Bridge:
    return Bridge.of(tmp_path, broker, org)


def group(org: Org, *numbers: str) -> int:
    return org.publish_group((EVENT, {"Order_Number__c": number}) for number in numbers)


def numbers(bridge: Bridge) -> list[str]:
    return [value["Order_Number__c"] for value in bridge.values()]


def record(bridge: Bridge) -> tuple[Any, dict[str, bytes]]:
    """The newest position record: its value and headers."""
    key = position_key(bridge.name)
    newest = [message for message in read(bridge.broker, bridge.offsets) if message.key() == key][-1]
    return newest.value(), dict(newest.headers() or ())  # type: ignore[arg-type]


def test_each_event_of_a_group_comes_once_wherever_the_process_ends(bridge: Bridge, org: Org) -> None:
    groups = [["a1", "a2", "a3"], ["b1"], ["c1", "c2", "c3", "c4"], ["d1", "d2"]]
    for names in groups:
        group(org, *names)
    for most in (1, 1, 2, 1, 3, 1, 1):
        connector = bridge.run(max_events=most)
        assert connector.error is None
    assert numbers(bridge) == [name for names in groups for name in names]


def test_the_value_names_the_newest_id_and_headers_how_to_go_on(bridge: Bridge, org: Org) -> None:
    before = group(org, "a")
    newest = group(org, "b1", "b2", "b3")
    bridge.run(max_events=3)
    value, headers = record(bridge)
    assert value == b'{"replayId":%d}' % newest
    assert headers["bridge-resume-after"] == b"%d" % before
    uuids = [one["EventUuid"] for one in bridge.values()[1:]]
    assert headers["bridge-done"] == b"".join(map(digest, uuids))


def test_a_session_forgotten_within_a_group_loses_nothing(bridge: Bridge, org: Org) -> None:
    with running(bridge) as connector:
        for number in range(20):
            group(org, f"{number}-a", f"{number}-b")
            org.forget_sessions()
            group(org, f"{number}-c", f"{number}-d", f"{number}-e")
        wait_until(lambda: connector.stats.events_delivered == 100)
    assert numbers(bridge) == [f"{number}-{letter}" for number in range(20) for letter in "abcde"]


def test_an_expired_id_before_is_no_expired_position(bridge: Bridge, org: Org) -> None:
    """What is retained of the position itself goes on, although the behaviour for expired positions is to fail."""
    bridge.settings["invalid.replay.id.behaviour"] = "fail"
    group(org, "a")
    between = time.time()
    group(org, "b1", "b2")
    bridge.run(max_events=2)
    assert org.expire(between) == 1
    group(org, "c")
    connector = bridge.run(max_events=1)
    assert connector.error is None
    assert numbers(bridge)[:2] == ["a", "b1"]
    assert numbers(bridge)[2:] == ["c"], "of an id that it stands on, Salesforce sends nothing more"


def test_a_position_that_was_set_is_resumed_after_its_value(bridge: Bridge, org: Org) -> None:
    newest = group(org, "a1", "a2", "a3")
    bridge.run(max_events=1)
    Positions(load(bridge.connector_file(), bridge.worker_file())).write(newest)
    assert record(bridge) == (b'{"replayId":%d}' % newest, {})
    group(org, "b")
    bridge.run(max_events=1)
    assert numbers(bridge) == ["a1", "b"]


def test_a_group_of_250_events(bridge: Bridge, org: Org) -> None:
    names = [f"n{n}" for n in range(250)]
    group(org, "first")
    group(org, *names)
    for most in (100, 100, 51):
        bridge.run(max_events=most)
    assert numbers(bridge) == ["first", *names]
    assert len(record(bridge)[1]["bridge-done"]) == 250 * 16


def test_ids_that_begin_anew_in_a_living_session_are_committed(
    bridge: Bridge, org: Org, caplog: pytest.LogCaptureFixture
) -> None:
    ids = org.publish_many(EVENT, 58)
    with running(bridge) as connector:
        wait_until(lambda: connector.stats.events_delivered == 58)
        org.bus._last_id = 1000
        lower = org.publish_many(EVENT, 30)
        wait_until(lambda: connector.stats.events_delivered == 88)
        assert bridge.replay_ids() == [*ids, *lower], "a reader of committed records sees them while it runs"
        assert bridge.position() == {"replayId": ids[-1]}
    told = [record.getMessage() for record in caplog.records if "replay ids below" in record.getMessage()]
    assert len(told) == 1
    assert "so far 30" in told[0]


def test_a_dead_letter_alone_in_its_reply_is_committed_once(bridge: Bridge, org: Org) -> None:
    dead = create_topic(bridge.broker, f"{bridge.topic}-dead")
    bridge.settings |= {
        "errors.tolerance": "all",
        "errors.deadletterqueue.topic.name": dead,
        "errors.deadletterqueue.topic.replication.factor": "1",
    }
    group(org, "a")
    with running(bridge) as connector:
        wait_until(lambda: connector.stats.events_delivered == 1)
        org.bus.publish_bytes(EVENT, b'{"Order_Number__c":tru}')
        wait_until(lambda: connector.stats.dead_letters == 1)
        wait_until(lambda: len(read(bridge.broker, dead)) == 1)
        org.forget_sessions()
        group(org, "b")
        wait_until(lambda: connector.stats.events_delivered == 3)
    group(org, "c")
    with running(bridge) as connector:
        wait_until(lambda: connector.stats.events_delivered == 1)
    assert numbers(bridge) == ["a", "b", "c"]
    assert len(read(bridge.broker, dead)) == 1
