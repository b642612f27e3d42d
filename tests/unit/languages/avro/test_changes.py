"""Change events that Salesforce sent by the Pub/Sub API, as CometD would have carried them."""

import base64
import io
import json
from pathlib import Path
from typing import Any

import pytest
from fastavro import parse_schema, schemaless_writer

from bridge.languages.avro.wire import Wire

RECORDED = Path(__file__).parents[3] / "data" / "pubsub"
UPDATED, CREATED = "i8wgJwwM-AVcDbFkbRl5Nw", "4egfTTaxua4Y39nYlBXfNg"


def events(file: str, schema_id: str) -> list[dict[str, Any]]:
    wire = Wire.of(schema_id, (RECORDED / f"AccountChangeEvent.schema_{schema_id}.avsc").read_text())
    found = json.loads((RECORDED / file).read_text())
    listed = found if isinstance(found, list) else found["events"]
    return [json.loads(wire.json(base64.b64decode(each["event"]["payload"]))) for each in listed]


def test_an_update_has_the_fields_that_changed() -> None:
    (event,) = events("AccountUpdateEvents.json", UPDATED)
    header = event.pop("ChangeEventHeader")
    assert event == {"LastModifiedDate": "2026-02-17T01:29:32.000Z", "Amount_Owed__c": 3233.0}
    assert header == {
        "entityName": "Account",
        "recordIds": ["001Dp00000JJkkHIAT"],
        "changeType": "UPDATE",
        "changeOrigin": "com/salesforce/api/soap/66.0;client=SfdcInternalAPI/",
        "transactionKey": "00034c74-0500-aa77-fc35-265917470e99",
        "sequenceNumber": 1,
        "commitTimestamp": 1771291772000,
        "commitNumber": 12279578624413,
        "commitUser": "005Dp000000PpjsIAC",
        "changedFields": ["LastModifiedDate", "Amount_Owed__c"],
    }


def test_compound_fields_have_the_parts_that_changed() -> None:
    street, place = events("AccountAddressUpdateEvent.json", UPDATED)
    assert street["ChangeEventHeader"]["changedFields"] == ["LastModifiedDate", "ShippingAddress.Street"]
    assert street["ShippingAddress"] == {"Street": "101 California St"}
    # a lone compound element, which some clients decode to nothing
    assert place["ChangeEventHeader"]["changedFields"] == [
        "ShippingAddress.Latitude",
        "ShippingAddress.Longitude",
    ]
    assert set(place) == {"ChangeEventHeader", "ShippingAddress"}
    assert place["ShippingAddress"] == {"Latitude": 37.793113, "Longitude": -122.398524}


def test_a_creation_has_what_is_set() -> None:
    first, *_ = events("AccountCreationEvents.json", CREATED)
    assert first["Name"] == "Bulk Acc1"
    assert first["BillingAddress"] == {"Country": "United States", "CountryCode": "US"}
    assert first["CreatedDate"] == "2023-07-29T21:57:23.000Z"
    assert "Description" not in first
    assert first["ChangeEventHeader"]["changedFields"] == []


@pytest.mark.parametrize(
    ("header", "values", "expected"),
    [
        ({"nulledFields": ["0x04"], "changedFields": ["0x04"]}, {}, {"A__c": None}),
        ({"changedFields": ["0x04"]}, {"A__c": "x"}, {"A__c": "x"}),
        ({"changedFields": ["1-0x03"]}, {"P__c": {"X": "x", "Y": None}}, {"P__c": {"X": "x", "Y": None}}),
        ({"nulledFields": ["1-0x02"], "changedFields": ["1-0x02"]}, {}, {"P__c": {"Y": None}}),
        ({"diffFields": ["0x04"], "changedFields": ["0x04"]}, {"A__c": "---"}, {"A__c": {"diff": "---"}}),
        ({"changedFields": []}, {"P__c": {"X": None, "Y": None}}, {}),
    ],
    ids=["nulled", "set", "parts", "a part of nothing", "difference", "nothing"],
)
def test_null_is_told_from_unchanged(header: Any, values: Any, expected: Any) -> None:
    strings = {"type": "array", "items": "string"}
    arrays = ("nulledFields", "diffFields", "changedFields")
    head = {"type": "record", "name": "H", "fields": [{"name": n, "type": strings} for n in arrays]}
    parts = [{"name": n, "type": ["null", "string"], "default": None} for n in "XY"]
    schema = {
        "type": "record",
        "name": "XChangeEvent",
        "fields": [
            {"name": "ChangeEventHeader", "type": head},
            {
                "name": "P__c",
                "type": ["null", {"type": "record", "name": "P", "fields": parts}],
                "default": None,
            },
            {"name": "A__c", "type": ["null", "string"], "default": None},
        ],
    }
    out = io.BytesIO()
    whole = {"ChangeEventHeader": {name: [] for name in arrays} | header, **values}
    schemaless_writer(out, parse_schema(schema), whole)
    made = json.loads(Wire.of("id", json.dumps(schema)).json(out.getvalue()))
    del made["ChangeEventHeader"]
    assert made == expected
