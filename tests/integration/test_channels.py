"""Custom channels: several events, each with its schema and topic, one position; the event known by its schema."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from confluent_kafka.admin import AdminClient

from bridge.sandbox import samples
from bridge.sandbox.definition import EventDefinition, FieldDefinition
from bridge.sandbox.org import Org
from bridge.sandbox.registry import Registry
from tests.support.bridge_run import Bridge, running, wait_until
from tests.support.kafka_broker import Broker
from tests.support.kafka_client import create_topic, read
from tests.support.registry_client import asked, decoded

ORDERS, SHIPMENTS = "Order_Placed__e", "Shipment_Updated__e"
MORE = tuple(
    EventDefinition(f"Extra_{number}__e", (FieldDefinition(f"Value_{number}__c"),)) for number in range(5)
)
ENTITIES = (ORDERS, SHIPMENTS, *(event.name for event in MORE))


@pytest.fixture
def org(tmp_path: Path) -> Iterator[Org]:
    with Org((*samples.EVENTS, *MORE), directory=tmp_path / "org") as org:
        org.define_channel("Sales__chn", ENTITIES)
        yield org


@pytest.fixture
def bridge(tmp_path: Path, broker: Broker, org: Org, registry: Registry) -> Bridge:
    bridge = Bridge.of(tmp_path, broker, org)
    bridge.worker["schema.registry.url"] = registry.url
    bridge.settings |= {
        "output.data.format": "AVRO",
        "salesforce.platform.event.name": "",
        "salesforce.platform.subscription.type": "CUSTOM_CHANNEL",
        "salesforce.platform.custom.channel.name": "Sales__chn",
        "salesforce.platform.channel.entities": ", ".join(ENTITIES),
    }
    return bridge


def test_each_event_has_its_schema_and_its_topic_and_the_position_is_one(
    bridge: Bridge, org: Org, registry: Registry
) -> None:
    topics = {name: f"{bridge.topic}-{name.lower()}" for name in ENTITIES}
    for topic in topics.values():
        create_topic(bridge.broker, topic)
    bridge.settings["kafka.topic"] = f"{bridge.topic}-${{_ObjectType}}"
    published: dict[str, list[int]] = {name: [] for name in ENTITIES}
    for number in range(3):
        for name in ENTITIES:
            field = next(f.name for f in org.bus.definition(name).fields if f.type == "string")
            published[name].append(org.publish(name, {field: f"{name} {number}"}))
    total = sum(map(len, published.values()))
    bridge.run(max_events=total - 5)
    connector = bridge.run(max_events=5)
    assert connector.error is None
    for name, topic in topics.items():
        values = decoded(bridge, registry, topic)
        assert [int(value["ReplayId"]) for value in values] == published[name]
        assert {value["_ObjectType"] for value in values} == {name}
    assert bridge.position() == {"replayId": max(map(max, published.values()))}
    assert set(asked(registry, "/subjects")) == {f"{topic}-value" for topic in topics.values()}


def test_several_events_in_one_topic_by_the_records_name(
    bridge: Bridge, org: Org, registry: Registry
) -> None:
    bridge.settings["value.converter.value.subject.name.strategy"] = "TopicRecordNameStrategy"
    with running(bridge) as connector:
        org.publish(ORDERS, {"Order_Number__c": "O-1"})
        org.publish(SHIPMENTS, {"Tracking_Number__c": "T-1"})
        wait_until(lambda: connector.stats.events_delivered == 2)
        org.define(org.bus.definition(SHIPMENTS).with_field(FieldDefinition("New__c")))
        org.publish(SHIPMENTS, {"Tracking_Number__c": "T-2", "New__c": "yes"})
        org.publish(ORDERS, {"Order_Number__c": "O-2"})
        wait_until(lambda: connector.stats.events_delivered == 4)
    values = decoded(bridge, registry, bridge.topic)
    assert [value["_ObjectType"] for value in values] == [ORDERS, SHIPMENTS, SHIPMENTS, ORDERS]
    assert values[2]["New__c"] == "yes"
    subjects = {f"{bridge.topic}-io.confluent.salesforce.{name}": name for name in (ORDERS, SHIPMENTS)}
    assert set(asked(registry, "/subjects")) == set(subjects)
    assert asked(registry, f"/subjects/{bridge.topic}-io.confluent.salesforce.{SHIPMENTS}/versions") == [1, 2]


@pytest.mark.parametrize("form", ["AVRO", "JSON_SR", "PROTOBUF"])
def test_transforms_that_send_two_events_to_one_subject_are_refused(
    bridge: Bridge, org: Org, registry: Registry, form: str
) -> None:
    bridge.settings |= {
        "output.data.format": form,
        "kafka.topic": f"{bridge.topic}-${{_ObjectType}}",
        "transforms": "one",
        "transforms.one.type": "org.apache.kafka.connect.transforms.RegexRouter",
        "transforms.one.regex": f"{bridge.topic}-.*",
        "transforms.one.replacement": bridge.topic,
    }
    org.publish(ORDERS, {"Order_Number__c": "O-1"})
    org.publish(SHIPMENTS, {"Tracking_Number__c": "T-1"})
    connector = bridge.run(max_events=2)
    assert connector.error is not None
    assert f"{ORDERS} and io.confluent.salesforce.{SHIPMENTS} both come to topic" in connector.error.message
    assert "subject.name.strategy=RecordNameStrategy" in connector.error.message
    assert len(read(bridge.broker, bridge.topic)) == 1
    assert asked(registry, f"/subjects/{bridge.topic}-value/versions") == [1]


def test_json_of_every_event_in_one_topic(bridge: Bridge, org: Org) -> None:
    bridge.settings["output.data.format"] = "JSON"
    org.publish(ORDERS, {"Order_Number__c": "O-1"})
    org.publish("Extra_3__e", {"Value_3__c": "x"})
    bridge.run(max_events=2)
    assert [value["_ObjectType"] for value in bridge.values(2)] == [ORDERS, "Extra_3__e"]


def test_validate_looks_at_every_event_and_topic(
    bridge: Bridge, registry: Registry, capsys: pytest.CaptureFixture[str]
) -> None:
    from bridge.cli.main import main

    bridge.settings |= {
        "kafka.topic": f"{bridge.topic}-${{_ObjectType}}",
        "salesforce.platform.channel.entities": f"{ORDERS},{SHIPMENTS}",
    }
    create_topic(bridge.broker, f"{bridge.topic}-{ORDERS.lower()}")
    files = [str(bridge.connector_file()), "--worker", str(bridge.worker_file()), "--online"]
    assert main(["validate", *files]) == 1
    out = capsys.readouterr().out
    assert f"ok       event: {ORDERS} has 16 fields, {SHIPMENTS} has 10 fields" in out
    assert "ok       subscription: /event/Sales__chn can be subscribed to" in out
    assert f"FAILED   output topic: topic {bridge.topic}-{SHIPMENTS.lower()} does not exist" in out
    create_topic(bridge.broker, f"{bridge.topic}-{SHIPMENTS.lower()}")
    assert main(["validate", *files]) == 0
    assert capsys.readouterr().out.count("has no schema yet") == 2


def test_a_channel_that_is_not_there_is_named_and_leaves_no_topics(bridge: Bridge) -> None:
    bridge.settings |= {
        "salesforce.platform.custom.channel.name": "Nope__chn",
        "kafka.topic": f"{bridge.name}-of-${{_ObjectType}}",
        "topic.creation.default.partitions": "1",
        "topic.creation.default.replication.factor": "1",
        "errors.tolerance": "all",
        "errors.deadletterqueue.topic.name": f"{bridge.name}-of-dead",
        "errors.deadletterqueue.topic.replication.factor": "1",
    }
    error = bridge.run().error
    assert error is not None
    assert "check salesforce.platform.custom.channel.name" in error.message
    topics = AdminClient(bridge.broker.client()).list_topics(timeout=20).topics
    assert not [name for name in topics if name.startswith(f"{bridge.name}-of-")]
