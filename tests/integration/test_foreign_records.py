"""Records that others wrote to topics of ours: passed over and named, but for what stands for a position."""

import io
import json
from pathlib import Path

import pytest
from confluent_kafka import Producer

from bridge.cli.main import main
from bridge.sandbox.org import Org
from tests.support.bridge_run import EVENT, Bridge, wait_until
from tests.support.kafka_broker import Broker
from tests.support.kafka_client import create_topic
from tests.support.worker_run import Group


@pytest.fixture
def bridge(tmp_path: Path, broker: Broker, org: Org) -> Bridge:
    return Bridge.of(tmp_path, broker, org)


def write(bridge: Bridge, *records: tuple[bytes, bytes | None, list[tuple[str, bytes | None]]]) -> None:
    forge(bridge.broker, bridge.offsets, *records)


def forge(
    broker: Broker, topic: str, *records: tuple[bytes, bytes | None, list[tuple[str, bytes | None]]]
) -> None:
    refused: list[object] = []
    producer = Producer(broker.client())
    for key, value, headers in records:
        producer.produce(topic, value, key, headers=headers, on_delivery=lambda e, m: e and refused.append(e))
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


NESTED = b"[" * 3000 + b"]" * 3000
FORGED = (
    (b"bridge-assignment", b'{"epoch":1e999}'),
    (b"bridge-assignment", b'{"epoch":2,"workers":"x"}'),
    (b"bridge-assignment", NESTED),
    (b"connector-orders", NESTED),
    (b"connector-orders", b'{"properties":{"a":{}}}'),
    (b"target-state-orders", b'{"state":' + NESTED + b"}"),
    (b"bridge-offsets-request-orders", b'{"id":"1","type":"PATCH","offsets":"x"}'),
    (b"\xff\xfe", b"\x00"),
    (b"", b"{}"),
)
STATUSES = (
    (b"status-connector-orders", b'{"state":"RUNNING","worker_id":"x","generation":Infinity}'),
    (b"status-connector-orders", b'{"state":"RUNNING","worker_id":"x","generation":99999999999}'),
    (b"status-topic-t:connector-orders", b'{"topic":{"discoverTimestamp":1e400}}'),
    (b"bridge-worker-127.0.0.1:1", b"1e999"),
)


def test_a_worker_passes_over_what_others_wrote_before_and_while_it_runs(
    tmp_path: Path, broker: Broker, log_lines: io.StringIO
) -> None:
    group = Group(tmp_path, broker)
    topics = [f"{group.name}-configs", f"{group.name}-status"]
    for topic in topics:
        create_topic(broker, topic, config={"cleanup.policy": "compact"})

    def forged() -> None:
        for topic, records in zip(topics, (FORGED, STATUSES), strict=True):
            forge(broker, topic, *((key, value, []) for key, value in records))

    forged()
    with group.worker() as rest:
        forged()
        assert rest.get("/connectors") == []
        many = len(FORGED) + len(STATUSES)
        wait_until(lambda: log_lines.getvalue().count("is passed over") == 2 * many, 20)
        metrics = rest.ask("GET", "/metrics").text
        assert f'sfbridge_foreign_records_total{{topic="{topics[0]}"}} {2.0 * len(FORGED)}' in metrics
    assert "this is a fault of the bridge" not in log_lines.getvalue()


def test_a_worker_whose_reader_died_says_so_and_ends(tmp_path: Path, broker: Broker) -> None:
    group = Group(tmp_path, broker)
    with group.worker() as rest:
        service = rest.service
        assert service is not None
        service.worker._configs._consumer.close()  # polling a closed client raises
        wait_until(lambda: service.failure is not None, 20)
        assert service.failure is not None
        assert f"following {group.name}-configs ended" in service.failure.message
