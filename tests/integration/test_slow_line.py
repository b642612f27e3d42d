"""A line to Kafka that is slow: everything gets through, in transactions that fit the line."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from bridge.kafka import settings
from bridge.pipeline import connector as lifecycle
from bridge.sandbox import samples
from bridge.sandbox.definition import FieldDefinition
from bridge.sandbox.org import Org
from tests.support.bridge_run import EVENT, Bridge, wait_until
from tests.support.faulty_line import FaultyLine, broker_behind_a_line
from tests.support.kafka_broker import Broker
from tests.support.kafka_client import set_quota

LARGE = samples.ORDER_PLACED.with_field(FieldDefinition("Text__c", "textarea", length=1_000_000))


@pytest.fixture(scope="module")
def lined(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Broker, FaultyLine]]:
    with broker_behind_a_line(tmp_path_factory.mktemp("lined") / "broker") as both:
        yield both


@pytest.fixture
def org(tmp_path: Path) -> Iterator[Org]:
    with Org([LARGE], directory=tmp_path / "org") as org:
        yield org


@pytest.fixture
def bridge(tmp_path: Path, org: Org, lined: tuple[Broker, FaultyLine]) -> Iterator[Bridge]:
    broker, line = lined
    bridge = Bridge.of(tmp_path, broker, org)
    bridge.worker["bootstrap.servers"] = line.address
    yield bridge
    line.up.rate = None


def test_more_than_the_line_takes_in_the_time_of_a_transaction(
    bridge: Bridge, org: Org, lined: tuple[Broker, FaultyLine]
) -> None:
    """Four megabytes at 800 kB/s, in transactions of two seconds."""
    ids = org.publish_many(EVENT, [{"Text__c": "x" * 20_000}] * 200)
    bridge.worker["producer.transaction.timeout.ms"] = "2000"
    lined[1].up.rate = 800_000
    connector = bridge.run(90, max_events=200)
    assert connector.error is None
    assert bridge.replay_ids() == ids
    assert connector.stats.restarts <= 1


def test_records_that_need_more_time_than_a_transaction_has(
    bridge: Bridge,
    org: Org,
    lined: tuple[Broker, FaultyLine],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Records of half a megabyte at 150 kB/s, where nobody set a time: two seconds at first, then more."""
    ids = org.publish_many(EVENT, [{"Text__c": "x" * 500_000}] * 3)
    monkeypatch.setattr(settings, "TRANSACTION_TIMEOUT_MS", 3_000)
    monkeypatch.setattr(lifecycle, "FIRST_WAIT", 0.5)
    lined[1].up.rate = 150_000
    connector = bridge.run(120, max_events=3)
    assert connector.error is None
    assert bridge.replay_ids() == ids
    assert "that producer.transaction.timeout.ms allows; one record gets" in caplog.text


@pytest.mark.long
def test_a_quota_of_the_broker(bridge: Bridge, org: Org, lined: tuple[Broker, FaultyLine]) -> None:
    """Events of 20 kB while the broker takes 30 kB a second: some are committed all the time."""
    org.publish_many(EVENT, [{"Text__c": "x" * 20_000}] * 200)
    set_quota(lined[0], f"connector-producer-{bridge.name}-0", 30_000)
    bridge.worker["producer.transaction.timeout.ms"] = "5000"
    connector = bridge.start()
    try:
        wait_until(lambda: connector.stats.events_delivered >= 20 and connector.stats.transactions > 3, 90)
    finally:
        connector.stop()
        assert connector.join(60)
    assert len(bridge.replay_ids()) >= 20
