"""What was sealed is remembered in Kafka, shown by status and metrics, and gets out no more after a restart."""

from __future__ import annotations

import json
import urllib.request
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Producer

from bridge.kafka.seals import Sealed, seals_key
from bridge.metrics import Metrics
from bridge.sandbox.org import Org
from bridge.sandbox.registry import Registry
from tests.support.bridge_run import EVENT, Bridge
from tests.support.encryption import SECRET, contract
from tests.support.kafka_broker import Broker
from tests.support.kafka_client import create_topic, read

EMAIL = "ada.winter@example.com"
MAIL = "Customer_Email__c"


@pytest.fixture
def bridge(tmp_path: Path, broker: Broker, org: Org, registry: Registry) -> Bridge:
    made = Bridge.of(tmp_path, broker, org)
    made.settings |= {"output.data.format": "AVRO", "csfle.enabled": "true"}
    made.worker |= {"schema.registry.url": registry.url, "rule.executors._default_.param.secret": SECRET}
    create_topic(broker, made.offsets, config={"cleanup.policy": "compact"})
    return made


def tell(registry: Registry, path: str, body: dict[str, Any], method: str = "PUT") -> None:
    request = urllib.request.Request(
        f"{registry.url}{path}",
        json.dumps(body).encode(),
        {"Content-Type": "application/json"},
        method=method,
    )
    urllib.request.urlopen(request, timeout=10).close()


def sealed(bridge: Bridge) -> dict[str, set[str]]:
    found = Sealed(bridge.name, bridge.offsets)
    for message in read(bridge.broker, bridge.offsets):
        found.take(message)
    return found.remembered()[0]


def publish(org: Org) -> None:
    org.publish(EVENT, {"Order_Number__c": "O-1", MAIL: EMAIL})


@pytest.mark.parametrize("exactly_once", ["enabled", "disabled"])
def test_a_restart_does_not_forget(bridge: Bridge, org: Org, registry: Registry, exactly_once: str) -> None:
    bridge.worker["exactly.once.source.support"] = exactly_once
    bridge.settings["bridge.schema.contract"] = str(contract(bridge.directory, f"{MAIL}: {{tags: [PII]}}"))
    publish(org)
    first = bridge.run(max_events=1)
    assert first.error is None, first.error
    assert sealed(bridge) == {EVENT: {MAIL}}
    metrics = Metrics()
    metrics.register(first.stats)
    assert f'sfbridge_protected_fields{{connector="{bridge.name}"}} 1.0' in metrics.text()
    assert f'sfbridge_sealed_values_total{{connector="{bridge.name}"}} 1.0' in metrics.text()
    assert [entry["sealed"] for entry in first.stats.sealed] == [[MAIL]]

    del bridge.settings["bridge.schema.contract"]
    subject = f"{bridge.topic}-value"
    latest = json.loads(
        urllib.request.urlopen(f"{registry.url}/subjects/{subject}/versions/latest", timeout=10).read()
    )
    bare = latest["schema"].replace('"confluent:tags":["PII"]', '"doc":"x"')
    tell(
        registry, f"/subjects/{subject}/versions",
        {"schema": bare, "ruleSet": latest["ruleSet"]}, "POST",
    )  # fmt: skip
    publish(org)
    for _ in range(2):
        refused = bridge.run(max_events=1)
        assert refused.error is not None
        assert f"{MAIL} of {EVENT} was encrypted before" in refused.error.message
    bridge.settings["bridge.csfle.allow.plaintext"] = "true"
    allowed = bridge.run(max_events=1)
    assert allowed.error is None, allowed.error
    assert sealed(bridge) == {}
    values = [message.value() or b"" for message in read(bridge.broker, bridge.topic)]
    assert [EMAIL.encode() in value for value in values] == [False, True]


def test_what_cannot_be_read_is_not_forgotten(bridge: Bridge, org: Org) -> None:
    bridge.settings["bridge.schema.contract"] = str(contract(bridge.directory, f"{MAIL}: {{tags: [PII]}}"))
    producer = Producer(bridge.broker.client({"log_level": 0}))
    producer.produce(bridge.offsets, b"no seals", seals_key(bridge.name))
    assert producer.flush(30) == 0
    publish(org)
    refused = bridge.run(max_events=1)
    assert refused.error is not None
    assert f"under the key bridge-seals-{bridge.name}" in refused.error.message
    producer.produce(bridge.offsets, None, seals_key(bridge.name))
    assert producer.flush(30) == 0
    assert bridge.run(max_events=1).error is None
