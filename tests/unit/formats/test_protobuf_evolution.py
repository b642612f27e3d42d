"""Fields added to registered Protobuf texts: numbers for ever, everything else untouched."""

from __future__ import annotations

from typing import Any

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from bridge.errors import Fatal
from bridge.formats import FORMATS
from bridge.formats.protobuf.read import Reader
from bridge.languages.protobuf import parse
from bridge.model.schema import DATE, Field, Kind, Schema
from bridge.model.texts import ReferringText
from tests.support.formats import compile_encoder_for_values

PROTOBUF = FORMATS["PROTOBUF"]
TEXT = Schema(Kind.STRING, optional=True)
PLACE = Schema(Kind.STRUCT, optional=True, fields=(Field("Latitude", Schema(Kind.FLOAT64, optional=True)),))


def record(*names: str, **others: Schema) -> Schema:
    fields = [Field(name, TEXT) for name in names] + [Field(name, schema) for name, schema in others.items()]
    return Schema(Kind.STRUCT, name="com.acme.R", fields=tuple(fields))


REGISTERED = """syntax = "proto3";
package com.acme;
// keep me
message R { // the record
  reserved 7 to 9, 12;
  reserved "Old__c";
  string A__c = 3 [(confluent.field_meta) = { tags: ["PII"] }]; // a tag
  Place Loc__c = 5;

  message Place {
    double Longitude = 2;
  }
}
message Other { string x = 1; }
"""


def test_new_fields_stand_behind_the_old_ones_under_free_numbers() -> None:
    wider = record("A__c", "B__c", Loc__c=PLACE, Day__c=Schema(Kind.INT32, name=DATE))
    assert PROTOBUF.missing_fields(wider, REGISTERED, {}) == ("B__c", "Loc__c.Latitude", "Day__c")
    text = PROTOBUF.with_fields(wider, REGISTERED, {})
    assert (
        text
        == """syntax = "proto3";
package com.acme;
import "google/type/date.proto";
// keep me
message R { // the record
  reserved 7 to 9, 12;
  reserved "Old__c";
  string A__c = 3 [(confluent.field_meta) = { tags: ["PII"] }]; // a tag
  Place Loc__c = 5;
  string B__c = 13;
  google.type.Date Day__c = 14;

  message Place {
    double Longitude = 2;
    double Latitude = 3;
  }
}
message Other { string x = 1; }
"""
    )
    assert PROTOBUF.missing_fields(wider, text, {}) == ()


def test_a_new_nested_message_gets_a_name_of_its_own() -> None:
    first = record(One=PLACE)
    text = PROTOBUF.render(first, {})
    wider = record(One=PLACE, Two=PLACE)
    grown = PROTOBUF.with_fields(wider, text, {})
    assert [m.name for m in parse(grown).messages[0].messages] == ["ConnectDefault1", "ConnectDefault2"]
    made = compile_encoder_for_values(wider, PROTOBUF, grown, b"\0\0\0\0\1", {})
    value = {"One": {"Latitude": 1.0}, "Two": {"Latitude": 2.0}}
    assert Reader(grown).read(made(value)[5:]) == value


def test_a_tag_of_a_new_field_is_written_with_its_import() -> None:
    tagged = evolve(
        record("A__c"), fields=(Field("A__c", TEXT), Field("B__c", TEXT, frozenset({"PII", "GDPR"})))
    )
    text = PROTOBUF.with_fields(tagged, REGISTERED, {})
    assert 'import "confluent/meta.proto";' in text
    assert '"GDPR",\n      "PII"' in text
    assert parse(PROTOBUF.render(tagged, {})).messages[0].fields[1].options


EARLIER = [
    'syntax = "proto3"; message R { string A__c = 3; int64 Gone__c = 20; string B__c = 4; int32 Was__c = 8; }',
    'syntax = "proto3"; message R { string A__c = 3; string Other__c = 20; message Place { bool Old__c = 9; } }',
]


def test_what_earlier_versions_had_is_reserved() -> None:
    known = ReferringText(REGISTERED, {}, EARLIER)
    grown = PROTOBUF.with_fields(record("A__c", "B__c", Loc__c=PLACE), known, {})
    message = parse(grown).messages[0]
    numbers = {f.name: f.tag for f in message.fields}
    assert numbers == {"A__c": 3, "Loc__c": 5, "B__c": 21}
    assert (4, 4) in message.taken
    assert (20, 20) in message.taken
    assert "  reserved 4, 20;\n" in grown  # 8 is reserved already
    assert message.reserved_names == {"Old__c", "Other__c"}
    place = message.messages[0]
    assert ({f.name: f.tag for f in place.fields}, place.taken) == (
        {"Longitude": 2, "Latitude": 10},
        [(9, 9)],
    )
    assert (
        PROTOBUF.with_fields(record("A__c", "B__c", "C__c"), ReferringText(grown, {}, EARLIER), {}).count(
            "4, 20;"
        )
        == 1
    )


def test_a_reserved_name_is_not_used_again() -> None:
    with pytest.raises(Fatal, match=r"field Old__c, .* R has reserved that name"):
        PROTOBUF.with_fields(record("A__c", "Old__c"), REGISTERED, {})


@pytest.mark.parametrize(
    ("body", "number"),
    [
        ("string A__c = 18999;", 20000),
        ("string A__c = 1; extensions 100 to max;", 2),
        ("reserved 5; string A__c = 1;", 6),
        ("oneof o { string A__c = 4; string b = 9; }", 10),
    ],
)
def test_free_numbers(body: str, number: int) -> None:
    syntax = "proto2" if "extensions" in body else "proto3"
    body = body if syntax == "proto3" else body.replace("string", "optional string")
    text = PROTOBUF.with_fields(record("A__c", "B__c"), f'syntax = "{syntax}"; message R {{ {body} }}', {})
    found = parse(text).messages[0].field_named("B__c")
    assert found is not None
    assert found.tag == number


def test_no_number_left() -> None:
    text = 'syntax = "proto3"; message R { string A__c = 536870911; }'
    with pytest.raises(Fatal, match="no number left"):
        PROTOBUF.with_fields(record("A__c", "B__c"), text, {})


@given(st.lists(st.sets(st.integers(0, 30), min_size=1), min_size=1, max_size=6), st.booleans())
def test_numbers_are_stable_however_the_event_changes(shapes: list[Any], one_line: bool) -> None:
    """Fields come and go: what was written with any version reads the same with every later one."""
    text = 'syntax = "proto3"; package com.acme; message R { string F0 = 1; }'
    if not one_line:
        text = text.replace("; ", ";\n").replace("{ ", "{\n")
    numbers: dict[str, int] = {"F0": 1}
    for shape in shapes:
        schema = record(*(f"F{n}" for n in sorted(shape)))
        if PROTOBUF.missing_fields(schema, text, {}):
            text = PROTOBUF.with_fields(schema, text, {})
        found = {f.name: f.tag for f in parse(text).messages[0].fields}
        assert numbers.items() <= found.items()
        assert len(set(found.values())) == len(found)
        numbers = found
