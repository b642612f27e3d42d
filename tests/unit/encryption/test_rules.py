"""Rules, patterns and places: what is protected, what is refused, what is said."""

from __future__ import annotations

import contextlib
import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.encryption.envelope import Algorithm, cipher_of, new_material
from bridge.encryption.rules import StrayTagError, plan, protects, read_rules, rules_for_reading
from bridge.encryption.seals import seal_of
from bridge.errors import Fatal
from bridge.formats import FORMATS
from bridge.languages.avro import places as avro_places
from bridge.languages.json_schema import places as json_places
from bridge.languages.places import Place, Places, matches
from bridge.languages.protobuf import places as protobuf_places
from bridge.model.protection import Protection, checked, refused
from bridge.model.schema import Field, Kind, Schema
from bridge.model.texts import ReferringText

PARAMS = {"encrypt.kek.name": "k"}
RULE: dict[str, Any] = {"name": "r", "type": "ENCRYPT", "tags": ["PII"], "params": PARAMS}


def rules(*found: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"domainRules": [RULE | one for one in found], **more}


@pytest.mark.parametrize(
    ("pattern", "name", "expected"),
    [
        ("**.ssn", "ns.Rec.ssn", True),
        ("**.ssn", "ssn", False),
        ("*.ssn", "ns.Rec.ssn", False),
        ("ns.*.ssn", "ns.Rec.ssn", True),
        ("ns.Rec.ss?", "ns.Rec.ssn", True),
        ("ns.Rec?ssn", "ns.Rec.ssn", False),
        ("**.*", "ns.Rec.ssn", True),
        ("ns.Rec.ssn.more", "ns.Rec.ssn", False),
        ("$.addrs*.street", "$.addrs[0].street", True),
        ("$.a+b", "$.a+b", True),
        ("a.*.c", "a.b.b.c", False),
        ("a.**", "a.b.c", True),
        ("a?b", "a.b", False),
    ],
)
def test_patterns_as_the_official_clients_match_them(pattern: str, name: str, expected: bool) -> None:
    from confluent_kafka.schema_registry.wildcard_matcher import wildcard_match

    assert matches(pattern, name) is expected
    assert wildcard_match(name, pattern) is expected


@given(st.text("ab.*?$+(", max_size=8), st.text("ab.$", max_size=8))
def test_any_pattern_matches_as_in_the_official_client(pattern: str, name: str) -> None:
    from confluent_kafka.schema_registry.wildcard_matcher import wildcard_match

    assert matches(pattern, name) is wildcard_match(name, pattern)


@pytest.mark.filterwarnings("ignore:Possible nested set")
@given(st.text("ab.*?[]\\\\^", max_size=8), st.text("ab.[]\\\\", max_size=8))
def test_nor_is_anything_passed_over_that_it_matches_with_brackets_and_backslashes(
    pattern: str, name: str
) -> None:
    from confluent_kafka.schema_registry.wildcard_matcher import wildcard_match

    try:
        expected = wildcard_match(name, pattern)
    except re.error:
        with pytest.raises(Fatal, match="cannot be used"):
            matches(pattern, name)
        return
    with contextlib.suppress(Fatal):  # another client cannot use the pattern
        assert matches(pattern, name) or not expected


@pytest.mark.parametrize(
    ("pattern", "name", "whose"),
    [
        ("**.[m]ail", "a.mail", "Java up to 8.3 and Python: a class"),
        (r"**.m\ail", "a.mail", "Java: the next character as it is"),
        ("$.a[0].b", "$.a[0].b", "Java since: brackets are characters"),
        (r"a\b", r"a\b", "Python: a backslash is a character"),
    ],
)
def test_what_one_client_would_encrypt_is_protected(pattern: str, name: str, whose: str) -> None:
    assert matches(pattern, name), whose
    assert not matches(pattern, "another")


def test_a_disabled_rule_hides_no_enabled_one() -> None:
    found = read_rules(rules({"disabled": True}, {"name": "second"}))
    assert [rule.name for rule in found] == ["second"]


def test_an_earlier_rule_with_the_same_tags_wins_and_that_is_said() -> None:
    said: list[str] = []
    found = read_rules(rules({"tags": ["A", "B"]}, {"name": "second", "tags": ["B", "A"]}), None, said.append)
    assert [rule.name for rule in found] == ["r"]
    assert "second" in said[0]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"onFailure": "NONE"}, "onFailure NONE"),
        ({"onFailure": "NONE,ERROR"}, "onFailure NONE,ERROR"),
    ],
)
def test_what_would_open_a_path_for_plaintext_is_overridden(change: dict[str, Any], words: str) -> None:
    said: list[str] = []
    assert len(read_rules(rules(change), None, said.append)) == 1
    assert words in said[0]


PAIR = ({"name": "encrypt", "mode": "WRITE"}, {"name": "decrypt", "mode": "READ"})


@pytest.mark.parametrize("type_", ["ENCRYPT", "ENCRYPT_PAYLOAD"])
def test_a_rule_runs_in_its_mode(type_: str) -> None:
    of_type = [each | {"type": type_} for each in PAIR]
    assert [rule.name for rule in read_rules(rules(*of_type))] == ["encrypt"]
    assert [rule.name for rule in rules_for_reading(rules(*of_type))] == ["decrypt"]
    assert [rule.name for rule in rules_for_reading(rules(of_type[0]))] == ["encrypt"], (
        "whoever asks has the key"
    )
    assert read_rules(rules(of_type[1])) == []
    both = rules({"type": type_, "mode": "WRITEREAD"})
    assert (
        [rule.name for rule in read_rules(both)] == [rule.name for rule in rules_for_reading(both)] == ["r"]
    )


@pytest.mark.parametrize("mode", ["UPGRADE", "DOWNGRADE", "UPDOWN"])
def test_a_mode_of_migrations_runs_neither_on_writing_nor_on_reading(mode: str) -> None:
    assert read_rules(rules({"mode": mode})) == []
    assert rules_for_reading(rules({"mode": mode})) == []


@pytest.mark.parametrize(
    ("rule", "tags", "expected"),
    [
        ({}, "PII", True),
        ({}, "OTHER", False),
        ({"tags": []}, "", True),
        ({"disabled": True}, "PII", False),
        ({"mode": "READ"}, "PII", False),
        ({"mode": "WRITE"}, "PII", True),
        ({"type": "CEL"}, "PII", False),
        ({"type": "ENCRYPT_PAYLOAD", "tags": []}, "OTHER", True),
        ({"type": "ENCRYPT_PAYLOAD", "tags": []}, "", False),
    ],
)
def test_what_a_rule_protects(rule: dict[str, Any], tags: str, expected: bool) -> None:
    assert protects(RULE | rule, frozenset([tags] if tags else [])) is expected


def test_a_rule_of_another_kind_than_transform_is_refused() -> None:
    with pytest.raises(Fatal, match="kind CONDITION; encryption is a TRANSFORM"):
        read_rules(rules({"kind": "CONDITION"}))


def test_a_rule_without_tags_passes_over_what_only_holds_fields() -> None:
    text = json.dumps(record({"type": "record", "name": "I", "fields": [{"name": "b", "type": "string"}]}))
    every = plan(read_rules(rules({"tags": []})), avro_places.places(text), None)
    assert list(every.fields) == ["I.b"]
    assert every.unfit == {}, "R.a is a record: its fields have the values"
    tagged = plan(read_rules(rules({})), avro_places.places(text), {"tags": {"R.a": ["PII"]}})
    assert [place.name for place in tagged.unfit] == ["R.a"], "a tag on it is another matter"


def test_enable_at_does_not_switch_encryption_off() -> None:
    said: list[str] = []
    assert len(read_rules(rules({}, enableAt="SERVER"), None, said.append)) == 1
    assert "SERVER" in said[0]


def test_parameters_come_from_the_rule_before_the_metadata() -> None:
    metadata = {"properties": {"encrypt.kek.name": "m", "encrypt.dek.expiry.days": "5"}}
    (found,) = read_rules(rules({}), metadata)
    assert (found.kek, found.expiry_days) == ("k", 5)


@pytest.mark.parametrize("kind", ["CEL", "CEL_FIELD", "JSONATA", "ACME"])
def test_other_rules_are_refused_by_name_unless_readers_run_them(kind: str) -> None:
    with pytest.raises(Fatal, match=rf"rule r is of type {kind}"):
        read_rules(rules({"type": kind}))
    assert read_rules(rules({"type": kind, "mode": "READ"})) == []
    assert read_rules(rules({"type": kind, "disabled": True})) == []


def test_a_pattern_that_matches_nothing_is_said() -> None:
    said: list[str] = []
    places = Places((Place("n.R.a", frozenset(), "string", True),))
    made = plan(
        read_rules(rules({})), places, {"tags": {"n.R.b": ["PII"], "**.a": ["PII"]}}, None, said.append
    )
    assert list(made.fields) == ["n.R.a"]
    assert said == [
        "the pattern n.R.b in metadata.tags matches no field of the schema, so it protects nothing"
    ]


TEXT: dict[str, Any] = {"type": "string", "confluent:tags": ["PII"]}


def record(type_: Any, **more: Any) -> dict[str, Any]:
    return {"type": "record", "name": "R", "fields": [{"name": "a", "type": type_}], **more}


def properties(a: Any, **more: Any) -> dict[str, Any]:
    return {"properties": {"a": a}, **more}


STRAY: dict[str, Any] = {
    "avro record": (avro_places, record("string", **{"confluent:tags": ["PII"]})),
    "avro type": (avro_places, record(TEXT)),
    "json branch": (json_places, properties({"oneOf": [TEXT]})),
    "json items": (json_places, properties({"type": "array", "items": TEXT})),
    "json $ref": (json_places, properties({"$ref": "#/$defs/x"}, **{"$defs": {"x": TEXT}})),
    "json root": (json_places, {"confluent:tags": ["PII"], "properties": {}}),
}


@pytest.mark.parametrize("name", STRAY)
def test_a_tag_that_reaches_no_field_is_an_error(name: str) -> None:
    module, document = STRAY[name]
    with pytest.raises(StrayTagError, match="reaches no field"):
        plan(read_rules(rules({})), module.places(json.dumps(document)), None)
    plan(read_rules(rules({"tags": ["OTHER"]})), module.places(json.dumps(document)), None)


def test_every_way_to_tag_in_protobuf_counts() -> None:
    text = """syntax = "proto3"; package a; import "confluent/meta.proto";
    message S {
      string a = 1 [(confluent.field_meta).tags = "X", (confluent.field_meta).tags = "PII"];
      string b = 2 [(confluent.field_meta) = { doc: "tags: \\"PII\\"", tags: ["Y", "PII"] }];
      string c = 3 [(confluent.field_meta) = { params: [{key: "tags", value: "PII"}], doc: "PII" }];
      message N { bytes d = 1 [(confluent.field_meta).tags = 'PII']; }
    }"""
    found = {place.name: place.tags for place in protobuf_places.places(text).fields}
    assert found == {
        "a.S.a": {"X", "PII"},
        "a.S.b": {"Y", "PII"},
        "a.S.c": set(),
        "a.S.N.d": {"PII"},
    }


def test_a_schema_with_tags_is_compiled_by_nobody_who_did_not_look() -> None:
    schema = Schema(Kind.STRUCT, name="n.R", fields=(Field("a", Schema(Kind.STRING), frozenset({"PII"})),))
    for form in ("AVRO", "PROTOBUF", "JSON_SR"):
        text = FORMATS[form].render(schema, {})
        assert "PII" in text
        with pytest.raises(Fatal, match="nobody said which of its fields"):
            FORMATS[form].compile_values(schema, text, b"", {})
        FORMATS[form].compile_values(schema, text, b"", {}, Protection())
    assert checked(Protection(), "confluent:tags").fields == {}


@pytest.mark.parametrize("form", ["AVRO", "PROTOBUF"])
def test_a_protected_field_that_the_schema_has_not_is_an_error(form: str) -> None:
    schema = Schema(Kind.STRUCT, name="n.R", fields=(Field("a", Schema(Kind.STRING)),))
    protection = Protection({"n.R.b": seal_of([])})
    with pytest.raises(Fatal, match=r"has no field n\.R\.b, which is to be encrypted"):
        FORMATS[form].compile_values(schema, FORMATS[form].render(schema, {}), b"", {}, protection)


def test_json_without_a_schema_refuses_to_protect() -> None:
    with pytest.raises(Fatal, match="JSON has no schema"):
        refused(Protection({"a": seal_of([])}), "JSON")


def test_tags_in_schemas_that_are_referred_to_count() -> None:
    address = {
        "type": "record",
        "name": "A",
        "fields": [{"name": "zip", "type": "string", "confluent:tags": ["PII"]}],
    }
    avro = ReferringText(json.dumps(record("A")), {"A": json.dumps(address)})
    found = plan(read_rules(rules({})), avro_places.places(avro), None)
    assert list(found.fields) == ["A.zip"]
    other = json.dumps(properties(TEXT))
    whole = ReferringText(json.dumps(properties({"$ref": "other.json"})), {"other.json": other})
    with pytest.raises(StrayTagError, match=r"the document other\.json"):
        plan(read_rules(rules({})), json_places.places(whole), None)
    part = 'syntax = "proto3"; package b; message B { string s = 1 [(confluent.field_meta).tags = "PII"]; }'
    proto = ReferringText(
        'syntax = "proto3"; package a; import "b.proto"; message A { b.B b = 1; }', {"b.proto": part}
    )
    assert list(plan(read_rules(rules({})), protobuf_places.places(proto), None).fields) == ["b.B.s"]
    schema = Schema(
        Kind.STRUCT,
        name="R",
        fields=(Field("a", Schema(Kind.STRUCT, name="A", fields=(Field("zip", Schema(Kind.STRING)),))),),
    )
    seal = seal_of([cipher_of(new_material(Algorithm.AES256_GCM), Algorithm.AES256_GCM)])
    encode = FORMATS["AVRO"].compile_values(schema, avro, b"", {}, Protection({"A.zip": seal}))
    assert b"60200" not in encode({"a": {"zip": "60200"}})
