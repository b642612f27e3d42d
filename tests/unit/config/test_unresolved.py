"""A value that cannot be resolved is one fault: for every other rule the property counts as set."""

from __future__ import annotations

import pytest

from bridge.inspection.configuration import examine_files
from tests.support.memory_worker import GOOD

UNRESOLVED = "a ${env:NOBODY_SETS_THIS} b"
JAAS = 'org.apache.kafka.common.security.plain.PlainLoginModule required username="u" password="password-1";'
BROKERS = {"bootstrap.servers": "127.0.0.1:1", "schema.registry.url": "http://registry:8081", "group.id": "g"}
OWN_LOGIN = BROKERS | {"security.protocol": "SASL_SSL", "sasl.jaas.config": JAAS, "sasl.mechanism": "PLAIN"}
CLOUD = BROKERS | {
    "confluent.cloud.api.key": "cloud-key", "confluent.cloud.api.secret": "cloud-secret",
    "bridge.cloud.kafka.cluster.id": "lkc-1", "bridge.cloud.schema.registry.id": "lsrc-1",
}  # fmt: skip
ACCOUNT = GOOD | {
    "kafka.auth.mode": "SERVICE_ACCOUNT", "kafka.service.account.id": "sa-1", "sr.service.account.id": "sa-2",
    "output.data.format": "AVRO", "errors.tolerance": "all", "errors.deadletterqueue.topic.name": "dead",
    "topic.creation.default.partitions": "1", "topic.creation.default.replication.factor": "1",
    "transforms": "a", "transforms.a.type": "org.apache.kafka.connect.transforms.InsertField$Value",
    "transforms.a.static.field": "f", "transforms.a.static.value": "v",
}  # fmt: skip
# Of those that are not given, the ones that rules about others look at.
OF_CONNECTOR = (
    "kafka.api.key", "kafka.api.secret", "kafka.endpoint", "kafka.auth.mode", "connector.egress.whitelist",
    "key.converter", "header.converter", "value.converter", "predicates", "csfle.enabled", "exactly.once.support",
    "bridge.config.unknown", "bridge.record.key", "bridge.schema.on.incompatible", "kafka.topic.lowercase",
    "salesforce.grant.type", "salesforce.instance", "schema.registry.url", "value.converter.schema.registry.url",
    "topic.creation.default.partitions", "topic.creation.default.replication.factor",
)  # fmt: skip
OF_WORKER = (
    "security.protocol", "sasl.jaas.config", "sasl.mechanism", "sasl.username", "bridge.egress.allowed",
    "key.converter", "header.converter", "value.converter", "offset.storage.topic", "bridge.lifecycle.topic",
    "bridge.config.unknown", "connector.client.config.override.policy", "exactly.once.source.support",
    "bridge.rest.mask.literals", "bridge.rest.users.file", "listeners",
)  # fmt: skip
PAIRS = {  # of which one alone is a fault, whatever it is
    "kafka.api.key": "kafka.api.secret", "kafka.api.secret": "kafka.api.key", "sasl.username": "sasl.password",
    "topic.creation.default.partitions": "topic.creation.default.replication.factor",
    "topic.creation.default.replication.factor": "topic.creation.default.partitions",
}  # fmt: skip


def faults(connector: dict[str, str], worker: dict[str, str]) -> list[str]:
    return [fault.key for fault in examine_files(connector, worker, {}).faults]


@pytest.mark.parametrize(("connector", "worker"), [(GOOD, OWN_LOGIN), (ACCOUNT, CLOUD)], ids=["own", "cloud"])
def test_what_cannot_be_resolved_has_no_fault_that_follows(
    connector: dict[str, str], worker: dict[str, str]
) -> None:
    assert faults(connector, worker) == []
    of_connector = {
        key: faults(connector | {key: UNRESOLVED}, worker)
        for key in (*connector, *(key for key in OF_CONNECTOR if key not in connector))
        if key != "connector.class"  # which properties there are depends on it
    }
    of_worker = {
        key: faults(connector, worker | {key: UNRESOLVED})
        for key in (*worker, *(key for key in OF_WORKER if key not in worker))
    }
    for key, found in [*of_connector.items(), *of_worker.items()]:
        assert set(found) - {PAIRS.get(key)} == {key}, (key, found)


def test_who_resolves_references_is_no_reference() -> None:
    (fault, *more) = examine_files(GOOD, OWN_LOGIN | {"config.providers": "${env:X}"}, {"X": "file"}).faults
    assert (fault.key, more) == ("config.providers", [])
    assert "cannot hold a reference" in fault.message
