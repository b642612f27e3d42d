"""Transforms end to end: schema, key, topic and subject after the chain; where keys land; what fails."""

import json
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka.schema_registry import SchemaRegistryClient
from confluent_kafka.schema_registry.avro import AvroDeserializer
from confluent_kafka.schema_registry.json_schema import JSONDeserializer
from confluent_kafka.serialization import MessageField, SerializationContext
from google.protobuf.wrappers_pb2 import StringValue

from bridge.errors import Fatal, Stage
from bridge.model.framing import KEY_HEADER
from bridge.reading.decode import Decoder
from bridge.registry.http import http_of
from bridge.sandbox.org import Org
from bridge.sandbox.registry import Registry
from tests.support.bridge_run import EVENT, Bridge
from tests.support.kafka_broker import Broker
from tests.support.kafka_client import create_topic, read
from tests.support.registry_client import asked

APACHE = "org.apache.kafka.connect.transforms."
FIVE = {
    "transforms": "replace,cast,key,whole,route",
    "transforms.replace.type": f"{APACHE}ReplaceField$Value",
    "transforms.replace.exclude": "CreatedById",
    "transforms.replace.renames": "Order_Number__c:orderNumber",
    "transforms.cast.type": f"{APACHE}Cast$Value",
    "transforms.cast.spec": "Amount__c:string",
    "transforms.key.type": f"{APACHE}ValueToKey",
    "transforms.key.fields": "orderNumber",
    "transforms.whole.type": f"{APACHE}ExtractField$Key",
    "transforms.whole.field": "orderNumber",
    "transforms.route.type": f"{APACHE}RegexRouter",
    "transforms.route.regex": "(.*)",
    "transforms.route.replacement": "$1-routed",
}


@pytest.fixture
def bridge(tmp_path: Path, broker: Broker, org: Org) -> Bridge:
    return Bridge.of(tmp_path, broker, org)


def test_a_chain_in_avro(bridge: Bridge, broker: Broker, org: Org, registry: Registry) -> None:
    routed = create_topic(broker, f"{bridge.topic}-routed", partitions=3)
    bridge.settings |= FIVE | {"output.data.format": "AVRO"}
    bridge.worker["schema.registry.url"] = registry.url
    for number in range(8):
        org.publish(EVENT, {"Order_Number__c": f"O-{number % 4}", "Amount__c": 12.5})
    connector = bridge.run(max_events=8)
    assert connector.error is None
    assert asked(registry, "/subjects") == [f"{routed}-value"]
    deserialize = AvroDeserializer(SchemaRegistryClient({"url": registry.url, "timeout": 10}))
    messages = [message for partition in range(3) for message in read(broker, routed, partition=partition)]
    assert len(messages) == 8
    value: Any = deserialize(messages[0].value())
    assert {"orderNumber", "Amount__c", "ReplayId"} <= set(value)
    assert not {"CreatedById", "Order_Number__c"} & set(value)
    assert value["Amount__c"] == "12.5"
    assert {message.key() for message in messages} == {b"O-0", b"O-1", b"O-2", b"O-3"}
    for message in messages:
        assert message.partition() == java_partition(message.key(), 3)


@pytest.mark.parametrize("form", ["AVRO", "JSON_SR", "PROTOBUF"])
def test_a_value_that_is_no_struct_any_more(
    bridge: Bridge, broker: Broker, org: Org, registry: Registry, form: str
) -> None:
    """What ExtractField$Value leaves is written: a text, in Protobuf the wrapper message of it."""
    bridge.settings |= {
        "output.data.format": form,
        "transforms": "only",
        "transforms.only.type": f"{APACHE}ExtractField$Value",
        "transforms.only.field": "Order_Number__c",
    }
    bridge.worker["schema.registry.url"] = registry.url
    org.publish(EVENT, {"Order_Number__c": "O-1"})
    org.publish(EVENT, {"Order_Number__c": None})
    assert bridge.run(max_events=2).error is None
    first, second = read(broker, bridge.topic)
    context = SerializationContext(bridge.topic, MessageField.VALUE)
    client = SchemaRegistryClient({"url": registry.url, "timeout": 10})
    if form == "AVRO":
        assert AvroDeserializer(client)(first.value(), context) == "O-1"
    elif form == "JSON_SR":
        assert JSONDeserializer(None, schema_registry_client=client)(first.value(), context) == "O-1"
    else:
        # the official Python client cannot load a registered wrappers.proto beside its own
        assert StringValue.FromString(first.value()[7:]).value == "O-1"
    assert second.value() is None


@pytest.mark.parametrize("form", ["AVRO", "JSON_SR", "PROTOBUF"])
@pytest.mark.parametrize("keyed", [False, True])
def test_the_schema_named_in_a_header(
    bridge: Bridge, broker: Broker, org: Org, registry: Registry, form: str, keyed: bool
) -> None:
    """Read by the official client, whose default looks for the header first, and by ours."""
    serializer = "io.confluent.kafka.serializers.schema.id.HeaderSchemaIdSerializer"
    bridge.settings |= {"output.data.format": form, "value.converter.value.schema.id.serializer": serializer}
    if keyed:
        bridge.settings |= {
            "bridge.record.key": "field:Order_Number__c",
            "key.converter": "io.confluent.connect.avro.AvroConverter",
            "key.converter.key.schema.id.serializer": serializer,
        }
    bridge.worker["schema.registry.url"] = registry.url
    org.publish(EVENT, {"Order_Number__c": "O-1001"})
    assert bridge.run(max_events=1).error is None
    (message,) = read(broker, bridge.topic)
    headers = dict(message.headers())
    client = SchemaRegistryClient({"url": registry.url, "timeout": 10})
    context = SerializationContext(bridge.topic, MessageField.VALUE, message.headers())
    theirs: Any
    if form == "AVRO":
        theirs = AvroDeserializer(client)(message.value(), context)
    elif form == "JSON_SR":
        theirs = JSONDeserializer(None, schema_registry_client=client)(message.value(), context)
    else:
        theirs = {"Order_Number__c": "O-1001"}
        assert headers["__value_schema_id"][17:] == b"\0"
    assert theirs["Order_Number__c"] == "O-1001"
    assert len(headers["__value_schema_id"]) == 17 + (form == "PROTOBUF")
    ours = Decoder(http_of({"url": registry.url}, retry_seconds=5, longest_wait=1))
    assert ours.decode(message.value(), message.headers()).value["Order_Number__c"] == "O-1001"
    if keyed:
        key_context = SerializationContext(bridge.topic, MessageField.KEY, message.headers())
        assert AvroDeserializer(client)(message.key(), key_context) == "O-1001"
        assert ours.decode(message.key(), message.headers(), KEY_HEADER).value == "O-1001"


def test_keys_without_a_transform(bridge: Bridge, broker: Broker, org: Org) -> None:
    bridge.settings |= {"output.data.format": "JSON", "bridge.record.key": "field:Order_Number__c"}
    org.publish(EVENT, {"Order_Number__c": "O-1"})
    org.publish(EVENT, {"Order_Number__c": None})
    assert bridge.run(max_events=2).error is None
    assert [message.key() for message in read(broker, bridge.topic)] == [b"O-1", None]


def java_partition(key: bytes, partitions: int) -> int:
    """``Utils.toPositive(Utils.murmur2(key)) % partitions``, written down from Kafka's definition of murmur2."""
    mask, m = 0xFFFFFFFF, 0x5BD1E995
    h = (0x9747B28C ^ len(key)) & mask
    for start in range(0, len(key) // 4 * 4, 4):
        k = int.from_bytes(key[start : start + 4], "little") * m & mask
        k = (k ^ k >> 24) * m & mask
        h = (h * m & mask) ^ k
    rest = key[len(key) // 4 * 4 :]
    if rest:
        h = (h ^ int.from_bytes(rest, "little")) * m & mask
    h = (h ^ h >> 13) * m & mask
    return ((h ^ h >> 15) & 0x7FFFFFFF) % partitions


def test_an_avro_key_has_a_subject_of_its_own(
    bridge: Bridge, broker: Broker, org: Org, registry: Registry
) -> None:
    chain = {k: v for k, v in FIVE.items() if k.startswith("transforms.key.")}
    bridge.settings |= chain | {
        "transforms": "key",
        "transforms.key.fields": "Order_Number__c",
        "key.converter": "io.confluent.connect.avro.AvroConverter",
        "output.data.format": "AVRO",
        "schema.context.name": "crm",
    }
    bridge.worker["schema.registry.url"] = registry.url
    org.publish(EVENT, {"Order_Number__c": "O-1"})
    assert bridge.run(max_events=1).error is None
    assert asked(registry, "/subjects") == [f":.crm:{bridge.topic}-key", f":.crm:{bridge.topic}-value"]
    client = SchemaRegistryClient({"url": f"{registry.url}/contexts/.crm", "timeout": 10})
    key: Any = AvroDeserializer(client)(read(broker, bridge.topic)[0].key())
    assert key == {"Order_Number__c": "O-1"}


def test_a_routed_topic_is_created_and_its_source_need_not_exist(
    bridge: Bridge, broker: Broker, org: Org
) -> None:
    bridge.settings |= {key: value for key, value in FIVE.items() if ".route." in key} | {
        "transforms": "route",
        "kafka.topic": f"{bridge.name}-nowhere",
    }
    org.publish_many(EVENT, 2)
    bridge.settings["auto.restart.on.user.error"] = "false"
    refused = bridge.run(max_events=2).error
    assert refused is not None
    assert f"{bridge.name}-nowhere-routed does not exist" in refused.message
    bridge.settings |= {
        "topic.creation.default.partitions": "1",
        "topic.creation.default.replication.factor": "1",
    }
    assert bridge.run(max_events=2).error is None
    assert len(read(broker, f"{bridge.name}-nowhere-routed")) == 2


def test_headers_filter_and_position(bridge: Bridge, broker: Broker, org: Org) -> None:
    bridge.settings |= {
        "transforms": "mark,header,drop",
        "transforms.mark.type": f"{APACHE}InsertHeader",
        "transforms.mark.header": "source",
        "transforms.mark.value.literal": "salesforce",
        "transforms.header.type": f"{APACHE}HeaderFrom$Value",
        "transforms.header.fields": "EventUuid",
        "transforms.header.headers": "event-id",
        "transforms.header.operation": "move",
        "transforms.drop.type": f"{APACHE}Filter",
        "transforms.drop.predicate": "other",
        "transforms.drop.negate": "true",
        "predicates": "other",
        "predicates.other.type": f"{APACHE}predicates.TopicNameMatches",
        "predicates.other.pattern": ".*",
    }
    org.publish_many(EVENT, 3)
    assert bridge.run(max_events=3).error is None
    messages = read(broker, bridge.topic)
    headers = dict(messages[0].headers() or [])
    assert headers["source"] == b"salesforce"
    assert len(headers["event-id"]) == 36
    assert "EventUuid" not in json.loads(messages[0].value())
    bridge.settings["transforms.drop.negate"] = "false"
    last = org.publish_many(EVENT, 2)[-1]
    connector = bridge.run(until_idle=1)
    assert connector.error is None
    assert len(read(broker, bridge.topic)) == 3
    position = json.loads(read(broker, bridge.offsets)[-1].value())
    assert position["replayId"] == last


def test_what_a_transform_cannot_carry_is_put_aside(bridge: Bridge, broker: Broker, org: Org) -> None:
    bridge.settings |= {
        "transforms": "cast",
        "transforms.cast.type": f"{APACHE}Cast$Value",
        "transforms.cast.spec": "Order_Number__c:int32",
    }
    org.publish(EVENT, {"Order_Number__c": "7"})
    bad = org.publish(EVENT, {"Order_Number__c": "secret"})
    bridge.settings["auto.restart.on.user.error"] = "false"
    connector = bridge.run(max_events=5)
    assert isinstance(connector.error, Fatal)
    assert connector.error.stage is Stage.TRANSFORMATION
    assert connector.error.position == bad
    assert "transforms.cast" in connector.error.message
    assert "secret" not in connector.error.message
    dead = create_topic(broker, f"{bridge.name}-dead")
    bridge.settings |= {"errors.tolerance": "all", "errors.deadletterqueue.topic.name": dead}
    bridge.settings["errors.deadletterqueue.context.headers.enable"] = "true"
    assert bridge.run(until_idle=1).error is None
    assert [json.loads(m.value())["Order_Number__c"] for m in read(broker, bridge.topic)] == [7]
    letters = read(broker, dead)
    assert len(letters) == 1
    assert dict(letters[0].headers() or [])["__connect.errors.stage"] == b"TRANSFORMATION"


def test_a_topic_for_each_month(bridge: Bridge, broker: Broker, org: Org, registry: Registry) -> None:
    bridge.settings |= {
        "transforms": "route",
        "transforms.route.type": "io.confluent.connect.transforms.ExtractTopic$Value",
        "transforms.route.field": "Order_Number__c",
        "output.data.format": "AVRO",
    }
    bridge.worker["schema.registry.url"] = registry.url
    topics = [create_topic(broker, f"{bridge.name}-{name}") for name in ("a", "b")]
    for number in range(6):
        org.publish(EVENT, {"Order_Number__c": topics[number % 2]})
    connector = bridge.run(max_events=6)
    assert connector.error is None
    assert [len(read(broker, topic)) for topic in topics] == [3, 3]
    assert asked(registry, "/subjects") == [f"{topic}-value" for topic in topics]
