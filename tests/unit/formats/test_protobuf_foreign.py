"""Registered Protobuf schemas of other people: written as they are, or refused with what does not fit."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.errors import BadRecord, ConfigurationError, Fatal, Stage
from bridge.formats.protobuf.read import Reader
from bridge.metadata.infer import record_schema
from bridge.model.protection import NOTHING
from bridge.model.schema import DATE, TIMESTAMP, Field, Kind, Schema
from tests.support.formats import compile_encoder_for_values, compile_route
from tests.unit.formats.official import FRAME, LAYOUTS, PROTOBUF, Official, plain, read_back

from .events import FULL, ORDER, data, payloads, rows

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
        read_back(schema, None, text)


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
        read_back(Schema(Kind.STRING), "a", text)


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
