"""Three brokers, each killed in turn under load: nothing is lost, doubled or reordered."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from bridge.sandbox.org import Org
from tests.chaos.driver import Feed, Process, seeded
from tests.support.bridge_run import Bridge, wait_until
from tests.support.brokers import Cluster
from tests.support.kafka_client import create_topic

_EVENTS = 20_000


@pytest.mark.long
@pytest.mark.timeout(1200)
def test_each_broker_is_killed_in_turn(tmp_path: Path, org: Org, cluster: Cluster) -> None:
    dice = seeded()
    first = cluster.nodes[0]
    bridge = Bridge.of(tmp_path, first, org)
    bridge.worker |= {"bootstrap.servers": cluster.bootstrap}
    create_topic(first, bridge.offsets, config={"cleanup.policy": "compact"})
    feed = Feed(org, _EVENTS, 30, dice)
    process = Process(bridge, tmp_path / "bridge.log")
    try:
        process.start()
        wait_until(process.running, 60)
        feed.start()
        for node in dice.sample(cluster.nodes, 3):
            feed.burst(_EVENTS // 10)
            time.sleep(dice.uniform(0, 0.05))
            node.kill()
            feed.burst(_EVENTS // 10)
            time.sleep(dice.uniform(2, 6))
            process.check()
            node.start()
        feed.finish()
        until = time.monotonic() + 180
        while bridge.position() != {"replayId": feed.ids[-1]}:
            process.check()
            assert time.monotonic() < until, process.said()
            time.sleep(0.5)
        assert process.drain() == 0, process.said()
    finally:
        process.end()
    assert bridge.replay_ids(timeout=60) == feed.ids
