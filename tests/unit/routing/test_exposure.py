"""A protected value is no topic: judged before a route is resolved, a topic asked for or a subject registered."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from bridge.errors import BridgeError, Fatal
from bridge.sandbox.registry import Registry
from tests.support.encryption import EVENT, ID, contract, event, loaded, writers
from tests.support.registry_client import asked

EMAIL = "zdenka.tajemna"
FIELDS = "Customer_Email__c: {tags: [PII]}"
FORMS = ["AVRO", "JSON_SR", "PROTOBUF"]
KEYED = {"bridge__record__key": "field:Customer_Email__c"}
BY_RECORD = {"value__converter__value__subject__name__strategy": "RecordNameStrategy"}
TEMPLATE = {"kafka__topic": "x-${Customer_Email__c}"}
EXTRACT = {
    "transforms": "t",
    "transforms__t__type": "io.confluent.connect.transforms.ExtractTopic$Value",
    "transforms__t__field": "Customer_Email__c",
}
RENAMED = {
    "transforms": "r,t",
    "transforms__r__type": "org.apache.kafka.connect.transforms.ReplaceField$Value",
    "transforms__r__renames": "Customer_Email__c:who",
    "transforms__t__type": "io.confluent.connect.transforms.ExtractTopic$Value",
    "transforms__t__field": "who",
}
CASES = {
    "template": TEMPLATE | BY_RECORD,
    "template and transforms": TEMPLATE | EXTRACT | {"transforms__t__field": "Order_Number__c"},
    "extracted": EXTRACT,
    "extracted after a renaming": RENAMED,
    "extracted, subject by record": EXTRACT | BY_RECORD,
}
RULES = {
    "domainRules": [
        {
            "name": "pii", "kind": "TRANSFORM", "type": "ENCRYPT", "mode": "WRITEREAD", "tags": ["PII"],
            "params": {"encrypt.kek.name": "sales", "encrypt.kms.type": "local-kms", "encrypt.kms.key.id": "k"},
        }
    ]
}  # fmt: skip


def subjects(registry: Registry) -> list[str]:
    found: list[str] = asked(registry, "/subjects")
    return found


def refused(registry: Registry, path: Path | None, settings: dict[str, str], **payload: Any) -> BridgeError:
    """Why there is no route, with which topics were asked for."""
    resolver = writers(registry.url, path, **settings)
    with pytest.raises(Fatal) as error:
        resolver.resolve(ID, event(**{"Customer_Email__c": EMAIL, "Order_Number__c": "o-1", **payload}))
    assert EMAIL not in error.value.message
    return error.value


def register(registry: Registry, subject: str, name: str) -> None:
    """A version whose tags and rules nobody else knows."""
    field = {
        "name": "Customer_Email__c",
        "type": ["null", "string"],
        "default": None,
        "confluent:tags": ["PII"],
    }
    schema = {"type": "record", "name": name, "namespace": "io.confluent.salesforce", "fields": [field]}
    body = {"schema": json.dumps(schema), "ruleSet": RULES}
    asked(registry, f"/subjects/{subject}/versions", body)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("case", CASES)
def test_no_topic_is_made_of_a_protected_field(
    tmp_path: Path, registry: Registry, form: str, case: str
) -> None:
    settings = CASES[case] | {"output__data__format": form}
    error = refused(registry, contract(tmp_path, FIELDS), settings)
    assert "the field Customer_Email__c" in error.message or "the field who" in error.message
    assert "into the topic" in error.message
    assert subjects(registry) == []


@pytest.mark.parametrize("form", FORMS)
def test_no_key_is_made_of_a_protected_field(tmp_path: Path, registry: Registry, form: str) -> None:
    error = refused(registry, contract(tmp_path, FIELDS), KEYED | {"output__data__format": form})
    assert error.message.startswith("bridge.record.key puts the field Customer_Email__c")
    assert subjects(registry) == []


@pytest.mark.parametrize("case", ["template", "extracted, subject by record"])
def test_tags_that_only_the_registry_has_count_before_anything_is_registered(
    registry: Registry, case: str
) -> None:
    register(registry, f"io.confluent.salesforce.{EVENT}", EVENT)
    assert "into the topic" in refused(registry, None, CASES[case]).message
    assert asked(registry, f"/subjects/io.confluent.salesforce.{EVENT}/versions") == [1]


@pytest.mark.parametrize("case", ["extracted", "extracted after a renaming"])
def test_so_do_those_of_the_subject_that_the_event_would_have_without_its_transforms(
    registry: Registry, case: str
) -> None:
    register(registry, "orders-value", EVENT)
    assert "into the topic" in refused(registry, None, CASES[case]).message
    assert subjects(registry) == ["orders-value"]


def test_where_rules_meet_nothing_any_more_no_topic_is_made_of_values(registry: Registry) -> None:
    field = {"name": "Customer_Email__c", "type": ["null", "string"], "default": None}
    schema = {"type": "record", "name": EVENT, "namespace": "io.confluent.salesforce", "fields": [field]}
    asked(registry, "/subjects/orders-value/versions", {"schema": json.dumps(schema), "ruleSet": RULES})
    assert "meet no field of the event" in refused(registry, None, EXTRACT).message
    assert subjects(registry) == ["orders-value"]
    acknowledged = EXTRACT | {"bridge__csfle__allow__plaintext": "true"}
    sample = event(Customer_Email__c=EMAIL)
    assert writers(registry.url, None, **acknowledged).resolve(ID, sample).record is not None


@pytest.mark.parametrize("case", ["extracted", "template and transforms"])
def test_tags_without_a_rule_anywhere_count(tmp_path: Path, registry: Registry, case: str) -> None:
    path = contract(tmp_path, FIELDS, rules="[]")
    assert "into the topic" in refused(registry, path, CASES[case]).message
    assert subjects(registry) == []


def test_where_plaintext_is_acknowledged_a_tag_without_a_rule_protects_nothing(
    tmp_path: Path, registry: Registry
) -> None:
    path = contract(tmp_path, FIELDS, rules="[]")
    sample = event(Customer_Email__c=EMAIL)
    settings = EXTRACT | {"bridge__csfle__allow__plaintext": "true"}
    route = writers(registry.url, path, **settings).resolve(ID, sample)
    assert route.record is not None
    record = route.record(sample)
    assert record is not None
    assert record.topic == EMAIL


def test_a_pattern_counts_before_any_version_has_the_field(registry: Registry) -> None:
    """The field is new in the event: the registry's pattern speaks of it, no schema does yet."""
    schema = {"type": "record", "name": EVENT, "namespace": "io.confluent.salesforce", "fields": []}
    body = {
        "schema": json.dumps(schema),
        "ruleSet": RULES,
        "metadata": {"tags": {"**.Customer_Email__c": ["PII"]}},
    }
    asked(registry, "/subjects/orders-value/versions", body)
    assert "into the topic" in refused(registry, None, EXTRACT).message
    assert subjects(registry) == ["orders-value"]


def test_a_field_that_nobody_protects_names_the_topic(tmp_path: Path, registry: Registry) -> None:
    path = contract(tmp_path, FIELDS)
    settings = EXTRACT | {"transforms__t__field": "Order_Number__c"}
    resolver = writers(registry.url, path, **settings)
    sample = event(Customer_Email__c=EMAIL, Order_Number__c="o-1")
    route = resolver.resolve(ID, sample)
    assert route.record is not None
    record = route.record(sample)
    assert record is not None
    assert record.topic == "o-1"
    assert EMAIL.encode() not in (record.value or b"")


def test_what_is_wrong_with_a_topic_of_the_event_is_said_without_its_name(registry: Registry) -> None:
    """Nobody knows yet what is protected: no contract, no rule in any subject."""
    error = refused(registry, None, EXTRACT)
    assert "a topic that the event's values make" in error.message
    assert "has an enabled ENCRYPT rule" in error.message


@pytest.mark.parametrize("transforms", [{}, EXTRACT | {"transforms__t__field": "Order_Number__c"}])
def test_a_protected_moment_is_no_timestamp_of_the_record(
    tmp_path: Path, registry: Registry, transforms: dict[str, str]
) -> None:
    path = contract(tmp_path, "CreatedDate: {tags: [PII]}", otherwise="string")
    settings = transforms | {"bridge__record__timestamp": "created_date"}
    error = refused(registry, path, settings, CreatedDate="2026-01-01T00:00:00Z")
    assert "bridge.record.timestamp puts the field CreatedDate into the record's timestamp" in error.message


def test_without_encryption_nothing_is_judged(tmp_path: Path, registry: Registry) -> None:
    settings = TEMPLATE | BY_RECORD | {"csfle__enabled": "false"}
    path = contract(tmp_path, FIELDS, rules="[]")
    sample = event(Customer_Email__c=EMAIL)
    route = writers(registry.url, path, **settings).resolve(ID, sample)
    assert route.record is not None
    record = route.record(sample)
    assert record is not None
    assert record.topic == f"x-{EMAIL}"
    assert loaded(registry.url, **settings).connector["kafka.topic"] == "x-${Customer_Email__c}"
