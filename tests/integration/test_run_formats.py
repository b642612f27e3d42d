"""JSON Schema and Protobuf through the registry: official readers, evolution while running, foreign schemas."""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka.schema_registry import SchemaRegistryClient
from confluent_kafka.schema_registry.json_schema import JSONDeserializer
from confluent_kafka.schema_registry.protobuf import ProtobufDeserializer
from confluent_kafka.serialization import MessageField, SerializationContext
from google.protobuf.descriptor_pb2 import FileDescriptorProto
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message_factory import GetMessageClass
from google.protobuf.timestamp_pb2 import DESCRIPTOR as TIMESTAMP
from google.type.date_pb2 import DESCRIPTOR as DATE

from bridge.sandbox import samples
from bridge.sandbox.org import Org
from bridge.sandbox.registry import Registry
from tests.support.bridge_run import EVENT, WIDER, Bridge, running, wait_until
from tests.support.kafka_broker import Broker
from tests.support.kafka_client import read
from tests.support.registry_client import asked

NAME = "io.confluent.salesforce.Order_Placed__e"


@pytest.fixture
def bridge(tmp_path: Path, broker: Broker, org: Org, registry: Registry) -> Bridge:
    bridge = Bridge.of(tmp_path, broker, org)
    bridge.worker["schema.registry.url"] = registry.url
    return bridge


def message_type(registry: Registry, subject: str) -> Any:
    """The class of the latest version, from the registry's own descriptor of it."""
    found = asked(registry, f"/subjects/{subject}/versions/latest?format=serialized")
    import base64

    proto = FileDescriptorProto.FromString(base64.b64decode(found["schema"]))
    pool = DescriptorPool()
    for known in (TIMESTAMP, DATE):
        pool.AddSerializedFile(known.serialized_pb)
    pool.AddSerializedFile(proto.SerializeToString())
    return GetMessageClass(pool.FindMessageTypeByName(NAME))


def reader(bridge: Bridge, registry: Registry) -> Callable[[bytes], Any]:
    """The official client's deserializer of the format."""
    client = SchemaRegistryClient({"url": registry.url, "timeout": 10})
    context = SerializationContext(bridge.topic, MessageField.VALUE)
    if bridge.settings["output.data.format"] == "PROTOBUF":
        kind = message_type(registry, f"{bridge.topic}-value")
        protobuf = ProtobufDeserializer(kind, {"use.deprecated.format": False}, client)
        return lambda data: protobuf(data, context)
    schema = JSONDeserializer(None, schema_registry_client=client)
    return lambda data: schema(data, context)


def decoded(bridge: Bridge, registry: Registry) -> list[Any]:
    deserialize = reader(bridge, registry)
    return [deserialize(message.value()) for message in read(bridge.broker, bridge.topic)]


def test_the_official_client_reads_every_field_of_json_schema(
    bridge: Bridge, org: Org, registry: Registry
) -> None:
    bridge.settings["output.data.format"] = "JSON_SR"
    ids = org.publish_many(EVENT, 50)
    bridge.run(max_events=50)
    values = decoded(bridge, registry)
    assert [int(value["ReplayId"]) for value in values] == ids
    assert values[0]["CreatedDate"] == pytest.approx(time.time() * 1000, abs=60_000)
    assert isinstance(values[0]["Amount__c"], float)
    assert values[0]["Is_Gift__c"] in (True, False)
    assert datetime.fromtimestamp(values[0]["Delivery_Date__c"] * 86400, UTC).year == 2026
    subject = f"{bridge.topic}-value"
    assert asked(registry, f"/subjects/{subject}/versions/1")["schemaType"] == "JSON"
    assert asked(registry, f"/config/{subject}")["compatibilityPolicy"] == "LENIENT"


def test_the_official_client_reads_every_field_of_protobuf(
    bridge: Bridge, org: Org, registry: Registry
) -> None:
    bridge.settings["output.data.format"] = "PROTOBUF"
    ids = org.publish_many(EVENT, 50)
    bridge.run(max_events=50)
    values = decoded(bridge, registry)
    assert [int(value.ReplayId) for value in values] == ids
    assert values[0].CreatedDate.ToDatetime(UTC).timestamp() == pytest.approx(time.time(), abs=60)
    assert values[0].Delivery_Date__c.year == 2026
    assert {field.name for field in values[0].DESCRIPTOR.fields} >= {
        f.name for f in samples.ORDER_PLACED.fields
    }
    assert asked(registry, f"/subjects/{bridge.topic}-value/versions/1")["schemaType"] == "PROTOBUF"


@pytest.mark.parametrize("form", ["JSON_SR", "PROTOBUF"])
def test_a_new_field_is_a_new_version_while_running(
    bridge: Bridge, org: Org, registry: Registry, form: str
) -> None:
    bridge.settings["output.data.format"] = form
    with running(bridge) as connector:
        org.publish_many(EVENT, 3)
        wait_until(lambda: connector.stats.events_delivered == 3)
        org.define(WIDER)
        org.publish(EVENT, {"Order_Number__c": "O-9", "Coupon__c": "TEN"})
        wait_until(lambda: connector.stats.events_delivered == 4)
    assert asked(registry, f"/subjects/{bridge.topic}-value/versions") == [1, 2]
    values = decoded(bridge, registry)
    if form == "PROTOBUF":
        assert [value.Coupon__c for value in values] == ["", "", "", "TEN"]
        assert values[3].Order_Number__c == "O-9"
    else:
        assert [value.get("Coupon__c") for value in values] == [None, None, None, "TEN"]


FOREIGN = """syntax = "proto3";
package io.confluent.salesforce;

// not ours
message Other {
  string x = 1;
}
message Order_Placed__e {
  reserved 9;
  string Order_Number__c = 7;
  string ReplayId = 100;
}
"""


def test_a_foreign_protobuf_schema_keeps_its_numbers(bridge: Bridge, org: Org, registry: Registry) -> None:
    bridge.settings["output.data.format"] = "PROTOBUF"
    subject = f"{bridge.topic}-value"
    asked(registry, f"/subjects/{subject}/versions", {"schema": FOREIGN, "schemaType": "PROTOBUF"})
    ids = org.publish_many(EVENT, 3)
    bridge.run(max_events=3)
    kind = message_type(registry, subject)
    numbers = {field.name: field.number for field in kind.DESCRIPTOR.fields}
    assert (numbers["Order_Number__c"], numbers["ReplayId"]) == (7, 100)
    assert (
        min(number for name, number in numbers.items() if name not in ("Order_Number__c", "ReplayId")) > 100
    )
    values = decoded(bridge, registry)
    assert [int(value.ReplayId) for value in values] == ids
    assert all(message.value()[5:7] == b"\x02\x02" for message in read(bridge.broker, bridge.topic))


def test_an_incompatible_change_is_named(bridge: Bridge, org: Org, registry: Registry) -> None:
    bridge.settings["output.data.format"] = "PROTOBUF"
    text = FOREIGN.replace("string Order_Number__c", "int64 Order_Number__c")
    asked(registry, f"/subjects/{bridge.topic}-value/versions", {"schema": text, "schemaType": "PROTOBUF"})
    org.publish_many(EVENT, 1)
    connector = bridge.start()
    assert connector.join(30)
    assert "field Order_Number__c is string, the registered schema has int64 for it" in str(connector.error)
