"""Large replies, every encoding, TLS, back-pressure, silence."""

from __future__ import annotations

import json
import logging
import ssl
import time
from pathlib import Path
from typing import Any

import pytest

from bridge.buffer import Buffer
from bridge.errors import Fatal, Retriable
from bridge.salesforce.backoff import HEALTHY_AFTER, Outage, long_wait
from bridge.salesforce.cometd import Start
from tests.support.certs import Authority
from tests.support.cometd_client import Client
from tests.support.scripted_org import CONNECT, DISCONNECT, HANDSHAKE, SUBSCRIBE, Http, ScriptedOrg, event

ENCODINGS = {
    "plain": Http(),
    "gzip": Http(gzip=True),
    "chunked": Http(chunked=True),
    "gzip chunked": Http(gzip=True, chunked=True),
    "until the connection ends": Http(no_length=True),
    "gzip until the connection ends": Http(gzip=True, no_length=True),
    "connection: close": Http(close=True),
}


@pytest.mark.parametrize("name", ENCODINGS)
def test_a_reply_of_one_and_a_half_megabytes(org: ScriptedOrg, name: str) -> None:
    org.publish(*[event(n, Text__c="x" * 3_500) for n in range(400)])
    org.next(CONNECT, ENCODINGS[name])
    with Client(org) as client:
        client.wait_for(list(range(400)))
        org.publish(400)
        client.wait_for(list(range(401)))
        assert client.stats.receive_errors == 0
    assert client.stats.bytes_received > 1_400_000
    assert [len(d.events) for d in client.deliveries] == [400, 1]


@pytest.mark.parametrize("name", ["plain", "gzip chunked"])
def test_a_giant_reply_comes_in_slices_that_fit_the_buffer(org: ScriptedOrg, name: str) -> None:
    """In the order of the replay ids across slices, a bad event and a duplicate in between, meta messages
    first."""
    org.batch = 5_000
    messages = [event(n, Text__c="x" * 5_000) for n in range(2_000)]
    messages[700]["data"]["event"]["EventUuid"] = 1.5
    shuffled = [*messages[1_000:], *messages[:1_000], messages[3]]

    def giant(_: Any, normal: list[Any]) -> Http:
        http = ENCODINGS[name]
        body = json.dumps([normal[-1], *shuffled]).encode()
        return Http(body, gzip=http.gzip, chunked=http.chunked)

    org.next(CONNECT, giant)
    with Client(org, slice_bytes=1 << 20, buffer=Buffer(50_000, 2 << 20)) as client:
        client.wait(lambda: len(client.events) == 1_999)
        org.publish(2_001)
        client.wait(lambda: len(client.events) == 2_000)
        assert client.stats.handshakes == 1
    assert client.events == [*range(700), *range(701, 2_000), 2_001]
    assert [bad.replay_id for bad in client.unreadable] == [700]
    assert client.stats.duplicates_dropped == 1
    assert len(client.deliveries) >= 10
    assert max(d.size for d in client.deliveries) < (1 << 20) + 10_000
    assert client.stats.replies < 10


def test_a_giant_reply_waits_for_room_between_slices_and_a_stop_ends_that(org: ScriptedOrg) -> None:
    org.batch = 5_000
    org.publish(*[event(n, Text__c="x" * 5_000) for n in range(1_000)])
    with Client(org, slice_bytes=500_000, buffer=Buffer(50_000, 1_000_000), drain=False) as client:
        client.wait(lambda: client.buffer.bytes > 1_000_000)
        time.sleep(0.3)
        assert client.buffer.bytes < 1_600_000
        assert client.stop() < 1.5
        assert client.stats.backpressure_seconds > 0.2
        held = client.stats.events_received
        assert held < 500
        client.draining.set()
        client.start()
        client.wait_for(list(range(1_000)))
    assert org.replays() == [-2, held - 2]


def test_a_full_buffer_is_not_fetched_for_and_then_goes_on_in_the_session(org: ScriptedOrg) -> None:
    org.batch = 10
    org.publish(*range(100))
    with Client(org, buffer=Buffer(20, 1 << 20), drain=False) as client:
        client.wait(lambda: client.buffer.events == 20)
        polls = org.count(CONNECT)
        time.sleep(0.3)
        assert org.count(CONNECT) == polls
        client.draining.set()
        client.wait_for(list(range(100)))
    assert org.count(HANDSHAKE) == 1
    assert client.stats.backpressure_seconds > 0.2
    assert client.stats.backpressure_disconnects == 0


def test_back_pressure_beyond_the_limit_ends_the_session_on_purpose(
    org: ScriptedOrg, caplog: pytest.LogCaptureFixture
) -> None:
    org.batch = 10
    org.publish(*range(100))
    with Client(org, buffer=Buffer(20, 1 << 20), drain=False, reconnect_within=0.4) as client:
        client.wait(lambda: org.count(DISCONNECT) == 1)
        assert client.stats.backpressure_disconnects == 1
        assert "the buffer has been full" in caplog.text
        time.sleep(0.3)
        assert org.count(HANDSHAKE) == 1, "no session while there is no room"
        client.draining.set()
        client.wait_for(list(range(100)))
    assert org.replays() == [-2, 18]
    assert client.stats.receive_errors == 0


def test_a_giant_reply_that_took_too_long_to_place_ends_the_session(org: ScriptedOrg) -> None:
    org.batch = 5_000
    org.publish(*[event(n, Text__c="x" * 5_000) for n in range(400)])
    buffer = Buffer(50_000, 1_000_000)
    with Client(org, slice_bytes=500_000, buffer=buffer, drain=False, reconnect_within=0.4) as client:
        client.wait(lambda: client.buffer.bytes > 1_000_000)
        time.sleep(0.5)
        client.draining.set()
        client.wait_for(list(range(400)))
        client.wait(lambda: org.count(HANDSHAKE) == 2)
        org.publish(400)
        client.wait_for(list(range(401)))
    assert org.replays() == [-2, 398]


def test_a_buffer_closed_by_the_worker_does_not_spin(org: ScriptedOrg) -> None:
    org.publish(*range(30))
    with Client(org, buffer=Buffer(20, 1 << 20), drain=False) as client:
        client.wait(lambda: client.buffer.events == 30)
        client.buffer.close()
        spent = time.process_time()
        time.sleep(0.4)
        assert time.process_time() - spent < 0.2


# ---- silence ------------------------------------------------------------------------------------------------


def test_silent_death_is_noticed_by_the_watchdog(org: ScriptedOrg, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    org.publish(1, 2)
    with Client(org, watchdog=0.5) as client:
        client.wait_for([1, 2])
        with org.at_once():
            org.next(CONNECT, Http(delay=3.0))
            org.publish(3)
        client.wait_for([1, 2, 3], timeout=2.9)
    assert org.replays()[:2] == [-2, 1]
    assert "was silent for 0.5 s; trying again in" in caplog.text
    assert "after the interruption" in caplog.text


def test_a_reply_that_stops_in_the_middle(org: ScriptedOrg) -> None:
    org.publish(1, 2)
    with Client(org, watchdog=0.5) as client:
        client.wait_for([1, 2])

        def half(_: Any, normal: list[Any]) -> Http:
            return Http(json.dumps(normal).encode()[:50], headers={"Content-Length": "900"})

        with org.at_once():
            org.next(CONNECT, half)
            org.publish(3)
        client.wait_for([1, 2, 3], timeout=5)
    assert org.replays()[:2] == [-2, 1]


def test_a_poll_may_last_as_long_as_the_server_said(org: ScriptedOrg) -> None:
    org.advice = {"reconnect": "retry", "interval": 0, "timeout": 1_000}
    org.hold = 1.0
    with Client(org, poll_margin=0.6, request_timeout=0.3) as client:
        client.wait(lambda: org.count(CONNECT) >= 3)
        assert client.stats.receive_errors == 0


def test_an_outage_is_one_line_of_the_log(org: ScriptedOrg, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    org.next(HANDSHAKE, *[Http(status=503)] * 3)
    with Client(org, Start(replay_id=4)) as client:
        client.wait(lambda: client.source.subscribed)
    lines = [r.getMessage() for r in caplog.records if "HTTP status 503" in r.getMessage()]
    assert len(lines) == 1
    assert "for 10 s more" in lines[0]
    assert "after replay id 4," in caplog.text


def test_long_waits_grow_from_one_to_fifteen_minutes() -> None:
    assert 54 <= long_wait(1) <= 66
    assert 108 <= long_wait(2) <= 132
    assert all(810 <= long_wait(n) <= 990 for n in (5, 6, 1000))


def test_an_outage_ends_by_time_and_a_subscription_that_lived_begins_a_new_one() -> None:
    now = 0.0
    outage = Outage(30.0, clock=lambda: now)
    outage.failed()
    assert outage.failures == 1
    delays = []
    for _ in range(200):
        delays.append(outage.delay())
        outage.failed()
    assert all(d is not None and 0 <= d <= 10 for d in delays)
    assert max(d or 0 for d in delays[8:]) > 5, "full jitter up to the cap"
    assert outage.delay(at_least=3.0) is not None
    assert (outage.delay(at_least=3.0) or 0) >= 3.0
    assert outage.delay(at_least=31.0) is None
    now = 31.0
    assert outage.delay() is None
    outage.failed(lived=HEALTHY_AFTER)
    assert outage.left() == 30.0
    outage.progress()
    assert outage.failures == 0
    assert outage.elapsed() == 0.0


# ---- TLS ----------------------------------------------------------------------------------------------------


@pytest.fixture
def tls(tmp_path: Path) -> tuple[ssl.SSLContext, str]:
    authority = Authority.create(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(authority.issue("org"))
    return context, str(authority.file)


def test_tls_with_cuts_and_stops(tls: tuple[ssl.SSLContext, str]) -> None:
    context, ca_file = tls
    with ScriptedOrg(tls=context) as org:
        org.publish(*range(500))
        with Client(org, ca_file=ca_file) as client:
            client.wait_for(list(range(500)))
            client.wait(lambda: org.count(CONNECT) == 3)
            assert {a.connection for a in org.asked} == {1}
            with org.at_once():
                org.next(CONNECT, Http(cut=900))
                org.publish(*range(500, 520))
            client.wait_for(list(range(520)))
            client.wait(lambda: org.count(CONNECT) >= 6)
            assert client.stop() < 1.5
            assert org.count(DISCONNECT) >= 1


def test_an_unknown_authority_is_fatal_and_names_the_property(tls: tuple[ssl.SSLContext, str]) -> None:
    with ScriptedOrg(tls=tls[0]) as org, Client(org) as client:
        failure = client.wait_failed()
    assert isinstance(failure, Fatal)
    assert not isinstance(failure, Retriable)
    assert "bridge.salesforce.ca.file" in failure.message
    assert org.count(SUBSCRIBE) == 0
