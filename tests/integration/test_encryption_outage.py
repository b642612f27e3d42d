"""A key management service that goes away under load and comes back: nothing lost, nothing doubled, nothing plain."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve

from bridge.encryption.dek_registry import DekRegistry
from bridge.encryption.deks import Deks
from bridge.encryption.envelope import from_text, version_of
from bridge.reading.decode import Decoder
from bridge.reading.decrypt import Decrypter
from bridge.registry.http import http_of
from bridge.sandbox.org import Org
from bridge.sandbox.registry import Registry
from tests.support.bridge_run import EVENT, Bridge, running, wait_until
from tests.support.encryption import contract
from tests.support.kafka_broker import Broker
from tests.support.kafka_client import read
from tests.support.kms_doubles import Double, vault

FIELD, EMAIL = "Customer_Email__c", "zdenka.tajemna@example.org"
TOKEN = "rule.executors._default_.param.token.id"
RULE = (
    "[{name: pii, type: ENCRYPT, tags: [PII], params: {encrypt.kek.name: sales, encrypt.kms.type: hcvault, "
    "encrypt.kms.key.id: '%s/transit/keys/sales', encrypt.dek.expiry.days: '1'}}]"
)


@pytest.fixture
def kms(monkeypatch: pytest.MonkeyPatch) -> Iterator[Double]:
    with vault() as double:
        monkeypatch.setenv("VAULT_ADDR", double.url)  # for the reader; the connector has a contract
        yield double


@pytest.fixture
def bridge(tmp_path: Path, broker: Broker, org: Org, kms: Double, registry: Registry) -> Bridge:
    """Asks for its keys anew ten times a second."""
    bridge = Bridge.of(tmp_path, broker, org)
    rules = contract(tmp_path, f"{FIELD}: {{tags: [PII]}}", rules=RULE % kms.url)
    bridge.settings |= {
        "output.data.format": "AVRO",
        "csfle.enabled": "true",
        "bridge.schema.contract": str(rules),
        "bridge.schema.latest.ttl.ms": "100",
    }
    bridge.worker |= {"schema.registry.url": registry.url, TOKEN: "good"}
    return bridge


@contextmanager
def load(org: Org) -> Iterator[list[int]]:
    """Events all the while, some hundreds a second; their replay ids."""
    ids: list[int] = []
    ended = threading.Event()

    def publish() -> None:
        while not ended.wait(0.05):
            ids.extend(org.publish_many(EVENT, [{"Order_Number__c": str(len(ids)), FIELD: EMAIL}] * 20))

    thread = threading.Thread(target=publish, daemon=True)
    thread.start()
    try:
        yield ids
    finally:
        ended.set()
        thread.join(10)


def age(registry: Registry) -> None:
    """Every key is two days old: what writes needs a new one, and the KMS to wrap it."""
    for key, dek in list(registry.keys.deks.items()):
        registry.keys.deks[key] = evolve(dek, ts=int((time.time() - 2 * 86_400) * 1000))


def opened(bridge: Bridge, registry: Registry) -> tuple[list[int], set[int]]:
    """The replay ids in the topic, and the versions of the keys; every record is ciphertext that opens."""
    http = http_of({"url": registry.url}, retry_seconds=1, longest_wait=1)
    decrypter = Decrypter(http, Deks(DekRegistry(http), {"token.id": "good"}), "", bridge.topic)
    decoder = Decoder(http)
    ids, versions = [], set()
    for message in read(bridge.broker, bridge.topic):
        value: bytes = message.value() or b""
        assert EMAIL.encode() not in value
        versions.add(version_of(from_text(decoder.decode(value).value[FIELD])))
        found: dict[str, Any] = decrypter.opened(value, message.headers()).value
        assert found[FIELD] == EMAIL
        ids.append(int(found["ReplayId"]))
    return ids, versions


@pytest.mark.parametrize("fault", ["away", "throttled"])
def test_a_kms_goes_away_under_load_and_comes_back(
    bridge: Bridge, org: Org, kms: Double, registry: Registry, fault: str
) -> None:
    with running(bridge) as connector, load(org) as ids:
        wait_until(lambda: connector.stats.events_delivered >= 200)
        kms.fault = fault
        age(registry)
        wait_until(lambda: kms.refused >= 3)
        stopped_at = connector.stats.events_delivered
        published = len(ids)
        wait_until(lambda: len(ids) >= published + 100)
        assert connector.stats.events_delivered == stopped_at, "with a key that was too old, or with none"
        kms.fault = None
        wait_until(lambda: connector.stats.events_delivered >= published + 300, 30)
        assert connector.error is None
    ids_opened, versions = opened(bridge, registry)
    if len(ids_opened) < len(ids):  # stopped while some were still to come
        bridge.run(max_events=len(ids) - len(ids_opened))
        ids_opened, versions = opened(bridge, registry)
    assert ids_opened == ids
    assert versions == {1, 2}


def test_a_kms_that_is_away_from_the_start(bridge: Bridge, org: Org, kms: Double, registry: Registry) -> None:
    kms.fault = "away"
    ids = org.publish_many(EVENT, [{FIELD: EMAIL}] * 50)
    connector = bridge.start(max_events=50)
    try:
        wait_until(lambda: kms.refused >= 2)
        assert list(read(bridge.broker, bridge.topic, timeout=1)) == []
        kms.fault = None
        assert connector.join(30)
    finally:
        connector.stop()
    assert opened(bridge, registry) == (ids, {1})


def test_a_connector_that_ends_while_the_kms_is_away_goes_on_where_it_was(
    bridge: Bridge, org: Org, kms: Double, registry: Registry
) -> None:
    bridge.settings["errors.retry.timeout"] = "300"
    ids = org.publish_many(EVENT, [{FIELD: EMAIL}] * 50)
    bridge.run(max_events=50)
    kms.fault = "away"
    age(registry)
    ids += org.publish_many(EVENT, [{FIELD: EMAIL}] * 50)
    connector = bridge.start()
    wait_until(lambda: connector.state == "RESTARTING")
    connector.stop()
    assert connector.join(10)
    kms.fault = None
    assert opened(bridge, registry) == (ids[:50], {1})
    bridge.run(max_events=50)
    assert opened(bridge, registry) == (ids, {1, 2})
