"""Change events: received by CometD, converted in all four formats, keyed, buried, encrypted; what of it is counted."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bridge.reading.decode import Decoder
from bridge.registry.http import http_of
from bridge.sandbox import samples
from bridge.sandbox.org import Org
from bridge.sandbox.registry import Registry
from tests.support.bridge_run import Bridge
from tests.support.encryption import PARAMS, RULE, SECRET
from tests.support.kafka_broker import Broker
from tests.support.kafka_client import create_topic, read

CONTACT, EMPLOYEE = "ContactChangeEvent", "Employee__ChangeEvent"
ADA = {
    "ChangeEventHeader": {"changeType": "CREATE", "recordIds": ["003A"]},
    "Name": {"Salutation": "Ms", "FirstName": "Ada", "LastName": "Winter"},
    "MailingAddress": {"Street": "1 Mill Lane", "City": "Bristol", "Latitude": 51.45},
    "Email": "ada@example.com",
    "Birthdate": "1990-02-03",
    "Score__c": 12.5,
    "Revenue__c": 1000.25,
    "Active__c": True,
    "LastModifiedDate": "2026-01-05T08:00:00.000Z",
}


@pytest.fixture
def org(tmp_path: Path) -> Iterator[Org]:
    with Org((*samples.EVENTS, *samples.CHANGES), directory=tmp_path / "org") as org:
        yield org


@pytest.fixture
def bridge(tmp_path: Path, broker: Broker, org: Org, registry: Registry) -> Bridge:
    bridge = Bridge.of(tmp_path, broker, org)
    bridge.worker["schema.registry.url"] = registry.url
    bridge.settings["salesforce.cdc.name"] = CONTACT
    return bridge


def header(type_: str, *ids: str, **more: Any) -> dict[str, Any]:
    return {"ChangeEventHeader": {"changeType": type_, "recordIds": list(ids), **more}}


def without_null(value: Any) -> Any:
    """Protobuf has no null: what is false or empty there may be null elsewhere. Dates are shown in different forms."""
    if isinstance(value, dict):
        value = {name: each for name, each in value.items() if name not in ("Birthdate", "LastModifiedDate")}
        kept = {name: without_null(each) for name, each in value.items()}
        return {name: each for name, each in kept.items() if each not in (None, False, "", [], {}, 0)}
    return value


def decoded_any(bridge: Bridge, registry: Registry) -> list[Any]:
    """The records, read as ``sfbridge consume`` does."""
    decoder = Decoder(http_of({"url": registry.url}, retry_seconds=1, longest_wait=1))
    return [decoder.decode(m.value()).value for m in read(bridge.broker, bridge.topic)]


def values(bridge: Bridge) -> list[Any]:
    return [json.loads(m.value() or b"null") for m in read(bridge.broker, bridge.topic)]


def test_changes_are_written_in_the_recorded_layout(bridge: Bridge, org: Org) -> None:
    first = org.publish(CONTACT, ADA)
    org.publish(CONTACT, header("UPDATE", "003A") | {"Name": {"FirstName": "Eva"}, "Email": None})
    last = org.publish(CONTACT, header("DELETE", "003A"))
    connector = bridge.run(max_events=3)
    assert connector.error is None
    created, updated, deleted = values(bridge)
    assert list(created)[:3] == ["Id", "ReplayId", "ChangeEventHeader"]
    assert list(created)[-2:] == ["_ObjectType", "_EventType"]
    assert created["Id"] == "003A"
    assert created["ReplayId"] == str(first)
    assert (created["Name"], created["FirstName"], created["LastName"]) == (None, "Ada", "Winter")
    assert created["MailingAddress"]["Street"] == "1 Mill Lane"
    assert created["MailingStreet"] is None
    assert created["Birthdate"] == 7338
    assert created["Revenue__c"] == "1000.25"
    assert created["LastModifiedDate"] == 1767600000000
    assert not {"IsDeleted", "SystemModstamp", "LastActivityDate"} & set(created)
    assert updated["ChangeEventHeader"]["changedFields"] == ["Email", "Name.FirstName"]
    assert (updated["FirstName"], updated["LastName"]) == ("Eva", None)
    assert {k: v for k, v in deleted.items() if v is not None} == {
        "Id": "003A",
        "ReplayId": str(last),
        "ChangeEventHeader": deleted["ChangeEventHeader"],
        "_ObjectType": CONTACT,
        "_EventType": org.bus.schema_id(CONTACT),
    }
    assert bridge.position() == {"replayId": last}
    messages = read(bridge.broker, bridge.topic)
    assert [m.key() for m in messages] == [None] * 3
    assert [m.headers() for m in messages] == [None, [("bridge.cdc.nulled.fields", b"Email")], None]


@pytest.mark.parametrize("form", ["AVRO", "JSON_SR", "PROTOBUF"])
def test_the_formats_with_a_schema_say_the_same(
    bridge: Bridge, org: Org, registry: Registry, form: str
) -> None:
    org.publish(CONTACT, ADA)
    org.publish(CONTACT, header("UPDATE", "003A", "003B") | {"Name": {"FirstName": "Eva"}, "Email": None})
    assert bridge.run(max_events=2).error is None
    plain = values(bridge)
    bridge.name, bridge.topic = f"{bridge.name}-x", create_topic(bridge.broker, f"{bridge.topic}-x")
    bridge.settings["output.data.format"] = form
    assert bridge.run(max_events=2).error is None
    assert [without_null(value) for value in decoded_any(bridge, registry)] == [
        without_null(v) for v in plain
    ]


def test_a_change_is_keyed_by_its_record_and_a_merged_one_by_each(
    bridge: Bridge, org: Org, registry: Registry
) -> None:
    bridge.settings |= {"bridge.record.key": "record_id", "bridge.cdc.tombstone.on.delete": "true"}
    org.publish(CONTACT, ADA)
    org.publish(CONTACT, header("UPDATE", "003A", "003B", "003C") | {"Phone": None})
    org.publish(CONTACT, header("DELETE", "003A", "003B"))
    connector = bridge.run(max_events=6)
    assert connector.error is None
    messages = read(bridge.broker, bridge.topic)
    assert [m.key() for m in messages] == [b"003A", b"003A", b"003B", b"003C", b"003A", b"003B"]
    written = values(bridge)
    assert [value["Id"] for value in written[:4]] == ["003A", "003A", "003B", "003C"]
    assert written[2]["ChangeEventHeader"]["recordIds"] == ["003A", "003B", "003C"]
    assert written[4:] == [None, None]
    assert messages[3].headers() == [("bridge.cdc.nulled.fields", b"Phone")]


def test_the_key_is_written_by_its_converter_and_the_time_is_that_of_the_commit(
    bridge: Bridge, org: Org, registry: Registry
) -> None:
    bridge.settings |= {
        "output.data.format": "AVRO",
        "bridge.record.key": "record_id",
        "bridge.record.timestamp": "created_date",
        "key.converter": "io.confluent.connect.avro.AvroConverter",
        "key.converter.schema.registry.url": registry.url,
        "transforms": "route",
        "transforms.route.type": "org.apache.kafka.connect.transforms.RegexRouter",
        "transforms.route.regex": "(.*)",
        "transforms.route.replacement": "$1",
    }
    org.publish(
        CONTACT, header("UPDATE", "003A", "003B", commitTimestamp=1767600000123) | {"CreatedDate": None}
    )
    assert bridge.run(max_events=2).error is None
    messages = read(bridge.broker, bridge.topic)
    assert [m.key()[5:] for m in messages] == [b"\x08003A", b"\x08003B"]
    assert [m.timestamp()[1] for m in messages] == [1767600000123] * 2


def test_gaps_and_overflows_are_carried_and_counted(bridge: Bridge, org: Org) -> None:
    types = ["GAP_CREATE", "GAP_UPDATE", "GAP_DELETE", "GAP_UNDELETE", "GAP_OVERFLOW"]
    for type_ in types:
        org.publish(CONTACT, header(type_, "000000000000000AAA" if type_ == "GAP_OVERFLOW" else "003A"))
    connector = bridge.run(max_events=5)
    assert connector.error is None
    assert [value["ChangeEventHeader"]["changeType"] for value in values(bridge)] == types
    assert values(bridge)[-1]["Id"] == "000000000000000AAA"
    assert (connector.stats.change_gaps, connector.stats.change_overflows) == (4, 1)


def test_a_difference_is_marked(bridge: Bridge, org: Org) -> None:
    bridge.settings |= {"convert.changed.fields": "true", "bridge.cdc.header": "full"}
    diff = "--- \n+++ 9f86d081884c7d65\n@@ -1 +1 @@"
    org.publish(
        CONTACT, header("UPDATE", "003A") | {"Name": {"FirstName": "Eva"}, "Description": {"diff": diff}}
    )
    assert bridge.run(max_events=1).error is None
    (value,) = values(bridge)
    assert value["Description"] == diff
    header_of_value = value["ChangeEventHeader"]
    assert header_of_value["changedFields"] == ["Description", "FirstName"]
    assert (header_of_value["nulledFields"], header_of_value["diffFields"]) == ([], ["Description"])
    (message,) = read(bridge.broker, bridge.topic)
    assert message.headers() == [("bridge.cdc.diff.fields", b"Description")]


def test_fields_that_did_not_change_are_left_out_where_that_is_wanted(bridge: Bridge, org: Org) -> None:
    bridge.settings["bridge.cdc.fields"] = "changed"
    enriched = {"changedFields": ["Name.FirstName", "MailingAddress.City", "Phone"]}
    org.publish(
        CONTACT,
        header("UPDATE", "003A", **enriched)
        | {"Name": {"FirstName": None}, "MailingAddress": {"City": None}, "Phone": None, "AccountId": "001X"},
    )
    assert bridge.run(max_events=1).error is None
    (value,) = values(bridge)
    del value["ChangeEventHeader"], value["ReplayId"], value["_EventType"]
    assert value == {
        "Id": "003A", "AccountId": "001X", "FirstName": None, "MailingAddress": {"City": None}, "Phone": None,
        "_ObjectType": CONTACT,
    }  # fmt: skip


def test_a_channel_carries_what_is_wanted_of_it(bridge: Bridge, org: Org) -> None:
    bridge.settings |= {"salesforce.cdc.name": "ChangeEvents", "salesforce.channel.type": "MULTI"}
    bridge.settings |= {
        "topic.creation.default.replication.factor": "1",
        "topic.creation.default.partitions": "1",
    }
    topics = {name: f"{bridge.topic}-{name.lower()}" for name in (CONTACT, EMPLOYEE)}  # made when they come
    bridge.settings["kafka.topic"] = f"{bridge.topic}-${{_ObjectType}}"
    org.publish(CONTACT, ADA)
    org.publish(EMPLOYEE, header("CREATE", "a01A") | {"Name": "Mei", "Salary__c": 1})
    assert bridge.run(max_events=2).error is None
    assert [len(read(bridge.broker, topic)) for topic in topics.values()] == [1, 1]
    (employee,) = (json.loads(m.value() or b"") for m in read(bridge.broker, topics[EMPLOYEE]))
    assert (employee["Name"], employee["_ObjectType"]) == ("Mei", EMPLOYEE)
    bridge.settings["salesforce.channel.entities"] = EMPLOYEE
    org.publish(CONTACT, ADA)
    last = org.publish(EMPLOYEE, header("UPDATE", "a01A") | {"Name": "Meike"})
    assert bridge.run(max_events=1).error is None
    assert [len(read(bridge.broker, topic)) for topic in topics.values()] == [1, 2]
    assert bridge.position() == {"replayId": last}


@pytest.mark.parametrize(("key", "written"), [("none", None), ("record_id", b"003A")])
def test_the_message_is_written_as_it_came(bridge: Bridge, org: Org, key: str, written: bytes | None) -> None:
    bridge.settings |= {"output.data.format": "SF_API", "bridge.record.key": key}
    first = org.publish(CONTACT, ADA)
    assert bridge.run(max_events=1).error is None
    (message,) = read(bridge.broker, bridge.topic)
    assert message.key() == written
    found = json.loads(message.value() or b"")
    assert list(found) == ["schema", "payload", "event"]
    assert found["schema"] == org.bus.schema_id(CONTACT)
    assert found["event"] == {"replayId": first}
    assert found["payload"]["Name"] == ADA["Name"]


@pytest.mark.parametrize("form", ["AVRO", "JSON_SR", "PROTOBUF"])
def test_what_is_classified_of_the_object_is_encrypted_from_the_first_event_on(
    bridge: Bridge, org: Org, registry: Registry, form: str, tmp_path: Path
) -> None:
    contract = tmp_path / "contract.yaml"
    contract.write_text(
        f"event: {CONTACT}\nclassification: {{complianceGroup: {{PII: PII}}}}\n"
        f"fields: {{MailingStreet: {{tags: [PII]}}, Description: {{tags: [PII]}}, LastModifiedById: {{tags: [PII]}}}}\n"
        f"rules: [{RULE % (PARAMS % '')}]\n"
    )
    bridge.settings |= {
        "output.data.format": form,
        "csfle.enabled": "true",
        "bridge.schema.contract": str(contract),
        "bridge.record.key": "record_id",
    }
    bridge.worker["rule.executors._default_.param.secret"] = SECRET
    secrets = {"Winter", "Ada", "ada@example.com", "1 Mill Lane", "a difference", "005SECRET"}
    org.publish(CONTACT, ADA | {"ChangeEventHeader": ADA["ChangeEventHeader"] | {"commitUser": "005SECRET"}})
    org.publish(
        CONTACT,
        header("UPDATE", "003A", changedFields=["Description"], commitUser="005SECRET")
        | {
            "Description": {"diff": "--- a difference"},
            "Email": "ada@example.com",
            "LastModifiedById": "005SECRET",
        },
    )
    connector = bridge.run(max_events=2)
    assert connector.error is None
    messages = read(bridge.broker, bridge.topic)
    assert [m.key() for m in messages] == [b"003A"] * 2
    raw = b"".join((m.value() or b"") + repr(m.headers()).encode() for m in messages)
    assert not [secret for secret in secrets if secret.encode() in raw]
    assert b"Bristol" in raw, "what nobody tagged stays as it is"
    assert connector.stats.fields_encrypted > 0


@pytest.mark.parametrize("form", ["JSON", "AVRO", "SF_API"])
def test_both_apis_give_the_same_records(bridge: Bridge, org: Org, registry: Registry, form: str) -> None:
    bridge.settings |= {
        "output.data.format": form,
        "bridge.record.key": "record_id",
        "bridge.cdc.header": "full",
    }
    diff = {"diff": "--- \n+++ 9f86d081884c7d65\n@@ -1 +1 @@"}
    enriched = {"changedFields": ["Phone", "Description", "Name.FirstName", "MailingAddress.City"]}
    changes = [
        ADA,
        header("UPDATE", "003A", "003B") | {"Name": {"FirstName": "Eva"}, "Email": None, "Active__c": False},
        header("UPDATE", "003A", **enriched)
        | {"Name": {"FirstName": None}, "MailingAddress": {"City": None}, "Phone": None, "AccountId": "001X"}
        | {"Description": diff, "Site__c": {"Latitude": 1.25, "Longitude": 2.0}},
        header("DELETE", "003A") | {"AccountId": "001X"},
        header("GAP_OVERFLOW", "000000000000000AAA"),
    ]
    for change in changes:
        org.publish(CONTACT, change)
    assert bridge.run(max_events=6).error is None
    by_cometd = read(bridge.broker, bridge.topic)
    bridge.name, bridge.topic = f"{bridge.name}-x", create_topic(bridge.broker, f"{bridge.topic}-x")
    bridge.settings |= {"bridge.salesforce.api": "pubsub", "bridge.pubsub.endpoint": org.serve_pubsub()}
    assert bridge.run(max_events=6).error is None
    by_pubsub = read(bridge.broker, bridge.topic)
    assert [(m.key(), m.headers()) for m in by_pubsub] == [(m.key(), m.headers()) for m in by_cometd]
    if form == "AVRO":  # a subject of each topic, so that the ids in front may differ
        assert [m.value()[5:] for m in by_pubsub] == [m.value()[5:] for m in by_cometd]
    else:
        assert [json.loads(m.value()) for m in by_pubsub] == [json.loads(m.value()) for m in by_cometd]


def test_a_connector_of_changes_goes_on_by_the_other_api(bridge: Bridge, org: Org) -> None:
    bridge.settings["salesforce.cdc.name"] = "ChangeEvents"
    bridge.settings["kafka.topic"] = bridge.topic
    split = [
        (CONTACT, header("UPDATE", f"003{number}", transactionKey="t") | {"Phone": "1"})
        for number in range(4)
    ]
    org.publish_group(split)
    last = org.publish(EMPLOYEE, header("CREATE", "a01A") | {"Name": "Mei"})
    bridge.run(max_events=2)
    bridge.settings |= {"bridge.salesforce.api": "pubsub", "bridge.pubsub.endpoint": org.serve_pubsub()}
    bridge.run(max_events=1)
    bridge.settings["bridge.salesforce.api"] = "streaming"
    assert bridge.run(max_events=2).error is None
    assert [value["Id"] for value in values(bridge)] == ["0030", "0031", "0032", "0033", "a01A"]
    assert bridge.position() == {"replayId": last}


def test_a_key_that_is_to_be_encrypted_is_refused(bridge: Bridge, org: Org, tmp_path: Path) -> None:
    contract = tmp_path / "contract.yaml"
    contract.write_text(
        f"event: {CONTACT}\nfields: {{Email: {{tags: [PII]}}}}\nrules: [{RULE % (PARAMS % '')}]\n"
    )
    bridge.settings |= {
        "output.data.format": "AVRO",
        "csfle.enabled": "true",
        "bridge.schema.contract": str(contract),
        "bridge.record.key": "field:Email",
    }
    bridge.worker["rule.executors._default_.param.secret"] = SECRET
    org.publish(CONTACT, ADA)
    error = bridge.run(max_events=1).error
    assert error is not None
    assert "bridge.record.key puts the field Email" in error.message
    assert read(bridge.broker, bridge.topic) == []
