"""The public Python API with a real broker: transactions, a lease, and the position over two runs."""

from __future__ import annotations

from pathlib import Path

from bridge import embed
from bridge.sandbox.org import Org
from tests.support.bridge_run import EVENT, Bridge
from tests.support.kafka_broker import Broker
from tests.support.kafka_client import read

LIMIT = 60.0


def test_two_runs_in_an_application_write_each_event_once(tmp_path: Path, broker: Broker, org: Org) -> None:
    bridge = Bridge.of(tmp_path, broker, org)
    config = embed.configuration(bridge.connector_file(), bridge.worker_file(), environ={})
    org.publish_many(EVENT, 3)
    with embed.running(config) as first:
        assert first.wait(events=3, timeout=LIMIT)
    ids = org.publish_many(EVENT, 2)
    with embed.running(config) as second:
        assert second.wait(events=2, timeout=LIMIT)
        assert second.status.replay_id == ids[-1]
    assert (first.status.committed, second.status.committed) == (3, 2)
    with embed.Codec(config) as codec:
        values = [codec.decode(message.value(), message.headers()) for message in read(broker, bridge.topic)]
    assert len({value["ReplayId"] for value in values}) == len(values) == 5
