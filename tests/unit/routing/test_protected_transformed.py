"""Transforms and encryption together: a protected field stays protected under its new name, or nothing is written."""

from __future__ import annotations

from pathlib import Path

import pytest
from confluent_kafka.schema_registry import SchemaRegistryClient
from confluent_kafka.schema_registry.avro import AvroDeserializer
from confluent_kafka.schema_registry.rule_registry import RuleRegistry
from confluent_kafka.schema_registry.rules.encryption.encrypt_executor import FieldEncryptionExecutor
from confluent_kafka.schema_registry.rules.encryption.localkms.local_driver import LocalKmsDriver
from confluent_kafka.serialization import MessageField, SerializationContext

from bridge.errors import BadRecord, ConfigurationError, Fatal, Stage
from bridge.event import Record
from bridge.routing.route import Unprepared
from bridge.sandbox.registry import Registry
from tests.support.encryption import ID, SECRET, contract, event, writers
from tests.support.toy_transforms import installed

EMAIL = "alice@example.com"
TAGGED = "Customer_Email__c: {tags: [PII]}"
APACHE = "org.apache.kafka.connect.transforms."


def carried(registry: Registry, path: Path, **settings: str) -> Record:
    given = {f"transforms__{key if '__' in key else f'a__{key}'}": value for key, value in settings.items()}
    made = writers(registry.url, path, transforms="a,b" if "b__type" in settings else "a", **given)
    sample = event(Customer_Email__c=EMAIL, Order_Number__c="O-1")
    try:
        route = made.resolve(ID, sample)
        if route.record is None:  # no transform has to look at the event
            return Record(route.topic, route.convert(sample), sealed=route.sealed)
        try:
            record = route.record(sample)
        except Unprepared as target:
            target.prepare()
            record = route.record(sample)
    finally:
        made.close()
    assert record is not None
    return record


def opened(registry: Registry, message: bytes | None) -> dict[str, object]:
    LocalKmsDriver.register()
    rules = RuleRegistry()
    rules.register_executor(FieldEncryptionExecutor())
    client = SchemaRegistryClient({"url": registry.url, "timeout": 10})
    read = AvroDeserializer(client, conf={}, rule_conf={"secret": SECRET}, rule_registry=rules)
    found = read(message, SerializationContext("orders", MessageField.VALUE))
    assert isinstance(found, dict)
    return found


def test_a_renamed_field_is_encrypted_under_its_new_name(registry: Registry, tmp_path: Path) -> None:
    record = carried(
        registry,
        contract(tmp_path, TAGGED),
        type=APACHE + "ReplaceField$Value",
        renames="Customer_Email__c:email",
    )
    assert EMAIL.encode() not in (record.value or b"")
    assert opened(registry, record.value)["email"] == EMAIL
    assert record.sealed == 1


@pytest.mark.parametrize(
    "settings",
    [
        {"type": APACHE + "ValueToKey", "fields": "Customer_Email__c"},
        {
            "type": APACHE + "HeaderFrom$Value",
            "fields": "Customer_Email__c",
            "headers": "h",
            "operation": "move",
        },
        {"type": APACHE + "ExtractField$Value", "field": "Customer_Email__c"},
        {
            "type": APACHE + "ValueToKey",
            "fields": "Customer_Email__c",
            "b__type": "io.confluent.connect.transforms.Drop$Value",
        },
        {
            "type": APACHE + "ValueToKey",
            "fields": "Customer_Email__c",
            "b__type": APACHE + "ReplaceField$Value",
            "b__exclude": "Customer_Email__c",
        },
    ],
    ids=["key", "header", "whole", "tombstone", "key only"],
)
def test_it_gets_nowhere_in_plaintext(registry: Registry, tmp_path: Path, settings: dict[str, str]) -> None:
    with pytest.raises(Fatal, match="Customer_Email__c") as refused:
        carried(registry, contract(tmp_path, TAGGED), **settings)
    assert refused.value.stage is Stage.ENCRYPT
    assert EMAIL not in refused.value.message


def test_other_fields_may_be_keys(registry: Registry, tmp_path: Path) -> None:
    record = carried(
        registry, contract(tmp_path, TAGGED), type=APACHE + "ValueToKey", fields="Order_Number__c"
    )
    assert record.key == b"Struct{Order_Number__c=O-1}"
    assert EMAIL.encode() not in (record.value or b"")
    assert opened(registry, record.value)["Customer_Email__c"] == EMAIL


@pytest.mark.parametrize("form", ["AVRO", "JSON_SR", "PROTOBUF"])
@pytest.mark.parametrize("auto", ["true", "false"])
def test_a_contracts_tag_protects_a_field_that_is_hoisted(
    registry: Registry, tmp_path: Path, form: str, auto: str
) -> None:
    """The registered schema has the nested field without a tag, and keeps it so where nothing may be registered."""
    settings = {
        "transforms": "a",
        "transforms__a__type": APACHE + "HoistField$Value",
        "transforms__a__field": "all",
    }
    sample = event(Customer_Email__c=EMAIL, Order_Number__c="O-1")
    for tagged, auto_register in (("Order_Number__c: {tags: [PII]}", "true"), (TAGGED, auto)):
        made = writers(
            registry.url, contract(tmp_path, tagged), **settings, output__data__format=form,
            value__converter__auto__register__schemas=auto_register,
        )  # fmt: skip
        route = made.resolve(ID, sample)
        made.close()
        assert route.record is not None
        record = route.record(sample)
        assert record is not None
        assert (EMAIL.encode() not in (record.value or b"")) is (tagged is TAGGED)
    assert record.sealed == 2


def test_a_transform_of_ones_own_seals_what_it_makes_of_a_protected_field(
    registry: Registry, tmp_path: Path
) -> None:
    with installed(tmp_path):
        record = carried(registry, contract(tmp_path, TAGGED), type="org.example.Domain")
        assert b"example.com" not in (record.value or b"")
        assert opened(registry, record.value)["Domain__c"] == "example.com"
        assert record.sealed == 2


@pytest.mark.parametrize("name", ["Length", "Everything"])
def test_one_whose_result_cannot_be_sealed_is_refused(name: str, registry: Registry, tmp_path: Path) -> None:
    """A number made of it, and whatever a transform makes that says of nothing what it is made of."""
    with installed(tmp_path), pytest.raises((Fatal, ConfigurationError)) as refused:
        carried(registry, contract(tmp_path, TAGGED), type=f"org.example.{name}")
    assert EMAIL not in refused.value.message


def test_what_one_raises_about_a_protected_field_is_told_nowhere(registry: Registry, tmp_path: Path) -> None:
    with installed(tmp_path), pytest.raises(BadRecord) as refused:
        carried(registry, contract(tmp_path, TAGGED), type="org.example.Angry")
    assert EMAIL not in refused.value.message
