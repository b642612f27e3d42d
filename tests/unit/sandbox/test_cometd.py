"""The Bayeux side: handshake, subscription, replay and events as recorded from Salesforce."""

import time
from collections.abc import Callable
from typing import Any

import pytest

from bridge.sandbox import samples
from bridge.sandbox.definition import FieldDefinition
from bridge.sandbox.org import Org, Settings
from tests.support.sandbox_client import Client, replay_ids
from tests.unit.sandbox.later import CHANNEL, EVENT

INVALID = (
    "400::The replayId {%s} you provided was invalid.  "
    "Please provide a valid ID, -2 to replay all events, or -1 to replay only new events."
)


def test_handshake_reply_is_as_recorded(client: Client) -> None:
    answer = client.handshake()
    client_id = answer.pop("clientId")
    assert len(client_id) >= 25
    assert answer == {
        "ext": {"replay": True, "payload.format": True},
        "minimumVersion": "1.0",
        "supportedConnectionTypes": ["long-polling"],
        "channel": "/meta/handshake",
        "id": "1",
        "version": "1.0",
        "successful": True,
    }
    assert client.last
    assert "BAYEUX_BROWSER=" in (client.last.getheader("Set-Cookie") or "")


def test_first_connect_is_answered_at_once_as_recorded(client: Client) -> None:
    client.handshake()
    began = time.monotonic()
    answer, events = client.connect()
    assert time.monotonic() - began < 1
    assert answer == {
        "clientId": client.client_id,
        "advice": {"interval": 0, "timeout": 2000, "reconnect": "retry"},
        "channel": "/meta/connect",
        "id": "2",
        "successful": True,
    }
    assert events == []


def test_the_default_timeout_is_salesforces() -> None:
    assert (Settings().hold, Settings().session, Settings().retention) == (110, 40, 72 * 3600)


def test_subscribe_reply_is_as_recorded(client: Client) -> None:
    client.handshake()
    client.connect()
    assert client.subscribe(CHANNEL, "-2") == {
        "clientId": client.client_id,
        "channel": "/meta/subscribe",
        "id": "3",
        "subscription": CHANNEL,
        "successful": True,
    }


@pytest.mark.parametrize("suffix", ["", "/", "/handshake", "/connect", "/subscribe", "/disconnect"])
def test_every_suffix_is_accepted(client: Client, suffix: str) -> None:
    client.handshake()
    (answer,) = client.send(client.connect_message(id=7), suffix=suffix)
    assert answer["successful"]
    assert answer["id"] == 7


@pytest.mark.parametrize("replay", [-2, "-2"])
def test_all_retained_events(org: Org, client: Client, replay: Any) -> None:
    ids = org.publish_many(EVENT, 20)
    client.started(CHANNEL, replay)
    assert replay_ids(client.connect()[1]) == ids


@pytest.mark.parametrize("kind", [int, str])
def test_events_after_an_id(org: Org, client: Client, kind: Callable[[int], Any]) -> None:
    ids = org.publish_many(EVENT, 20)
    client.started(CHANNEL, kind(ids[11]))
    assert replay_ids(client.connect()[1]) == ids[12:]


@pytest.mark.parametrize("replay", [-1, None])
def test_only_new_events(org: Org, client: Client, replay: Any) -> None:
    org.publish_many(EVENT, 20)
    client.started(CHANNEL, replay)
    number = org.publish(EVENT, {"Order_Number__c": "O-1"})
    assert replay_ids(client.connect()[1]) == [number]


def test_an_event_message_is_as_recorded(org: Org, client: Client) -> None:
    number = org.publish(EVENT, {"Order_Number__c": "O-1", "Is_Gift__c": True, "Quantity__c": 12.5})
    client.started(CHANNEL, -2)
    (event,) = client.connect()[1]
    assert event["channel"] == CHANNEL
    assert list(event["data"]) == ["schema", "payload", "event"]
    assert event["data"]["schema"] == org.bus.schema_id(EVENT)
    assert event["data"]["event"]["replayId"] == number
    assert len(event["data"]["event"]["EventUuid"]) == 36
    assert event["data"]["payload"]["Quantity__c"] == 12.5


def test_before_api_52_there_is_no_event_uuid(org: Org, another: Callable[..., Client]) -> None:
    org.publish(EVENT, {"Order_Number__c": "O-1"})
    old = another(version="51.0").started(CHANNEL, -2)
    assert list(old.connect()[1][0]["data"]["event"]) == ["replayId"]


@pytest.mark.parametrize("replay", [1, 10**12, 0, -3, "abc", "", [1]])
def test_an_invalid_replay_id_is_refused_in_the_recorded_words(org: Org, client: Client, replay: Any) -> None:
    org.publish_many(EVENT, 3)
    client.handshake()
    answer = client.subscribe(CHANNEL, replay)
    assert answer["error"] == INVALID % (replay,)
    assert answer["successful"] is False


def test_an_expired_replay_id_is_refused(org: Org, client: Client) -> None:
    (old,) = org.publish_many(EVENT, 1, created=time.time() - 73 * 3600)
    ids = org.publish_many(EVENT, 2)
    client.handshake()
    assert client.subscribe(CHANNEL, old)["error"] == INVALID % old
    assert client.subscribe(CHANNEL, ids[0])["successful"]
    assert org.expire(time.time() + 1) == 2
    assert client.subscribe(CHANNEL, ids[0])["error"] == INVALID % ids[0]
    assert client.subscribe(CHANNEL, -2)["successful"]


def test_messages_in_one_request_are_answered_in_one_reply(org: Org, client: Client) -> None:
    ids = org.publish_many(EVENT, 2)
    client.handshake()
    client.connect()
    subscribe = {
        "channel": "/meta/subscribe",
        "clientId": client.client_id,
        "subscription": CHANNEL,
        "ext": {"replay": {CHANNEL: -2}},
    }
    began = time.monotonic()
    replies = client.send(client.connect_message(), subscribe)
    assert time.monotonic() - began < 1, "a poll among other messages is not held"
    assert [reply["channel"] for reply in replies] == ["/meta/connect", "/meta/subscribe"]
    assert replay_ids(client.connect()[1]) == ids


def test_a_changed_definition_changes_the_schema_of_new_events_only(org: Org, client: Client) -> None:
    before = org.bus.schema_id(EVENT)
    org.publish(EVENT, {"Order_Number__c": "O-1"})
    after = org.define(samples.ORDER_PLACED.with_field(FieldDefinition("Coupon__c")))
    org.publish(EVENT, {"Order_Number__c": "O-2", "Coupon__c": "X"})
    client.started(CHANNEL, -2)
    old, new = client.connect()[1]
    assert (old["data"]["schema"], new["data"]["schema"]) == (before, after)
    assert before != after
    assert "Coupon__c" not in old["data"]["payload"]
    assert new["data"]["payload"]["Coupon__c"] == "X"


def test_a_custom_channel_delivers_its_members(org: Org, client: Client) -> None:
    org.bus.define_channel("Orders__chn", [EVENT, "Shipment_Updated__e"])
    client.started("/event/Orders__chn", -2)
    ids = [org.publish(EVENT, {"Order_Number__c": "1"}), org.publish("Shipment_Updated__e", {})]
    assert replay_ids(client.connect()[1]) == ids


def test_a_refresh_is_another_org(org: Org, client: Client) -> None:
    (old,) = org.publish_many(EVENT, 1)
    client.started(CHANNEL)
    before = org.org_id
    after = org.refresh()
    assert after != before
    assert len(after) == 18
    assert client.connect()[0]["error"] == "401::Authentication invalid"
    assert after in client.login()["id"]
    client.handshake()
    assert client.subscribe(CHANNEL, old)["error"] == INVALID % old
