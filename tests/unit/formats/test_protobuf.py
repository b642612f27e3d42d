"""Protobuf's bytes against the official Python serializer, and registered schemas of other people."""

from __future__ import annotations

import json
import struct
from decimal import Decimal
from typing import Any

import pytest
from confluent_kafka.schema_registry import SchemaRegistryClient, topic_subject_name_strategy
from confluent_kafka.schema_registry.protobuf import ProtobufDeserializer, ProtobufSerializer
from confluent_kafka.serialization import MessageField, SerializationContext
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.encryption.protection import NOTHING
from bridge.errors import BadRecord, ConfigurationError, Fatal, Stage
from bridge.formats import FORMATS, compile_encoder_for_values, compile_route
from bridge.formats.code import source_of
from bridge.formats.protobuf import message_indexes
from bridge.formats.protobuf_logical import civil
from bridge.formats.protobuf_read import Reader, indexes
from bridge.formats.protobuf_types import load, message_class
from bridge.formats.reader import read_with
from bridge.formats.times import days_from_civil
from bridge.schema.infer import record_schema
from bridge.schema.model import DATE, DECIMAL, TIME, TIMESTAMP, EventField, EventType, Field, Kind, Schema

from .events import EVERY, FULL, ORDER, data, payloads, rows

PROTOBUF, JSON = FORMATS["PROTOBUF"], FORMATS["JSON"]
FRAME = b"\0\0\0\0\1"
LAYOUTS = {name: rows(event) for name, event in (("order", ORDER), ("every", EVERY))}
CONTEXT = SerializationContext("orders", MessageField.VALUE)
OPTIONS: list[dict[str, str]] = [
    {},
    {"optional.for.nullables": "true"},
    {"wrapper.for.nullables": "true"},
    {"wrapper.for.nullables": "true", "optional.for.nullables": "true"},
]


class Official:
    """A schema's text as the official client's serializer and deserializer use it."""

    def __init__(self, text: str, full_name: str) -> None:
        self.message = message_class(load(text), full_name)
        client = SchemaRegistryClient.new_client({"url": "mock://protobuf"})
        conf = {"subject.name.strategy": topic_subject_name_strategy, "use.deprecated.format": False}
        self._serialize = ProtobufSerializer(self.message, client, conf)
        self._deserialize = ProtobufDeserializer(self.message, {"use.deprecated.format": False})

    def serialize(self, value: dict[str, Any]) -> bytes:
        """The value's bytes after the schema id."""
        message = self.message()
        fill(message, value)
        return bytes(self._serialize(message, CONTEXT))[5:]

    def deserialize(self, data: bytes) -> Any:
        return self._deserialize(data, CONTEXT)


def fill(message: Any, value: dict[str, Any]) -> None:
    """Set what is not null, date-times and dates by the runtime's own helpers."""
    for field in message.DESCRIPTOR.fields:
        given = value.get(field.name)
        if given is None:
            continue
        if field.type != field.TYPE_MESSAGE:
            setattr(message, field.name, given)
            continue
        part = getattr(message, field.name)
        part.SetInParent()
        kind = field.message_type.full_name
        if kind == "google.protobuf.Timestamp":
            part.FromMilliseconds(given)
        elif kind == "google.type.Date":
            part.year, part.month, part.day = civil(given)
        elif kind.startswith("google.protobuf."):
            part.value = given
        else:
            fill(part, given)


NAMES = {name: layout.schema.name for name, layout in LAYOUTS.items()}
OFFICIAL = [Official(PROTOBUF.render(LAYOUTS["every"].schema, o), NAMES["every"] or "") for o in OPTIONS]
FUSED = [PROTOBUF.compile_fused(LAYOUTS["every"], None, FRAME, o) for o in OPTIONS]


def plain(name: str, payload: dict[str, Any]) -> dict[str, Any]:
    """The event's values, by way of JSON, which is tested by itself."""
    return json.loads(JSON.compile_fused(LAYOUTS[name], None, b"", {})(data(payload)))


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


def _encode(schema: Schema, value: Any, written: str | None = None, **settings: str) -> dict[str, Any]:
    record = Schema(Kind.STRUCT, name="com.acme.R", fields=(Field("x", schema),))
    options = {key.replace("_", "."): text for key, text in settings.items()}
    encode = compile_encoder_for_values(record, PROTOBUF, written, FRAME, options)
    text = written or PROTOBUF.render(record, options)
    return Reader(text).read(encode({"x": value})[5:])


def test_an_instant_at_the_epoch_is_there_and_null_is_not() -> None:
    schema = Schema(Kind.INT64, optional=True, name=TIMESTAMP)
    assert _encode(schema, 0)["x"].isoformat() == "1970-01-01T00:00:00+00:00"
    assert _encode(schema, None)["x"] is None
    layout = rows(EventType("E__e", (EventField("CreatedDate", "datetime"),), "id"))
    made = PROTOBUF.compile_fused(layout, None, FRAME, {})(data({"CreatedDate": "1970-01-01T00:00:00Z"}))
    assert Reader(PROTOBUF.render(layout.schema, {})).read(made[5:])["CreatedDate"] is not None


@pytest.mark.parametrize("option", ["wrapper_for_nullables", "optional_for_nullables"])
def test_an_empty_text_is_not_null_where_the_schema_can_tell(option: str) -> None:
    schema = Schema(Kind.STRING, optional=True)
    assert _encode(schema, "", **{option: "true"}) == {"x": ""}
    assert _encode(schema, None, **{option: "true"}) == {"x": None}


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
    read = _encode(Schema(**{**{k: getattr(schema, k) for k in _FIELDS}, "optional": True}), value)["x"]
    assert repr(read) == repr([] if value is None else value)


_FIELDS = ("kind", "name", "parameters", "key_schema", "value_schema", "fields")


def test_times_of_day() -> None:
    schema = Schema(Kind.INT32, name=TIME)
    assert _encode(schema, 86_399_999)["x"].isoformat() == "23:59:59.999000"
    with pytest.raises(BadRecord, match=r"field x of com\.acme\.R cannot be written: it is out of range"):
        _encode(schema, 86_400_000)


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
        _encode(schema, value)
    assert str(value) not in caught.value.message


@given(st.integers(-4_000_000, 4_000_000))
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
    assert _encode(schema, 253_402_300_799_999)["x"].year == 9999
    for ms in (253_402_300_800_000, -62_135_596_800_001):
        with pytest.raises(BadRecord, match="out of range"):
            _encode(schema, ms)
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


# --- registered schemas of other people --------------------------------------------------------------------------

FOREIGN = """
// Somebody's own.
syntax = "proto3";
package com.acme;
import "google/protobuf/wrappers.proto";
message Other { string a = 1; }
message Order_Placed__e {
  reserved 5, 7 to 9;
  string _EventType = 40;
  google.protobuf.StringValue ReplayId = 3;
  optional string EventUuid = 2;
  int64 CreatedDate = 1;
  bytes extra = 100;
  enum Gift { NO = 0; New = 1; }
  Gift Status__c = 11;
  int32 Quantity__c = 12;
  string Customer_Email__c = 13 [(confluent.field_meta).tags = "PII"];
}
"""


def test_a_foreign_schema_is_written_as_it_is() -> None:
    options = {"latest.compatibility.strict": "false"}
    layout = rows(ORDER, drop_unknown=True)
    made = PROTOBUF.compile_fused(layout, FOREIGN, FRAME, options, NOTHING)(data(FULL))
    read = Reader(FOREIGN).read(made[5:])
    assert made[5:7] == b"\x02\x02"  # one index: the second message
    assert (read["ReplayId"], read["CreatedDate"], read["Status__c"]) == ("2621", 1723032739078, "New")
    assert (read["Quantity__c"], read["extra"]) == (3, b"")
    with pytest.raises(BadRecord, match=r"field Quantity__c of .* has a fraction"):
        PROTOBUF.compile_fused(layout, FOREIGN, FRAME, options, NOTHING)(data(FULL | {"Quantity__c": 1.5}))
    with pytest.raises(BadRecord, match=r"Status__c .* none of the values"):
        PROTOBUF.compile_fused(layout, FOREIGN, FRAME, options, NOTHING)(data(FULL | {"Status__c": "Lost"}))


def test_fields_that_the_registered_schema_lacks_are_named() -> None:
    with pytest.raises(Fatal, match=r"has no field CreatedById, .*latest\.compatibility\.strict") as caught:
        compile_route(ORDER, record_schema(ORDER), PROTOBUF, FOREIGN, FRAME, {}, protection=NOTHING)
    assert caught.value.stage is Stage.SCHEMA


@pytest.mark.parametrize(
    ("kind", "schema"),
    [
        ("int32", Schema(Kind.STRING)),
        ("string", Schema(Kind.FLOAT64)),
        ("repeated string", Schema(Kind.STRING)),
        ("int32", Schema(Kind.INT64, name=TIMESTAMP)),
        ("google.protobuf.Timestamp", Schema(Kind.INT32, name=DATE)),
        ("R", Schema(Kind.STRING)),
    ],
)
def test_a_type_that_does_not_fit_is_named(kind: str, schema: Schema) -> None:
    head = 'syntax = "proto3"; package com.acme; import "google/protobuf/timestamp.proto";'
    text = f"{head} message R {{ {kind} x = 1; }}"
    with pytest.raises(Fatal, match=r"field x is .*, the registered schema has .* for it"):
        _encode(schema, None, text)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("<html>", "line 1, column 1: expected a word"),
        ('syntax = "proto3"; message R { string x = ; }', "line 1, column 43: expected a word"),
        ('syntax = "proto3"; message R { string x = 1;', "unexpected end of file"),
        ('syntax = "proto3"; message R { Unknown x = 1; }', '"Unknown" is not defined'),
        ('syntax = "proto3"; import "mine.proto"; message R { string x = 1; }', "imports mine.proto"),
        ('syntax = "proto3"; message R { string x = 1; string y = 1; }', "not valid"),
        ('syntax = "proto3"; enum E { A = 0; }', "no message"),
        (
            'syntax = "proto2"; message R { optional string x = 1; required string y = 2; }',
            "requires the field y",
        ),
    ],
)
def test_a_registered_text_that_cannot_be_used(text: str, problem: str) -> None:
    with pytest.raises(Fatal, match=problem):
        _encode(Schema(Kind.STRING), "a", text)


def test_a_nested_message_and_a_real_map() -> None:
    text = """syntax = "proto3"; package com.acme;
    message Outer { message Aside {} message R { map<string, int64> x = 4; } }"""
    schema = Schema(Kind.MAP, key_schema=Schema(Kind.STRING), value_schema=Schema(Kind.INT64))
    record = Schema(Kind.STRUCT, name="com.acme.Outer.R", fields=(Field("x", schema),))
    made = compile_encoder_for_values(record, PROTOBUF, text, FRAME, {})({"x": {"a": 1}})
    assert made[5:8] == b"\x04\x00\x02"
    assert Reader(text).read(made[5:]) == {"x": {"a": 1}}


def test_message_indexes_are_the_official_ones() -> None:
    text = """syntax = "proto3"; package com.acme; message First {}
    message Outer { message Aside {} message R { string x = 4; } }"""
    record = Schema(Kind.STRUCT, name="com.acme.Outer.R", fields=(Field("x", Schema(Kind.STRING)),))
    made = compile_encoder_for_values(record, PROTOBUF, text, FRAME, {})({"x": "a"})
    official = Official(text, "com.acme.Outer.R")
    assert made[5:] == official.serialize({"x": "a"})
    assert official.deserialize(made).x == "a"


_FIELDS_OF_ORDER = [f for f in LAYOUTS["order"].schema.fields if f.name not in ("CreatedDate",)]
_WORDS = {
    Kind.STRING: ("string", "StringValue"),
    Kind.FLOAT64: ("double", "DoubleValue"),
    Kind.BOOLEAN: ("bool", "BoolValue"),
}


@st.composite
def foreign_texts(draw: st.DrawFn) -> str:
    """The order's fields as somebody else may have declared them: any order, numbers, presence."""
    lines = ["google.protobuf.Timestamp CreatedDate = 536870911;"]
    numbers = draw(st.lists(st.integers(1, 18_999), min_size=40, max_size=40, unique=True))
    for column, number in zip(draw(st.permutations(_FIELDS_OF_ORDER)), numbers, strict=False):
        word, wrapper = _WORDS.get(column.schema.kind, ("", ""))
        kinds = [word, f"optional {word}", f"google.protobuf.{wrapper}"]
        if column.schema.name == DATE:
            kinds = ["google.type.Date", "int32", "optional sint64", "sfixed32"]
        elif column.schema.name == TIMESTAMP:
            kinds = ["google.protobuf.Timestamp", "int64", "sfixed64"]
        lines.append(f"{draw(st.sampled_from(kinds))} {column.name} = {number};")
    imports = "".join(
        f'import "google/{name}.proto";' for name in ("protobuf/timestamp", "protobuf/wrappers", "type/date")
    )
    return f'syntax = "proto3"; package acme; {imports} message Order {{ {" ".join(draw(st.permutations(lines)))} }}'


@settings(max_examples=60, deadline=None)
@given(foreign_texts(), payloads(ORDER))
def test_any_foreign_declaration_is_byte_identical_to_the_official_serializers(
    text: str, payload: dict[str, Any]
) -> None:
    made = PROTOBUF.compile_fused(LAYOUTS["order"], text, FRAME, {})(data(payload))
    assert made == FRAME + Official(text, "acme.Order").serialize(plain("order", payload))


def test_an_option_that_is_neither_true_nor_false() -> None:
    with pytest.raises(ConfigurationError, match=r"wrapper\.for\.nullables: must be true or false"):
        PROTOBUF.render(record_schema(ORDER), {"wrapper.for.nullables": "perhaps"})


@pytest.mark.parametrize("data", [b"", b"\xff" * 20, b"\x00\xff", b"\x02\x04", b"\x09"])
def test_bytes_that_are_no_message(data: bytes) -> None:
    with pytest.raises(ValueError):
        Reader(PROTOBUF.render(record_schema(ORDER), {})).read(data)
