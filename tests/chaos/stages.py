"""Where the cases of the fault matrix take place, from cheap to dear, and what may have to hold there."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import Enum
from pathlib import Path
from typing import Generic, TypeVar

import pytest
from attrs import define, frozen

from bridge.errors import Fatal, Retriable
from bridge.pipeline.connector import Connector
from bridge.sandbox.org import Org
from tests.support.bridge_run import EVENT, Bridge, wait_until
from tests.support.cometd_client import Client, FakeLogin
from tests.support.faulty_line import FaultyLine
from tests.support.kafka_broker import Broker
from tests.support.scripted_org import ScriptedOrg

FIRST, ALL = list(range(1, 6)), list(range(1, 11))


class Holds(Enum):
    """What a case must leave behind."""

    ONCE = "every event before and after it arrives, once, in order"
    OTHERS = "every event but the one that is at fault arrives, once, in order"
    LATER = "the source gives up for now, and the connector starts again later"
    WAITS = "it waits, nothing is lost, and a stop ends the wait at once"
    ENDS = "the connector ends; what came before is delivered"


S = TypeVar("S")


@frozen
class Case(Generic[S]):
    """A line of the matrix. ``said``: a pattern that what is said has to match; ``long``: in ``make chaos`` only."""

    situation: str
    fault: Callable[[S], object]
    holds: Holds
    said: str
    long: bool = False


def cases(table: tuple[Case[S], ...]) -> pytest.MarkDecorator:
    """One test for each line, named after its situation."""
    marked = [
        pytest.param(case, id=case.situation, marks=[pytest.mark.long] if case.long else []) for case in table
    ]
    return pytest.mark.parametrize("case", marked)


# ---- the stream: a scripted org, a line, the source --------------------------------------------------------


@define
class Stream:
    """Five events have arrived when the fault comes; five are published after it."""

    org: ScriptedOrg
    line: FaultyLine
    client: Client


@contextmanager
def stream() -> Iterator[Stream]:
    """A source that listens."""
    with ScriptedOrg() as org, FaultyLine(org.url.removeprefix("http://")) as line:
        org.publish(*FIRST)
        login = FakeLogin(org).at(f"http://{line.address}")
        fast = {"request_timeout": 1.5, "watchdog": 1.5, "retry_seconds": 15.0, "first_long_wait": 0.3}
        with Client(org, login=login, **fast) as client:
            client.wait_for(FIRST, 20)
            yield Stream(org, line, client)


def judge_stream(case: Case[Stream], log: pytest.LogCaptureFixture) -> None:
    """Plays a case."""
    with stream() as s:
        with s.org.at_once():
            case.fault(s)
            s.org.publish(*ALL[5:])
        said = ""
        if case.holds is Holds.ONCE:
            s.client.wait_for(ALL, 30)
            assert s.client.failure is None
        elif case.holds is Holds.WAITS:
            s.client.wait(lambda: re.search(case.said, log.text), 20)
            assert s.client.failure is None
            assert s.client.stop() < 3
        else:
            failure = s.client.wait_failed(30)
            assert isinstance(failure, Fatal if case.holds is Holds.ENDS else Retriable)
            assert s.client.events[:5] == FIRST
            said = failure.message
        assert re.search(case.said, log.text + said), log.text + said


# ---- the connector: a simulated org, a real broker, and a line between ------------------------------------------


@define
class Stage:
    """A connector that is RUNNING and has carried five events."""

    bridge: Bridge
    org: Org
    broker: Broker
    line: FaultyLine
    connector: Connector

    def offsets(self, key: bytes | None, value: bytes | None) -> None:
        """Write a record into the topic of positions, as anybody might."""
        from confluent_kafka import Producer

        producer = Producer(self.broker.client())
        producer.produce(self.bridge.offsets, value, key)
        assert producer.flush(30) == 0


def judge_connector(
    case: Case[Stage],
    bridge: Bridge,
    org: Org,
    broker: Broker,
    line: FaultyLine,
    log: pytest.LogCaptureFixture,
) -> None:
    """Plays a case. A fault that publishes something says which replay ids have to arrive of it, in a list."""
    ids = org.publish_many(EVENT, 5)
    connector = bridge.start()
    try:
        wait_until(lambda: connector.stats.events_delivered >= 5 or connector.error, 60)
        assert connector.error is None
        extra = case.fault(Stage(bridge, org, broker, line, connector))
        ids += extra if isinstance(extra, list) else []
        ids += org.publish_many(EVENT, 5)
        if case.holds is Holds.ENDS:
            wait_until(lambda: connector.join(0), 60)
            assert isinstance(connector.error, Fatal)
            ids = ids[:5]
        else:
            wait_until(lambda: connector.stats.last_replay_id == ids[-1] or connector.error, 90)
            assert connector.error is None
    finally:
        line.revive()
        line.up.rate = line.down.rate = None
        connector.stop()
        assert connector.join(60)
    assert bridge.replay_ids(timeout=60) == ids
    assert bridge.position() == {"replayId": ids[-1]}
    said = log.text + (connector.error.message if connector.error is not None else "")
    assert re.search(case.said, said), said


def briefly(seconds: float, begin: Callable[[], object], end: Callable[[], object]) -> None:
    """A fault that passes."""
    begin()
    time.sleep(seconds)
    end()


def files(directory: Path, broker: Broker, org: Org, line: FaultyLine, **settings: str) -> Bridge:
    """A connector whose Kafka is behind the line, quick to try again."""
    quick = {"bridge__watchdog__ms": "3000", "errors__tolerance": "all", **settings}
    bridge = Bridge.of(directory, broker, org, **quick)
    bridge.worker |= {"bootstrap.servers": line.address, "producer.transaction.timeout.ms": "4000"}
    return bridge
