"""The CometD source: order, repetition and kinds of messages."""

from __future__ import annotations

import json
from typing import Any

import pytest

from bridge.salesforce.cometd import Start
from tests.support.cometd_client import Client
from tests.support.scripted_org import (
    CHANNEL,
    CONNECT,
    HANDSHAKE,
    SUBSCRIBE,
    Http,
    ScriptedOrg,
    event,
)


def test_events_out_of_order_in_a_reply(org: ScriptedOrg) -> None:
    org.publish(3, 1, 2)
    with Client(org) as client:
        client.wait_for([1, 2, 3])
        org.forget()
        client.wait(lambda: client.stats.subscribes == 2)
    assert org.replays() == [-2, 2]


def test_events_that_come_twice(org: ScriptedOrg) -> None:
    org.publish(1, 2, 2, 3)
    with Client(org) as client:
        client.wait_for([1, 2, 3])
        org.publish(2, 3, 4)
        client.wait_for([1, 2, 3, 4])
        client.wait(lambda: client.stats.duplicates_dropped == 3)


def test_the_committed_event_itself_is_not_taken_again(org: ScriptedOrg) -> None:
    org.next(CONNECT, lambda _, normal: [event(7), *normal])
    org.publish(8)
    with Client(org, Start(replay_id=7)) as client:
        client.wait_for([8])
    assert client.stats.duplicates_dropped == 1


def test_events_in_every_kind_of_reply(org: ScriptedOrg) -> None:
    """In the reply to the subscription, before and after its confirmation, which may itself come with a
    poll."""
    kept: list[Any] = []

    def without_confirmation(_: Any, normal: list[Any]) -> list[Any]:
        kept.extend(normal)
        return [event(1), event(2)]

    org.next(SUBSCRIBE, without_confirmation)
    org.next(CONNECT, lambda _, normal: [normal[-1], event(3), *kept, event(4)])
    with Client(org, Start()) as client:
        client.wait_for([1, 2, 3, 4])
        client.wait(lambda: client.source.subscribed)
    assert client.stats.receive_errors == 0


def test_ids_may_be_numbers_strings_or_missing(org: ScriptedOrg) -> None:
    def number(_: Any, normal: list[Any]) -> list[Any]:
        return [*normal[:-1], {**normal[-1], "id": 17}]

    def none(_: Any, normal: list[Any]) -> list[Any]:
        return [*normal[:-1], {k: v for k, v in normal[-1].items() if k != "id"}]

    for channel in (HANDSHAKE, SUBSCRIBE, CONNECT):
        org.next(channel, number)
    org.next(CONNECT, none, lambda m, n: [*n[:-1], {**n[-1], "clientId": 5, "ext": None, "error": None}])
    org.publish(1, 2)
    with Client(org) as client:
        client.wait_for([1, 2])
        client.wait(lambda: org.count(CONNECT) >= 4)
    assert client.stats.receive_errors == 0


def test_messages_of_another_channel_are_ignored_with_one_warning(
    org: ScriptedOrg, caplog: pytest.LogCaptureFixture
) -> None:
    other = "/event/Other__e"
    org.publish(event(1, other), 2, event(3, other), event(4, CHANNEL.upper()))
    with Client(org) as client:
        client.wait_for([2, 4])
        org.publish(event(5, other), 6)
        client.wait_for([2, 4, 6])
    assert caplog.text.count("/event/Other__e are ignored") == 1


def test_a_custom_channel_takes_messages_that_name_the_event(org: ScriptedOrg) -> None:
    org.publish(event(1, "/event/Other__e"), 2)
    with Client(org, accept_any=True) as client:
        client.wait_for([1, 2])


def test_an_unreadable_event_is_handed_over_and_remembered(org: ScriptedOrg) -> None:
    org.publish(1, {"channel": CHANNEL, "data": {"payload": {}, "event": {"replayId": 2, "EventUuid": 5}}})
    with Client(org) as client:
        client.wait(lambda: client.unreadable)
        org.forget()
        client.wait(lambda: client.stats.subscribes == 2)
    (bad,) = client.unreadable
    assert bad.replay_id == 2
    assert json.loads(bad.raw)["data"]["event"]["EventUuid"] == 5
    assert client.events == [1]
    assert org.replays() == [-2, -2]
    assert client.stats.unreadable == 1


def test_a_lone_surrogate_is_replaced_and_counted(org: ScriptedOrg) -> None:
    body = json.dumps([event(1, Text__c="a\ud800b \U0001f600"), event(2)]).encode()
    org.next(CONNECT, lambda _, normal: Http(body[:-1] + b"," + json.dumps(normal)[1:].encode()))
    with Client(org) as client:
        client.wait_for([1, 2])
    message = client.deliveries[0].events[0]
    assert message.data is not None
    assert json.loads(bytes(message.data.payload))["Text__c"] == "a\ufffdb \U0001f600"
    assert client.stats.surrogates_replaced == 1
