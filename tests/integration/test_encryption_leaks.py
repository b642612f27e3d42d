"""No plaintext of a protected field leaves the process: topics, logs, registry, errors, with bad events among good."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pytest

from bridge.reading.decrypt import Decrypter
from bridge.registry.http import http_of
from bridge.sandbox.org import Org
from bridge.sandbox.registry import Registry
from tests.support.bridge_run import EVENT, Bridge
from tests.support.encryption import SECRET, contract
from tests.support.kafka_broker import Broker
from tests.support.kafka_client import create_topic, read

NAME, EMAIL, PHONE = "Zdenka Tajemna-Plaintext", "zdenka.tajemna@example.org", "+420 605 999 111"
FIELDS = "Customer_Email__c: {tags: [PII]}, Notes__c: {tags: [PII]}, Order_Number__c: {tags: [PII]}"
PLAIN = [value.encode() for value in (NAME, EMAIL, PHONE, "Tajemna", "zdenka", "605 999")]


def everything(broker: Broker, *topics: str) -> list[Any]:
    return [message for topic in topics for message in read(broker, topic)]


def spilled(messages: list[Any]) -> list[bytes]:
    """Known plaintexts in keys, values and headers."""
    whole = b"\n".join(
        b"".join([m.key() or b"", m.value() or b"", *(h[1] or b"" for h in m.headers() or ())])
        for m in messages
    )
    return [plain for plain in PLAIN if plain in whole]


@pytest.mark.parametrize("form", ["AVRO", "JSON_SR", "PROTOBUF"])
def test_nothing_plain_in_topics_or_logs(
    tmp_path: Path, broker: Broker, org: Org, form: str, caplog: pytest.LogCaptureFixture
) -> None:
    with Registry() as registry, caplog.at_level(logging.DEBUG):
        bridge = Bridge.of(tmp_path, broker, org)
        dead = create_topic(broker, f"{bridge.topic}-dead")
        bridge.settings |= {
            "output.data.format": form,
            "csfle.enabled": "true",
            "bridge.schema.contract": str(contract(tmp_path, FIELDS)),
            "errors.tolerance": "all",
            "errors.log.enable": "true",
            "errors.log.include.messages": "true",
            "errors.deadletterqueue.topic.name": dead,
            "errors.deadletterqueue.topic.replication.factor": "1",
        }
        bridge.worker |= {
            "schema.registry.url": registry.url,
            "rule.executors._default_.param.secret": SECRET,
        }
        good = {"Order_Number__c": NAME, "Customer_Email__c": EMAIL, "Notes__c": PHONE, "Amount__c": 1.5}
        org.publish(EVENT, good)
        org.publish(EVENT, good | {"Customer_Email__c": {"not": EMAIL}})
        org.publish(EVENT, good | {"Delivery_Date__c": f"on {NAME}"})
        org.publish(EVENT, good)
        connector = bridge.run(max_events=4)
        assert connector.error is None, connector.error
        assert connector.stats.dead_letters == 2
        records, letters = everything(broker, bridge.topic), everything(broker, dead)
        assert len(records) == 2
        assert len(letters) == 2
        assert spilled(records + letters + everything(broker, bridge.offsets)) == []
        assert not [plain for plain in PLAIN if plain.decode() in caplog.text]
        assert "Customer_Email__c" in caplog.text
        from bridge.encryption.dek_registry import DekRegistry
        from bridge.encryption.deks import Deks

        http = http_of({"url": registry.url}, retry_seconds=1, longest_wait=1)
        keys = Deks(DekRegistry(http), {"secret": SECRET})
        values = Decrypter(http, keys, "", bridge.topic)
        assert [values.opened(m.value(), m.headers()).value["Customer_Email__c"] for m in records] == [
            EMAIL
        ] * 2
        put_aside = Decrypter(http, keys, "", dead)
        assert {put_aside.opened(m.value(), m.headers()).value["Notes__c"] for m in letters} == {PHONE}
