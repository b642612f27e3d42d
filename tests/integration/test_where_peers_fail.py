"""Situations in which comparable programs lose events, double them or die silently; each must end well here.

The situations and what others do in them were measured; none of them may cost an event.
"""

import time
from pathlib import Path

import pytest
from attrs import evolve

from bridge.errors import Fatal
from bridge.sandbox.org import Org
from tests.support.bridge_run import EVENT, Bridge, running, wait_until
from tests.support.kafka_broker import Broker


@pytest.fixture
def bridge(tmp_path: Path, broker: Broker, org: Org) -> Bridge:
    return Bridge.of(tmp_path, broker, org)


def test_a_revoked_token_is_replaced_without_losing_the_position(bridge: Bridge, org: Org) -> None:
    with running(bridge) as connector:
        ids = org.publish_many(EVENT, 500)
        wait_until(lambda: connector.stats.events_delivered == 500)
        org.revoke_tokens()
        ids += org.publish_many(EVENT, 500)
        wait_until(lambda: connector.stats.events_delivered == 1000)
        assert connector.stats.logins >= 2
    assert bridge.replay_ids() == ids


def test_an_unknown_client_subscribes_again(bridge: Bridge, org: Org) -> None:
    with running(bridge) as connector:
        ids = org.publish_many(EVENT, 200)
        wait_until(lambda: connector.stats.events_delivered == 200)
        org.forget_sessions()
        ids += org.publish_many(EVENT, 800)
        wait_until(lambda: connector.stats.events_delivered == 1000)
    assert bridge.replay_ids() == ids


def test_a_token_and_a_session_lost_at_once(bridge: Bridge, org: Org) -> None:
    with running(bridge) as connector:
        ids = org.publish_many(EVENT, 100)
        wait_until(lambda: connector.stats.events_delivered == 100)
        org.revoke_tokens()
        org.forget_sessions()
        ids += org.publish_many(EVENT, 100)
        wait_until(lambda: connector.stats.events_delivered == 200)
    assert bridge.replay_ids() == ids


def test_a_reply_larger_than_a_megabyte_arrives_whole(bridge: Bridge, org: Org) -> None:
    org.bayeux.settings = evolve(org.bayeux.settings, max_events=10_000)
    text = "x" * 3000
    ids = org.publish_many(EVENT, [{"Order_Number__c": str(n), "Notes__c": text} for n in range(2000)])
    connector = bridge.run(max_events=2000)
    assert connector.error is None
    assert bridge.replay_ids() == ids


def test_a_reply_above_the_limit_is_refused_by_name_and_nothing_is_lost(bridge: Bridge, org: Org) -> None:
    bridge.settings["connection.max.message.size"] = "1048576"
    org.bayeux.settings = evolve(org.bayeux.settings, max_events=10_000)
    text = "x" * 3000
    ids = org.publish_many(EVENT, [{"Order_Number__c": str(n), "Notes__c": text} for n in range(1000)])
    connector = bridge.run()
    assert isinstance(connector.error, Fatal)
    assert "connection.max.message.size" in connector.error.message
    del bridge.settings["connection.max.message.size"]
    bridge.run(max_events=1000)
    assert bridge.replay_ids() == ids


@pytest.mark.parametrize("behaviour", ["all", "latest"])
def test_an_expired_position_is_reported_with_its_gap(
    bridge: Bridge, org: Org, behaviour: str, caplog: pytest.LogCaptureFixture
) -> None:
    bridge.settings["invalid.replay.id.behaviour"] = behaviour
    now = time.time()
    first = org.publish_many(EVENT, 10, created=now - 60 * 3600)
    bridge.run(max_events=10)
    org.publish_many(EVENT, 20, created=now - 50 * 3600)
    org.expire(now - 40 * 3600)
    kept = org.publish_many(EVENT, 5, created=now - 3600)
    with running(bridge) as connector:
        new = org.publish_many(EVENT, 5, created=time.time() + 2)
        expected = first + (kept if behaviour == "all" else []) + new
        wait_until(lambda: connector.stats.events_delivered == len(expected) - 10)
        assert 59 < connector.stats.gap_hours < 61
    assert bridge.replay_ids() == expected
    assert f"gap after replay id {first[-1]}" in caplog.text
    assert "60.0 hours" in caplog.text


def test_an_expired_position_can_be_a_reason_to_stop(bridge: Bridge, org: Org) -> None:
    bridge.settings["invalid.replay.id.behaviour"] = "fail"
    now = time.time()
    org.publish_many(EVENT, 10, created=now - 60 * 3600)
    bridge.run(max_events=10)
    org.publish_many(EVENT, 1, created=now - 50 * 3600)
    org.expire(now - 40 * 3600)
    org.publish_many(EVENT, 1)
    connector = bridge.run()
    assert isinstance(connector.error, Fatal)
    assert "invalid.replay.id.behaviour" in connector.error.message
    assert len(bridge.replay_ids()) == 10


def test_what_others_drop_is_in_the_record(bridge: Bridge, org: Org) -> None:
    (replay_id,) = org.publish_many(EVENT, 1)
    bridge.run(max_events=1)
    (value,) = bridge.values()
    assert value["ReplayId"] == str(replay_id)
    assert len(value["EventUuid"]) == 36
    assert value["_EventType"] == org.bus.schema_id(EVENT)


@pytest.mark.parametrize(
    "fault",
    [
        "drop",
        "truncate",
        "html",
        "duplicate",
        "repeat",
        "shuffle",
        "http_503",
        "busy",
        "advice_handshake",
        "http_401",
    ],
)
def test_a_bad_reply_costs_no_event_and_doubles_none(bridge: Bridge, org: Org, fault: str) -> None:
    with running(bridge) as connector:
        ids = org.publish_many(EVENT, 300)
        wait_until(lambda: connector.stats.events_delivered == 300)
        for _ in range(3):
            org.faults.arm(fault, times=2)
            ids += org.publish_many(EVENT, 300)
            wait_until(lambda: connector.stats.events_delivered == len(ids), 30)  # noqa: B023 - waited for here
    assert org.faults.fired.get(fault), "the fault took no effect"
    assert bridge.replay_ids() == ids


def test_a_lone_surrogate_is_replaced_and_counted(bridge: Bridge, org: Org) -> None:
    org.faults.arm("surrogate")
    ids = org.publish_many(EVENT, 10)
    connector = bridge.run(max_events=10)
    assert bridge.replay_ids() == ids
    assert connector.stats.surrogates_replaced == 1
    assert any("\ufffd" in str(value) for value in bridge.values())


def test_a_refused_login_is_tried_once(bridge: Bridge, org: Org) -> None:
    bridge.settings["salesforce.password"] = "wrong"
    connector = bridge.run()
    assert isinstance(connector.error, Fatal)
    assert "wrong" not in connector.error.message
    assert org.state()["refused_logins"] == 1
