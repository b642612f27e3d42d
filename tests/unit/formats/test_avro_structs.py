"""Avro schemas with structs that occur more than once: rendered, extended, written, read by fastavro."""

from __future__ import annotations

import io
import json
from typing import Any

import fastavro
import pytest
from attrs import evolve

from bridge.formats import FORMATS
from bridge.model.protection import NOTHING
from bridge.model.schema import Field, Kind, Schema

AVRO = FORMATS["AVRO"]
PLACE = Schema(
    Kind.STRUCT,
    optional=True,
    fields=(
        Field("City", Schema(Kind.STRING, optional=True)),
        Field("Zip", Schema(Kind.STRING, optional=True)),
    ),
)


def trip(*places: str, place: Schema = PLACE) -> Schema:
    fields = (Field("A", Schema(Kind.STRING, optional=True)), *(Field(name, place) for name in places))
    return Schema(Kind.STRUCT, name="io.confluent.salesforce.Trip__e", fields=fields)


def types_of(text: str) -> dict[str, Any]:
    return {entry["name"]: entry["type"] for entry in json.loads(text)["fields"]}


def test_a_struct_that_occurs_again_is_referred_to() -> None:
    """As AvroData does with equal Connect schemas."""
    types = types_of(AVRO.render(trip("From__c", "To__c"), {}))
    assert types["From__c"][1]["name"] == "ConnectDefault"
    assert types["To__c"] == ["null", "io.confluent.connect.avro.ConnectDefault"]


@pytest.mark.parametrize(
    ("before", "after", "order"),
    [
        (("From__c", "To__c"), ("From__c", "To__c", "Via__c"), ["A", "From__c", "To__c", "Via__c"]),
        (("To__c",), ("From__c", "To__c"), ["A", "To__c", "From__c"]),
    ],
)
def test_a_struct_that_comes_by_evolution_refers_to_the_one_that_is_there(
    before: tuple[str, ...], after: tuple[str, ...], order: list[str]
) -> None:
    text = AVRO.with_fields(trip(*after), AVRO.render(trip(*before), {}), {})
    types = types_of(text)
    assert list(types) == order
    added = next(name for name in after if name not in before)
    assert types[added] == ["null", "io.confluent.connect.avro.ConnectDefault"]
    value = {"A": "a", **{name: {"City": name, "Zip": None} for name in after}}
    encode = AVRO.compile_values(trip(*after), text, b"", {}, NOTHING)
    parsed = fastavro.parse_schema(json.loads(text))
    assert fastavro.schemaless_reader(io.BytesIO(encode(value)), parsed, None) == value


def test_two_names_of_one_struct_in_a_registered_schema_stay() -> None:
    old = json.loads(AVRO.render(trip("From__c", "To__c"), {}))
    first, second = old["fields"][1]["type"], old["fields"][2]["type"]
    second[1] = {**first[1], "name": "ConnectDefault2"}
    text = json.dumps(old)
    assert AVRO.missing_fields(trip("From__c", "To__c"), text, {}) == ()
    types = types_of(AVRO.with_fields(trip("From__c", "To__c", "Via__c"), text, {}))
    assert types["To__c"][1]["name"] == "ConnectDefault2"
    assert types["Via__c"][1] == "io.confluent.connect.avro.ConnectDefault"


def test_a_struct_with_other_tags_has_a_name_of_its_own() -> None:
    tagged = evolve(PLACE, fields=(evolve(PLACE.fields[0], tags=frozenset({"PII"})), PLACE.fields[1]))
    schema = trip("From__c")
    schema = evolve(schema, fields=(*schema.fields, Field("To__c", tagged)))
    types = types_of(AVRO.render(schema, {}))
    assert types["To__c"][1]["name"] == "ConnectDefault2"
    grown = types_of(AVRO.with_fields(schema, AVRO.render(trip("From__c"), {}), {}))
    assert grown["To__c"][1]["name"] == "ConnectDefault2"
