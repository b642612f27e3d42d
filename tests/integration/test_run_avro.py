"""Avro through the registry: contexts, evolution while running, official readers, a registry that is away."""

import json
import time
from pathlib import Path

import pytest

from bridge.errors import Fatal
from bridge.sandbox.org import Org
from bridge.sandbox.registry import Registry
from tests.support.bridge_run import EVENT, WIDER, Bridge, running, wait_until
from tests.support.kafka_broker import Broker
from tests.support.kafka_client import read
from tests.support.registry_client import asked, decoded


@pytest.fixture
def bridge(tmp_path: Path, broker: Broker, org: Org, registry: Registry) -> Bridge:
    bridge = Bridge.of(tmp_path, broker, org)
    bridge.settings["output.data.format"] = "AVRO"
    bridge.worker["schema.registry.url"] = registry.url
    return bridge


def test_the_official_client_reads_every_field(bridge: Bridge, org: Org, registry: Registry) -> None:
    ids = org.publish_many(EVENT, 50)
    bridge.run(max_events=50)
    values = decoded(bridge, registry)
    assert [int(value["ReplayId"]) for value in values] == ids
    assert values[0]["CreatedDate"].timestamp() == pytest.approx(time.time(), abs=60)
    assert isinstance(values[0]["Amount__c"], float)
    assert values[0]["Is_Gift__c"] in (True, False)
    assert values[0]["Delivery_Date__c"].year == 2026
    assert asked(registry, "/subjects") == [f"{bridge.topic}-value"]
    assert asked(registry, f"/subjects/{bridge.topic}-value/versions") == [1]


def test_a_context_qualifies_the_subject(bridge: Bridge, org: Org, registry: Registry) -> None:
    bridge.settings["schema.context.name"] = "crm"
    org.publish_many(EVENT, 3)
    bridge.run(max_events=3)
    assert asked(registry, "/subjects") == [f":.crm:{bridge.topic}-value"]
    assert asked(registry, "/contexts") == [".", ".crm"]


def test_a_new_field_is_a_new_version_and_no_event_is_in_the_wrong_schema(
    bridge: Bridge, org: Org, registry: Registry
) -> None:
    with running(bridge) as connector:
        org.publish_many(EVENT, 3)
        wait_until(lambda: connector.stats.events_delivered == 3)
        org.define(WIDER)
        org.publish(EVENT, {"Order_Number__c": "O-9", "Coupon__c": "TEN"})
        wait_until(lambda: connector.stats.events_delivered == 4)
    assert asked(registry, f"/subjects/{bridge.topic}-value/versions") == [1, 2]
    values = decoded(bridge, registry)
    assert "Coupon__c" not in values[2]
    assert values[3]["Coupon__c"] == "TEN"


def test_events_published_before_a_change_and_read_after_it_still_decode(
    bridge: Bridge, org: Org, registry: Registry
) -> None:
    org.publish_many(EVENT, 3)
    org.define(WIDER)
    org.publish(EVENT, {"Order_Number__c": "O-9", "Coupon__c": "TEN"})
    connector = bridge.run(max_events=4)
    assert connector.error is None
    assert [value.get("Coupon__c") for value in decoded(bridge, registry)] == [None, None, None, "TEN"]


def test_a_registry_that_comes_back_is_waited_for(
    tmp_path: Path, broker: Broker, org: Org, registry: Registry
) -> None:
    port = int(registry.url.rpartition(":")[2])
    bridge = Bridge.of(tmp_path, broker, org)
    bridge.settings["output.data.format"] = "AVRO"
    bridge.worker["schema.registry.url"] = registry.url
    registry.stop()
    ids = org.publish_many(EVENT, 5)
    connector = bridge.start()
    try:
        time.sleep(3)
        assert connector.stats.events_delivered == 0
        with Registry(port=port) as again:
            wait_until(lambda: connector.stats.events_delivered == 5, 30)
            assert [int(value["ReplayId"]) for value in decoded(bridge, again)] == ids
    finally:
        connector.stop()
        assert connector.join(20)


def test_a_stop_does_not_wait_for_a_registry_that_is_away(
    bridge: Bridge, org: Org, registry: Registry
) -> None:
    registry.stop()
    org.publish_many(EVENT, 5)
    connector = bridge.start()
    wait_until(lambda: connector.stats.events_received == 5, 30)
    time.sleep(1)
    started = time.monotonic()
    connector.stop()
    assert connector.join(15)
    assert time.monotonic() - started < 10
    assert bridge.position() is None


def test_encryption_rules_in_the_registry_stop_the_connector(
    bridge: Bridge, org: Org, registry: Registry
) -> None:
    org.publish_many(EVENT, 1)
    schema = {
        "type": "record",
        "name": EVENT,
        "namespace": "io.confluent.salesforce",
        "fields": [
            {
                "name": "Customer_Email__c",
                "type": ["null", "string"],
                "default": None,
                "confluent:tags": ["PII"],
            }
        ],
    }
    rule = {
        "name": "pii",
        "kind": "TRANSFORM",
        "mode": "WRITEREAD",
        "type": "ENCRYPT",
        "tags": ["PII"],
        "params": {"encrypt.kek.name": "k", "encrypt.kms.type": "local-kms", "encrypt.kms.key.id": "x"},
    }
    body = {"schemaType": "AVRO", "schema": json.dumps(schema), "ruleSet": {"domainRules": [rule]}}
    asked(registry, f"/subjects/{bridge.topic}-value/versions", body)
    connector = bridge.run()
    assert isinstance(connector.error, Fatal)
    assert "bridge.csfle.allow.plaintext" in connector.error.message
    assert read(bridge.broker, bridge.topic) == []
