"""The CometD source against a scripted org: the ordinary way, what ends a session, and that nothing is lost
or doubled."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from bridge.errors import Fatal, Retriable
from bridge.salesforce.cometd import Start
from tests.support.cometd_client import Client, FakeLogin
from tests.support.scripted_org import (
    CHANNEL,
    CONNECT,
    DISCONNECT,
    HANDSHAKE,
    SUBSCRIBE,
    Http,
    ScriptedOrg,
    event,
)


@pytest.fixture
def org() -> Iterator[ScriptedOrg]:
    with ScriptedOrg() as org:
        yield org


def ids(begin: int, end: int) -> list[int]:
    return list(range(begin, end))


def test_receives_in_order_and_says_goodbye(org: ScriptedOrg) -> None:
    org.publish(*ids(1, 1001))
    with Client(org) as client:
        client.wait_for(ids(1, 1001))
        org.publish(*ids(1001, 1011))
        client.wait_for(ids(1, 1011))
        assert client.source.subscribed
        assert client.stop() < 2
    assert org.count(DISCONNECT) == 1
    assert org.replays() == [-2]
    stats = client.stats
    assert (stats.events_received, stats.handshakes, stats.subscribes, stats.logins) == (1010, 1, 1, 1)
    assert (stats.reconnects, stats.receive_errors, stats.duplicates_dropped) == (0, 0, 0)
    assert all(d.size > 0 and d.received_at > 1.7e9 for d in client.deliveries)


def test_requests_are_as_salesforce_documents_them(org: ScriptedOrg) -> None:
    with Client(org, Start(replay_id=5)) as client:
        client.wait(lambda: org.count(CONNECT) == 2)
    handshake, subscribe, first, second = (a.message for a in org.asked[:4])
    assert handshake["ext"] == {"replay": True}
    assert handshake["supportedConnectionTypes"] == ["long-polling"]
    assert subscribe["subscription"] == CHANNEL
    assert subscribe["ext"] == {"replay": {CHANNEL: 5}}
    assert first["advice"] == {"timeout": 0}
    assert "advice" not in second
    assert second["connectionType"] == "long-polling"
    assert {m["clientId"] for m in (subscribe, first, second)} == {"client1"}
    assert len({a.connection for a in org.asked[:4]}) == 1, "one connection for all"
    assert org.asked[0].headers["Authorization"] == "Bearer token-0"
    assert org.asked[1].headers["Cookie"] == "BAYEUX_BROWSER=b1"
    assert "Cookie" not in org.asked[0].headers


def test_stop_interrupts_a_held_poll_at_once(org: ScriptedOrg) -> None:
    with Client(org) as client:
        client.wait(lambda: org.count(CONNECT) == 2)
        assert client.stop() < 1
        assert client.failure is None
        assert org.count(DISCONNECT) == 1


def test_stop_without_interrupt_is_noticed(org: ScriptedOrg) -> None:
    with Client(org) as client:
        client.wait(lambda: org.count(CONNECT) == 2)
        client._stop.set()
        client._threads[0].join(3)
        assert not client._threads[0].is_alive()


def test_a_second_run_goes_on_after_the_last_accepted_event(org: ScriptedOrg) -> None:
    org.publish(*ids(1, 51))
    with Client(org) as client:
        client.wait_for(ids(1, 51))
        client.stop()
        org.publish(*ids(51, 61))
        client.start()
        client.wait_for(ids(1, 61))
    assert org.replays() == [-2, 50]


# ---- replies that are lost or garbled -----------------------------------------------------------------------

BROKEN: dict[str, Any] = {
    "no answer at all": Http(cut=-1),
    "cut before the body": Http(cut=0),
    "cut in the body": Http(cut=40),
    "cut before the last byte": lambda _, normal: Http(
        json.dumps(normal).encode(), cut=len(json.dumps(normal)) - 1
    ),
    "cut chunks": Http(chunked=True, cut=40),
    "cut gzip": Http(gzip=True, cut=60),
    "cut gzip chunks": Http(gzip=True, chunked=True, cut=60),
    "cut without a length": lambda _, normal: Http(json.dumps(normal).encode()[:-7], no_length=True),
    "truncated JSON": lambda _, normal: Http(json.dumps(normal).encode()[:-30]),
    "HTML": Http(b"<!DOCTYPE html><html><body>Down for maintenance</body></html>"),
    "an object": Http(b'{"status": "ok"}'),
    "numbers": Http(b"[1, 2]"),
    "a string": Http(b'"ok"'),
    "nothing": Http(b""),
    "an empty list": Http(b"[]"),
    "status 503 with HTML": Http(b"<html>busy</html>", status=503),
    "status 502": Http(b"", status=502),
    "status 404": Http(b"<html>not here</html>", status=404),
    "status 204": Http(b"", status=204),
    "not HTTP": Http(b"[]", headers={"Content-Length": "x"}, close=True),
    "damaged gzip": Http(b"[]", headers={"Content-Encoding": "gzip"}),
    "strange encoding": Http(b"[]", headers={"Content-Encoding": "br"}),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_lost_poll_reply_loses_no_event(org: ScriptedOrg, name: str) -> None:
    """The org counts its events as delivered; a new subscription must bring them again."""
    org.batch = 10
    org.publish(*ids(1, 21))
    with Client(org) as client:
        client.wait_for(ids(1, 21))
        broken = BROKEN[name]
        spoilt: Any = broken
        if isinstance(broken, Http) and broken.body is not None:  # the events are gone in any case
            spoilt = lambda _, normal: broken  # noqa: E731
        org.next(CONNECT, spoilt)
        org.publish(*ids(21, 41))
        client.wait_for(ids(1, 41))
        assert client.stats.handshakes >= 2
    assert client.failure is None
    assert org.replays()[0] == -2
    assert org.replays()[1] in (20, 30)
    assert client.stats.receive_errors == 1


@pytest.mark.parametrize("channel", [HANDSHAKE, SUBSCRIBE])
@pytest.mark.parametrize("name", BROKEN)
def test_a_lost_reply_while_opening_is_tried_again(org: ScriptedOrg, channel: str, name: str) -> None:
    org.publish(*ids(1, 11))
    org.next(channel, BROKEN[name])
    with Client(org) as client:
        client.wait_for(ids(1, 11))
    assert org.replays()[-1] == -2
    assert client.stats.receive_errors == 1


def test_nobody_listens_and_then_somebody_does() -> None:
    with ScriptedOrg() as org:
        org.publish(1, 2, 3)
        login = FakeLogin(org)
    with Client(org, login=login, retry_seconds=0.7) as client:
        failure = client.wait_failed()
    assert isinstance(failure, Retriable)
    assert "refuses the connection" in failure.message
    assert "request.max.retries.time.ms" in failure.message


def test_every_reply_cut_ends_by_time_and_says_why(org: ScriptedOrg) -> None:
    org.publish(1, 2, 3)
    org.next(CONNECT, *[Http(cut=10) for _ in range(200)])
    with Client(org, Start(replay_id=1), retry_seconds=1.0) as client:
        failure = client.wait_failed()
    assert isinstance(failure, Retriable)
    assert failure.position == 1
    assert re.search(r"broke off.*tried for 1 s, request.max.retries.time.ms", failure.message)
    assert 3 <= org.count(CONNECT) <= 30, "waits grow"


def test_a_closed_idle_connection_is_replaced_within_the_session(org: ScriptedOrg) -> None:
    org.next(SUBSCRIBE, Http(close=True))
    org.next(CONNECT, Http(close=True), Http(close=True))
    org.publish(*ids(1, 5))
    with Client(org) as client:
        client.wait_for(ids(1, 5))
        assert client.stats.handshakes == 1
        assert client.stats.receive_errors == 0


# ---- sessions and tokens ------------------------------------------------------------------------------------


def test_token_revoked_while_a_poll_is_held(org: ScriptedOrg) -> None:
    org.publish(*ids(1, 11))
    with Client(org) as client:
        client.wait_for(ids(1, 11))
        org.revoke()
        client.wait(lambda: client.stats.subscribes == 2)
        org.publish(*ids(11, 21))
        client.wait_for(ids(1, 21))
    assert client.login.renewed == ["token-0"]
    assert org.replays() == [-2, 10]
    assert org.asked[-1].headers["Authorization"] == "Bearer token-1"
    assert client.stats.logins == 2


@pytest.mark.parametrize(
    "reply",
    [
        Http(b"<html>", status=401),
        Http(b'[{"message":"Session expired or invalid","errorCode":"INVALID_SESSION_ID"}]', status=401),
        Http(b'[{"message":"Session expired or invalid","errorCode":"INVALID_SESSION_ID"}]'),
        [
            {
                "channel": CONNECT,
                "successful": False,
                "error": "401:x:Request requires authentication",
                "id": 4,
            }
        ],
        Http(b"", status=302, headers={"Location": "https://elsewhere.example.com/?token=x"}),
    ],
    ids=["status", "status and code", "code", "bayeux with arguments", "redirection"],
)
def test_token_refused_in_other_words(org: ScriptedOrg, reply: Any) -> None:
    org.publish(*ids(1, 6))
    org.next(CONNECT, reply)
    with Client(org, Start(replay_id=2)) as client:
        client.wait_for([3, 4, 5])
    assert client.login.renewed == ["token-0"]
    assert org.replays() == [2, 2]


def test_token_refused_at_the_handshake(org: ScriptedOrg) -> None:
    org.revoke()
    org.publish(1)
    with Client(org) as client:
        client.wait_for([1])
    assert client.login.renewed == ["token-0"]


def test_new_tokens_that_are_refused_are_not_fetched_for_ever(org: ScriptedOrg) -> None:
    org.revoke()
    login = FakeLogin(org, useless=True)
    with Client(org, login=login) as client:
        failure = client.wait_failed()
    assert isinstance(failure, Retriable)
    assert "401::Authentication invalid" in failure.message
    assert "token-" not in failure.message
    assert len(login.renewed) == 3


@pytest.mark.parametrize("error", ["403::Unknown client", "402::Unknown client", "402:abc:Unknown client"])
def test_unknown_client_subscribes_again(org: ScriptedOrg, error: str) -> None:
    org.publish(*ids(1, 11))
    with Client(org) as client:
        client.wait_for(ids(1, 11))
        org.next(CONNECT, [{"channel": CONNECT, "successful": False, "error": error, "id": "9"}])
        client.wait(lambda: client.stats.subscribes == 2)
        org.publish(*ids(11, 21))
        client.wait_for(ids(1, 21))
    assert org.replays() == [-2, 10]
    assert client.login.renewed == []


def test_a_session_forgotten_by_the_server(org: ScriptedOrg) -> None:
    org.publish(*ids(1, 11))
    with Client(org) as client:
        client.wait_for(ids(1, 11))
        client.wait(lambda: org.count(CONNECT) >= 2)
        org.forget()
        org.publish(*ids(11, 21))
        client.wait_for(ids(1, 21))
    assert org.replays() == [-2, 10]


def test_a_server_that_wants_a_connect_before_the_subscription(org: ScriptedOrg) -> None:
    def refuse(message: dict[str, Any], normal: list[Any]) -> list[Any]:
        if org.sessions[message["clientId"]].polls:
            return normal
        text = "403::Client has not completed handshake"
        return [{"channel": SUBSCRIBE, "successful": False, "error": text, "subscription": CHANNEL}]

    org.next(SUBSCRIBE, *[refuse] * 10)
    org.publish(1, 2)
    with Client(org) as client:
        client.wait_for([1, 2])
    assert org.count(SUBSCRIBE) == 2


def test_both_at_once_unknown_client_and_expired_position(org: ScriptedOrg) -> None:
    org.publish(*ids(1, 11))
    with Client(org) as client:
        client.wait_for(ids(1, 11))
        org.expired_below = 100
        org.log[:] = [event(n) for n in ids(200, 205)]
        org.forget()
        client.wait_for([*ids(1, 11), *ids(200, 205)])
    assert org.replays() == [-2, 10, -2]
    assert client.gaps == [10]


# ---- advice -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("reconnect", ["handshake", "none"])
def test_advice_that_ends_the_session(org: ScriptedOrg, reconnect: str) -> None:
    org.publish(*ids(1, 6))

    def advise(_: Any, normal: list[Any]) -> list[Any]:
        return [*normal[:-1], {**normal[-1], "advice": {"reconnect": reconnect, "interval": 0}}]

    org.next(CONNECT, advise)
    with Client(org) as client:
        client.wait(lambda: client.stats.subscribes == 2)
        org.publish(*ids(6, 11))
        client.wait_for(ids(1, 11))
    assert org.replays() == [-2, 5]


def test_interval_is_honoured_and_shared_cookies_are_mentioned_once(
    org: ScriptedOrg, caplog: pytest.LogCaptureFixture
) -> None:
    org.advice = {"reconnect": "retry", "interval": 300, "timeout": 110_000, "multiple-clients": True}
    org.hold = 0.01
    with Client(org) as client:
        client.wait(lambda: org.count(CONNECT) >= 4)
    times = [a.at for a in org.asked if a.channel == CONNECT]
    assert all(later - earlier >= 0.28 for earlier, later in itertools.pairwise(times))
    assert caplog.text.count("shares this session's cookies") == 1


def test_a_server_that_does_not_hold_polls_is_not_asked_in_a_tight_loop(org: ScriptedOrg) -> None:
    org.hold = 0.0
    with Client(org) as client:
        client.wait(lambda: org.count(CONNECT) >= 8)
        began, asked = client.stats.replies, org.count(CONNECT)
        client.wait(lambda: org.count(CONNECT) >= asked + 2)
        assert began > 0
    times = [a.at for a in org.asked if a.channel == CONNECT][7:]
    assert times[1] - times[0] >= 0.15


# ---- order, repetition, kinds of messages -------------------------------------------------------------------


def test_events_out_of_order_in_a_reply(org: ScriptedOrg) -> None:
    org.publish(3, 1, 2)
    with Client(org) as client:
        client.wait_for([1, 2, 3])
        org.forget()
        client.wait(lambda: client.stats.subscribes == 2)
    assert org.replays() == [-2, 3]


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
    assert org.replays() == [-2, 2]
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


# ---- what the server refuses --------------------------------------------------------------------------------

REFUSALS = {
    "400::The channel you requested to subscribe to doesn't exist {/event/X__e}": "API name",
    "400::Unsupported API version. Only API versions 23.0 to 66.0 are supported": "salesforce.version",
    "403::User not enabled for streaming": "API access",
    "403::Restricted channel": "permission",
    "403:/event/X__e:Cannot create channel {/event/X__e}": "may read the event",
    "403:denied_by_security_policy:create_denied": "may read the event",
    "413::Maximum Request Size Exceeded": "32,768",
    "400::Invalid connection type {x}": "salesforce.version",
    "403::The replayId {7} you provided was invalid.": "API name",
}


@pytest.mark.parametrize("error", REFUSALS)
def test_refusals_end_the_connector_with_one_sentence(org: ScriptedOrg, error: str) -> None:
    org.next(
        SUBSCRIBE, [{"channel": SUBSCRIBE, "successful": False, "error": error, "subscription": CHANNEL}]
    )
    with Client(org, Start(replay_id=7)) as client:
        failure = client.wait_failed()
    assert isinstance(failure, Fatal)
    assert error in failure.message
    assert REFUSALS[error] in failure.message
    assert "\n" not in failure.message
    assert org.count(SUBSCRIBE) == 1
    assert client.gaps == []


def test_an_error_body_under_its_http_status(org: ScriptedOrg) -> None:
    body = b'[{"channel":null,"error":"400::Unsupported API version.","successful":false}]'
    org.next(HANDSHAKE, Http(body, status=400))
    with Client(org) as client:
        failure = client.wait_failed()
    assert isinstance(failure, Fatal)
    assert "salesforce.version" in failure.message


def test_a_server_without_the_replay_extension(org: ScriptedOrg) -> None:
    org.next(HANDSHAKE, lambda _, normal: [{**normal[0], "ext": {"replay": False}}])
    with Client(org) as client:
        failure = client.wait_failed()
    assert isinstance(failure, Fatal)
    assert "replay extension" in failure.message


def test_a_reply_beyond_the_limit_names_the_property_and_keeps_the_position(org: ScriptedOrg) -> None:
    org.publish(1)
    with Client(org, max_reply_bytes=20_000) as client:
        client.wait_for([1])
        org.publish(event(2, Text__c="x" * 30_000))
        failure = client.wait_failed()
    assert isinstance(failure, Fatal)
    assert "connection.max.message.size" in failure.message
    assert client.events == [1]


@pytest.mark.parametrize(
    "how", [Http(gzip=True), Http(chunked=True), Http(gzip=True, chunked=True), Http(no_length=True)]
)
def test_a_reply_of_unknown_length_beyond_the_limit(org: ScriptedOrg, how: Http) -> None:
    org.publish(event(2, Text__c="x" * 300_000))
    org.next(CONNECT, how)
    with Client(org, max_reply_bytes=20_000) as client:
        failure = client.wait_failed()
    assert isinstance(failure, Fatal)
    assert "connection.max.message.size" in failure.message
    assert client.events == []


def busy(_: Any, normal: list[Any]) -> list[Any]:
    ext = {"sfdc": {"failureReason": "503::Server is too busy. Please try your request again later."}}
    return [{**normal[-1], "successful": False, "error": "403::Handshake denied", "ext": ext}]


@pytest.mark.parametrize("channel", [HANDSHAKE, SUBSCRIBE, CONNECT])
def test_a_busy_server_is_asked_again(org: ScriptedOrg, channel: str) -> None:
    org.publish(1)
    org.next(channel, busy)
    with Client(org) as client:
        client.wait_for([1])
    assert client.login.renewed == []
    assert client.stats.receive_errors == 1


def test_retry_after_beyond_the_time_left_is_handed_on(org: ScriptedOrg) -> None:
    org.next(HANDSHAKE, Http(b"<html>", status=503, headers={"Retry-After": "3600"}))
    with Client(org) as client:
        failure = client.wait_failed()
    assert isinstance(failure, Retriable)
    assert failure.retry_after == 3600


LIMITS = [
    (HANDSHAKE, "403::Organization concurrent user limit exceeded"),
    (CONNECT, "403::Organization total events daily limit exceeded"),
    (SUBSCRIBE, "403::Subscription limit exceeded for this topic"),
    (SUBSCRIBE, "403::To protect all customers from excessive use, your request was refused"),
]


@pytest.mark.parametrize(("channel", "error"), LIMITS)
def test_limits_are_waited_for(
    org: ScriptedOrg, channel: str, error: str, caplog: pytest.LogCaptureFixture
) -> None:
    refusal = [{"channel": channel, "successful": False, "error": error, "advice": {"reconnect": "none"}}]
    org.next(channel, refusal, refusal)
    org.publish(1)
    with Client(org, first_long_wait=0.2, retry_seconds=0.1) as client:
        client.wait_for([1])
    assert client.failure is None
    assert caplog.text.count("waiting for 0 s before the next attempt") == 2
    times = [a.at for a in org.asked if a.channel == HANDSHAKE]
    assert times[1] - times[0] >= 0.17
    assert times[2] - times[1] >= 0.34


def test_secrets_are_not_in_what_is_said(org: ScriptedOrg, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(0)
    org.next(CONNECT, Http(cut=5), Http(status=500, body=b"x"))
    with Client(org) as client:
        client.wait(lambda: client.stats.subscribes == 3)
        assert "token-" not in repr(client.source._exchange)
    assert "token-" not in caplog.text
