"""Replies that never end or come byte by byte: time and size count for the reply as a whole, whoever reads it."""

from __future__ import annotations

import gzip
import itertools
import threading
import time
import tracemalloc
from collections.abc import Iterator

import pytest
import requests

from bridge.deadline import Interrupted, ended_by
from bridge.errors import Retriable, Stage
from bridge.salesforce.auth import Login
from bridge.salesforce.http import requests_session
from bridge.salesforce.http_settings import HttpSettings
from bridge.salesforce.network import network_error
from bridge.salesforce.rest import Rest
from bridge.salesforce.session import LARGEST
from tests.support.cometd_client import Client, FakeLogin
from tests.support.dripping import Pieces, dripping, slowly
from tests.support.faulty_line import FaultyLine
from tests.support.scripted_org import CONNECT, HANDSHAKE, SUBSCRIBE, ScriptedOrg, event
from tests.unit.salesforce.auth.endpoint import connector

_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
_BODY = b'{"access_token": "' + b"x" * 5_000 + b'"}'
_WHOLE = _HEAD + b"Content-Length: %d\r\n\r\n" % len(_BODY) + _BODY
DRIPS = {
    "body": lambda: itertools.chain([_WHOLE[:100]], slowly(_WHOLE[100:])()),
    "status line and headers": slowly(_WHOLE),
    "a header without end": lambda: itertools.chain([_HEAD, b"X: "], itertools.repeat(b"y")),
    "chunks": lambda: itertools.chain(
        [_HEAD, b"Transfer-Encoding: chunked\r\n\r\n"], itertools.repeat(b"1\r\nx\r\n")
    ),
}


# ---- the stream ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("channel", [HANDSHAKE, SUBSCRIBE, CONNECT])
def test_a_reply_at_twenty_bytes_a_second_is_given_up_and_comes_again(channel: str) -> None:
    """Once it kept the stream RUNNING for ever: each byte began the time anew."""
    with ScriptedOrg() as org, FaultyLine(org.url.removeprefix("http://")) as line:
        org.publish(*range(40))

        def slow(_: object, normal: list[object]) -> list[object]:
            line.down.rate = 20
            return normal

        login = FakeLogin(org).at(f"http://{line.address}")
        org.next(channel, slow)
        with Client(org, login=login, request_timeout=1.5, watchdog=1.5) as client:
            client.wait(lambda: client.stats.receive_errors, 20)
            line.down.rate = None
            client.wait_for(list(range(40)), 20)


def test_a_large_reply_over_a_slow_line_gets_all_the_time_it_needs() -> None:
    """Two megabytes at 400 kB/s take longer than the watchdog allows a reply that stands still."""
    with ScriptedOrg() as org, FaultyLine(org.url.removeprefix("http://")) as line:
        org.publish(*[event(n, Text__c="x" * 5_000) for n in range(400)])
        login = FakeLogin(org).at(f"http://{line.address}")
        line.down.rate = 400_000
        with Client(org, login=login, watchdog=1.0) as client:
            client.wait_for(list(range(400)), 30)
            assert client.stats.handshakes == 1


# ---- the login -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("drip", DRIPS)
def test_a_login_is_over_in_time_as_a_whole(drip: str) -> None:
    with dripping(DRIPS[drip], 0.2) as url:
        login = Login(connector(url))
        login.http = HttpSettings(connect_timeout=1.0)
        began = time.monotonic()
        with pytest.raises(Retriable, match=r"sent \d+ bytes of a reply in 1 s, and not its end"):
            login.session()
    assert time.monotonic() - began < 3


def test_a_stop_ends_a_login_that_drips() -> None:
    with dripping(DRIPS["body"], 0.2) as url:
        login = Login(connector(url, connection__timeout="60000"))
        threading.Timer(0.5, login.close).start()
        began = time.monotonic()
        with pytest.raises(Retriable, match="because the connector stops"):
            login.session()
    assert time.monotonic() - began < 4


# ---- metadata --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("drip", DRIPS)
def test_metadata_is_over_in_time_as_a_whole(drip: str) -> None:
    with dripping(DRIPS[drip], 0.2) as url:
        began = time.monotonic()
        with pytest.raises(requests.RequestException) as overdue:
            requests_session(HttpSettings(), 1.0).get(url)
    assert time.monotonic() - began < 3
    said = network_error(overdue.value, url, None, HttpSettings(), Stage.METADATA).message
    assert "bytes of a reply in 1 s, and not its end" in said


def test_nobody_waits_for_metadata_that_nobody_wants() -> None:
    stop = threading.Event()
    threading.Timer(0.3, stop.set).start()
    began = time.monotonic()
    with dripping(DRIPS["chunks"], 0.2) as url, ended_by(stop.is_set), pytest.raises(Interrupted):
        requests_session(HttpSettings()).get(url)
    assert time.monotonic() - began < 4


def _bomb() -> Iterator[bytes]:
    packed = gzip.compress(bytes(4 * LARGEST), 1)
    yield _HEAD + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(packed)
    yield packed


def _bomb_in_chunks() -> Iterator[bytes]:
    packed = gzip.compress(bytes(4 * LARGEST), 1)
    yield _HEAD + b"Content-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n"
    yield b"%x\r\n%s\r\n0\r\n\r\n" % (len(packed), packed)


BOMBS: dict[str, Pieces] = {
    "gzip": _bomb,
    "gzip in one chunk": _bomb_in_chunks,
    "Content-Length of a gigabyte": lambda: [_HEAD + b"Content-Length: 1000000000\r\n\r\n"],
    "endless chunks": lambda: itertools.chain(
        [_HEAD + b"Transfer-Encoding: chunked\r\n\r\n"],
        itertools.repeat(b"10000\r\n" + bytes(65_536) + b"\r\n"),
    ),
    "until the connection ends": lambda: itertools.chain([_HEAD + b"\r\n"], itertools.repeat(bytes(65_536))),
    "an error page": lambda: itertools.chain([b"HTTP/1.1 500 Oops\r\n\r\n"], itertools.repeat(bytes(65_536))),
}


@pytest.mark.parametrize("bomb", BOMBS)
def test_metadata_is_bounded_in_size(bomb: str) -> None:
    tracemalloc.start()
    try:
        with dripping(BOMBS[bomb]) as url:
            tracemalloc.reset_peak()
            before = tracemalloc.get_traced_memory()[0]
            with pytest.raises(Retriable, match="more than 16 MB of metadata"):
                requests_session(HttpSettings()).get(url)
            peak = tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()
    # A bytearray that grows is at times there twice; of the bomb, the server's side is in this process, too.
    assert peak < 4 * LARGEST + LARGEST


def test_a_connector_that_stops_waits_for_no_metadata() -> None:
    """From the caller's side: the whole of Rest, not only its HTTP session."""
    with ScriptedOrg() as org, dripping(DRIPS["chunks"], 0.2) as url:
        login = FakeLogin(org).at(url)
        rest = Rest(login, {**connector(url), "salesforce.version": "66.0"})  # type: ignore[arg-type]  # all it asks
        threading.Timer(0.3, rest.close).start()
        began = time.monotonic()
        with pytest.raises(Retriable, match="because the connector stops"):
            rest.limits()
        assert time.monotonic() - began < 4
