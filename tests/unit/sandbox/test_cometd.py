"""The Bayeux side: shapes as recorded from Salesforce, sessions, the long poll, replay."""

import gzip
import json
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bridge.sandbox import samples
from bridge.sandbox.definition import FieldDefinition
from bridge.sandbox.org import Org, Settings
from tests.support.sandbox_client import Client, replay_ids

CHANNEL = "/event/Order_Placed__e"
EVENT = "Order_Placed__e"
INVALID = (
    "400::The replayId {%s} you provided was invalid.  "
    "Please provide a valid ID, -2 to replay all events, or -1 to replay only new events."
)


class Later:
    """Something done in a thread, and how long it took."""

    def __init__(self, action: Callable[[], Any]) -> None:
        self.result: Any = None
        self.seconds = 0.0
        self._thread = threading.Thread(target=self._run, args=(action,))
        self._thread.start()

    def _run(self, action: Callable[[], Any]) -> None:
        began = time.monotonic()
        self.result = action()
        self.seconds = time.monotonic() - began

    def wait(self) -> Any:
        self._thread.join(15)
        return self.result


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


def test_cookies_are_required(client: Client) -> None:
    client.started(CHANNEL)
    del client.headers["Cookie"]
    error = client.connect()[0]["error"]
    assert error == (
        f"400::Client {client.client_id} has established a session, but no BAYEUX_BROWSER cookie present"
    )
    client.headers["Cookie"] = "BAYEUX_BROWSER=another"
    assert client.connect()[0]["error"] == "403::Unknown client"


def test_without_a_valid_token_connect_is_refused_as_recorded(org: Org, client: Client) -> None:
    client.started(CHANNEL)
    org.revoke_tokens()
    answer, _ = client.connect(id=7)
    assert answer == {
        "clientId": client.client_id,
        "advice": {"reconnect": "none", "interval": 0},
        "channel": "/meta/connect",
        "id": 7,
        "error": "401::Authentication invalid",
        "successful": False,
    }


def test_without_a_valid_token_handshake_is_refused_as_recorded(org: Org, client: Client) -> None:
    org.revoke_tokens()
    answer = client.handshake()
    del answer["id"]
    assert answer == {
        "ext": {
            "sfdc": {"failureReason": "401::Authentication invalid"},
            "replay": True,
            "payload.format": True,
        },
        "advice": {"reconnect": "none"},
        "channel": "/meta/handshake",
        "error": "403::Handshake denied",
        "successful": False,
    }


def test_a_revoked_token_ends_a_held_poll(org: Org, client: Client) -> None:
    client.started(CHANNEL)
    poll = Later(client.connect)
    time.sleep(0.3)
    org.revoke_tokens()
    assert poll.wait()[0]["error"] == "401::Authentication invalid"
    assert poll.seconds < 1.5


def test_lost_sessions_end_a_held_poll(org: Org, client: Client) -> None:
    client.started(CHANNEL)
    poll = Later(client.connect)
    time.sleep(0.3)
    org.forget_sessions()
    assert poll.wait()[0]["error"] == "403::Unknown client"
    assert poll.seconds < 1.5


@pytest.mark.parametrize(
    ("channel", "error"),
    [
        ("/event/Nope__e", "400::The channel you requested to subscribe to doesn't exist {/event/Nope__e}"),
        ("", "400::Channel name not specified"),
        ("event/X__e", "400::Channel subscriptions must start with a leading '/'"),
        ("/meta/connect", "403::Restricted channel"),
        ("/anything", "403::Cannot create channel {/anything}"),
    ],
)
def test_subscriptions_that_cannot_be(client: Client, channel: str, error: str) -> None:
    client.handshake()
    assert client.subscribe(channel)["error"] == error


def test_connection_types_other_than_long_polling_are_refused(client: Client) -> None:
    client.handshake()
    assert (
        client.connect(connectionType="websocket")[0]["error"] == "400::Invalid connection type {websocket}"
    )


@pytest.mark.parametrize(
    ("path", "status", "error"),
    [
        ("/cometd", 400, "400::API version in the URI is mandatory. URI format: '/cometd/66.0'"),
        ("/cometd/", 400, "400::API version in the URI is mandatory. URI format: '/cometd/66.0'"),
        ("/cometd/999.0", 400, "400::Unsupported API version"),
        ("/cometd/latest", 400, "400::Unsupported API version"),
    ],
)
def test_the_version_in_the_path(client: Client, path: str, status: int, error: str) -> None:
    (answer,) = json.loads(client.request("POST", path, b"[]"))
    assert client.last
    assert client.last.status == status
    assert answer["error"].startswith(error)


@pytest.mark.parametrize("body", [b"", b"{", b"[1]", b'"x"', b"\xff"])
def test_what_is_no_message_is_refused(client: Client, body: bytes) -> None:
    (answer,) = json.loads(client.request("POST", "/cometd/66.0", body))
    assert answer["error"].startswith("400::")


def test_a_request_over_32768_bytes_is_refused(client: Client) -> None:
    (answer,) = json.loads(client.request("POST", "/cometd/66.0", b" " * 32_769))
    assert answer["error"] == "413::Maximum Request Size Exceeded"
    assert client.last
    assert client.last.status == 413


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
