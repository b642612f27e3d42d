"""Where a subscription begins: first start, restart, expired positions. Decision: a start at ``latest`` loses
nothing."""

from __future__ import annotations

import json
import time
from email.utils import formatdate
from typing import Any

import pytest

from bridge.errors import BridgeError, Fatal
from bridge.salesforce.cometd import CometdSettings, Start, cometd_settings, probe
from bridge.salesforce.http_settings import HttpSettings
from tests.support.cometd_client import FAST, Client, FakeLogin
from tests.support.scripted_org import (
    CHANNEL,
    CONNECT,
    DISCONNECT,
    SUBSCRIBE,
    Http,
    ScriptedOrg,
    event,
)

SUBSCRIBED_AT = 1_700_000_000  # server time of the first subscription, seconds; our clock says later
BEFORE = "2023-11-14T22:13:18Z"
AFTER = "2023-11-14T22:13:20.500Z"


def at_server_time(_: Any, normal: list[Any]) -> Http:
    return Http(json.dumps(normal).encode(), headers={"Date": formatdate(SUBSCRIBED_AT, usegmt=True)})


def test_latest_takes_only_what_comes_after_it(org: ScriptedOrg) -> None:
    org.publish(1, 2, 3)
    with Client(org, Start()) as client:
        client.wait(lambda: client.source.subscribed)
        org.publish(4, 5)
        client.wait_for([4, 5])
    assert org.replays() == [-1]
    assert len(client.first_subscription) == 1
    assert abs(client.first_subscription[0] / 1000 - time.time()) < 15


def test_latest_then_lost_before_any_event_asks_for_all_and_passes_over_the_older(org: ScriptedOrg) -> None:
    org.publish(event(1, created=BEFORE), event(2, created=BEFORE))
    org.next(SUBSCRIBE, at_server_time)
    with Client(org, Start()) as client:
        client.wait(lambda: client.source.subscribed)
        with org.at_once():  # sent, counted as delivered, and never arrived
            org.next(CONNECT, Http(cut=20))
            org.publish(event(3, created=AFTER), event(4, created=BEFORE))
        client.wait_for([3, 4])
        org.forget()
        client.wait(lambda: client.stats.subscribes == 3)
    assert org.replays() == [-1, -2, 3]
    (since,) = client.first_subscription
    assert SUBSCRIBED_AT * 1000 - 1000 < since <= SUBSCRIBED_AT * 1000
    assert client.stats.skipped_before_start == 2


def test_a_restart_before_the_first_commit_does_the_same(org: ScriptedOrg) -> None:
    org.publish(event(1, created=BEFORE), event(2, created=AFTER))
    with Client(org, Start(since_ms=SUBSCRIBED_AT * 1000)) as client:
        client.wait_for([2])
    assert org.replays() == [-2]
    assert client.first_subscription == []


def test_a_start_at_latest_stays_one_whatever_the_configuration_says_after_a_restart(
    org: ScriptedOrg,
) -> None:
    """So does the choice of invalid.replay.id.behaviour=latest in a connector that once began at all."""
    org.publish(event(1, created=BEFORE), event(2, created=AFTER))
    with Client(org, Start(initial="all", since_ms=SUBSCRIBED_AT * 1000)) as client:
        client.wait_for([2])
    assert org.replays() == [-2]


@pytest.mark.parametrize("ahead", [86_400, -86_400])
def test_the_earlier_of_the_clocks_counts(
    org: ScriptedOrg, ahead: int, caplog: pytest.LogCaptureFixture
) -> None:
    """A server whose Date is a day ahead of its CreatedDate loses nothing; what is passed over is said."""
    caplog.set_level("INFO")
    now = time.time()

    def at(seconds: float) -> str:
        return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))

    def dated(_: Any, normal: list[Any]) -> Http:
        return Http(json.dumps(normal).encode(), headers={"Date": formatdate(now + ahead, usegmt=True)})

    org.publish(*(event(number, created=at(now - 200_000)) for number in (1, 2)))
    org.next(SUBSCRIBE, dated)
    with Client(org, Start()) as client:
        client.wait(lambda: client.source.subscribed)
        with org.at_once():
            org.next(CONNECT, Http(cut=20))
            org.publish(event(3, created=at(now + 5)), event(4, created=at(now + 6)))
        client.wait_for([3, 4])
    assert org.replays() == [-1, -2]
    (since,) = client.first_subscription
    assert since <= (now + min(ahead, 0)) * 1000 + 5000
    assert caplog.text.count("2 events were passed over: they were created before") == 1


def test_as_long_as_everything_was_passed_over_all_retained_events_are_asked_for(org: ScriptedOrg) -> None:
    org.publish(event(1, created=BEFORE))
    with Client(org, Start(since_ms=SUBSCRIBED_AT * 1000)) as client:
        client.wait(lambda: client.stats.skipped_before_start == 1)
        org.forget()
        client.wait(lambda: client.stats.subscribes == 2)
        org.publish(event(2, created=AFTER))
        client.wait_for([2])
    assert org.replays() == [-2, -2]


def test_all_takes_everything_retained(org: ScriptedOrg) -> None:
    org.publish(event(1, created=BEFORE), 2)
    with Client(org, Start(initial="all")) as client:
        client.wait_for([1, 2])
    assert client.first_subscription == []


def test_a_position_wins_over_everything(org: ScriptedOrg) -> None:
    org.publish(1, event(2, created=BEFORE), 3)
    with Client(org, Start(1, "latest", SUBSCRIBED_AT * 1000)) as client:
        client.wait_for([2, 3])
    assert org.replays() == [1]


# ---- expired positions --------------------------------------------------------------------------------------

CODES = [
    "400::The replayId {1} you provided was invalid.  Please provide a valid ID, -2 to replay all events, or -1 to "
    "replay only new events.",
    "400::The replayId {5} you provided was invalid. Please provide a valid ID",
    "400:{5}:The replayId {5} you provided was invalid.  Please provide a valid ID",
    "400:/event/X__e,5:the replayid you provided was INVALID",
]


def refuse(error: str) -> list[Any]:
    return [{"channel": SUBSCRIBE, "successful": False, "error": error, "subscription": CHANNEL}]


@pytest.mark.parametrize("error", CODES)
def test_expired_position_goes_on_with_all_retained_events(
    org: ScriptedOrg, error: str, caplog: pytest.LogCaptureFixture
) -> None:
    org.publish(10, 11)
    org.next(SUBSCRIBE, refuse(error))
    with Client(org, Start(replay_id=5), when_expired="all") as client:
        client.wait_for([10, 11])
    assert org.replays() == [5, -2]
    assert client.gaps == [5]
    assert "replay id 5 has expired" in caplog.text
    assert org.count(DISCONNECT) == 2, "the session of the refused subscription is ended, too"


def test_expired_position_goes_on_with_new_events_and_loses_none_of_those(org: ScriptedOrg) -> None:
    org.expired_below = 9
    org.publish(event(10, created=BEFORE), event(11, created=BEFORE))
    org.next(SUBSCRIBE, lambda _, normal: normal, at_server_time)
    with Client(org, Start(replay_id=5), when_expired="latest") as client:
        client.wait(lambda: client.source.subscribed)
        with org.at_once():
            org.next(CONNECT, Http(cut=20))
            org.publish(event(12, created=AFTER))
        client.wait_for([12])
    assert org.replays() == [5, -1, -2]
    assert client.gaps == [5]
    assert len(client.first_subscription) == 1
    assert client.first_subscription[0] <= SUBSCRIBED_AT * 1000


def test_expired_position_fails_if_so_configured(org: ScriptedOrg) -> None:
    org.expired_below = 9
    with Client(org, Start(replay_id=5), when_expired="fail") as client:
        failure = client.wait_failed()
    assert isinstance(failure, Fatal)
    assert failure.position == 5
    assert "invalid.replay.id.behaviour" in failure.message
    assert client.gaps == []


@pytest.mark.parametrize(
    "error",
    [
        "400::The channel you requested to subscribe to doesn't exist {/event/X__e}",
        "403::The replayId {5} you provided was invalid.",
        "400::Unsupported API version",
    ],
)
def test_another_refusal_is_never_taken_for_an_expired_position(org: ScriptedOrg, error: str) -> None:
    org.next(SUBSCRIBE, refuse(error))
    with Client(org, Start(replay_id=5)) as client:
        assert isinstance(client.wait_failed(), Fatal)
    assert org.replays() == [5]
    assert client.gaps == []


def test_an_invalid_id_that_was_never_sent_is_asked_again(org: ScriptedOrg) -> None:
    org.publish(1)
    org.next(SUBSCRIBE, refuse(CODES[0]))
    with Client(org, Start(initial="all")) as client:
        client.wait_for([1])
    assert org.replays() == [-2, -2]
    assert client.gaps == []


def test_events_still_retained_after_a_spurious_expiry_are_not_doubled(org: ScriptedOrg) -> None:
    org.publish(1, 2, 3)
    with Client(org) as client:
        client.wait_for([1, 2, 3])
        org.next(SUBSCRIBE, refuse(CODES[0]), refuse(CODES[0]))
        org.forget()
        client.wait(lambda: client.stats.subscribes == 2)
        org.publish(4)
        client.wait_for([1, 2, 3, 4])
    assert org.replays() == [-2, 2, 3, -2]


def test_other_events_with_the_same_ids_are_taken_after_an_expiry(org: ScriptedOrg) -> None:
    """A migrated org: its ids begin anew, only the EventUuid tells."""
    org.publish(100, 101)
    with Client(org) as client:
        client.wait_for([100, 101])
        moved = [event(n) for n in (7, 100)]
        for message in moved:
            message["data"]["event"]["EventUuid"] = f"moved-{message['data']['event']['replayId']}"
        with org.at_once():
            org.log[:] = moved
            org.expired_below = 1000
            org.forget()
        client.wait_for([100, 101, 7, 100])


# ---- settings, and asking once ------------------------------------------------------------------------------


def test_settings_come_from_the_configuration() -> None:
    settings = cometd_settings(
        {
            "connection.timeout": 7_000,
            "request.max.retries.time.ms": 45_000,
            "connection.max.message.size": 1_000,
            "invalid.replay.id.behaviour": "fail",
            "bridge.watchdog.ms": 120_000,
        },
        "66.0",
    )
    assert settings == CometdSettings("/cometd/66.0", 7.0, 45.0, 1_000, "fail", 120.0)


def ask(org: ScriptedOrg) -> None:
    probe(CHANNEL, FakeLogin(org), FAST, HttpSettings())  # type: ignore[arg-type]


def test_probe_subscribes_to_new_events_and_takes_leave(org: ScriptedOrg) -> None:
    ask(org)
    assert [a.channel.rpartition("/")[2] for a in org.asked] == ["handshake", "subscribe", "disconnect"]
    assert org.replays() == [-1]
    org.revoke()
    ask(org)


def test_probe_says_what_is_wrong(org: ScriptedOrg) -> None:
    org.next(SUBSCRIBE, refuse("400::The channel you requested to subscribe to doesn't exist {/event/X__e}"))
    with pytest.raises(Fatal, match="API name"):
        ask(org)
    org.next(SUBSCRIBE, Http(status=503))
    with pytest.raises(BridgeError, match="503"):
        ask(org)
