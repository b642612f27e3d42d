"""Differences in words, of schemas of each format and of metadata."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from attrs import evolve

from bridge.config.declarations.formats import REGISTRY_TYPES
from bridge.errors import Fatal
from bridge.formats import FORMATS
from bridge.inspection.diff import Change, changes, shape_of_event, shape_of_text
from bridge.metadata.infer import event_type, record_schema

SAMPLES = Path(__file__).parents[3] / "schemas"
DESCRIBE = json.loads((SAMPLES / "Every_Type__e.describe.json").read_text())
EVENT = event_type("Every_Type__e", DESCRIBE, None)
FORMS = list(REGISTRY_TYPES)


@pytest.mark.parametrize("form", FORMS)
def test_a_rendered_schema_says_what_the_metadata_says(form: str) -> None:
    text = FORMATS[form].render(record_schema(EVENT), {})
    found = shape_of_text(text, REGISTRY_TYPES[form])
    wanted = shape_of_event(EVENT)
    assert list(found.columns) == list(wanted.columns)
    if form == "AVRO":
        assert {p: c.type for p, c in found.columns.items()} == {p: c.type for p, c in wanted.columns.items()}
        assert changes(wanted, found) == []


@pytest.mark.parametrize("form", FORMS)
def test_a_field_more_and_a_field_less(form: str) -> None:
    schema = record_schema(EVENT)
    less = evolve(schema, fields=tuple(f for f in schema.fields if f.name != "Url_Field"))
    old, new = (shape_of_text(FORMATS[form].render(s, {}), REGISTRY_TYPES[form]) for s in (less, schema))
    (added,) = [c for c in changes(old, new) if c.path == "Url_Field"]
    assert added.breaks == "nobody"
    assert ("LENIENT" in added.what) is (form == "JSON_SR")
    (removed,) = [c for c in changes(new, old) if c.path == "Url_Field"]
    assert removed.breaks == "consumers that use Url_Field: it is null from now on"


def avro(*fields: object, name: str = "R") -> str:
    return json.dumps({"type": "record", "name": name, "fields": list(fields)})


def test_what_breaks_whom_in_avro() -> None:
    old = avro(
        {"name": "a", "type": "int"},
        {"name": "b", "type": ["null", "string"], "default": None, "confluent:tags": ["PII"]},
        {"name": "c", "type": "string", "default": ""},
        {"name": "d", "type": "string"},
    )
    new = avro(
        {"name": "b", "type": ["null", "string"], "default": None, "confluent:tags": ["X"]},
        {"name": "a", "type": "long"},
        {"name": "c", "type": "boolean", "default": False},
        {"name": "e", "type": "string"},
        name="S",
    )
    found = changes(shape_of_text(old, "AVRO"), shape_of_text(new, "AVRO"))
    assert [(c.path, c.breaks) for c in found] == [
        ("", "consumers that resolve by the record's name"),
        ("a", "consumers with the old schema: they cannot read new records"),
        ("b", "nobody"),
        ("b", "nobody"),
        ("c", "every consumer: neither schema reads the other's records, and the registry refuses it"),
        ("d", "consumers with the old schema: they cannot read new records"),
        ("e", "consumers with the new schema: they cannot read older records"),
    ]
    assert found[4].what == "c was string and is boolean"
    assert [c.breaking for c in found][:3] == [True, True, False]


def test_numbers_are_what_counts_in_protobuf() -> None:
    text = 'syntax = "proto3"; package p; message M { string a = 1; string b = 2; }'
    old = shape_of_text(text, "PROTOBUF")
    found = changes(old, shape_of_text(text.replace("a = 1", "a = 3"), "PROTOBUF"))
    assert found == [
        Change("a", "a had the number 1 and has 3", "every consumer: on the wire a field is its number")
    ]


def test_lengths_of_metadata_are_told() -> None:
    long, short = (
        shape_of_event(evolve(EVENT, fields=tuple(evolve(f, length=length) for f in EVENT.fields[:5])))
        for length in (80, 5)
    )
    change = changes(long, short)[0]
    assert change.what.endswith("was up to 80 characters and is up to 5")
    assert not change.breaking


@pytest.mark.parametrize("type_", ["AVRO", "JSON", "PROTOBUF"])
@pytest.mark.parametrize(
    "text", ["", "{}", "[]", "7", '"string"', '{"type": "record"}', "<html>", 'syntax = "proto3";']
)
def test_what_is_no_schema_is_refused(type_: str, text: str) -> None:
    with pytest.raises(Fatal):
        shape_of_text(text, type_)
