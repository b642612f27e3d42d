"""JSON Schema against the official Python serializer, and registered schemas of other people."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import jsonschema
import pytest
from attrs import evolve
from confluent_kafka.schema_registry import SchemaRegistryClient, topic_subject_name_strategy
from confluent_kafka.schema_registry.json_schema import JSONDeserializer, JSONSerializer
from confluent_kafka.serialization import MessageField, SerializationContext
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.errors import BadRecord, ConfigurationError, Fatal, Stage
from bridge.formats import FORMATS
from bridge.formats.code import source_of
from bridge.formats.reader import read_with
from bridge.metadata.infer import record_schema
from bridge.model.schema import DATE, DECIMAL, TIME, TIMESTAMP, EventField, EventType, Field, Kind, Schema
from tests.support.formats import compile_encoder_for_values, compile_route

from .events import EVERY, FULL, ORDER, data, payloads, rows

SR, JSON = FORMATS["JSON_SR"], FORMATS["JSON"]
FRAME = b"\0\0\0\0\1"
LAYOUT = rows(EVERY)
TEXT = SR.render(LAYOUT.schema, {})
FUSED = SR.compile_fused(LAYOUT, TEXT, FRAME, {})
CONTEXT = SerializationContext("orders", MessageField.VALUE)
_client = SchemaRegistryClient.new_client({"url": "mock://json"})
_conf = {"subject.name.strategy": topic_subject_name_strategy}
OFFICIAL = JSONSerializer(TEXT, _client, conf=_conf)
DESERIALIZE = JSONDeserializer(TEXT, conf=_conf)


@settings(max_examples=150, deadline=None)
@given(payloads(EVERY))
def test_every_type_is_equal_to_the_official_serializers_and_valid(payload: dict[str, Any]) -> None:
    made = FUSED(data(payload))
    expected = json.loads(JSON.compile_fused(LAYOUT, None, b"", {})(data(payload)))
    official = OFFICIAL(expected, CONTEXT)  # validates
    assert (made[:5], json.loads(made[5:])) == (FRAME, json.loads(official[5:]))
    assert DESERIALIZE(official[:5] + made[5:], CONTEXT) == expected


@settings(deadline=None)
@given(payloads(EVERY), st.sampled_from([None, TEXT]))
def test_fused_by_row_and_by_values_are_the_same(payload: dict[str, Any], written: str | None) -> None:
    row = read_with(LAYOUT)(data(payload))
    fused = SR.compile_fused(LAYOUT, written, FRAME, {})(data(payload))
    assert SR.compile_rows(LAYOUT, written, FRAME, {})(row) == fused
    by_values = compile_encoder_for_values(LAYOUT.schema, SR, written, FRAME, {})
    assert by_values(LAYOUT.values(row)) == fused


def test_the_schema_is_a_schema_of_draft_7_and_of_2020_12() -> None:
    for draft in (jsonschema.Draft7Validator, jsonschema.Draft202012Validator):
        draft.check_schema(json.loads(TEXT))


def test_a_row_encodes_as_it_is_where_the_schema_is_connects_own() -> None:
    assert "encode_row" not in source_of(FUSED)


def test_tags_stand_on_the_property_itself() -> None:
    schema = Schema(
        Kind.STRUCT, name="a.R", fields=(Field("x", Schema(Kind.STRING, optional=True), frozenset({"PII"})),)
    )
    made = json.loads(SR.render(schema, {}))
    assert made["properties"]["x"] == {
        "oneOf": [{"type": "null"}, {"type": "string"}],
        "connect.index": 0,
        "confluent:tags": ["PII"],
    }


def test_what_transforms_can_make() -> None:
    keys, place = Schema(Kind.INT32), Schema(Kind.STRUCT, fields=(Field("a", Schema(Kind.FLOAT32)),))
    columns = {
        "pairs": (
            Schema(Kind.MAP, key_schema=keys, value_schema=place),
            {1: {"a": 0.1}},
            [{"key": 1, "value": {"a": 0.1}}],
        ),
        "map": (Schema(Kind.MAP, key_schema=Schema(Kind.STRING), value_schema=OPTIONAL_TEXT), {"k": None}, {"k": None}),
        "list": (Schema(Kind.ARRAY, value_schema=place), [{"a": -0.0}], [{"a": -0.0}]),
        "bytes": (Schema(Kind.BYTES, default=b"\0\xff"), None, "AP8="),
        "cents": (evolve(CENTS, default=Decimal("1.25")), None, "fQ=="),
        "nan": (Schema(Kind.FLOAT64), float("nan"), "NaN"),
    }  # fmt: skip
    schema = _record(*(Field(name, one) for name, (one, _, _) in columns.items()))
    text = SR.render(schema, {"object.additional.properties": "false"})
    made = compile_encoder_for_values(schema, SR, text, b"", {})(
        {n: value for n, (_, value, _) in columns.items()}
    )
    assert json.loads(made) == {name: expected for name, (_, _, expected) in columns.items()}
    properties = json.loads(text)["properties"]
    assert properties["bytes"]["default"] == "AP8="
    assert properties["pairs"]["type"] == "array"
    assert properties["pairs"]["items"]["properties"]["value"]["additionalProperties"] is False


def test_five_hundred_fields_and_names_of_every_kind() -> None:
    names = [
        "class",
        "$ref",
        "type",
        "oneOf",
        "žluť",
        "a.b",
        "",
        "a b",
        '"',
        "😀",
        *(f"F{n}" for n in range(490)),
    ]
    schema = Schema(Kind.STRUCT, name="a.R", fields=tuple(Field(n, Schema(Kind.STRING)) for n in names))
    text = SR.render(schema, {})
    values = {name: name for name in names}
    made = compile_encoder_for_values(schema, SR, text, FRAME, {})(values)
    assert json.loads(made[5:]) == values
    assert SR.missing_fields(schema, text, {}) == ()


# --- registered schemas of other people --------------------------------------------------------------------------


def _record(*columns: Field) -> Schema:
    return Schema(Kind.STRUCT, name="com.acme.R", fields=columns)


def _encode(schema: Schema, value: Any, node: Any, **more: Any) -> Any:
    written = json.dumps({"type": "object", "properties": {"x": node}, **more})
    made = compile_encoder_for_values(_record(Field("x", schema)), SR, written, b"", {})({"x": value})
    found = json.loads(made)
    jsonschema.validate(found, json.loads(written))
    return found


OPTIONAL_TEXT = Schema(Kind.STRING, optional=True)
CENTS = Schema(Kind.BYTES, name=DECIMAL, parameters={"scale": "2"})


@pytest.mark.parametrize(
    ("schema", "value", "node", "expected"),
    [
        (OPTIONAL_TEXT, None, {"type": "string"}, {}),
        (OPTIONAL_TEXT, None, {"type": ["string", "null"]}, {"x": None}),
        (OPTIONAL_TEXT, "a", {"anyOf": [{"type": "string"}, {"type": "null"}]}, {"x": "a"}),
        (OPTIONAL_TEXT, "a", {"$ref": "#/definitions/text"}, {"x": "a"}),
        (OPTIONAL_TEXT, "a", {"enum": ["a", "b"]}, {"x": "a"}),
        (OPTIONAL_TEXT, None, {}, {"x": None}),
        (Schema(Kind.INT64, name=TIMESTAMP), 1_700_000_000_123, {"type": "string"}, {"x": "2023-11-14T22:13:20.123Z"}),
        (Schema(Kind.INT64, name=TIMESTAMP), -1, {"type": "integer"}, {"x": -1}),
        (Schema(Kind.INT32, name=DATE), -1, {"type": "string", "format": "date"}, {"x": "1969-12-31"}),
        (Schema(Kind.INT32, name=TIME), 3_723_004, {"type": "string"}, {"x": "01:02:03.004"}),
        (Schema(Kind.FLOAT64), 3.0, {"type": "integer"}, {"x": 3}),
        (CENTS, Decimal("1.25"), {"type": "number"}, {"x": 1.25}),
        (CENTS, Decimal("1.25"), {"type": "string"}, {"x": "fQ=="}),
    ],
)  # fmt: skip
def test_values_in_the_form_that_a_foreign_schema_allows(
    schema: Schema, value: Any, node: Any, expected: Any
) -> None:
    assert _encode(schema, value, node, definitions={"text": {"type": "string"}}) == expected


@pytest.mark.parametrize(
    ("schema", "node"),
    [
        (OPTIONAL_TEXT, {"type": "integer"}),
        (Schema(Kind.FLOAT64), {"type": "string"}),
        (Schema(Kind.BOOLEAN), {"const": 1}),
        (Schema(Kind.STRUCT, fields=(Field("a", OPTIONAL_TEXT),)), {"type": "string"}),
    ],
)
def test_a_type_that_does_not_fit_is_named(schema: Schema, node: Any) -> None:
    with pytest.raises(Fatal, match=r"field x is .*, the registered schema has .* for it") as caught:
        _encode(schema, None, node)
    assert caught.value.stage is Stage.SCHEMA


def test_required_properties() -> None:
    with pytest.raises(BadRecord, match=r"field x of com\.acme\.R is null"):
        _encode(OPTIONAL_TEXT, None, {"type": "string"}, required=["x"])
    with pytest.raises(Fatal, match="requires y, and the event has no such field"):
        _encode(OPTIONAL_TEXT, "a", {"type": "string"}, required=["y"])
    properties = {"x": {"type": "string"}, "y": {"type": "string", "default": "d"}}
    assert _encode(OPTIONAL_TEXT, "a", {}, required=["y"], properties=properties) == {"x": "a", "y": "d"}
    with pytest.raises(BadRecord, match="has a fraction"):
        _encode(Schema(Kind.FLOAT64), 1.5, {"type": "integer"})


def test_half_a_surrogate_pair_is_a_bad_record() -> None:
    with pytest.raises(BadRecord, match="half a surrogate"):
        _encode(OPTIONAL_TEXT, "\ud83d", {})


@pytest.mark.parametrize("text", ["<html>", '"text"', '{"type": "string"}', "[]", '{"$ref": "#"}'])
def test_a_registered_text_that_describes_no_object(text: str) -> None:
    with pytest.raises(Fatal, match="registered JSON Schema"):
        SR.missing_fields(record_schema(ORDER), text, {})


def test_fields_that_the_registered_schema_lacks() -> None:
    schema = record_schema(ORDER)
    narrow = evolve(schema, fields=schema.fields[:-3])
    text = SR.render(narrow, {})
    assert SR.missing_fields(schema, text, {}) == tuple(f.name for f in schema.fields[-3:])
    with pytest.raises(Fatal, match=r"has no field .*latest\.compatibility\.strict"):
        compile_route(ORDER, schema, SR, text, FRAME, {})
    dropping = SR.compile_fused(
        rows(ORDER, drop_unknown=True), text, b"", {"latest.compatibility.strict": "false"}
    )
    assert list(json.loads(dropping(data(FULL)))) == [f.name for f in narrow.fields]


def test_a_registered_schema_grows_at_its_end_and_keeps_the_rest() -> None:
    place = Schema(
        Kind.STRUCT, optional=True, fields=(Field("Latitude", Schema(Kind.FLOAT64, optional=True)),)
    )
    old = {
        "$id": "mine",
        "properties": {
            "x": {"type": "string", "confluent:tags": ["PII"], "connect.index": 7, "description": "mine"},
            "place": {"oneOf": [{"type": "null"}, {"type": "object", "properties": {"Longitude": {}}}]},
        },
        "x-other": 1.0,
    }
    wider = _record(
        Field("new", OPTIONAL_TEXT, frozenset({"GDPR"})), Field("x", OPTIONAL_TEXT), Field("place", place)
    )
    text = SR.with_fields(wider, json.dumps(old), {"object.additional.properties": "false"})
    made = json.loads(text)
    assert SR.missing_fields(wider, text, {}) == ()
    assert made["properties"].pop("new") == {
        "oneOf": [{"type": "null"}, {"type": "string"}],
        "connect.index": 8,
        "confluent:tags": ["GDPR"],
    }
    latitude = made["properties"]["place"]["oneOf"][1]["properties"].pop("Latitude")
    assert latitude == {"oneOf": [{"type": "null"}, {"type": "number", "connect.type": "float64"}]}
    assert made == old


def test_connects_own_schema_that_grew_is_still_written_directly() -> None:
    schema = record_schema(ORDER)
    text = SR.with_fields(schema, SR.render(evolve(schema, fields=schema.fields[2:]), {}), {})
    assert "encode_row" not in source_of(SR.compile_fused(rows(ORDER), text, FRAME, {}))


def test_a_wide_event() -> None:
    event = EventType("Wide__e", tuple(EventField(f"Field_{n}__c", "string") for n in range(500)), "id")
    payload = {f.name: "v" for f in event.fields}
    made = json.loads(SR.compile_fused(rows(event), None, b"", {})(data(payload)))
    assert payload.items() <= made.items()


def test_an_option_out_of_its_range() -> None:
    with pytest.raises(ConfigurationError, match=r"decimal\.format: must be one of BASE64, NUMERIC"):
        SR.render(record_schema(ORDER), {"decimal.format": "ROMAN"})
