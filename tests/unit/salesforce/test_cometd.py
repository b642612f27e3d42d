"""The CometD source against a scripted org: the ordinary way, and replies that are lost or garbled."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from bridge.errors import Retriable
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
    ids,
)


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
    assert org.replays() == [-2, 49], "after the id before: more of the newest may come"


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
    assert org.replays()[1] in (19, 29)
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
