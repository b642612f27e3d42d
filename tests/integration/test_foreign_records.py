"""Records that others wrote to topics of ours: passed over and named, but for what stands for a position."""

import json
from pathlib import Path

import pytest
from confluent_kafka import Producer

from bridge.cli.main import main
from bridge.sandbox.org import Org
from tests.support.bridge_run import EVENT, Bridge
from tests.support.kafka_broker import Broker


@pytest.fixture
def bridge(tmp_path: Path, broker: Broker, org: Org) -> Bridge:
    return Bridge.of(tmp_path, broker, org)


def write(bridge: Bridge, *records: tuple[bytes, bytes | None, list[tuple[str, bytes | None]]]) -> None:
    refused: list[object] = []
    producer = Producer(bridge.broker.client())
    for key, value, headers in records:
        producer.produce(
            bridge.offsets, value, key, headers=headers, on_delivery=lambda e, m: e and refused.append(e)
        )
    assert producer.flush(20) == 0
    assert refused == []


def test_foreign_records_beside_the_position_and_broken_headers_stop_nobody(bridge: Bridge, org: Org) -> None:
    ids = org.publish_many(EVENT, 3)
    bridge.run(max_events=3)
    own = json.dumps([bridge.name, {}], separators=(",", ":")).encode()
    deep = b"[" * 3000 + b"]" * 3000
    write(
        bridge,
        (deep, b"x", []),
        (b"\xff", None, []),
        (b"", b"\xff", [("bridge-org-id", None)]),
        (f"bridge-start-{bridge.name}".encode(), b'{"since":1e999}', []),
        (b'["another",{}]', b'{"replayId":1e999}', []),
        (own, b'{"replayId":%d}' % ids[0], [("bridge-org-id", None), ("bridge-created", b"1e400")]),
    )
    assert bridge.run(max_events=2).error is None
    assert bridge.replay_ids() == ids + ids[1:]


def test_what_is_no_position_under_the_own_key_stops_and_offsets_set_heals_it(
    bridge: Bridge, org: Org, capsys: pytest.CaptureFixture[str]
) -> None:
    ids = org.publish_many(EVENT, 3)
    bridge.run(max_events=3)
    own = json.dumps([bridge.name, {}], separators=(",", ":")).encode()
    write(bridge, (own, b'{"replayId":1e999}', []))
    failed = bridge.run(max_events=1).error
    assert failed is not None
    for part in (f"topic {bridge.offsets}", "partition 0", "offset ", "sfbridge offsets set", "1e999"):
        assert part in failed.message
    files = [str(bridge.connector_file()), str(ids[1]), "--worker", str(bridge.worker_file())]
    assert main(["offsets", "set", *files]) == 0
    assert "is none" in capsys.readouterr().err
    assert bridge.run(max_events=1).error is None
    assert bridge.replay_ids() == [*ids, ids[2]]
