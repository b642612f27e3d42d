"""The connector of change events: its properties, its channels, and what does not go together."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bridge.config import load_worker, subscription
from bridge.config.catalogue import Catalogue
from bridge.config.declarations import CHANGES, CONNECTOR, catalogue_of
from bridge.config.exports import read_export
from bridge.config.migration import Kind, migrate
from bridge.inspection.configuration import LOADER, config_infos, connector_config
from tests.unit.config.samples import EXAMPLE, VALID, WORKER, Faults, Load

OURS = {"salesforce.platform.event.name": None, "connector.class": "SalesforceCdcSource"}
LEAD = OURS | {"salesforce.cdc.name": "LeadChangeEvent"}
REGISTRY = WORKER | {"schema.registry.url": "http://localhost:1"}
SELF_MANAGED = "io.confluent.salesforce.SalesforceCdcSourceConnector"

# Confluent's definition of the managed connector (August 2026): what it has beside the platform event connector's
OF_CHANGES = {
    "salesforce.channel.type": (None, "high"),
    "salesforce.cdc.name": (None, "high"),
    "salesforce.channel.entities": ("", "medium"),
    "convert.changed.fields": ("false", "low"),
    "salesforce.initial.start": ("latest", "high"),
}


def test_the_managed_connectors_properties_are_there() -> None:
    for key, (default, importance) in OF_CHANGES.items():
        assert (CHANGES.properties[key].default, CHANGES.properties[key].importance) == (default, importance)
    assert CHANGES.properties["output.data.format"].valid == ("AVRO", "JSON", "JSON_SR", "PROTOBUF", "SF_API")
    assert "SF_API" not in CONNECTOR.properties["output.data.format"].valid
    assert not [key for key in CHANGES.properties if key.startswith("salesforce.platform.")]
    assert set(CONNECTOR.properties) - set(CHANGES.properties) == {
        key for key in CONNECTOR.properties if key.startswith("salesforce.platform.")
    }


@pytest.mark.parametrize(
    ("class_", "catalogue"),
    [
        ("SalesforceCdcSource", CHANGES),
        (SELF_MANAGED, CHANGES),
        ("SalesforcePlatformEventSource", CONNECTOR),
        ("", CONNECTOR),
    ],
)
def test_the_class_decides_which_properties_there_are(class_: str, catalogue: Catalogue) -> None:
    assert catalogue_of({"connector.class": class_}) is catalogue


@pytest.mark.parametrize(
    ("name", "more", "channel", "events"),
    [
        ("LeadChangeEvent", {}, "/data/LeadChangeEvent", ("LeadChangeEvent",)),
        (
            "Employee__ChangeEvent",
            {"salesforce.channel.type": "SINGLE"},
            "/data/Employee__ChangeEvent",
            ("Employee__ChangeEvent",),
        ),
        ("/data/LeadChangeEvent", {}, "/data/LeadChangeEvent", ("LeadChangeEvent",)),
        ("ChangeEvents", {}, "/data/ChangeEvents", ()),
        (
            "Sales__chn",
            {
                "salesforce.channel.type": "MULTI",
                "salesforce.channel.entities": "LeadChangeEvent, ContactChangeEvent",
            },
            "/data/Sales__chn",
            ("LeadChangeEvent", "ContactChangeEvent"),
        ),
    ],
)
def test_a_channel_is_subscribed_to(
    name: str, more: dict[str, str], channel: str, events: tuple[str, ...], loading: Load
) -> None:
    config = loading(OURS | {"salesforce.cdc.name": name} | more).connector
    assert subscription.channel(config) == channel
    assert subscription.events(config) == events
    assert subscription.is_change(config)
    assert (
        subscription.is_channel(config)
        is subscription.carries_more(config)
        is (name in ("ChangeEvents", "Sales__chn"))
    )


def test_the_self_managed_connectors_name_for_the_channel(loading: Load) -> None:
    given = OURS | {"connector.class": SELF_MANAGED, "salesforce.cdc.channel": "LeadChangeEvent"}
    config = loading(given).connector
    assert subscription.channel(config) == "/data/LeadChangeEvent"


@pytest.mark.parametrize(
    ("changes", "key", "part"),
    [
        ({"salesforce.cdc.name": None}, "salesforce.cdc.name", "required"),
        ({"salesforce.cdc.name": "Lead"}, "salesforce.cdc.name", "is LeadChangeEvent meant?"),
        ({"salesforce.cdc.name": "Leadchangeevent"}, "salesforce.cdc.name", "is LeadChangeEvent meant?"),
        ({"salesforce.cdc.name": "Employee__c"}, "salesforce.cdc.name", "is Employee__ChangeEvent meant?"),
        ({"salesforce.cdc.name": "Order_Placed__e"}, "salesforce.cdc.name", "SalesforcePlatformEventSource"),
        ({"salesforce.cdc.channel": "ContactChangeEvent"}, "salesforce.cdc.channel", "keep one"),
        ({"salesforce.channel.type": "MULTI"}, "salesforce.cdc.name", "needs a channel"),
        (
            {"salesforce.cdc.name": "ChangeEvents", "salesforce.channel.type": "SINGLE"},
            "salesforce.cdc.name",
            "one change event",
        ),
        ({"salesforce.channel.entities": "ContactChangeEvent"}, "salesforce.channel.entities", "of no use"),
        (
            {"salesforce.cdc.name": "ChangeEvents", "salesforce.channel.entities": "Lead"},
            "salesforce.channel.entities",
            "is LeadChangeEvent meant?",
        ),
        (
            {
                "salesforce.cdc.name": "ChangeEvents",
                "salesforce.channel.entities": "LeadChangeEvent,LeadChangeEvent",
            },
            "salesforce.channel.entities",
            "twice",
        ),
        ({"bridge.record.key": "event_uuid"}, "bridge.record.key", "platform events"),
        ({"bridge.cdc.fields": "changed", "output.data.format": "AVRO"}, "bridge.cdc.fields", "JSON"),
        (
            {"bridge.cdc.tombstone.on.delete": "true"},
            "bridge.cdc.tombstone.on.delete",
            "bridge.record.key=record_id",
        ),
        ({"output.data.format": "SF_API", "csfle.enabled": "true"}, "csfle.enabled", "SF_API has no schema"),
        (
            {"output.data.format": "SF_API", "transforms": "a", "transforms.a.type": "x"},
            "transforms",
            "SF_API",
        ),
        ({"request.max.retries.time.ms": "999"}, "request.max.retries.time.ms", "at least 1000"),
        (
            {"salesforce.platform.event.name": "A__e"},
            "salesforce.platform.event.name",
            "not a known property",
        ),
    ],
)
def test_what_is_wrong_is_named(changes: dict[str, str | None], key: str, part: str, faults: Faults) -> None:
    found = faults(LEAD | changes, worker=REGISTRY)
    assert part in found.get(key, f"nothing of {key}: {found}")


def test_encryption_wants_the_events_of_a_channel_named(faults: Faults) -> None:
    given = OURS | {
        "salesforce.cdc.name": "ChangeEvents",
        "csfle.enabled": "true",
        "output.data.format": "AVRO",
        "kafka.topic": "x-${_ObjectType}",
    }
    assert set(faults(given, worker=REGISTRY)) == {"salesforce.channel.entities"}


def test_several_objects_in_one_topic_need_a_subject_each(faults: Faults) -> None:
    strategy = "value.converter.value.subject.name.strategy"
    given = OURS | {"salesforce.cdc.name": "ChangeEvents", "output.data.format": "AVRO", "kafka.topic": "x"}
    assert set(faults(given, worker=REGISTRY)) == {strategy}
    assert faults(given | {strategy: "TopicRecordNameStrategy"}, worker=REGISTRY) == {}
    assert faults(given | {"kafka.topic": "x-${_ObjectType}"}, worker=REGISTRY) == {}
    assert faults(given | {"salesforce.channel.entities": "LeadChangeEvent"}, worker=REGISTRY) == {}


def test_sf_api_is_for_change_events(faults: Faults) -> None:
    assert faults(LEAD | {"output.data.format": "SF_API"}) == {}
    assert set(faults({"output.data.format": "SF_API"})) == {"output.data.format"}


def test_a_managed_connector_migrates(tmp_path: Path) -> None:
    exported = {
        key: value for key, value in EXAMPLE.items() if not key.startswith("salesforce.platform.")
    } | {
        "connector.class": "SalesforceCdcSource",
        "salesforce.channel.type": "SINGLE",
        "salesforce.cdc.name": "LeadChangeEvent",
        "convert.changed.fields": "false",
        "connection.max.message.size": "1048576",
    }
    path = tmp_path / "exported.json"
    path.write_text(json.dumps({"name": "x", "config": exported}))
    migrated = migrate(read_export(path), LOADER)
    assert not [f for f in migrated.findings if f.kind in (Kind.REFUSED, Kind.DROPPED)]
    assert "connection.max.message.size" in [f.key for f in migrated.findings if f.kind is Kind.CHECK]
    filled = {
        key: VALID.get(key, "x") if value.startswith("${") else value
        for key, value in migrated.connector.items()
    }
    assert subscription.channel(connector_config(filled)) == "/data/LeadChangeEvent"


def test_a_self_managed_connector_migrates() -> None:
    given = {
        "name": "cdc",
        "connector.class": SELF_MANAGED,
        "kafka.topic": "Leads",
        "salesforce.cdc.channel": "LeadChangeEvent",
        "curl.logging": "true",
        "confluent.license": "",
        "confluent.topic.bootstrap.servers": "broker:9092",
        "confluent.topic.replication.factor": "1",
        "key.converter": "org.apache.kafka.connect.json.JsonConverter",
        "salesforce.username": "me@example.com",
        "salesforce.password": "p",
        "salesforce.password.token": "",
        "salesforce.consumer.key": "k",
        "salesforce.consumer.secret": "s",
        "request.max.retries.time.ms": "900000",
        "value.converter": "org.apache.kafka.connect.json.JsonConverter",
    }
    migrated = migrate(given, LOADER)
    assert not [f for f in migrated.findings if f.kind is Kind.REFUSED]
    assert {f.key.partition(".")[0] for f in migrated.findings if f.kind is Kind.DROPPED} == {
        "confluent",
        "curl",
    }
    assert migrated.connector["salesforce.cdc.channel"] == "LeadChangeEvent"
    assert "salesforce.cdc.name" not in migrated.connector
    both = migrate(
        given | {"salesforce.cdc.name": "LeadChangeEvent"}, LOADER
    )  # as the connector's examples have it
    assert not [f for f in both.findings if f.kind is Kind.REFUSED]
    assert migrated.connector["kafka.topic.lowercase"] == "false"


def test_validation_by_rest_tells_of_its_own_properties() -> None:
    worker = load_worker(None, environ={})
    infos = config_infos({"connector.class": "SalesforceCdcSource", "name": "x"}, worker, unknown="warn")
    named = {one["definition"]["name"]: one["value"]["errors"] for one in infos["configs"]}
    assert "salesforce.platform.event.name" not in named
    assert named["salesforce.cdc.name"]
