from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.errors import Fatal, Stage
from bridge.formats import FORMATS
from bridge.metadata.infer import event_type, record_schema
from bridge.model.schema import DATE, TIMESTAMP, Kind

SAMPLES = Path(__file__).parents[3] / "schemas"


def load(name: str) -> dict[str, Any]:
    return json.loads((SAMPLES / name).read_text())


DESCRIBE = load("Order_Placed__e.describe.json")
EXPANDED = load("Order_Placed__e.event-schema.json")
COMPACT = load("Order_Placed__e.event-schema.compact.json")


@pytest.mark.parametrize(
    "path",
    [p.parent / f"{p.name.partition('.')[0]}.avsc" for p in sorted(SAMPLES.glob("*.describe.json"))],
    ids=lambda path: path.stem,
)
def test_golden_files(path: Path) -> None:
    event = event_type(path.stem, load(f"{path.stem}.describe.json"), None)
    made = json.loads(FORMATS["AVRO"].render(record_schema(event), {}))
    assert json.dumps(made, indent=2) + "\n" == path.read_text()


@pytest.mark.parametrize("described", [DESCRIBE, None])
@pytest.mark.parametrize("event_schema", [EXPANDED, COMPACT])
def test_the_sources_agree(described: dict[str, Any] | None, event_schema: dict[str, Any]) -> None:
    expected = record_schema(event_type("Order_Placed__e", DESCRIBE, None))
    assert record_schema(event_type("Order_Placed__e", described, event_schema)) == expected


def test_describe_completes() -> None:
    event = event_type("Order_Placed__e", DESCRIBE, EXPANDED)
    field = next(f for f in event.fields if f.name == "Order_Number__c")
    assert (field.label, field.length, field.nillable) == ("Order Number", 20, False)
    assert (event.label, event.schema_id) == ("Order Placed", EXPANDED["uuid"])
    assert [f.name for f in event.fields][:2] == ["CreatedDate", "CreatedById"]


def test_event_schema_decides_what_exists() -> None:
    """A field removed since is carried, one added since is not, one replaced since keeps its old type."""
    today = json.loads(json.dumps(DESCRIBE))
    today["fields"] = [f for f in today["fields"] if f["name"] != "Phone__c"]
    today["fields"].append({"name": "New__c", "type": "string"})
    for f in today["fields"]:
        if f["name"] == "Amount__c":
            f["type"] = "boolean"
    schema = record_schema(event_type("Order_Placed__e", today, EXPANDED))
    assert schema.field_named("New__c") is None
    kinds = {f.name: f.schema.kind for f in schema.fields}
    assert (kinds["Phone__c"], kinds["Amount__c"]) == (Kind.STRING, Kind.FLOAT64)


def test_declared_types_complete_what_the_wire_does_not_say() -> None:
    def schema(name: str, type_: str, avro: str) -> Any:
        document = {"type": "record", "name": "E__e", "fields": [{"name": name, "type": ["null", avro]}]}
        described = {"fields": [{"name": name, "type": type_}]}
        return record_schema(event_type("E__e", described, document)).fields[4].schema

    assert schema("D__c", "date", "string").name == DATE
    assert schema("D__c", "datetime", "string").name == TIMESTAMP
    assert schema("M__c", "currency", "double").kind is Kind.STRING
    assert schema("P__c", "percent", "double").kind is Kind.FLOAT64
    assert schema("I__c", "int", "int").kind is Kind.INT32


def test_the_layout() -> None:
    schema = record_schema(event_type("Order_Placed__e", DESCRIBE, None))
    names = [f.name for f in schema.fields]
    assert names[:4] == ["ReplayId", "CreatedDate", "CreatedById", "EventUuid"]
    assert names[-2:] == ["_ObjectType", "_EventType"]
    assert schema.name == "io.confluent.salesforce.Order_Placed__e"
    assert not schema.optional
    assert all(f.schema.optional for f in schema.fields)


def test_the_layout_does_not_depend_on_what_metadata_leaves_out() -> None:
    """Older API versions describe neither EventUuid nor ReplayId."""
    older = {
        "fields": [f for f in DESCRIBE["fields"] if f["name"] not in ("ReplayId", "EventUuid", "CreatedById")]
    }
    assert record_schema(event_type("Order_Placed__e", older, None)) == record_schema(
        event_type("Order_Placed__e", DESCRIBE, None)
    )


def test_addresses_by_their_declared_parts() -> None:
    parts = [{"name": "Street", "type": ["null", "string"]}, {"name": "Latitude", "type": ["null", "double"]}]
    address = {"type": "record", "name": "Address", "fields": parts}
    document = {
        "type": "record",
        "name": "E__e",
        "fields": [
            {"name": "Home", "type": ["null", address], "doc": "Data:Address"},
            {"name": "Work", "type": ["null", "Address"], "doc": "Data:Address"},
        ],
    }
    described = {"fields": [{"name": "Home", "type": "address"}, {"name": "Work", "type": "address"}]}
    for source in (described, None):
        schema = record_schema(event_type("E__e", source, document))
        for name in ("Home", "Work"):
            field = schema.field_named(name)
            assert field is not None
            assert [f.name for f in field.schema.fields] == ["Street", "Latitude"]


@pytest.mark.parametrize(
    ("describe", "event_schema", "words"),
    [
        (
            {"fields": [{"name": "X__c", "type": "complexvalue"}]},
            None,
            "field X__c of E__e has the type complexvalue",
        ),
        (
            {"fields": [{"name": "X__c", "type": "hologram"}]},
            None,
            "field X__c of E__e has the type hologram",
        ),
        ({"fields": [{"name": "X__c"}]}, None, "without name or type"),
        ({}, None, "no list of fields"),
        (None, {"type": "expanded-record", "fields": []}, "no payload record"),
        (
            None,
            {"type": "record", "fields": [{"name": "X__c", "type": "fixed"}]},
            "field X__c .* unknown type fixed",
        ),
        (
            None,
            {"type": "record", "fields": [{"name": "X__c", "type": ["null", "string", "int"]}]},
            "field X__c of E__e may have 2 types",
        ),
        (
            None,
            {"type": "record", "fields": [{"name": "X__c", "type": ["null", ["string", "long"]]}]},
            "field X__c of E__e is a union within a union",
        ),
        (
            None,
            {"type": "record", "fields": [{"name": "X__c", "type": {"type": {"type": "string"}}}]},
            "field X__c of E__e is of no type that a field of an event has",
        ),
        (None, {"type": "record", "fields": ["X__c"]}, "a field of E__e lacks its name or its type"),
    ],
)
def test_what_has_no_place_is_named(describe: Any, event_schema: Any, words: str) -> None:
    with pytest.raises(Fatal, match=words) as caught:
        event_type("E__e", describe, event_schema)
    assert caught.value.stage is Stage.METADATA


_keys = st.sampled_from(["name", "type", "fields", "doc", "items", "label", "uuid"])
_leaves = (
    st.none()
    | st.integers()
    | st.sampled_from(["record", "null", "string", "X__c", "data", "payload", "long"])
)
_json = st.recursive(
    _leaves, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_keys, inner, max_size=5)
)


@settings(deadline=None)
@given(st.none() | st.dictionaries(_keys, _json), st.none() | st.dictionaries(_keys, _json))
def test_whatever_metadata_comes_is_an_event_or_refused(describe: Any, event_schema: Any) -> None:
    try:
        event = event_type("E__e", describe, event_schema)
    except Fatal as error:
        assert error.stage is Stage.METADATA  # noqa: PT017 - either outcome is right, another stage is not
    else:
        assert record_schema(event).fields


SMALL = {
    "name": "Order_Placed__e",
    "label": "Order",
    "fields": [{"name": "A__c", "type": "string", "label": "A"}],
}


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("fields",), 5),
        (("fields", 0), None),
        (("fields", 0, "name"), 'A"; import os #'),
        (("fields", 0, "name"), "A\n__c"),
        (("fields", 0, "name"), "\ud800"),
        (("fields", 0, "name"), ["A"]),
        (("fields", 0, "name"), "Ä__c"),
        (("fields", 0, "type"), {"a": 1}),
        (("fields", 0, "label"), 7),
        (("fields", 0, "label"), "\udfff"),
        (("fields", 0, "nillable"), "yes"),
        (("fields", 0, "length"), "255"),
        (("fields", 0, "precision"), [18]),
        (("label",), {}),
    ],
)
def test_metadata_of_another_shape_is_one_sentence_that_names_it(path: tuple[Any, ...], value: Any) -> None:
    document: Any = copy.deepcopy(SMALL)
    holder = document
    for step in path[:-1]:
        holder = holder[step]
    holder[path[-1]] = value
    with pytest.raises(Fatal, match="Order_Placed__e") as refused:
        event_type("Order_Placed__e", document, None)
    assert refused.value.stage is Stage.METADATA
    assert "\n" not in refused.value.message
