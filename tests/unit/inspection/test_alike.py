"""Fields with one name in JSON are named, where a language gives fields such names."""

from __future__ import annotations

from bridge.inspection.alike import alike
from bridge.model.schema import Field, Kind, Schema

TEXT = Schema(Kind.STRING)
INNER = Schema(Kind.STRUCT, fields=(Field("Zip_Code", TEXT), Field("ZipCode", TEXT)))
EVENT = Schema(
    Kind.STRUCT,
    fields=(
        Field("Order_Id__c", TEXT),
        Field("OrderId__c", TEXT),
        Field("Total__c", TEXT),
        Field("Ship_To__c", INNER),
    ),
)


def test_both_fields_and_their_name_are_said_within_structs_too() -> None:
    first, second = alike(EVENT, "PROTOBUF")
    assert "Order_Id__c and OrderId__c one name in JSON (OrderIdC)" in first
    assert "Ship_To__c.Zip_Code and Ship_To__c.ZipCode one name in JSON (ZipCode)" in second


def test_other_languages_write_names_as_they_are() -> None:
    assert alike(EVENT, "AVRO") == alike(EVENT, "JSON") == alike(EVENT, None) == ()
