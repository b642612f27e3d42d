"""Change events of the simulated org: the object behind them, their messages, their channels."""

from __future__ import annotations

import io
import json
from typing import Any
from urllib.parse import quote

import pytest
from fastavro import parse_schema, schemaless_reader

from bridge.languages.avro.bitmaps import names_of
from bridge.sandbox import samples
from bridge.sandbox.org import Org, schemas
from bridge.sandbox.org.avro import Deliverer
from bridge.sandbox.org.log import ALL_RETAINED
from tests.support.sandbox_client import Client

CONTACT = samples.CONTACT_CHANGE


@pytest.fixture
def changing(org: Org) -> Org:
    for definition in samples.CHANGES:
        org.define(definition)
    return org


def messages(org: Org, channel: str) -> list[dict[str, Any]]:
    log = org.bus.logs[channel]
    return [json.loads(message) for message in log.read(log.start(ALL_RETAINED), 100, 10**6)[0]]


def test_the_object_is_described_and_classified(changing: Org, client: Client) -> None:
    fields = {field["name"]: field for field in client.get("/sobjects/Contact/describe")["fields"]}
    assert fields["MailingStreet"]["compoundFieldName"] == "MailingAddress"
    assert fields["FirstName"]["compoundFieldName"] == "Name"
    assert {"Id", "IsDeleted", "SystemModstamp"} <= set(fields)
    of_contact = "WHERE EntityDefinition.QualifiedApiName = 'Contact'"
    query = f"SELECT QualifiedApiName, ComplianceGroup FROM FieldDefinition {of_contact}"
    rows = client.get(f"/tooling/query?q={quote(query)}")["records"]
    groups = {row["QualifiedApiName"]: row["ComplianceGroup"] for row in rows}
    assert groups["Email"] == "PII;GDPR"
    assert "MailingStreet" not in groups
    assert client.get("/sobjects/Nope/describe")[0]["errorCode"] == "NOT_FOUND"
    found = client.get(f"/event/eventSchema/{changing.bus.schema_id(CONTACT.name)}?payloadFormat=COMPACT")
    assert found == json.loads(json.dumps(schemas.compact(CONTACT)))


def test_a_message_has_what_changed_and_no_uuid(changing: Org) -> None:
    changing.publish(
        CONTACT.name, {"Name": {"FirstName": "Ada"}, "Phone": None, "Description": {"diff": "x"}}
    )
    for channel in (f"/data/{CONTACT.name}", "/data/ChangeEvents"):
        (message,) = messages(changing, channel)
        data = message["data"]
        assert set(data["event"]) == {"replayId"}
        header = data["payload"].pop("ChangeEventHeader")
        assert data["payload"] == {"Name": {"FirstName": "Ada"}, "Phone": None, "Description": {"diff": "x"}}
        assert (header["changeType"], header["entityName"]) == ("UPDATE", "Contact")
        assert header["changedFields"] == ["Phone", "Description", "Name.FirstName"]
        assert header["commitNumber"] > 2**53


def test_a_custom_channel_of_changes(changing: Org, client: Client) -> None:
    body = {
        "action": "define_channel",
        "channel": "Sales__chn",
        "events": [each.name for each in samples.CHANGES],
    }
    client.post("/_sandbox/actions", body)
    client.post("/_sandbox/publish", {"event": CONTACT.name, "count": 2})
    found = messages(changing, "/data/Sales__chn")
    assert [message["data"]["payload"]["Name"]["FirstName"] for message in found] == ["Ada", "Jiří"]


def test_the_pub_sub_api_has_every_field_and_bitmaps(changing: Org) -> None:
    changing.publish(
        CONTACT.name, {"Name": {"FirstName": "Ada"}, "Phone": None, "Description": {"diff": "x"}}
    )
    log = changing.bus.logs["/data/ChangeEvents"]
    (message,), _ = log.read(log.start(ALL_RETAINED), 1, 10**6)
    event, _ = Deliverer(changing.bus).event(message, b"\0\0")
    document = schemas.compact(CONTACT)
    value: Any = schemaless_reader(io.BytesIO(event.event.payload), parse_schema(document))
    header, names = value["ChangeEventHeader"], names_of(document)
    assert event.event.id
    assert names(header["nulledFields"]) == ["Phone"]
    assert names(header["diffFields"]) == ["Description"]
    assert names(header["changedFields"]) == ["Phone", "Description", "Name.FirstName"]
    assert (value["Description"], value["Email"], value["Name"]["FirstName"]) == ("x", None, "Ada")
