"""Bitmaps of change events: Salesforce's own, and the worked examples of a schema with compound fields."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.languages.avro.bitmaps import names_of
from bridge.sandbox.changes import bitmap


def text(name: str) -> dict[str, Any]:
    return {"name": name, "type": ["null", "string"]}


def record(name: str, *parts: str) -> dict[str, Any]:
    return {"type": "record", "name": name, "fields": [text(part) for part in parts]}


ADDRESS = record(
    "Address", "Street", "City", "State", "PostalCode", "Country", "Latitude", "Longitude", "GeocodeAccuracy"
)
SCHEMA: dict[str, Any] = {
    "fields": [
        {"name": "ChangeEventHeader", "type": record("ChangeEventHeader", "entityName")},
        {
            "name": "Name",
            "type": ["null", "string", record("PersonName", "Salutation", "FirstName", "LastName")],
        },
        text("Status__c"),
        text("Score__c"),
        {"name": "Site__c", "type": ["null", ADDRESS]},
        text("OwnerId"),
        text("CreatedDate"),
        text("CreatedById"),
        text("LastModifiedDate"),
        text("LastModifiedById"),
        text("Note__c"),
        {"name": "Other__c", "type": ["null", "com.sforce.eventbus.Address"]},
    ]
}
EVERY = [
    name
    for entry in SCHEMA["fields"][1:]
    for name in (
        [f"Name.{p}" for p in ("Salutation", "FirstName", "LastName")]
        if entry["name"] == "Name"
        else [f"{entry['name']}.{p['name']}" for p in ADDRESS["fields"]]
        if entry["name"] in ("Site__c", "Other__c")
        else [entry["name"]]
    )
]


@pytest.mark.parametrize(
    ("array", "names"),
    [
        ([], []),
        (["0x0104"], ["Status__c", "LastModifiedDate"]),
        (["0x0100", "4-0x12"], ["LastModifiedDate", "Site__c.City", "Site__c.Country"]),
        (["4-0x60"], ["Site__c.Latitude", "Site__c.Longitude"]),
        (
            ["0x0308", "1-0x02", "4-0x01"],
            ["Score__c", "LastModifiedDate", "LastModifiedById", "Name.FirstName", "Site__c.Street"],
        ),
        (["0x0500"], ["LastModifiedDate", "Note__c"]),
        (["1-0x07"], ["Name.Salutation", "Name.FirstName", "Name.LastName"]),
        (["11-0x80"], ["Other__c.GeocodeAccuracy"]),
        (["0x02"], ["Name"]),
    ],
)
def test_an_array_names_fields_and_parts(array: list[str], names: list[str]) -> None:
    assert names_of(SCHEMA)(array) == names


@pytest.mark.parametrize(
    ("number", "bits"),
    [("0x08F81000", [12, 19, 20, 21, 22, 23, 27]), ("0x100000000000800000", [23, 68])],
)
def test_the_highest_byte_comes_first(number: str, bits: list[int]) -> None:
    schema = {"fields": [text(str(position)) for position in range(70)]}
    assert names_of(schema)([number]) == [str(bit) for bit in bits]


@pytest.mark.parametrize(
    "array",
    [["0x1000"], ["12-0x01"], ["4-0x0100"], ["2-0x01"], ["x-0x01"], ["0104"], ["4-12"], ["0xZZ"], [""]],
)
def test_what_does_not_fit_the_schema_is_refused(array: list[str]) -> None:
    with pytest.raises(ValueError):
        names_of(SCHEMA)(array)


@given(st.sets(st.sampled_from(EVERY)))
def test_what_the_sandbox_writes_is_read(names: set[str]) -> None:
    assert set(names_of(SCHEMA)(bitmap(SCHEMA, names))) == names
