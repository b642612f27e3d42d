"""Protobuf texts as the registry takes them: parsed, written canonically and normalized, faults placed."""

from __future__ import annotations

import pytest

from bridge.languages.protobuf import InvalidProto, parse, render
from bridge.languages.protobuf.from_descriptor import from_base64
from bridge.languages.protobuf.known import known_files
from bridge.languages.protobuf.names import Names

EVERYTHING = """// a file
syntax = "proto2";
package a.b;
import "google/protobuf/any.proto"; import public "confluent/meta.proto"; import weak "x.proto";
option java_package = "com.a"; option (file.opt).deep.er = -1;
message M {
  reserved 2, 4 to 6, 100 to max; reserved "x", 'y';
  option deprecated = true;
  required int32 a = 1 [default = 7, json_name = "A", deprecated=true];
  optional group G = 3 { optional string s = 1; }
  map < string , N > m = 7;
  oneof o { string t = 8; M u = 9; }
  extensions 200 to 299, 301;
  extend M { optional int32 e = 200; }
  message N { optional .a.b.M back = 1; }
  enum E { option allow_alias = true; X = 0; Y = 0x10 [deprecated = true]; }
}
enum Top { reserved 3; Z = 0; }
extend M { repeated string more = 201; }
service S { option deprecated = true; rpc Get (stream M) returns (M) { option idempotency_level = IDEMPOTENT; }
  rpc Put (M) returns (stream M); }
"""
CANONICAL = """syntax = "proto2";
package a.b;

import "google/protobuf/any.proto";
import public "confluent/meta.proto";

option java_package = "com.a";
option (file.opt).deep.er = -1;

message M {
  reserved 2, 4 to 6, 100 to max;
  reserved "x", "y";

  option deprecated = true;

  required int32 a = 1 [
    deprecated = true,
    default = 7,
    json_name = "A"
  ];
  map<string, N> m = 7;

  oneof o {
    string t = 8;
    M u = 9;
  }

  optional group G = 3 {
    optional string s = 1;
  }

  extensions 200 to 299, 301;

  extend M {
    optional int32 e = 200;
  }

  message N {
    optional .a.b.M back = 1;
  }
  enum E {
    option allow_alias = true;
    X = 0;
    Y = 16 [deprecated = true];
  }
}
enum Top {
  reserved 3;
  Z = 0;
}

extend M {
  repeated string more = 201;
}

service S {
  option deprecated = true;

  rpc Get (stream M) returns (M) {
    option idempotency_level = IDEMPOTENT;
  };
  rpc Put (M) returns (stream M);
}
"""


def normalized(text: str) -> str:
    file = parse(text, like_registry=True)
    names = Names()
    names.collect(file, known_files())
    return render(file, names)


def test_canonical_text() -> None:
    made = render(parse(EVERYTHING, like_registry=True))
    assert [line.rstrip() for line in made.splitlines()] == CANONICAL.splitlines()
    assert render(parse(made, like_registry=True)) == made


def test_normalized_text_resolves_and_sorts() -> None:
    one = """syntax = "proto3"; package p; import "google/protobuf/wrappers.proto"; import "confluent/meta.proto";
    message A { reserved 9, 7 to 7; int32 b = 2; B a = 1; map<string, B> m = 3; message B {}
      oneof late { string y = 6; } oneof early { string x = 5; string w = 4; }
      string s = 8 [(confluent.field_meta).tags = "PII", (confluent.field_meta).doc = "d", deprecated = true]; }
    enum E { Y = 1; X = 0; }"""
    text = normalized(one)
    assert [
        line.strip() for line in text.splitlines() if line.strip() and not line.strip().startswith(("}", "]"))
    ] == [
        'syntax = "proto3";',
        "package p;",
        'import "confluent/meta.proto";',
        'import "google/protobuf/wrappers.proto";',
        "message A {",
        "reserved 7;",
        "reserved 9;",
        ".p.A.B a = 1;",
        "int32 b = 2;",
        "map<string, .p.A.B> m = 3;",
        "string s = 8 [",
        "(confluent.field_meta) = {",
        'doc: "d",',
        'tags: "PII"',
        "deprecated = true",
        "oneof early {",
        "string w = 4;",
        "string x = 5;",
        "oneof late {",
        "string y = 6;",
        "message B {}",
        "enum E {",
        "X = 0;",
        "Y = 1;",
    ]
    assert normalized(text) == text


def test_an_unknown_type_is_named() -> None:
    with pytest.raises(InvalidProto, match="Could not resolve type: B"):
        normalized('syntax = "proto3"; message A { B b = 1; }')


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("message {", ":1:9: expected a word"),
        ('syntax = "proto3";\npackyears acme;', ":2:1: unexpected label: packyears"),
        ('syntax = "proto4";', ":1:1: unexpected syntax: proto4"),
        ('message A {}\nsyntax = "proto3";', "'syntax' element must be the first declaration in a file"),
        ("message A { int32 a = 1; }", "unexpected label: int32"),
        ('syntax = "proto3"; message A { required int32 a = 1; }', "'required' label forbidden in proto3"),
        (
            'syntax = "proto3"; message A { repeated map<string, string> a = 1; }',
            "'map' type cannot have label",
        ),
        ('syntax = "proto3"; message A { int32 a = x; }', "expected an integer but was x"),
        ('syntax = "proto3"; message A { int32 1a = 1; }', "cannot start with a digit"),
        ('syntax = "proto3"; message A { int32 a = 1 }', "expected ';' but was '}'"),
        ('syntax = "proto3"; message A { string a = 1 [x = "', "unterminated string"),
        ('syntax = "proto3"; /* no end', "unterminated comment"),
        ('syntax = "proto3"; message A {', "unexpected end of file"),
        ('edition = "2023";', "edition is not currently supported"),
        ('syntax = "proto3"; message A {} message A {}', "A is already defined"),
        ("{", "expected a word"),
    ],
)
def test_faults_have_their_place(text: str, fault: str) -> None:
    with pytest.raises(InvalidProto) as caught:
        parse(text, like_registry=True)
    assert fault in caught.value.fault


@pytest.mark.parametrize("name", sorted(known_files()))
def test_files_of_the_library_survive(name: str) -> None:
    text = render(known_files()[name])
    assert render(parse(text)) == text


def test_what_is_no_descriptor() -> None:
    assert from_base64("not base64!") is None
    assert from_base64("AAAA") is None
