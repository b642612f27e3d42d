"""Avro's bytes against fastavro, which the official Python serializer uses."""

from __future__ import annotations

import io
import json
from typing import Any

import fastavro
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.errors import BadRecord, Fatal, Stage
from bridge.formats import FORMATS
from bridge.formats.code import source_of
from bridge.formats.reader import read_with
from bridge.metadata.infer import record_schema
from bridge.model.schema import EventField, EventType, Field, Kind, Schema
from tests.support.formats import compile_encoder_for_values, compile_route

from .events import EVERY, FULL, ORDER, data, payloads, rows

AVRO, JSON = FORMATS["AVRO"], FORMATS["JSON"]
FRAME = b"\0\0\0\1\2"
LAYOUTS = {name: rows(event) for name, event in (("order", ORDER), ("every", EVERY))}
TEXTS = {name: AVRO.render(layout.schema, {}) for name, layout in LAYOUTS.items()}
FUSED = {name: AVRO.compile_fused(layout, None, FRAME, {}) for name, layout in LAYOUTS.items()}


def official(text: str, value: dict[str, Any]) -> bytes:
    """What fastavro writes."""
    out = io.BytesIO()
    fastavro.schemaless_writer(out, fastavro.parse_schema(json.loads(text)), value)
    return out.getvalue()


def plain(name: str, payload: dict[str, Any]) -> dict[str, Any]:
    """The event's values, by way of JSON, which is tested by itself."""
    return json.loads(JSON.compile_fused(LAYOUTS[name], None, b"", {})(data(payload)))


@settings(max_examples=300, deadline=None)
@given(payloads(EVERY))
def test_every_type_is_byte_identical(payload: dict[str, Any]) -> None:
    assert FUSED["every"](data(payload)) == FRAME + official(TEXTS["every"], plain("every", payload))


@settings(deadline=None)
@given(payloads(ORDER))
def test_fused_by_row_and_by_values_are_the_same(payload: dict[str, Any]) -> None:
    layout = LAYOUTS["order"]
    row = read_with(layout)(data(payload))
    fused = FUSED["order"](data(payload))
    assert AVRO.compile_rows(layout, None, FRAME, {})(row) == fused
    assert compile_encoder_for_values(layout.schema, AVRO, None, FRAME, {})(layout.values(row)) == fused


@pytest.mark.parametrize(
    "payload",
    [
        {"Comment__c": ""},
        {"Comment__c": "x" * 4095},
        {"Comment__c": "x" * 4096},
        {"Comment__c": "ž" * 500_000},
        {"Comment__c": "\ufffd😀\x00"},
        {"Amount__c": -0.0, "Quantity__c": 1.7976931348623157e308},
        {"Amount__c": 5e-324},
        {"CreatedDate": "1969-12-31T23:59:59.999Z", "Ship_Date__c": "1969-12-31"},
        {"CreatedDate": "1970-01-01T00:00:00.000Z", "Promised_At__c": "1970-01-02T00:00:00.001Z"},
        {"CreatedDate": "1970-01-02T13:16:57.727Z", "Promised_At__c": "1970-01-02T13:16:57.728Z"},
        {"CreatedDate": "9999-12-31T23:59:59.999Z", "Ship_Date__c": "9999-12-31"},
        {"CreatedDate": "10000-01-01T00:00:00Z", "Ship_Date__c": "123456-01-01"},
        {"CreatedDate": "0001-01-01T00:00:00Z", "Ship_Date__c": "0001-01-01"},
        {"CreatedDate": "2024-08-07T12:12:19.078999Z"},
    ],
)
def test_edges(payload: dict[str, Any]) -> None:
    whole = FULL | payload
    assert FUSED["order"](data(whole)) == FRAME + official(TEXTS["order"], plain("order", whole))


@settings(deadline=None)
@given(
    st.lists(st.datetimes().map(lambda m: f"{m.isoformat(timespec='milliseconds')}Z"), min_size=2, max_size=8)
)
def test_moments_of_any_years_follow_each_other(moments: list[str]) -> None:
    for moment in [*moments, *reversed(moments)]:
        payload = {"CreatedDate": moment, "Promised_At__c": moments[0]}
        assert FUSED["order"](data(payload)) == FRAME + official(TEXTS["order"], plain("order", payload))


@settings(deadline=None)
@given(st.integers(-(2**63), 2**63 - 1), st.integers(-(2**31), 2**31 - 1))
def test_integers_by_values(long: int, short: int) -> None:
    stamp = Schema(Kind.INT64, optional=True, name="org.apache.kafka.connect.data.Timestamp", version=1)
    schema = Schema(
        Kind.STRUCT,
        name="R",
        fields=(Field("a", Schema(Kind.INT64)), Field("b", Schema(Kind.INT32)), Field("c", stamp)),
    )
    value = {"a": long, "b": short, "c": long >> 8}
    made = compile_encoder_for_values(schema, AVRO, None, b"", {})(value)
    assert made == official(AVRO.render(schema, {}), value)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf"), -0.0])
def test_special_doubles_by_values(value: float) -> None:
    schema = Schema(Kind.STRUCT, name="R", fields=(Field("x", Schema(Kind.FLOAT64, optional=True)),))
    made = compile_encoder_for_values(schema, AVRO, None, b"", {})({"x": value})
    assert made == official(AVRO.render(schema, {}), {"x": value})


@pytest.mark.parametrize("value", [2**31, -(2**31) - 1])
def test_an_int_that_is_none(value: int) -> None:
    schema = Schema(Kind.STRUCT, name="R", fields=(Field("x", Schema(Kind.INT32)),))
    with pytest.raises(BadRecord, match="field x of R is beyond the range") as caught:
        compile_encoder_for_values(schema, AVRO, None, b"", {})({"x": value})
    assert caught.value.stage is Stage.ENCODE


# --- schemas that somebody else registered ----------------------------------------------------------------------


def record(*fields: Any) -> str:
    return json.dumps({"type": "record", "name": "Foreign", "namespace": "com.acme", "fields": list(fields)})


def column(name: str, type_: Any, **more: Any) -> dict[str, Any]:
    return {"name": name, "type": type_, **more}


MANAGED = {f["name"]: f for f in json.loads(TEXTS["order"])["fields"]}
TURNED = {
    "Amount__c": ["double", "null"],
    "Quantity__c": "double",
    "Is_Gift__c": "boolean",
    "Status__c": ["null", {"type": "enum", "name": "Status", "symbols": ["New", "Old"]}],
    "Customer_Name__c": {"type": "string", "avro.java.string": "String"},
    "CreatedDate": {"type": "long", "logicalType": "timestamp-millis"},
    "Ship_Date__c": ["null", {"type": "int", "logicalType": "date"}, "string"],
    "Comment__c": ["null", "bytes", "string"],
    "ReplayId": "string",
    "_EventType": {"type": "enum", "name": "Kind", "symbols": ["other", "q0mW4nJrT1yq0Wv9Zb7wLA"]},
}
EXTRA = [
    column("added_null", ["null", "string"], default=None),
    column("added_text", "string", default="dé"),
    column("added_union", ["string", "null"], default="x"),
    column("added_number", "long", default=-7),
    column("added_list", {"type": "array", "items": "int"}, default=[1, 2]),
    column("added_map", {"type": "map", "values": "double"}, default={"a": 1}),
    column("added_enum", {"type": "enum", "name": "E", "symbols": ["A", "B"]}, default="B"),
    column(
        "added_record",
        {"type": "record", "name": "Inner", "fields": [column("n", "int", default=3), column("s", "string")]},
        default={"s": "t"},
    ),
    column("added_nullable", ["null", "string"]),
]


@st.composite
def foreign(draw: st.DrawFn) -> str:
    """A schema with the event's fields in any order, some of other types, and fields of its own."""
    names = draw(st.permutations(list(MANAGED)))
    turned = draw(st.sets(st.sampled_from(sorted(TURNED))))
    fields = [column(n, TURNED[n]) if n in turned else MANAGED[n] for n in names]
    fields += draw(st.lists(st.sampled_from(EXTRA), unique_by=lambda f: f["name"]))
    return record(*draw(st.permutations(fields)))


@settings(deadline=None)
@given(foreign(), st.sampled_from(["New", "Old"]), st.booleans())
def test_a_foreign_schema_is_byte_identical(text: str, status: str, gift: bool) -> None:
    payload = FULL | {"Status__c": status, "Is_Gift__c": gift, "Comment__c": "why not"}
    made = AVRO.compile_fused(LAYOUTS["order"], text, FRAME, {})(data(payload))
    assert made == FRAME + official(text, plain("order", payload))


def test_units_and_promotions() -> None:
    changed = dict(MANAGED)
    changed["CreatedDate"] = column(
        "CreatedDate", ["null", {"type": "long", "logicalType": "timestamp-micros"}]
    )
    changed["Quantity__c"] = column("Quantity__c", "long")
    text = record(*changed.values())
    value = plain("order", FULL)
    value |= {"CreatedDate": value["CreatedDate"] * 1000, "Quantity__c": 3}
    made = AVRO.compile_fused(LAYOUTS["order"], text, b"", {})(data(FULL))
    assert made == official(text, value)
    with pytest.raises(BadRecord, match=r"field Quantity__c .* has a fraction"):
        AVRO.compile_fused(LAYOUTS["order"], text, b"", {})(data(FULL | {"Quantity__c": 3.5}))


def test_promotion_of_integers() -> None:
    text = record(
        *[
            column(n, t)
            for n, t in (("a", "long"), ("b", "double"), ("c", ["null", "float"]), ("d", "double"))
        ]
    )
    kinds = {"a": Kind.INT32, "b": Kind.INT32, "c": Kind.INT64, "d": Kind.FLOAT32}
    schema = Schema(Kind.STRUCT, name="R", fields=tuple(Field(n, Schema(k)) for n, k in kinds.items()))
    value = {"a": -5, "b": 7, "c": 3, "d": 1.5}
    assert compile_encoder_for_values(schema, AVRO, text, b"", {})(value) == official(text, value)


@pytest.mark.parametrize("field", ["Quantity__c", "Customer_Name__c", "Is_Gift__c", "CreatedDate"])
def test_a_null_that_the_registered_schema_does_not_allow(field: str) -> None:
    text = record(*[column(n, TURNED[n]) if n == field else f for n, f in MANAGED.items()])
    convert = AVRO.compile_fused(LAYOUTS["order"], text, FRAME, {})
    convert(data(FULL))
    with pytest.raises(
        BadRecord, match=rf"field {field} .* is null, which the registered schema does not allow"
    ):
        convert(data(FULL | {field: None}))


def test_a_text_that_is_no_symbol() -> None:
    text = record(*[column(n, TURNED[n]) if n == "Status__c" else f for n, f in MANAGED.items()])
    with pytest.raises(BadRecord, match=r"Status__c .* none of the symbols") as caught:
        AVRO.compile_fused(LAYOUTS["order"], text, FRAME, {})(data(FULL | {"Status__c": "Secret"}))
    assert "Secret" not in caught.value.message


def test_a_field_that_the_registered_schema_lacks() -> None:
    text = record(*[f for n, f in MANAGED.items() if n != "Comment__c"])
    assert AVRO.missing_fields(LAYOUTS["order"].schema, text, {}) == ("Comment__c",)
    with pytest.raises(Fatal, match=r"no field Comment__c"):
        AVRO.compile_fused(LAYOUTS["order"], text, FRAME, {})
    lenient = {"latest.compatibility.strict": "false"}
    made = AVRO.compile_fused(LAYOUTS["order"], text, FRAME, lenient)(data(FULL))
    value = plain("order", FULL)
    del value["Comment__c"]
    assert made == FRAME + official(text, value)


def test_a_field_that_the_event_lacks_and_that_must_be_there() -> None:
    text = record(*MANAGED.values(), column("must", "string"))
    with pytest.raises(Fatal, match="field must without a default"):
        AVRO.compile_fused(LAYOUTS["order"], text, FRAME, {})


@pytest.mark.parametrize(
    ("name", "type_"),
    [
        ("Amount__c", "string"),
        ("Order_Number__c", "int"),
        ("CreatedDate", ["null", "string"]),
        ("Amount__c", "float"),
    ],
)
def test_a_type_that_does_not_fit_is_named(name: str, type_: Any) -> None:
    text = record(*[column(n, type_) if n == name else f for n, f in MANAGED.items()])
    with pytest.raises(Fatal, match=f"field {name} is"):
        AVRO.compile_fused(LAYOUTS["order"], text, FRAME, {})


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        '"string"',
        '{"type":"record"}',
        '{"type":"record","name":"R","fields":[{"name":"a","type":"Nope"}]}',
    ],
)
def test_what_is_no_schema_of_a_record_is_refused(text: str) -> None:
    with pytest.raises(Fatal):
        AVRO.compile_fused(LAYOUTS["order"], text, FRAME, {})


def test_missing_fields_are_added_where_they_stand_and_nothing_else_changes() -> None:
    kept = [
        dict(f, doc="mine") for n, f in MANAGED.items() if n not in ("Comment__c", "Amount__c", "ReplayId")
    ]
    kept[3]["confluent:tags"] = ["PII"]
    text = json.dumps({"type": "record", "name": "Foreign", "aliases": ["x"], "fields": [*kept, EXTRA[0]]})
    grown = json.loads(AVRO.with_fields(LAYOUTS["order"].schema, text, {}))
    added = ("Comment__c", "Amount__c", "ReplayId")
    assert [f for f in grown["fields"] if f["name"] not in added] == [*kept, EXTRA[0]]
    assert [f["name"] for f in grown["fields"]] == [*MANAGED, "added_null"]
    assert all(f == MANAGED[f["name"]] for f in grown["fields"] if f["name"] in added)
    assert grown["aliases"] == ["x"]
    assert AVRO.missing_fields(LAYOUTS["order"].schema, json.dumps(grown), {}) == ()


def test_a_missing_part_of_a_nested_record_is_added() -> None:
    schema = record_schema(EVERY)
    whole = json.loads(AVRO.render(schema, {}))
    for f in whole["fields"]:
        if f["name"] == "Address_Field":
            f["type"][1]["fields"] = [p for p in f["type"][1]["fields"] if p["name"] != "City"]
    text = json.dumps(whole)
    assert AVRO.missing_fields(schema, text, {}) == ("Address_Field.City",)
    grown = AVRO.with_fields(schema, text, {})
    assert json.loads(grown) == json.loads(AVRO.render(schema, {}))


def test_tags_are_written_inline() -> None:
    tagged = Schema(
        Kind.STRUCT, name="a.R", fields=(Field("x", Schema(Kind.STRING), frozenset({"PII", "GDPR"})),)
    )
    assert json.loads(AVRO.render(tagged, {}))["fields"][0]["confluent:tags"] == ["GDPR", "PII"]


def test_the_same_schema_gives_the_same_bytes() -> None:
    assert AVRO.render(record_schema(ORDER), {}) == AVRO.render(record_schema(ORDER), {})


def test_the_generated_source_can_be_read_and_holds_no_value() -> None:
    convert = compile_route(ORDER, record_schema(ORDER), AVRO, None, FRAME, {})
    convert(data(FULL))
    assert "row.Order_Number__c" in source_of(convert)
    assert "Žaneta" not in source_of(convert)


_keys = st.sampled_from(
    ["name", "type", "fields", "items", "values", "symbols", "namespace", "default", "size"]
)
_leaves = (
    st.none()
    | st.integers()
    | st.sampled_from(["record", "null", "string", "array", "map", "enum", "R", "long"])
)
_json = st.recursive(
    _leaves, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_keys, inner, max_size=5)
)


@settings(deadline=None)
@given(_json)
def test_whatever_is_registered_is_a_schema_or_refused(document: Any) -> None:
    try:
        assert AVRO.missing_fields(LAYOUTS["order"].schema, json.dumps(document), {})
    except Fatal as error:
        assert error.stage is Stage.SCHEMA  # noqa: PT017 - either outcome is right, another stage is not


def test_five_hundred_fields() -> None:
    fields = tuple(EventField(f"F{n}__c", "datetime" if n % 3 else "string") for n in range(500))
    layout = rows(EventType("Wide__e", fields, "x"))
    payload = {f"F{n}__c": "2024-08-07T12:12:19.078Z" if n % 3 else f"v{n}" for n in range(500)}
    value = json.loads(JSON.compile_fused(layout, None, b"", {})(data(payload)))
    made = AVRO.compile_fused(layout, None, b"", {})(data(payload))
    assert made == official(AVRO.render(layout.schema, {}), value)
