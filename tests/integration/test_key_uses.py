"""Encrypted values are counted in the offsets topic, whatever encrypts them and however a process ends."""

from __future__ import annotations

import json
import signal
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Producer

from bridge.cli.main import main
from bridge.encryption import uses as counting
from bridge.encryption.dek_registry import DekRegistry
from bridge.encryption.deks import Deks
from bridge.encryption.envelope import IVS_AT_ONCE, Algorithm
from bridge.encryption.uses import FIRST, MANY, MOST, Key
from bridge.kafka.uses import Counted, uses_key, uses_value
from bridge.registry.http import http_of
from bridge.sandbox.org import Org
from bridge.sandbox.registry import Registry
from tests.support.bridge_run import EVENT, Bridge, wait_until
from tests.support.encryption import SECRET, contract
from tests.support.kafka_broker import Broker
from tests.support.kafka_client import create_topic, read

FIELDS = "Customer_Email__c: {tags: [PII]}, Order_Number__c: {tags: [PII]}"
EXPIRY = "encrypt.dek.expiry.days: '90'"


@pytest.fixture
def bridge(tmp_path: Path, broker: Broker, org: Org, registry: Registry) -> Bridge:
    made = Bridge.of(tmp_path, broker, org)
    made.settings |= {"output.data.format": "AVRO", "csfle.enabled": "true"}
    made.worker |= {"schema.registry.url": registry.url, "rule.executors._default_.param.secret": SECRET}
    create_topic(broker, made.offsets, config={"cleanup.policy": "compact"})
    return made


def encrypting(bridge: Bridge, more: str = EXPIRY) -> None:
    bridge.settings["bridge.schema.contract"] = str(contract(bridge.directory, FIELDS, more))


def counts(bridge: Bridge) -> dict[Key, int]:
    found = Counted(bridge.offsets)
    for message in read(bridge.broker, bridge.offsets):
        found.take(message)
    return found.of(bridge.name)


def preset(bridge: Bridge, values: int, version: int = 1, connector: str | None = None) -> Key:
    """As if so many values had been encrypted."""
    key = ("sales", f"{bridge.topic}-value", "AES256_GCM", version)
    producer = Producer(bridge.broker.client({"log_level": 0}))
    producer.produce(bridge.offsets, uses_value({key: values}), uses_key(connector or bridge.name))
    assert producer.flush(30) == 0
    return key


def publish(org: Org, events: int) -> None:
    for number in range(events):
        org.publish(EVENT, {"Order_Number__c": f"O-{number}", "Customer_Email__c": "a@example.com"})


def versions(registry: Registry, bridge: Bridge) -> list[int]:
    http = http_of({"url": registry.url}, retry_seconds=1, longest_wait=1)
    keys = Deks(DekRegistry(http), {"secret": SECRET})
    return keys.registry.versions("sales", f"{bridge.topic}-value", Algorithm.AES256_GCM)


def test_over_restarts_the_counts_add_up(
    bridge: Bridge, org: Org, capsys: pytest.CaptureFixture[str]
) -> None:
    encrypting(bridge)
    publish(org, 30)
    for limit in (10, 20):
        assert bridge.run(max_events=limit).error is None
    (values,) = counts(bridge).values()
    assert 60 <= values <= 60 + 2 * IVS_AT_ONCE
    assert len(read(bridge.broker, bridge.topic)) == 30
    capsys.readouterr()
    assert main(["keys", "list", "--worker", str(bridge.worker_file()), "-o", "json"]) == 0
    (dek,) = json.loads(capsys.readouterr().out)["deks"]
    assert (dek["use"], dek["values"]) == ("writes", values)


def test_without_transactions_too(bridge: Bridge, org: Org) -> None:
    encrypting(bridge)
    bridge.worker["exactly.once.source.support"] = "disabled"
    publish(org, 5)
    assert bridge.run(max_events=5).error is None
    (values,) = counts(bridge).values()
    assert 10 <= values <= 10 + IVS_AT_ONCE


def test_a_killed_process_has_counted_what_it_encrypted(bridge: Bridge, org: Org, tmp_path: Path) -> None:
    encrypting(bridge)
    publish(org, 300)
    process = bridge.spawn(log=tmp_path / "log")
    try:
        wait_until(lambda: len(read(bridge.broker, bridge.topic)) >= 300, 60)
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait(30)
    (values,) = counts(bridge).values()
    assert values == FIRST
    publish(org, 1)
    assert bridge.run(max_events=1).error is None
    (values,) = counts(bridge).values()
    assert FIRST + 2 <= values <= FIRST + IVS_AT_ONCE


@pytest.mark.parametrize("way", ["fused", "transforms", "dead letters"])
def test_nothing_is_lost_or_doubled_where_more_is_reserved(
    bridge: Bridge, org: Org, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    """A block of the least size, so that it is used up again and again in the middle of everything."""
    monkeypatch.setattr(counting, "FIRST", IVS_AT_ONCE)
    monkeypatch.setattr(counting, "LARGEST", IVS_AT_ONCE)
    encrypting(bridge)
    events, out = 1300, bridge.topic
    if way == "transforms":
        bridge.settings |= {
            "transforms": "k",
            "transforms.k.type": "org.apache.kafka.connect.transforms.ValueToKey",
            "transforms.k.fields": "Status__c",
        }
    if way == "dead letters":
        out = create_topic(bridge.broker, f"{bridge.topic}-dead")
        bridge.settings |= {
            "errors.tolerance": "all",
            "errors.deadletterqueue.topic.name": out,
            "errors.deadletterqueue.topic.replication.factor": "1",
        }
    for number in range(events):
        bad = {"Amount__c": "no number"} if way == "dead letters" else {}
        org.publish(EVENT, {"Order_Number__c": f"O-{number}", "Customer_Email__c": "a@example.com", **bad})
    connector = bridge.run(max_events=events)
    assert connector.error is None, connector.error
    assert len(read(bridge.broker, out)) == events
    values = sum(counts(bridge).values())
    needed = events if way == "dead letters" else 2 * events
    assert needed <= values <= needed + 2 * IVS_AT_ONCE


def test_many_values_without_an_expiry(
    bridge: Bridge, org: Org, registry: Registry, caplog: pytest.LogCaptureFixture
) -> None:
    encrypting(bridge, "")
    key = preset(bridge, MANY - 1)
    publish(org, 2)
    assert bridge.run(max_events=1).error is None
    said = [
        record.getMessage() for record in caplog.records if "encrypt.dek.expiry.days" in record.getMessage()
    ]
    assert len(said) == 1
    assert "2,147,483,647 values" in said[0]
    assert MANY <= counts(bridge)[key] <= MANY + IVS_AT_ONCE
    preset(bridge, MOST)
    failed = bridge.run(max_events=1)
    assert failed.error is not None
    assert "Set encrypt.dek.expiry.days in the rule" in failed.error.message
    assert len(read(bridge.broker, bridge.topic)) == 1
    encrypting(bridge, EXPIRY)  # the remedy
    assert bridge.run(max_events=1).error is None
    assert versions(registry, bridge) == [1, 2]
    assert counts(bridge)[key] == MOST


def test_many_values_with_an_expiry(bridge: Bridge, org: Org, registry: Registry) -> None:
    encrypting(bridge)
    preset(bridge, 5)
    old = preset(bridge, MANY, connector="another")  # two connectors of one group use the DEK
    publish(org, 3)
    connector = bridge.run(max_events=3)
    assert connector.error is None, connector.error
    assert versions(registry, bridge) == [1, 2]
    found: dict[Any, int] = counts(bridge)
    assert found[old] == 5
    assert found["sales", f"{bridge.topic}-value", "AES256_GCM", 2] >= 6
