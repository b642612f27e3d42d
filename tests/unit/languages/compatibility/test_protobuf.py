"""Protobuf's rules of compatibility: by number, kind and label."""

from __future__ import annotations

import re

import pytest

from bridge.languages.compatibility import InvalidSchema, Source, differences, validate


def source(body: str, *, head: str = 'syntax = "proto3"; package p;') -> Source:
    return Source("PROTOBUF", f"{head} {body}")


def kinds(old: str, new: str, *, head: str = 'syntax = "proto3"; package p;') -> list[str]:
    found = differences("BACKWARD", source(new, head=head), source(old, head=head))
    matches = [
        re.fullmatch(r"\{errorType:\"(\w+)\", description:\".*'(#/.*?)'.*\"\}", text) for text in found
    ]
    return [f"{match[1]} {match[2]}" for match in matches if match]


CASES = {
    "same": ("message A { int32 a = 1; }", "message A { int32 a = 1; }", []),
    "added, removed, renamed, renumbered": (
        "message A { int32 a = 1; string b = 2; }",
        "message A { int32 x = 1; string b = 3; }",
        [],
    ),
    "within integers": ("message A { int32 a = 1; }", "message A { bool a = 1; }", []),
    "enum to integer": ("message A { E a = 1; } enum E { X = 0; }", "message A { int64 a = 1; }", []),
    "text to bytes": ("message A { string a = 1; }", "message A { bytes a = 1; }", []),
    "zigzag": (
        "message A { int32 a = 1; }",
        "message A { sint32 a = 1; }",
        ["FIELD_SCALAR_KIND_CHANGED #/A/1"],
    ),
    "width": (
        "message A { fixed32 a = 1; }",
        "message A { fixed64 a = 1; }",
        ["FIELD_SCALAR_KIND_CHANGED #/A/1"],
    ),
    "float to double": (
        "message A { float a = 1; }",
        "message A { double a = 1; }",
        ["FIELD_SCALAR_KIND_CHANGED #/A/1"],
    ),
    "scalar to message": (
        "message A { int32 a = 1; message B {} }",
        "message A { B a = 1; message B {} }",
        ["FIELD_KIND_CHANGED #/A/1"],
    ),
    "map to map": ("message A { map<string, int32> a = 1; }", "message A { map<string, int64> a = 1; }", []),
    "map's value": (
        "message A { map<string, int32> a = 1; }",
        "message A { map<string, string> a = 1; }",
        ["FIELD_SCALAR_KIND_CHANGED #/A/1"],
    ),
    "label of numbers": (
        "message A { optional int32 a = 1; }",
        "message A { repeated int32 a = 1; }",
        ["FIELD_NUMERIC_LABEL_CHANGED #/A/1"],
    ),
    "label of texts": ("message A { optional string a = 1; }", "message A { repeated string a = 1; }", []),
    "a label that was not written": ("message A { int32 a = 1; }", "message A { repeated int32 a = 1; }", []),
    "message removed": ("message A {} message B {}", "message A {}", ["MESSAGE_REMOVED #/B"]),
    "nested removed": ("message A { message B {} }", "message A {}", ["MESSAGE_REMOVED #/A/B"]),
    "message added, moved": ("message A {} message B {}", "message C {} message B {} message A {}", []),
    "enum removed": ("message A {} enum E { X = 0; }", "message A {}", []),
    "other message": (
        "message A { B a = 1; } message B {} message C {}",
        "message A { C a = 1; } message B {} message C {}",
        ["FIELD_NAMED_TYPE_CHANGED #/A/1"],
    ),
    "same message, absolute": (
        "message A { B a = 1; } message B {}",
        "message A { .p.B a = 1; } message B {}",
        [],
    ),
    "into oneof": ("message A { int32 a = 1; }", "message A { oneof o { int32 a = 1; string b = 2; } }", []),
    "two into oneof": (
        "message A { int32 a = 1; int32 b = 2; }",
        "message A { oneof o { int32 a = 1; int32 b = 2; } }",
        ["MULTIPLE_FIELDS_MOVED_TO_ONEOF #/A/o"],
    ),
    "into a oneof that was there": (
        "message A { int32 a = 1; oneof o { int32 b = 2; } }",
        "message A { oneof o { int32 b = 2; int32 a = 1; } }",
        ["FIELD_MOVED_TO_EXISTING_ONEOF #/A/o"],
    ),
    "oneof's field removed": (
        "message A { oneof o { int32 a = 1; int32 b = 2; } }",
        "message A { oneof o { int32 a = 1; } }",
        ["ONEOF_FIELD_REMOVED #/A/o/2"],
    ),
    "oneof's field changed": (
        "message A { oneof o { int32 a = 1; } }",
        "message A { oneof o { string a = 1; } }",
        ["FIELD_SCALAR_KIND_CHANGED #/A/o/1"],
    ),
    "recursive": (
        "message A { A next = 1; int32 v = 2; }",
        "message A { A next = 1; string v = 2; }",
        ["FIELD_SCALAR_KIND_CHANGED #/A/2"],
    ),
}


@pytest.mark.parametrize("what", CASES)
def test_differences(what: str) -> None:
    old, new, expected = CASES[what]
    assert kinds(old, new) == expected


def test_required_fields() -> None:
    head = 'syntax = "proto2";'
    plain, required = "message A {}", "message A { required int32 a = 1; }"
    assert kinds(plain, required, head=head) == ["REQUIRED_FIELD_ADDED #/A/1"]
    assert kinds(required, plain, head=head) == ["REQUIRED_FIELD_REMOVED #/A/1"]


def test_the_package() -> None:
    old, new = source("message A {}"), source("message A {}", head='syntax = "proto3"; package q;')
    (found,) = differences("BACKWARD", new, old)
    assert "PACKAGE_CHANGED" in found


def test_directions_have_their_words() -> None:
    old, new = source("message A {} message B {}"), source("message A {}")
    (found,) = differences("BACKWARD", new, old)
    assert "The new schema is missing a MESSAGE type at path '#/B' in the old schema" in found
    (found,) = differences("FORWARD", old, new)
    assert "The old schema is missing a MESSAGE type at path '#/B' in the new schema" in found
    assert differences("FORWARD", new, old) == []


def referring(kind: str, version: int) -> Source:
    text = 'syntax = "proto3"; package p; import "b.proto"; message A { q.B b = 1; }'
    other = f'syntax = "proto3"; package q; message B {{ {kind} v = 1; }}'
    return Source("PROTOBUF", text, {"b.proto": other}, {"b.proto": ("b-value", version)})


def test_what_a_reference_holds_is_compared_where_it_is_another() -> None:
    assert differences("BACKWARD", referring("int64", 2), referring("int32", 1)) == []
    found = differences("BACKWARD", referring("string", 2), referring("int32", 1))
    assert [re.findall(r"errorType:\"(\w+)\"|'(#/[^']*)'", text) for text in found] == [
        [("FIELD_SCALAR_KIND_CHANGED", ""), ("", "#/B/1")],
        [("FIELD_NAMED_TYPE_CHANGED", ""), ("", "#/A/1")],
    ]
    # the same subject and version is the same schema, whatever is at hand
    assert differences("BACKWARD", referring("string", 1), referring("int32", 1)) == []


def test_well_known_types() -> None:
    text = 'syntax = "proto3"; import "google/protobuf/timestamp.proto"; message A { google.protobuf.Timestamp t = 1; }'
    validate(Source("PROTOBUF", text))
    assert differences("FULL", Source("PROTOBUF", text), Source("PROTOBUF", text)) == []


def test_a_compiled_descriptor_is_a_schema_too() -> None:
    compiled = (
        "CgdkZWZhdWx0EgRhY21lIjcKBFVzZXISCAoCaWQYASgDEhAKA3NzbhgCIAEoCUgAiAEBEgkKA2FnZRgDKAVC"
        "CAoEX3NzbhIAYgZwcm90bzM="
    )
    text = 'syntax = "proto3"; package acme; message User { int64 id = 1; optional string ssn = 2; int32 age = 3; }'
    assert differences("FULL", Source("PROTOBUF", text), Source("PROTOBUF", compiled)) == []


@pytest.mark.parametrize(
    "body", ["message A { B b = 1; }", "message {", "message A { int32 a; }", "}", "nonsense"]
)
def test_what_is_no_schema_is_refused(body: str) -> None:
    with pytest.raises(InvalidSchema):
        validate(source(body))
