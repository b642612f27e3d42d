"""A process that was frozen: alone it goes on, beside another that has taken over it writes nothing and stops."""

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bridge.sandbox.org import Org
from tests.support.bridge_run import EVENT, Bridge, running, wait_until
from tests.support.kafka_broker import Broker
from tests.support.kafka_client import high_watermark


@pytest.fixture
def bridge(tmp_path: Path, broker: Broker, org: Org) -> Bridge:
    bridge = Bridge.of(tmp_path, broker, org)
    # A transaction that is open whenever the process is frozen, and expires soon.
    bridge.settings |= {"bridge.commit.interval.ms": "2000", "bridge.commit.max.events": "100000"}
    bridge.worker["producer.transaction.timeout.ms"] = "3000"
    return bridge


@pytest.fixture
def frozen(bridge: Bridge, org: Org, tmp_path: Path) -> Iterator[tuple[subprocess.Popen[bytes], list[int]]]:
    """A process that was stopped in the middle of a transaction, its events still coming in."""
    ids = org.publish_many(EVENT, 60_000)
    process: Any = bridge.spawn(log=tmp_path / "log")
    try:
        wait_until(lambda: high_watermark(bridge.broker, bridge.topic) > 5_000, 60)
        os.kill(process.pid, signal.SIGSTOP)
        yield process, ids
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGCONT)
            process.kill()
        process.wait(10)


def test_alone_it_goes_on_with_nothing_lost_or_doubled(
    bridge: Bridge, frozen: tuple[Any, list[int]], tmp_path: Path
) -> None:
    process, ids = frozen
    time.sleep(5)
    process.send_signal(signal.SIGCONT)
    wait_until(lambda: (bridge.position() or {}).get("replayId") == ids[-1], 60, every=0.5)
    process.send_signal(signal.SIGTERM)
    assert process.wait(30) == 0, (tmp_path / "log").read_text()
    assert bridge.replay_ids(timeout=60) == ids


def test_beside_another_it_writes_nothing_and_says_why(
    bridge: Bridge, frozen: tuple[Any, list[int]], tmp_path: Path
) -> None:
    process, ids = frozen
    with running(bridge) as other:
        wait_until(lambda: (bridge.position() or {}).get("replayId") == ids[-1], 60, every=0.5)
        process.send_signal(signal.SIGCONT)
        assert process.wait(60) == 1
        assert "took" in (tmp_path / "log").read_text()
        assert other.state == "RUNNING"
        assert other.error is None
    assert bridge.replay_ids(timeout=60) == ids
