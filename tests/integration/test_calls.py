"""What a scrape says of a run with a real broker: encrypted fields, calls to registry and KMS, aborted transactions."""

from __future__ import annotations

import urllib.request
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from bridge import calls
from bridge.errors import Fenced
from bridge.inspection.configuration import load
from bridge.kafka.producer import Producer
from bridge.kafka.settings import producer_settings, transactional_id
from bridge.metrics import Stats, serve
from bridge.sandbox.org import Org
from bridge.sandbox.registry import Registry
from tests.support.bridge_run import EVENT, Bridge, running, wait_until
from tests.support.encryption import SECRET, contract
from tests.support.kafka_broker import Broker
from tests.support.kafka_client import read

TAGGED = "Customer_Email__c: {tags: [PII]}, Customer_Phone__c: {tags: [PII]}"
EMAIL = "zdenka.tajemna@example.org"


@pytest.fixture
def bridge(tmp_path: Path, broker: Broker, org: Org, registry: Registry) -> Bridge:
    """Encrypts two fields, and asks for its schemas and keys anew ten times a second."""
    bridge = Bridge.of(tmp_path, broker, org)
    bridge.settings |= {
        "output.data.format": "AVRO",
        "csfle.enabled": "true",
        "bridge.schema.contract": str(contract(tmp_path, TAGGED)),
        "bridge.schema.latest.ttl.ms": "100",
    }
    bridge.worker |= {"schema.registry.url": registry.url, "rule.executors._default_.param.secret": SECRET}
    return bridge


def scraped(stats: Stats) -> dict[tuple[str, ...], float]:
    """The series of ``--metrics-port`` by name and label values (in the order of the labels' names)."""
    endpoint = serve(0, [stats])
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{endpoint.port}/metrics", timeout=10) as answer:
            text = answer.read().decode()
    finally:
        endpoint.close()
    return {
        (sample.name, *(value for _, value in sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_a_run_with_encryption_is_seen_in_all_series(bridge: Bridge, org: Org) -> None:
    org.publish_many(EVENT, [{"Order_Number__c": "O-1", "Customer_Email__c": EMAIL}] * 20)
    connector = bridge.run(max_events=20)
    assert connector.error is None, connector.error
    stats = connector.stats
    found = scraped(stats)
    assert found["sfbridge_sealed_values_total", bridge.name] == 20 * 2
    for operation in ("subject", "register", "dek"):
        assert found["sfbridge_registry_call_seconds_count", operation, "ok"] >= 1
        assert found["sfbridge_registry_call_seconds_sum", operation, "ok"] > 0
    for operation in ("open", "wrap", "unwrap"):
        assert found["sfbridge_kms_call_seconds_count", "local-kms", operation, "ok"] >= 1
    assert found["sfbridge_transactions_aborted_total", bridge.name] == 0
    of_calls = [key for key in found if key[0].startswith(("sfbridge_registry_", "sfbridge_kms_"))]
    assert not [value for key in of_calls for value in key if bridge.topic in value or EVENT in value]


def test_a_registry_that_goes_away_is_counted_as_failures(
    bridge: Bridge, org: Org, registry: Registry
) -> None:
    before = calls.REGISTRY.count(calls.FAILED, "subject")
    with running(bridge) as connector:
        org.publish_many(EVENT, [{"Customer_Email__c": EMAIL}] * 5)
        wait_until(lambda: connector.stats.events_delivered == 5)
        registry.stop()

        def failed() -> bool:
            org.publish(EVENT, {"Customer_Email__c": EMAIL})  # the first may still find its schema known
            return calls.REGISTRY.count(calls.FAILED, "subject") >= before + 3

        wait_until(failed, every=0.1)
        found = scraped(connector.stats)
    assert found["sfbridge_registry_call_seconds_count", "subject", "failed"] >= before + 3


def test_a_transaction_that_is_given_up_is_counted_and_never_read(bridge: Bridge) -> None:
    loaded = load(bridge.connector_file(), bridge.worker_file())
    settings = producer_settings(loaded)
    name = transactional_id(loaded)

    def made() -> Producer:
        return Producer(settings, transactional_id=name, stopped=lambda: False, waiting=lambda reason: None)

    committing, aborting = made(), made()
    committing.fence(bridge.topic)
    committing.commit((bridge.topic, b"committed"))
    assert not committing.close()
    aborting.fence(bridge.topic)
    aborting.begin()
    aborting.send((bridge.topic, b"given up"))
    aborting.check()
    assert aborting.close()
    assert not aborting.close()
    assert [message.value() for message in read(bridge.broker, bridge.topic)] == [b"committed"]


def test_a_connector_that_is_fenced_counts_what_it_gave_up(tmp_path: Path, broker: Broker, org: Org) -> None:
    bridge = Bridge.of(tmp_path, broker, org)
    with running(bridge) as first:
        ids = org.publish_many(EVENT, 5)
        wait_until(lambda: first.stats.events_delivered == 5)
        with running(bridge) as second:
            ids += org.publish_many(EVENT, 5)
            wait_until(lambda: second.stats.events_delivered == 5)
            wait_until(lambda: first.join(0))
    assert isinstance(first.error, Fenced)
    assert (first.stats.aborts, second.stats.aborts) == (1, 0)
    assert bridge.replay_ids() == ids
