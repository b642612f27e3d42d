"""The kill test: whatever is killed, a ``read_committed`` consumer sees every event exactly once, in order.

The connector gets SIGKILL at random moments, connections to the org are cut in the middle of replies, the broker
is restarted and killed, and a neighbour keeps transactions open on the partition in which the position is kept.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from attrs import frozen

from bridge.sandbox.org import Org
from tests.chaos.driver import Feed, Process, neighbour, seeded
from tests.support.bridge_run import Bridge
from tests.support.kafka_broker import Broker
from tests.support.kafka_client import create_topic, read


@frozen
class Size:
    """How much of everything."""

    events: int
    kills: int
    outages: int


SHORT = Size(events=3_000, kills=4, outages=1)
LONG = Size(events=20_000, kills=20, outages=5)
_PAUSE = 4.0  # seconds: every other process is killed within this time, whatever it is doing
_BUSY = 0.04  # seconds: within this time after a burst it is carrying it


@pytest.mark.timeout(1200)
@pytest.mark.parametrize("size", [SHORT, pytest.param(LONG, marks=pytest.mark.long)], ids=["short", "long"])
@pytest.mark.parametrize("guarantee", ["exactly-once", "at-least-once"])
def test_killed_at_random_moments(
    tmp_path: Path, org: Org, own_broker: Callable[..., Broker], size: Size, guarantee: str
) -> None:
    dice = seeded()
    broker = own_broker()
    bridge = Bridge.of(tmp_path, broker, org)
    exactly_once = guarantee == "exactly-once"
    bridge.worker |= {"exactly.once.source.support": "enabled" if exactly_once else "disabled"}
    create_topic(broker, bridge.offsets, config={"cleanup.policy": "compact"})
    org.faults.arm("drop", times=-1, probability=0.1, bytes=dice.randrange(1, 20_000))
    feed = Feed(org, size.events, size.kills * _PAUSE / 2, dice)
    burst = size.events // 2 // size.kills
    process = Process(bridge, tmp_path / "bridge.log")
    outages = sorted(dice.sample(range(size.kills), size.outages))
    try:
        with neighbour(bridge, dice):
            feed.start()
            for number in range(size.kills):
                process.start()
                if number in outages:
                    time.sleep(dice.uniform(0, _PAUSE / 2))
                    _outage(broker, kill=outages.index(number) % 2 == 1)
                if number % 2:
                    time.sleep(dice.uniform(0.1, _PAUSE))
                else:
                    _wait_running(process)
                feed.burst(burst)
                time.sleep(dice.uniform(0, _BUSY))
                process.kill()
            process.start()
            feed.finish()
            _wait_carried(bridge, process, feed)
        assert process.drain() == 0, process.said()
    finally:
        process.end()
    seen = bridge.replay_ids(timeout=60)
    assert org.faults.fired.get("drop"), "no reply was cut"
    if exactly_once:
        assert seen == feed.ids, _difference(seen, feed.ids)
    else:
        assert list(dict.fromkeys(seen)) == feed.ids, _difference(seen, feed.ids)
    assert bridge.position() == {"replayId": feed.ids[-1]}
    if size is LONG:
        written = len(read(broker, bridge.topic, committed=False))
        assert written > size.events, "no kill hit a batch on its way: this run proved nothing"


def _outage(broker: Broker, *, kill: bool) -> None:
    if kill:
        broker.kill()
        broker.start()
    else:
        broker.restart()


def _wait_running(process: Process) -> None:
    until = time.monotonic() + 60
    while not process.running():
        process.check()
        assert time.monotonic() < until, f"not RUNNING:\n{process.said()}"
        time.sleep(0.005)


def _wait_carried(bridge: Bridge, process: Process, feed: Feed) -> None:
    """Until the last process runs and the position of the last event is committed."""
    until = time.monotonic() + 180
    while not process.running() or bridge.position() != {"replayId": feed.ids[-1]}:
        process.check()
        assert time.monotonic() < until, f"the last event did not arrive:\n{process.said()}"
        time.sleep(0.5)


def _difference(seen: list[int], wanted: list[int]) -> str:
    missing = sorted(set(wanted) - set(seen))
    twice = [number for number, count in Counter(seen).items() if count > 1]
    return f"{len(missing)} missing {missing[:5]}, {len(twice)} more than once {twice[:5]}, of {len(wanted)}"
