"""Protobuf's bytes against the official Python serializer, and what they read back as."""

from __future__ import annotations

import struct
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.errors import BadRecord, Fatal
from bridge.formats.code import source_of
from bridge.formats.protobuf.indexes import message_indexes
from bridge.formats.protobuf.logical import civil
from bridge.formats.protobuf.read import Reader, indexes
from bridge.formats.reader import read_with
from bridge.formats.times import days_from_civil
from bridge.model.schema import DECIMAL, TIME, TIMESTAMP, EventField, EventType, Field, Kind, Schema
from tests.support.formats import compile_encoder_for_values
from tests.unit.formats.official import FRAME, LAYOUTS, PROTOBUF, Official, fill, plain, read_back

from .events import EVERY, data, payloads, rows

OPTIONS: list[dict[str, str]] = [
    {},
    {"optional.for.nullables": "true"},
    {"wrapper.for.nullables": "true"},
    {"wrapper.for.nullables": "true", "optional.for.nullables": "true"},
]


NAMES = {name: layout.schema.name for name, layout in LAYOUTS.items()}
OFFICIAL = [Official(PROTOBUF.render(LAYOUTS["every"].schema, o), NAMES["every"] or "") for o in OPTIONS]
FUSED = [PROTOBUF.compile_fused(LAYOUTS["every"], None, FRAME, o) for o in OPTIONS]


@settings(max_examples=200, deadline=None)
@given(payloads(EVERY), st.sampled_from(range(len(OPTIONS))))
def test_every_type_is_byte_identical_and_read_by_the_official_client(
    payload: dict[str, Any], option: int
) -> None:
    made, expected = FUSED[option](data(payload)), plain("every", payload)
    assert made == FRAME + OFFICIAL[option].serialize(expected)
    message = OFFICIAL[option].deserialize(made)
    again = OFFICIAL[option].message()
    fill(again, expected)
    assert message == again


@settings(deadline=None)
@given(payloads(EVERY), st.sampled_from(OPTIONS))
def test_fused_by_row_and_by_values_are_the_same(payload: dict[str, Any], options: dict[str, str]) -> None:
    layout = LAYOUTS["every"]
    row = read_with(layout)(data(payload))
    fused = PROTOBUF.compile_fused(layout, None, FRAME, options)(data(payload))
    assert PROTOBUF.compile_rows(layout, None, FRAME, options)(row) == fused
    by_values = compile_encoder_for_values(layout.schema, PROTOBUF, None, FRAME, options)
    assert by_values(layout.values(row)) == fused


@pytest.mark.parametrize("replay_id", [0, 63, 2**53 + 1, 2**63 - 1])
def test_edges(replay_id: int) -> None:
    every = {
        "CreatedDate": "1969-12-31T23:59:59.999Z",
        "Text__c": "",
        "Number__c": -0.0,
        "Day__c": "1582-10-15",
    }
    layout = rows(
        EventType(
            "E__e",
            (
                EventField("CreatedDate", "datetime"),
                EventField("Text__c", "string"),
                EventField("Number__c", "double"),
                EventField("Day__c", "date"),
            ),
            "id",
        )
    )
    made = PROTOBUF.compile_fused(layout, None, FRAME, {})(data(every, replay_id))
    read = Reader(PROTOBUF.render(layout.schema, {})).read(made[5:])
    assert read["ReplayId"] == str(replay_id)
    assert read["CreatedDate"].isoformat() == "1969-12-31T23:59:59.999000+00:00"
    assert struct.pack("<d", read["Number__c"]) == struct.pack("<d", -0.0)
    assert read["Day__c"].isoformat() == "1582-10-15"


def test_an_instant_at_the_epoch_is_there_and_null_is_not() -> None:
    schema = Schema(Kind.INT64, optional=True, name=TIMESTAMP)
    assert read_back(schema, 0)["x"].isoformat() == "1970-01-01T00:00:00+00:00"
    assert read_back(schema, None)["x"] is None
    layout = rows(EventType("E__e", (EventField("CreatedDate", "datetime"),), "id"))
    made = PROTOBUF.compile_fused(layout, None, FRAME, {})(data({"CreatedDate": "1970-01-01T00:00:00Z"}))
    assert Reader(PROTOBUF.render(layout.schema, {})).read(made[5:])["CreatedDate"] is not None


@pytest.mark.parametrize("option", ["wrapper_for_nullables", "optional_for_nullables"])
def test_an_empty_text_is_not_null_where_the_schema_can_tell(option: str) -> None:
    schema = Schema(Kind.STRING, optional=True)
    assert read_back(schema, "", **{option: "true"}) == {"x": ""}
    assert read_back(schema, None, **{option: "true"}) == {"x": None}


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        (Schema(Kind.FLOAT64), float("nan")),
        (Schema(Kind.FLOAT64), float("inf")),
        (Schema(Kind.INT64), -(2**63)),
        (Schema(Kind.INT64), 2**63 - 1),
        (Schema(Kind.STRING), "x" * 1_000_000),
        (Schema(Kind.BYTES), b"\0\xff"),
        (Schema(Kind.BYTES, name=DECIMAL, parameters={"scale": "2"}), Decimal("-0.01")),
        (Schema(Kind.ARRAY, value_schema=Schema(Kind.INT32)), [1, -1]),
        (Schema(Kind.MAP, key_schema=Schema(Kind.STRING), value_schema=Schema(Kind.INT64)), None),
    ],
)
def test_values_at_the_edge_come_back(schema: Schema, value: Any) -> None:
    read = read_back(Schema(**{**{k: getattr(schema, k) for k in _FIELDS}, "optional": True}), value)["x"]
    assert repr(read) == repr([] if value is None else value)


_FIELDS = ("kind", "name", "parameters", "key_schema", "value_schema", "fields")


def test_times_of_day() -> None:
    schema = Schema(Kind.INT32, name=TIME)
    assert read_back(schema, 86_399_999)["x"].isoformat() == "23:59:59.999000"
    with pytest.raises(BadRecord, match=r"field x of com\.acme\.R cannot be written: it is out of range"):
        read_back(schema, 86_400_000)


@pytest.mark.parametrize(
    ("schema", "value", "problem"),
    [
        (Schema(Kind.STRING), "half \ud83d a pair", "half a surrogate"),
        (Schema(Kind.INT32), 2**31, "out of range"),
        (Schema(Kind.STRING), 5, "of another type"),
        (Schema(Kind.ARRAY, value_schema=Schema(Kind.STRING, optional=True)), ["a", None], "of another type"),
        (Schema(Kind.BYTES, name=DECIMAL, parameters={"scale": "2"}), Decimal("1.234"), "of another type"),
    ],
)
def test_what_cannot_be_written_names_the_field_and_no_value(
    schema: Schema, value: Any, problem: str
) -> None:
    with pytest.raises(BadRecord, match=f"field x of .*{problem}") as caught:
        read_back(schema, value)
    assert str(value) not in caught.value.message


@pytest.mark.parametrize(
    ("days", "date"),
    [
        (-141_427, (1582, 10, 15)),
        (-141_428, (1582, 10, 4)),
        (-171_499, (1500, 6, 5)),
        (-719_164, (1, 1, 1)),
        (-719_165, (1, 12, 31)),
        (-719_531, (2, 12, 31)),
    ],
)
def test_a_date_before_the_reform_is_the_one_of_java(days: int, date: tuple[int, int, int]) -> None:
    """As ``java.util.Calendar`` of Java 17 gives them, by which Kafka Connect fills a google.type.Date."""
    assert civil(days) == date


@given(st.integers(-141_427, 4_000_000))
def test_days_and_dates(days: int) -> None:
    assert days_from_civil(*civil(days)) == days


@given(st.lists(st.integers(0, 2**31 - 1), min_size=1, max_size=4))
def test_message_indexes_come_back(path: list[int]) -> None:
    made = message_indexes(tuple(path))
    assert indexes(made + b"rest") == (tuple(path), len(made))
    assert (made == b"\0") == (path == [0])


def test_names_that_are_keywords_and_the_classs_own() -> None:
    names = [
        "class",
        "message",
        "None",
        "Clear",
        "DESCRIPTOR",
        "string",
        "optional",
        "reserved",
        "map",
        "syntax",
    ]
    names += ["option", "oneof", "enum", "extend", "group", "max", "to", "f1_", "self", "extensions"]
    record = Schema(Kind.STRUCT, name="a.message", fields=tuple(Field(n, Schema(Kind.STRING)) for n in names))
    text = PROTOBUF.render(record, {})
    made = compile_encoder_for_values(record, PROTOBUF, None, FRAME, {})({name: name for name in names})
    assert Reader(text).read(made[5:]) == {name: name for name in names}


def test_two_names_with_one_json_name() -> None:
    names = ["Foo_Bar__c", "FooBar__c"]
    record = Schema(Kind.STRUCT, name="a.R", fields=tuple(Field(n, Schema(Kind.STRING)) for n in names))
    made = compile_encoder_for_values(record, PROTOBUF, None, FRAME, {})({name: name for name in names})
    assert Reader(PROTOBUF.render(record, {})).read(made[5:]) == {name: name for name in names}


def test_optional_fields_that_differ_by_an_underscore() -> None:
    text = Schema(Kind.STRING, optional=True)
    record = Schema(Kind.STRUCT, name="a.R", fields=(Field("Type", text), Field("_Type", text)))
    options = {"optional.for.nullables": "true"}
    made = compile_encoder_for_values(record, PROTOBUF, None, FRAME, options)({"Type": None, "_Type": ""})
    assert Reader(PROTOBUF.render(record, options)).read(made[5:]) == {"Type": None, "_Type": ""}


def test_instants_beyond_protobufs_range() -> None:
    schema = Schema(Kind.INT64, name=TIMESTAMP)
    assert read_back(schema, 253_402_300_799_999)["x"].year == 9999
    for ms in (253_402_300_800_000, -62_135_596_800_001):
        with pytest.raises(BadRecord, match="out of range"):
            read_back(schema, ms)
    layout = rows(EventType("E__e", (EventField("CreatedDate", "datetime"),), "id"))
    convert = PROTOBUF.compile_fused(layout, None, FRAME, {})
    with pytest.raises(BadRecord, match=r"field CreatedDate of .* out of range"):
        convert(data({"CreatedDate": "10000-01-01T00:00:00Z"}))


def test_a_name_that_protobuf_does_not_allow() -> None:
    record = Schema(Kind.STRUCT, name="a.R", fields=(Field("Žluť__c", Schema(Kind.STRING, optional=True)),))
    with pytest.raises(Fatal, match=r"Žluť__c is not allowed .*scrub\.invalid\.names"):
        PROTOBUF.render(record, {})
    options = {"scrub.invalid.names": "true"}
    text = PROTOBUF.render(record, options)
    made = compile_encoder_for_values(record, PROTOBUF, None, FRAME, options)({"Žluť__c": "x"})
    assert Reader(text).read(made[5:]) == {"_C5_BDlu_C5_A5__c": "x"}
    assert PROTOBUF.missing_fields(record, text, options) == ()


def test_five_hundred_fields() -> None:
    fields = tuple(EventField(f"Field_{n}__c", "string") for n in range(500))
    event = EventType("Wide__e", fields, "id")
    layout = rows(event)
    payload = {f.name: f"value {f.name}" for f in fields}
    made = PROTOBUF.compile_fused(layout, None, FRAME, {})(data(payload))
    official = Official(PROTOBUF.render(layout.schema, {}), layout.schema.name or "")
    values = payload | {"_ObjectType": "Wide__e", "_EventType": "id", "ReplayId": "2621"}
    assert made == FRAME + official.serialize(values | {"EventUuid": data({}).event.EventUuid})


def test_the_generated_code_stays_flat() -> None:
    source = source_of(PROTOBUF.compile_fused(LAYOUTS["order"], None, FRAME, {}))
    assert "put_" not in source
    assert source.count("message = ") == 1
