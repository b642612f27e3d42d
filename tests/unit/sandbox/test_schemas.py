"""eventSchema against the example that Salesforce's REST API guide prints, and the rule of its id."""

import re

import fastavro
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.sandbox import samples
from bridge.sandbox.definition import EventDefinition, FieldDefinition
from bridge.sandbox.org import schemas

# The guide's example event (v60.0) and the uuid it prints for it.
LOW_INK = EventDefinition(
    "Low_Ink__e",
    (
        FieldDefinition("Printer_Model__c", "string", length=255),
        FieldDefinition("Serial_Number__c", "string", length=255),
        FieldDefinition("Ink_Percentage__c", "double", precision=3),
    ),
)
LOW_INK_ID = "5E5OtZj5_Gm6Vax9XMXH9A"

definitions = st.builds(
    EventDefinition,
    name=st.from_regex(r"[A-Z][a-z]{1,8}_[A-Z][a-z]{1,8}__e", fullmatch=True),
    fields=st.lists(
        st.builds(
            FieldDefinition,
            name=st.from_regex(r"[A-Z][a-z]{1,8}__c", fullmatch=True),
            type=st.sampled_from(
                ["string", "textarea", "double", "boolean", "date", "datetime", "int", "email"]
            ),
        ),
        max_size=8,
        unique_by=lambda field: field.name,
    ).map(tuple),
)


def test_the_documented_example_has_the_documented_id() -> None:
    assert schemas.schema_id(LOW_INK) == LOW_INK_ID
    assert schemas.compact(LOW_INK)["uuid"] == LOW_INK_ID


def test_compact_has_the_documented_shape() -> None:
    compact = schemas.compact(LOW_INK)
    assert (compact["name"], compact["namespace"], compact["type"]) == (
        "Low_Ink__e",
        "com.sforce.eventbus",
        "record",
    )
    created, by, model, _, ink = compact["fields"]
    assert created == {"name": "CreatedDate", "type": "long", "doc": "CreatedDate:DateTime"}
    assert by == {"name": "CreatedById", "type": "string", "doc": "CreatedBy:EntityId"}
    assert re.fullmatch(r"Data:Text:00NRM[0-9A-Za-z]+|Data:Text:00N[0-9A-Za-z]+", model.pop("doc"))
    assert model == {"name": "Printer_Model__c", "type": ["null", "string"], "default": None}
    assert ink["type"] == ["null", "double"]


def test_expanded_wraps_the_payload_and_has_dates_as_strings() -> None:
    expanded = schemas.expanded(samples.ORDER_PLACED)
    assert expanded["type"] == "expanded-record"
    data, channel = expanded["fields"]
    assert channel == {"name": "channel", "type": "string"}
    schema, payload, event = data["type"]["fields"]
    assert (schema["name"], event["type"]["fields"]) == ("schema", [{"name": "replayId", "type": "long"}])
    types = {field["name"]: field["type"] for field in payload["type"]["fields"]}
    assert types["CreatedDate"] == "string"
    assert types["Ordered_At__c"] == types["Delivery_Date__c"] == ["null", "string"]
    assert types["Amount__c"] == ["null", "double"]


@given(definitions)
def test_compact_is_valid_avro_and_its_id_22_characters(definition: EventDefinition) -> None:
    compact = schemas.compact(definition)
    fastavro.parse_schema({key: value for key, value in compact.items() if key != "uuid"})
    assert re.fullmatch(r"[A-Za-z0-9_-]{22}", compact["uuid"])


@given(definitions)
def test_the_id_changes_with_the_fields_and_only_with_them(definition: EventDefinition) -> None:
    changed = definition.with_field(FieldDefinition("Quite_New__c", "string"))
    assert schemas.schema_id(changed) != schemas.schema_id(definition)
    assert schemas.schema_id(changed.without_field("Quite_New__c")) == schemas.schema_id(definition)


@pytest.mark.parametrize("field", samples.ORDER_PLACED.fields, ids=lambda field: field.name)
def test_describe_knows_every_field(field: FieldDefinition) -> None:
    described = {f["name"]: f for f in samples.ORDER_PLACED.describe("/services/data/v66.0")["fields"]}
    assert list(described)[:4] == ["ReplayId", "CreatedDate", "CreatedById", "EventUuid"]
    assert described[field.name]["type"] == field.type
    assert described[field.name]["custom"]
    if field.length:
        assert described[field.name]["length"] == field.length
