"""Records of the bridge as the official Python client reads them, with its field encryption."""

from __future__ import annotations

from typing import Any

from confluent_kafka.schema_registry import SchemaRegistryClient
from confluent_kafka.schema_registry.avro import AvroDeserializer
from confluent_kafka.schema_registry.json_schema import JSONDeserializer
from confluent_kafka.schema_registry.protobuf import ProtobufDeserializer
from confluent_kafka.schema_registry.rule_registry import RuleRegistry
from confluent_kafka.schema_registry.rules.encryption.encrypt_executor import (
    EncryptionExecutor,
    FieldEncryptionExecutor,
)
from confluent_kafka.schema_registry.rules.encryption.localkms.local_driver import LocalKmsDriver
from confluent_kafka.serialization import MessageField, SerializationContext

from bridge.languages.protobuf.descriptors import load, message_class
from bridge.sandbox.registry import Registry
from tests.support.encryption import EVENT, SECRET
from tests.support.registry_client import asked


def read(registry: Registry, form: str, message: bytes, topic: str = "orders") -> dict[str, Any]:
    """With the official client and its field encryption."""
    LocalKmsDriver.register()
    rules = RuleRegistry()  # type: ignore[no-untyped-call]  # the client's own
    rules.register_executor(FieldEncryptionExecutor())
    rules.register_executor(EncryptionExecutor())
    client = SchemaRegistryClient({"url": registry.url, "timeout": 10})
    rule_conf = {"secret": SECRET}
    made: Any
    if form == "AVRO":
        made = AvroDeserializer(client, conf={}, rule_conf=rule_conf, rule_registry=rules)
    elif form == "JSON_SR":
        made = JSONDeserializer(
            None,
            schema_registry_client=client,
            conf={"validate": False},
            rule_conf=rule_conf,
            rule_registry=rules,
        )
    else:
        text = asked(registry, f"/subjects/{topic}-value/versions/latest")["schema"]
        cls = message_class(load(text), f"io.confluent.salesforce.{EVENT}")
        made = ProtobufDeserializer(
            cls, {"use.deprecated.format": False}, client, rule_conf=rule_conf, rule_registry=rules
        )
    found = made(message, SerializationContext(topic, MessageField.VALUE))
    if form == "PROTOBUF":
        return {f.name: v for f, v in found.ListFields()}
    assert isinstance(found, dict)
    return found
