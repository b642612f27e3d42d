"""The long poll: when it is held, what wakes it, how much it carries; sessions and how they end."""

import gzip
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bridge.sandbox import samples
from bridge.sandbox.org import Org, Settings
from tests.support.sandbox_client import Client, replay_ids
from tests.unit.sandbox.later import CHANNEL, EVENT, Later


def test_a_held_poll_wakes_when_an_event_is_published(org: Org, client: Client) -> None:
    client.started(CHANNEL)
    poll = Later(client.connect)
    time.sleep(0.3)
    number = org.publish(EVENT, {"Order_Number__c": "O-1"})
    answer, events = poll.wait()
    assert replay_ids(events) == [number]
    assert answer["successful"]
    assert 0.25 < poll.seconds < 1.5


def test_a_held_poll_wakes_when_its_session_subscribes(org: Org, client: Client, another: Any) -> None:
    ids = org.publish_many(EVENT, 3)
    client.handshake()
    client.connect()
    poll = Later(client.connect)
    time.sleep(0.3)
    beside = another(login=False)
    beside.headers, beside.client_id = dict(client.headers), client.client_id
    assert beside.subscribe(CHANNEL, -2)["successful"]
    assert replay_ids(poll.wait()[1]) == ids
    assert poll.seconds < 1.5


def test_a_poll_without_events_is_held_for_its_time(client: Client) -> None:
    client.started(CHANNEL)
    began = time.monotonic()
    answer, events = client.connect()
    assert 1.9 < time.monotonic() - began < 4
    assert (answer["successful"], events) == (True, [])


def test_advice_timeout_zero_is_answered_at_once(client: Client) -> None:
    client.started(CHANNEL)
    began = time.monotonic()
    assert client.connect(advice={"timeout": 0})[0]["successful"]
    assert time.monotonic() - began < 1


def test_a_second_poll_ends_the_first(client: Client, another: Any) -> None:
    client.started(CHANNEL)
    first = Later(client.connect)
    time.sleep(0.3)
    beside = another(login=False)
    beside.headers, beside.client_id = dict(client.headers), client.client_id
    second = Later(beside.connect)
    assert first.wait()[0]["successful"]
    assert first.seconds < 1.5
    assert second.wait()[0]["successful"]
    assert second.seconds > 1.9


def test_an_event_is_not_lost_to_a_client_that_hung_up(org: Org, client: Client, another: Any) -> None:
    client.started(CHANNEL)
    headers = client.headers
    body = json.dumps([client.connect_message()])
    client._connection.request("POST", "/cometd/66.0", body, {**headers, "Content-Type": "application/json"})
    time.sleep(0.3)
    client.close()
    time.sleep(0.3)
    number = org.publish(EVENT, {"Order_Number__c": "O-1"})
    again = another(login=False)
    again.headers, again.client_id = headers, client.client_id
    assert replay_ids(again.connect()[1]) == [number]


def test_a_reply_holds_so_many_events_and_no_more(org: Org, client: Client) -> None:
    ids = org.publish_many(EVENT, 120)
    client.started(CHANNEL, -2)
    replies = [replay_ids(client.connect()[1]) for _ in range(3)]
    assert [len(reply) for reply in replies] == [50, 50, 20]
    assert [number for reply in replies for number in reply] == ids


def test_a_reply_is_bounded_in_bytes(tmp_path: Path) -> None:
    with Org(samples.EVENTS, directory=tmp_path, settings=Settings(max_bytes=5000)) as org:
        org.publish_many(EVENT, 50)
        client = Client(org).started(CHANNEL, -2)
        events = client.connect()[1]
        assert 4 <= len(events) <= 8


def test_gzip_where_it_is_asked_for(org: Org, client: Client) -> None:
    org.publish_many(EVENT, 20)
    client.started(CHANNEL, -2)
    headers = {"Content-Type": "application/json", "Accept-Encoding": "gzip"}
    body = client.request("POST", "/cometd/66.0", json.dumps([client.connect_message()]), headers)
    assert client.last
    assert client.last.getheader("Content-Encoding") == "gzip"
    assert len(json.loads(gzip.decompress(body))) == 21


def test_several_sessions_get_every_event(org: Org, another: Callable[..., Client]) -> None:
    clients = [another().started(CHANNEL) for _ in range(3)]
    ids = org.publish_many(EVENT, 10)
    assert [replay_ids(client.connect()[1]) for client in clients] == [ids] * 3


def test_several_sessions_on_one_browser_cookie_are_told_so(client: Client, another: Any) -> None:
    client.started(CHANNEL)
    second = another()
    second.headers["Cookie"] = client.headers["Cookie"]
    second.handshake()
    assert second.connect()[0]["advice"] == {
        "interval": 2000,
        "multiple-clients": True,
        "reconnect": "retry",
        "timeout": 2000,
    }


def test_unsubscribe_ends_delivery(org: Org, client: Client) -> None:
    client.started(CHANNEL)
    message = {
        "channel": "/meta/unsubscribe",
        "clientId": client.client_id,
        "subscription": CHANNEL,
        "id": "4",
    }
    assert client.send(message)[0]["successful"]
    org.publish(EVENT, {"Order_Number__c": "O-1"})
    assert client.connect(advice={"timeout": 0})[1] == []


def test_after_a_disconnect_the_client_is_unknown(client: Client) -> None:
    client.started(CHANNEL)
    message = {"channel": "/meta/disconnect", "clientId": client.client_id, "id": "5"}
    assert client.send(message, suffix="/disconnect")[0]["successful"]
    assert client.connect()[0]["error"] == "403::Unknown client"


def test_a_session_expires_when_its_client_stays_away(client: Client) -> None:
    client.started(CHANNEL)
    time.sleep(1.3)
    answer, _ = client.connect()
    assert answer["error"] == "403::Unknown client"
    assert answer["advice"] == {"reconnect": "handshake", "interval": 0}


def test_a_session_does_not_expire_while_its_poll_is_held(client: Client) -> None:
    client.started(CHANNEL)
    for _ in range(2):  # each is held for longer than a session lives
        assert client.connect()[0]["successful"]
