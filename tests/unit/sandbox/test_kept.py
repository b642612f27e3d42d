"""A sandbox with ``kept=True`` that is started again has its events, its registry and its positions."""

import time
from pathlib import Path
from typing import Any

import pytest
import requests
from confluent_kafka import Consumer, Producer

from bridge.errors import ConfigurationError
from bridge.sandbox.definition import FieldDefinition
from bridge.sandbox.org.log import ALL_RETAINED, InvalidReplayId
from bridge.sandbox.samples import CHANGES, EVENTS, ORDER_PLACED
from bridge.sandbox.site import OFFSETS, Sandbox
from tests.support.bridge_run import wait_until

EVENT, CHANNEL = ORDER_PLACED.name, ORDER_PLACED.channel


def org_only(directory: Path) -> Sandbox:
    return Sandbox(directory, only=("org",), kept=True)


def retained(sandbox: Sandbox) -> list[bytes]:
    assert sandbox.org
    log = sandbox.org.bus.logs[CHANNEL]
    return log.read(log.start(ALL_RETAINED), 1000, 10_000_000)[0]


def test_the_org_is_the_one_it_was(tmp_path: Path) -> None:
    wider = ORDER_PLACED.with_field(FieldDefinition("Coupon__c"))
    with org_only(tmp_path) as first:
        assert first.org
        early = first.org.publish_many(EVENT, 3)
        schema = first.org.define(wider)
        late = first.org.publish(EVENT, {"Coupon__c": "x"})
        first.org.define_channel("Mine__chn", [EVENT])
        first.org.publish(EVENT, {"Coupon__c": "\ud800"})
        was = (first.org.url, first.org.org_id, first.org.ca_file.read_bytes(), retained(first))
    with org_only(tmp_path) as again:
        assert again.org
        assert (again.org.url, again.org.org_id, again.org.ca_file.read_bytes(), retained(again)) == was
        assert again.org.bus.schema_id(EVENT) == schema, "the definition of before, and the one before that"
        assert len(again.org.bus.by_schema) == len(EVENTS) + len(CHANGES) + 1
        assert again.org.bus.logs["/event/Mine__chn"].state()["retained"] == 1
        log = again.org.bus.logs[CHANNEL]
        assert log.start(early[-1]) == 3
        assert again.org.publish(EVENT, {}) > late
        assert again.org.bus.logs["/event/Mine__chn"].state()["retained"] == 2


def test_what_has_expired_stays_so(tmp_path: Path) -> None:
    with org_only(tmp_path) as first:
        assert first.org
        ancient = first.org.publish(EVENT, {}, created=time.time() - 73 * 3600)
    with org_only(tmp_path) as second:
        assert second.org
        log = second.org.bus.logs[CHANNEL]
        with pytest.raises(InvalidReplayId):
            log.start(ancient)
        expired = second.org.publish_many(EVENT, 2, created=time.time() - 60)
        retains = second.org.publish(EVENT, {})
        second.org.expire(time.time() - 30)
    with org_only(tmp_path) as again:
        assert again.org
        log = again.org.bus.logs[CHANNEL]
        assert log.start(retains)
        with pytest.raises(InvalidReplayId):
            log.start(expired[-1])
    with org_only(tmp_path) as third:
        assert third.org
        org_id = third.org.refresh()
    with org_only(tmp_path) as last:
        assert last.org
        assert (last.org.org_id, retained(last)) == (org_id, [])


def ask(method: str, url: str, body: Any = None) -> Any:
    answer = requests.request(method, url, json=body, timeout=20)
    assert answer.ok, answer.text
    return answer.json()


def test_the_registry_holds_what_it_held(tmp_path: Path) -> None:
    def everything(url: str) -> list[Any]:
        paths = ["subjects?deleted=true", "contexts", "schemas", "config", "config/:.crm:b", "mode/a"]
        paths += ["dek-registry/v1/keks", "dek-registry/v1/keks/k/deks/a", "schemas/ids/1/versions"]
        return [ask("GET", f"{url}/{path}") for path in paths]

    with Sandbox(tmp_path, only=("registry",), kept=True) as first:
        assert first.registry
        url = first.registry.url
        avro = '{"type":"record","name":"R","fields":[{"name":"f","type":"string"}]}'
        metadata = {"tags": {"R.f": ["PII"]}, "properties": {"owner": "\ud83d\ude00"}}
        rule = {"name": "pii", "kind": "TRANSFORM", "type": "ENCRYPT", "mode": "WRITEREAD", "tags": ["PII"]}
        body = {"schema": avro, "metadata": metadata, "ruleSet": {"domainRules": [rule]}}
        ask("POST", f"{url}/subjects/a/versions", body)
        other = {"schema": '{"type":"string"}', "references": [{"name": "R", "subject": "a", "version": 1}]}
        ask("POST", f"{url}/subjects/:.crm:b/versions", {"schema": '"int"'})
        ask("POST", f"{url}/subjects/c/versions", {**other, "schemaType": "AVRO"})
        ask("DELETE", f"{url}/subjects/c")
        ask("PUT", f"{url}/config/:.crm:b", {"compatibility": "FULL"})
        ask("PUT", f"{url}/mode/a", {"mode": "READONLY"})
        kek = {
            "name": "k",
            "kmsType": "local-kms",
            "kmsKeyId": "one",
            "kmsProps": {"secret": "s"},
            "shared": True,
        }
        ask("POST", f"{url}/dek-registry/v1/keks", kek)
        ask("POST", f"{url}/dek-registry/v1/keks/k/deks", {"subject": "a"})
        was = everything(url)
    with Sandbox(tmp_path, only=("registry",), kept=True) as again:
        assert again.registry
        assert again.registry.url == url
        assert everything(url) == was
        added = ask("POST", f"{url}/subjects/d/versions", {"schema": '"long"'})
        assert added["id"] == 3, "ids go on where they were"


def test_positions_are_put_back_and_the_secret_is_the_one_of_before(tmp_path: Path) -> None:
    with Sandbox(tmp_path, kept=True) as first:
        assert first.kafka
        first.write_files(encrypt=True)
        was = first.worker_file.read_text()
        producer = Producer({"bootstrap.servers": first.kafka.bootstrap, "log_level": 0})
        header = [("bridge-org-id", b"00D")]
        for topic in (OFFSETS, "mine-offsets", "orders"):
            producer.produce(topic, b'{"replayId":1}', b"gone")
            producer.produce(topic, b'{"replayId":2}', b"kept")
            producer.produce(topic, b'{"replayId":3}', b"kept", timestamp=1_700_000_000_000, headers=header)
            producer.produce(topic, None, b"gone")
        assert producer.flush(20) == 0
    with Sandbox(tmp_path, kept=True) as again:
        assert again.kafka
        again.write_files(encrypt=True)
        secret = [line for line in was.splitlines() if "secret" in line]
        assert secret
        assert [line for line in again.worker_file.read_text().splitlines() if "secret" in line] == secret
        records = [(m.topic(), m.key(), m.value(), m.headers(), m.timestamp()[1]) for m in read(again, 2)]
    put_back = (b"kept", b'{"replayId":3}', header, 1_700_000_000_000)
    assert sorted(records) == [("mine-offsets", *put_back), (OFFSETS, *put_back)]


def read(sandbox: Sandbox, count: int) -> list[Any]:
    assert sandbox.kafka
    settings = {"group.id": "test", "auto.offset.reset": "earliest", "log_level": 0}
    consumer = Consumer({"bootstrap.servers": sandbox.kafka.bootstrap, **settings})
    consumer.subscribe([OFFSETS, "mine-offsets", "orders"])
    messages: list[Any] = []

    def enough() -> bool:
        if (message := consumer.poll(0.1)) is not None and not message.error():
            messages.append(message)
        return len(messages) >= count

    wait_until(enough, 20, 0)
    consumer.close()
    return messages


def test_a_state_belongs_to_one_sandbox(tmp_path: Path) -> None:
    with (
        org_only(tmp_path),
        pytest.raises(ConfigurationError, match="is the state of a sandbox that is running"),
    ):
        org_only(tmp_path)
    with org_only(tmp_path):
        pass
    (tmp_path / "file").touch()
    with pytest.raises(ConfigurationError, match="--state: cannot keep state in"):
        org_only(tmp_path / "file")
