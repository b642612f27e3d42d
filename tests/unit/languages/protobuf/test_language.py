"""The language of .proto texts as encoders know it, with its places; the registry's parser is narrower."""

from __future__ import annotations

import pytest

from bridge.errors import Fatal
from bridge.languages.protobuf import InvalidProto, parse, render
from bridge.languages.protobuf.tags import FIELD, tags_of

EVERYTHING = """
/* a comment */ edition = "2023"; package a.b;
import public "google/protobuf/any.proto";
import weak 'google/type/date.proto';
option java_package = "x";
message M { // begin
  option (my.option).part = { a: 1, b: [ { c: "}" } ] };
  optional string optional = 1 [deprecated = true, (confluent.field_meta) = { tags: ["PII"] }];
  oneof choice { string oneof = 2; int32 b = 0x3; }
  map<string, .a.b.M> map = 4;
  reserved 10, 12 to 14, 1000 to max;
  reserved "gone", "lost";
  extensions 500 to 600 [verification = UNVERIFIED];
  message N { enum E { option allow_alias = true; A = 0; B = 0 [deprecated = true]; C = -1; reserved 5; } E e = 1; };
  N.E e = 5;
  string reserved = 6; int32 option = 7; N message = 8; string extend = 9;
}
extend M { string x = 500; }
service S { rpc R (M) returns (stream M) { option idempotency_level = IDEMPOTENT; } }
;
"""


def test_every_construct() -> None:
    file = parse(EVERYTHING)
    (message,) = file.messages
    assert (file.syntax, file.edition, file.package) == ("editions", "2023", "a.b")
    assert file.paths() == ["google/protobuf/any.proto", "google/type/date.proto"]
    assert [(f.name, f.tag) for f in message.every_field()] == [
        ("optional", 1), ("oneof", 2), ("b", 3), ("map", 4), ("e", 5), ("reserved", 6), ("option", 7),
        ("message", 8), ("extend", 9),
    ]  # fmt: skip
    assert message.taken == [(10, 10), (12, 14), (1000, 536_870_911), (500, 600)]
    assert message.reserved_names == {"gone", "lost"}
    assert tags_of(message.fields[0].options, FIELD) == ["PII"]
    assert [(c.name, c.tag) for c in message.messages[0].enums[0].constants] == [
        ("A", 0),
        ("B", 0),
        ("C", -1),
    ]
    assert message.fields[1].type == "map<string, .a.b.M>"


def test_places_in_the_text() -> None:
    file = parse(EVERYTHING)
    (message,) = file.messages
    assert EVERYTHING[: file.import_place].endswith("import weak 'google/type/date.proto';")
    assert EVERYTHING[message.begin :].startswith("{ // begin")
    assert EVERYTHING[: message.end + 1].endswith("string extend = 9;\n}")
    assert EVERYTHING[: message.last_field + 1].endswith("string extend = 9;")
    (inner,) = message.messages
    assert EVERYTHING[inner.begin :].startswith("{ enum E")
    assert EVERYTHING[: inner.last_field + 1].endswith("E e = 1;")
    one_of = parse("message A { oneof o { string a = 1; } reserved 2; }").messages[0]
    assert one_of.last_field == len("message A { oneof o { string a = 1; }") - 1
    empty = parse("message A { reserved 2; }").messages[0]
    assert empty.last_field == empty.begin == len("message A ")


# What the registry refuses, or reads as something else, and a compiler takes.
WIDER = {
    "no label": "message A { int32 a = 1; }",
    "edition": 'edition = "2023"; message A { reserved b, c; int32 a = 1; }',
    "message in angles": 'syntax = "proto3"; message A { int32 a = 1 [(o) = { b < c: 1 > }]; }',
    "list without colon": 'syntax = "proto3"; message A { int32 a = 1 [(o) = { b [{ c: 1 }] }]; }',
    "signs": "syntax = 'proto3'; message A { int32 a = 1 [(o) = 1e+5, (p) = - 1]; enum E { Z = - 1; } }",
    "any": 'syntax = "proto3"; option (o) = { [type.googleapis.com/a.B] { c: 1 } }; message A { int32 a = 1; }',
    "name over lines": 'syntax = "proto3"; package a.\nb; message A { google.\n type . Date a = 1; }',
}


@pytest.mark.parametrize("what", WIDER)
def test_wider_than_the_registry(what: str) -> None:
    (message,) = parse(WIDER[what]).messages
    assert [field.name for field in message.fields] == ["a"]
    with pytest.raises(InvalidProto):
        parse(WIDER[what], like_registry=True)


def test_octal_numbers() -> None:
    text = 'syntax = "proto3"; message A { int32 a = 010; }'
    assert [parse(text, like_registry=like).messages[0].fields[0].tag for like in (False, True)] == [8, 10]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (
            "message A { optional group G = 1 { optional int32 a = 2; } }",
            "column 13: groups are not supported",
        ),
        (
            "message A { oneof o { group G = 1 { optional int32 a = 2; } } }",
            "column 23: groups are not supported",
        ),
        ("message A-B {}", "A-B is not a valid identifier"),
        ("message A { int32 a = 08; }", "expected an integer but was 08"),
        ("message A { int32 a = 4294967296; }", "expected an integer"),
        ('import "a\nb";', "a string ends with its line"),
        (r'import "a\nb";', "not printable"),
        ("message A {" * 100 + "}" * 100, "nested too deeply"),
        ("message A { " + "map<string," * 100, "nested too deeply"),
        ("option (a) = " + "{ a: [" * 100, "nested too deeply"),
        ("option (a)" + ".b" * 100 + " = 1;", "too long"),
    ],
)
def test_what_nobody_takes_is_said_in_one_sentence(text: str, problem: str) -> None:
    with pytest.raises(Fatal) as caught:
        parse(text)
    assert problem in caught.value.message
    assert caught.value.message.startswith("the Protobuf schema cannot be parsed: line ")


@pytest.mark.parametrize(
    ("options", "tags"),
    [
        ('(confluent.field_meta).tags = "A"', ["A"]),
        ('(.confluent.field_meta) = { tags: ["A", "B"] }', ["A", "B"]),
        ('(confluent.field_meta).tags = "A", (confluent.field_meta) = { tags: "B", doc: "C" }', ["A", "B"]),
        ('( confluent.field_meta ) = { tags: \'A\' tags: "B"; tags: "A" }', ["A", "B"]),
        ('(confluent.field_meta) = { params { key: "tags" value: "X" } doc: "tags: \\"Y\\"" }', []),
        ("(confluent.field_meta) = { tags: PII }", ["PII"]),
        ('(other.field_meta).tags = "A", deprecated = true', []),
    ],
)
def test_tags_however_they_are_written(options: str, tags: list[str]) -> None:
    (message,) = parse(f'syntax = "proto3"; message A {{ string a = 1 [{options}]; }}').messages
    assert tags_of(message.fields[0].options, FIELD) == tags


def test_an_edition_is_written_back() -> None:
    text = render(parse(EVERYTHING))
    assert text.startswith('edition = "2023";\npackage a.b;\n')
    assert render(parse(text)) == text
