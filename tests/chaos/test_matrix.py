"""The fault matrix: situation → what must hold → what must be said. Each line is a test.

Three tables, from cheap to dear: the stream alone, one answer alone, a whole connector with a broker behind a faulty
line. To add a case is to add a line. The cheapest run in the suite, all of them in ``make chaos``. Kills are in
``test_kill``. ``elsewhere`` goes on with the same columns: situations that a test of another folder already plays.
"""

from __future__ import annotations

import gzip
import itertools
import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from attrs import evolve
from confluent_kafka.admin import AdminClient

from bridge.errors import BridgeError, Retriable
from bridge.errors import Stage as Where
from bridge.pipeline import connector as lifecycle
from bridge.salesforce import presence
from bridge.salesforce.auth import Login
from bridge.salesforce.http import requests_session
from bridge.salesforce.http_settings import HttpSettings
from bridge.salesforce.network import network_error
from bridge.sandbox.org import Org
from tests.chaos.stages import (
    Case,
    Holds,
    Stage,
    Stream,
    briefly,
    cases,
    files,
    judge_connector,
    judge_stream,
)
from tests.support.bridge_run import EVENT, wait_until
from tests.support.dripping import Pieces, dripping, slowly
from tests.support.faulty_line import FaultyLine, broker_behind_a_line
from tests.support.kafka_broker import Broker
from tests.support.scripted_org import CONNECT, HANDSHAKE, SUBSCRIBE, Http
from tests.unit.salesforce.auth.endpoint import connector

ONCE, OTHERS, LATER, WAITS, ENDS = Holds.ONCE, Holds.OTHERS, Holds.LATER, Holds.WAITS, Holds.ENDS
Reply = Callable[[Any, list[Any]], Any]

# ---- faults of the stream --------------------------------------------------------------------------------------


def poll(reply: Http | Reply) -> Callable[[Stream], None]:
    """The next poll is answered so."""
    return lambda s: s.org.next(CONNECT, reply)


def anew(channel: str, *replies: Http | Reply) -> Callable[[Stream], None]:
    """The session is forgotten, and what the next one asks on ``channel`` answered so."""

    def fault(s: Stream) -> None:
        s.org.next(channel, *replies)
        s.org.forget()

    return fault


def refused(error: str, reconnect: str | None = None, **more: Any) -> Reply:
    """An unsuccessful answer, with that advice."""

    def reply(_: Any, normal: list[Any]) -> list[Any]:
        failed = {**normal[-1], "successful": False, "error": error, **more}
        return [{**failed, "advice": {"reconnect": reconnect, "interval": 0}} if reconnect else failed]

    return reply


def advised(reconnect: str, interval: int = 0) -> Reply:
    """A successful answer, with that advice."""
    advice = {"reconnect": reconnect, "interval": interval}
    return lambda _, normal: [*normal[:-1], {**normal[-1], "advice": advice}]


def slow(rate: float) -> Callable[[Stream], None]:
    """The next reply comes at so many bytes a second, what follows as usual."""

    def fault(s: Stream) -> None:
        def reply(_: Any, normal: list[Any]) -> list[Any]:
            s.line.down.rate = rate
            return normal

        def after(_: Any, normal: list[Any]) -> list[Any]:
            s.line.down.rate = None
            return normal

        s.org.next(CONNECT, reply)
        s.org.next(HANDSHAKE, after)

    return fault


def doubled(_: Any, normal: list[Any]) -> list[Any]:
    return [*normal[:-1], *normal[:-1], normal[-1]]


def backwards(_: Any, normal: list[Any]) -> list[Any]:
    return [*reversed(normal[:-1]), normal[-1]]


def expired(s: Stream) -> None:
    s.org.expired_below = 6
    s.org.log[:] = []
    s.org.forget()


YEAR = Http(b"<html>", status=503, headers={"Retry-After": "31536000"})
BUSY = {"ext": {"sfdc": {"failureReason": "503::Server is too busy. Please try your request again later."}}}
CLOSED = "403::Organization locked"
QUOTA = "403::Organization total events daily limit exceeded"

STREAM: tuple[Case[Stream], ...] = (
    # situation                                          what happens                what must hold, be said
    Case("a reply at 20 bytes a second", slow(20), ONCE, "bytes of a reply in .* s, and not its end; trying again"),
    Case("a poll that is never answered", poll(Http(delay=60)), ONCE, "was silent for 1.5 s; trying again"),
    Case("a connection that ends without an answer", poll(Http(cut=-1)), ONCE, "closed the connection without"),
    Case("a reply that is cut", poll(Http(cut=90)), ONCE, "broke off in the middle|damaged|closed the connection"),
    Case("a page of HTML with status 200", poll(Http(b"<html>oops")), ONCE, "trying again"),
    Case("a page of HTML with status 503", poll(Http(b"<html>oops", status=503)), ONCE, "HTTP status 503"),
    Case("every event twice", poll(doubled), ONCE, ""),
    Case("the events in another order", poll(backwards), ONCE, ""),
    Case("the session is forgotten", anew(CONNECT), ONCE, "403::Unknown client"),
    Case("the token is no good any more", lambda s: s.org.revoke(), ONCE, "the token is not accepted"),
    Case("the server is too busy", poll(refused("403::x", **BUSY)), ONCE, "503::Server is too busy"),
    Case("400 on a poll, advice handshake", poll(refused("400::Bad", "handshake")), ONCE, "400::Bad"),
    Case("404 on a poll, advice handshake", poll(refused("404::Gone", "handshake")), ONCE, "404::Gone"),
    Case("404 on a poll, advice retry", poll(refused("404::Gone", "retry")), ONCE, "a poll is refused .404::Gone"),
    Case("400 on a poll, no advice", poll(refused("400::Bad")), ONCE, "400::Bad", long=True),
    Case("the org is closed, on a poll", poll(refused(CLOSED, "retry")), ONCE, CLOSED, long=True),
    Case("the org is closed, on a handshake", anew(HANDSHAKE, refused(CLOSED)), ENDS, "the org itself is closed"),
    Case("403 on a subscription", anew(SUBSCRIBE, refused("403::No")), ENDS, "permissions of the connector's user"),
    Case("404 on a handshake", anew(HANDSHAKE, refused("404::No")), ENDS, "check salesforce.instance"),
    Case("the advice is to go away", poll(advised("none")), ONCE, "the server ended the session"),
    Case("the advice is a new handshake", poll(advised("handshake")), ONCE, "advised a new handshake"),
    Case("advice.interval of an hour", poll(advised("retry", 3_600_000)), WAITS, "3600 s; it is asked again after 300"),
    Case("Retry-After of a year", anew(HANDSHAKE, YEAR), LATER, "31536000 s; it is asked again after 300 s"),
    Case("a quota is used up", poll(refused(QUOTA)), ONCE, "waiting for"),
    Case("the position has expired", expired, ONCE, "has expired at Salesforce, what came after it"),
    Case("messages that are no events", poll(lambda _, n: [{"channel": "/x", "data": 7}, *n]), ONCE, ""),
    Case("a reply of two megabytes at 1 MB/s", lambda s: _large(s), ONCE, "", long=True),
)  # fmt: skip


def _large(s: Stream) -> None:
    s.line.down.rate = 1_000_000
    s.org.next(
        CONNECT, lambda _, normal: [*normal, *[{"channel": "/other", "data": None, "id": "x" * 1000}] * 2000]
    )


@cases(STREAM)
def test_stream(case: Case[Stream], caplog: pytest.LogCaptureFixture) -> None:
    judge_stream(case, caplog)


# ---- one answer: the login, metadata -------------------------------------------------------------------------

_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
_BODY = json.dumps({"access_token": "x" * 5_000}).encode()
_WHOLE = _HEAD + b"Content-Length: %d\r\n\r\n" % len(_BODY) + _BODY
_CHUNK, _LARGE = b"1\r\nx\r\n", b"10000\r\n" + bytes(65_536) + b"\r\n"
_CHUNKS = _HEAD + b"Transfer-Encoding: chunked\r\n\r\n"


def _bomb() -> Iterator[bytes]:
    packed = gzip.compress(bytes(64 << 20), 1)
    yield _HEAD + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(packed) + packed


ANSWERS: tuple[tuple[str, Pieces, float, str], ...] = (
    ("one byte every fifth of a second", slowly(_WHOLE), 0.2, "and not its end"),
    ("a header without end", lambda: itertools.chain([_HEAD, b"X: "], itertools.repeat(b"y")), 0.2, "and not its end"),
    ("a chunk now and then", lambda: itertools.chain([_CHUNKS], itertools.repeat(_CHUNK)), 0.2, "not its end"),
    ("nothing at all", lambda: itertools.repeat(b""), 0.2, "was silent for 1 s"),
)  # fmt: skip
SIZES: tuple[tuple[str, Pieces], ...] = (
    ("a gzip bomb", _bomb),
    ("a Content-Length of a gigabyte", lambda: [_HEAD + b"Content-Length: 1000000000\r\n\r\n"]),
    ("chunks without end", lambda: itertools.chain([_CHUNKS], itertools.repeat(_LARGE))),
)  # fmt: skip


@pytest.mark.long
@pytest.mark.parametrize(
    ("pieces", "pause", "said"), [one[1:] for one in ANSWERS], ids=[one[0] for one in ANSWERS]
)
@pytest.mark.parametrize("asked", ["login", "metadata"])
def test_an_answer_that_does_not_end_is_given_up_in_time(
    asked: str, pieces: Pieces, pause: float, said: str
) -> None:
    began = time.monotonic()
    with dripping(pieces, pause) as url:
        error = _login(url) if asked == "login" else _metadata(url)
    assert time.monotonic() - began < 5
    assert isinstance(error, Retriable)
    assert said in error.message


def _login(url: str) -> BridgeError:
    login = Login(connector(url))
    login.http = HttpSettings(connect_timeout=1.0)
    with pytest.raises(BridgeError) as failed:
        login.session()
    return failed.value


def _metadata(url: str) -> BridgeError:
    with pytest.raises(requests.RequestException) as failed:
        requests_session(HttpSettings(), 1.0).get(url)
    return network_error(failed.value, url, None, HttpSettings(), Where.METADATA)


@pytest.mark.long
@pytest.mark.parametrize("pieces", [one[1] for one in SIZES], ids=[one[0] for one in SIZES])
def test_metadata_without_end_is_given_up(pieces: Pieces) -> None:
    with dripping(pieces) as url, pytest.raises(Retriable, match="more than 16 MB of metadata"):
        requests_session(HttpSettings()).get(url)


# ---- faults of the whole way ------------------------------------------------------------------------------------


def armed(kind: str, **options: Any) -> Callable[[Stage], None]:
    """A fault of the simulated org."""
    return lambda s: s.org.faults.arm(kind, **options)


def no_event(s: Stage) -> None:
    s.org.bus.publish_bytes(EVENT, b'{"Order_Number__c": "\xff"}')


def one_id(s: Stage) -> list[int]:
    """Three events under one replay id, and the session is forgotten at once."""
    replay_id = s.org.publish_group([(EVENT, {"Order_Number__c": f"G-{n}"}) for n in range(3)])
    s.org.forget_sessions()
    return [replay_id] * 3


def numbered(below: int, count: int = 1) -> Callable[[Stage], list[int]]:
    """After what is committed, live events with ids from so far below the newest one on."""

    def fault(s: Stage) -> list[int]:
        bus, committed = s.org.bus, s.connector.stats.events_delivered
        steps, newest = bus._steps, bus._last_id
        bus._steps, bus._last_id = itertools.cycle([1]), newest - below - 1
        ids = s.org.publish_many(EVENT, count)
        bus._steps, bus._last_id = steps, newest
        wait_until(lambda: s.connector.stats.events_delivered == committed + count, 60)
        assert s.bridge.replay_ids()[-count:] == ids, "a reader of committed records sees them while it runs"
        assert s.bridge.position() == {"replayId": newest}
        return ids

    return fault


def delete_positions(s: Stage) -> None:
    admin = AdminClient(s.broker.client())
    admin.delete_topics([s.bridge.offsets])[s.bridge.offsets].result(30)


def foreign_positions(s: Stage) -> None:
    """Others' records, and broken ones, in the topic of positions; then the connector starts again."""
    for key, value in (
        (b"\xff", b"1"),
        (b"[" * 3000, b"x"),
        (b'["other",{}]', b'{"replayId":1e999}'),
        (b"k", None),
    ):
        s.offsets(key, value)
    restart(s)


def restart(s: Stage) -> None:
    """The session with Kafka breaks, so that everything is read anew."""
    s.line.cut()
    s.broker.restart()


def freeze(seconds: float) -> Callable[[Stage], None]:
    return lambda s: briefly(seconds, s.line.die, s.line.revive)


CONNECTOR: tuple[Case[Stage], ...] = (
    # situation                                    what happens                 what must hold, be said
    Case("connections to Kafka are cut", lambda s: s.line.cut(), ONCE, ""),
    Case("Kafka is a black hole for 2 s", freeze(2), ONCE, "", long=True),
    Case("Kafka is a black hole for 12 s", freeze(12), ONCE, "", long=True),
    Case("Kafka restarts", restart, ONCE, "", long=True),
    Case("the line to Kafka takes 20 kB/s", lambda s: setattr(s.line.up, "rate", 20_000), ONCE, "", long=True),
    Case("the topic of positions is deleted", delete_positions, ONCE, "was there and is not any more"),
    Case("foreign records beside the position", foreign_positions, ONCE, "", long=True),
    Case("an event with a byte that is no UTF-8", no_event, OTHERS, "passed over"),
    Case("three events under one replay id", one_id, ONCE, ""),
    Case("the newest id again, another EventUuid", numbered(0), ONCE, ""),
    Case("a lower id after a higher one", numbered(2), ONCE, r"replay ids below \d+, .* \(so far 1\)"),
    Case("ids that begin anew, 900,000 lower", numbered(900_000, 30), ONCE, r"\(so far 30\)"),
    Case("a message that is no event", armed("garbage"), ONCE, ""),
    Case("replies are cut", armed("drop", times=3, bytes=200), ONCE, "trying again", long=True),
    Case("the org is busy when it is asked", armed("busy", times=2), ONCE, "too busy", long=True),
    Case("the position has expired", armed("replay_expired"), ONCE, "", long=True),
)  # fmt: skip


@pytest.fixture(scope="module")
def lined(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Broker, FaultyLine]]:
    with broker_behind_a_line(tmp_path_factory.mktemp("lined") / "broker") as both:
        yield both


@cases(CONNECTOR)
def test_connector(
    case: Case[Stage],
    lined: tuple[Broker, FaultyLine],
    org: Org,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(lifecycle, "FIRST_WAIT", 0.5)
    monkeypatch.setattr(presence, "PROBE", evolve(presence.PROBE, seconds=0.5))
    broker, line = lined
    judge_connector(case, files(tmp_path, broker, org, line), org, broker, line, caplog)
