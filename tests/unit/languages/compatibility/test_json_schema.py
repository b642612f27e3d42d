"""JSON Schema's rules of compatibility: what stands against reading, under both policies."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.languages.compatibility import (
    Earlier,
    InvalidSchema,
    Source,
    differences,
    incompatibilities,
    validate,
)
from bridge.languages.compatibility.json_text import read, write

S, INT, N, B = ({"type": kind} for kind in ("string", "integer", "number", "boolean"))


def source(schema: Any, **imports: Any) -> Source:
    return Source("JSON", json.dumps(schema), {f"{name}.json": json.dumps(s) for name, s in imports.items()})


def kinds(old: Any, new: Any, *, lenient: bool = False) -> list[str]:
    """The kinds of differences with their paths."""
    found = differences("BACKWARD", source(new), source(old), lenient=lenient)
    pattern = re.compile(r"\{errorType:\"(\w+)\", description:\"(?:[^']*'(#/[^']*)')?.*'\}")
    return [" ".join(filter(None, match.groups())) for text in found if (match := pattern.fullmatch(text))]


def thing(*, required: tuple[str, ...] = (), rest: Any = None, **properties: Any) -> dict[str, Any]:
    made: dict[str, Any] = {"type": "object", "properties": properties}
    if rest is not None:
        made["additionalProperties"] = rest
    return {**made, "required": list(required)} if required else made


OPTIONAL_OPEN = "OPTIONAL_PROPERTY_ADDED_TO_OPEN_CONTENT_MODEL #/properties/b"
CLOSED = "PROPERTY_REMOVED_FROM_CLOSED_CONTENT_MODEL #/properties/b"
CASES: dict[str, tuple[Any, Any, list[str], list[str]]] = {
    # what: old, new, strict, lenient
    "same": (thing(a=S), thing(a=S), [], []),
    "title, default": ({"title": "x", **S}, {"title": "y", "default": "z", **S}, [], []),
    "optional to open": (thing(a=S), thing(a=S, b=S), [OPTIONAL_OPEN], []),
    "anything to open": (thing(a=S), thing(a=S, b=True), [], []),
    "optional to closed": (thing(a=S, rest=False), thing(a=S, b=S, rest=False), [], []),
    "required to open": (
        thing(a=S),
        thing(a=S, b=S, required=("b",)),
        ["REQUIRED_PROPERTY_ADDED_TO_OPEN_CONTENT_MODEL #/properties/b"],
        ["REQUIRED_PROPERTY_ADDED_TO_OPEN_CONTENT_MODEL #/properties/b"],
    ),
    "required with default to open": (
        thing(a=S),
        thing(a=S, b={**S, "default": ""}, required=("b",)),
        ["REQUIRED_PROPERTY_WITH_DEFAULT_ADDED_TO_OPEN_CONTENT_MODEL #/properties/b"],
        [],
    ),
    "required to closed": (
        thing(rest=False),
        thing(b=S, rest=False, required=("b",)),
        ["REQUIRED_PROPERTY_ADDED_TO_UNOPEN_CONTENT_MODEL #/properties/b"],
        ["REQUIRED_PROPERTY_ADDED_TO_UNOPEN_CONTENT_MODEL #/properties/b"],
    ),
    "required with default to closed": (
        thing(rest=False),
        thing(b={**S, "default": ""}, rest=False, required=("b",)),
        [],
        [],
    ),
    "removed from open": (thing(a=S, b=S), thing(a=S), [], []),
    "removed from closed": (thing(a=S, b=S, rest=False), thing(a=S, rest=False), [CLOSED], []),
    "false removed from closed": (thing(a=S, b=False, rest=False), thing(a=S, rest=False), [], []),
    "covered by the rest": (thing(a=S, b=S, rest=S), thing(a=S, rest=S), [], []),
    "not covered by the rest": (
        thing(a=S, b=INT, rest=S),
        thing(a=S, rest=S),
        [
            "TYPE_CHANGED #/properties/b",
            "PROPERTY_REMOVED_NOT_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL #/properties/b",
        ],
        ["TYPE_CHANGED #/properties/b"],
    ),
    "added, not covered by the rest": (
        thing(rest=S),
        thing(b=INT, rest=S),
        [
            "TYPE_CHANGED #/properties/b",
            "PROPERTY_ADDED_NOT_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL #/properties/b",
        ],
        ["TYPE_CHANGED #/properties/b"],
    ),
    "made required": (
        thing(a=S),
        thing(a=S, required=("a",)),
        ["REQUIRED_ATTRIBUTE_ADDED #/required/a"],
        ["REQUIRED_ATTRIBUTE_ADDED #/required/a"],
    ),
    "made required with default": (thing(a=S), thing(a={**S, "default": ""}, required=("a",)), [], []),
    "closed": (
        thing(a=S),
        thing(a=S, rest=False),
        ["ADDITIONAL_PROPERTIES_REMOVED #/additionalProperties"],
        [],
    ),
    "partly closed": (
        thing(a=S),
        thing(a=S, rest=S),
        ["ADDITIONAL_PROPERTIES_NARROWED #/additionalProperties"],
        [],
    ),
    "opened": (thing(a=S, rest=False), thing(a=S), [], []),
    "integer to number": (INT, N, [], []),
    "number to integer": (N, INT, ["TYPE_NARROWED #/"], ["TYPE_NARROWED #/"]),
    "other type": (S, INT, ["TYPE_CHANGED #/"], ["TYPE_CHANGED #/"]),
    "to one of several": (S, {"type": ["string", "null"]}, [], []),
    "of several to one": ({"type": ["string", "null"]}, S, ["TYPE_CHANGED #/"], ["TYPE_CHANGED #/"]),
    "fewer types": (
        {"oneOf": [S, INT, B]},
        {"oneOf": [S, INT]},
        ["SUM_TYPE_NARROWED #/"],
        ["SUM_TYPE_NARROWED #/"],
    ),
    "more types": ({"oneOf": [S, INT]}, {"oneOf": [B, S, INT]}, [], []),
    "other types": (
        {"oneOf": [S, INT]},
        {"oneOf": [B, INT]},
        ["COMBINED_TYPE_SUBSCHEMAS_CHANGED #/"],
        ["COMBINED_TYPE_SUBSCHEMAS_CHANGED #/"],
    ),
    "more of all": (
        {"allOf": [thing(a=S), thing(b=S)]},
        {"allOf": [thing(a=S), thing(b=S), thing(c=S)]},
        ["PRODUCT_TYPE_EXTENDED #/"],
        ["PRODUCT_TYPE_EXTENDED #/"],
    ),
    "one of all": ({"allOf": [S, {"maxLength": 3}]}, S, [], []),
    "all to any": ({"allOf": [S, INT]}, {"anyOf": [S, INT]}, [], []),
    "any to all": (
        {"anyOf": [S, INT]},
        {"allOf": [S, INT]},
        ["COMBINED_TYPE_CHANGED #/"],
        ["COMBINED_TYPE_CHANGED #/"],
    ),
    "enum narrowed": (
        {"enum": ["x", 1]},
        {"enum": [1]},
        ["ENUM_ARRAY_NARROWED #/enum"],
        ["ENUM_ARRAY_NARROWED #/enum"],
    ),
    "enum extended": ({"enum": ["x"]}, {"enum": ["y", "x"]}, [], []),
    "const": ({"const": 1}, {"const": 2}, ["ENUM_ARRAY_CHANGED #/const"], ["ENUM_ARRAY_CHANGED #/const"]),
    "not less": (
        {"not": S},
        {"not": {"type": ["string", "null"]}},
        ["NOT_TYPE_EXTENDED #/not"],
        ["NOT_TYPE_EXTENDED #/not"],
    ),
    "not more": ({"not": {"type": ["string", "null"]}}, {"not": S}, [], []),
    "pattern": (
        {**S, "pattern": "a"},
        {**S, "pattern": "b"},
        ["PATTERN_CHANGED #/pattern"],
        ["PATTERN_CHANGED #/pattern"],
    ),
    "multiple": (
        {**INT, "multipleOf": 2},
        {**INT, "multipleOf": 4},
        ["MULTIPLE_OF_EXPANDED #/multipleOf"],
        ["MULTIPLE_OF_EXPANDED #/multipleOf"],
    ),
    "part": ({**INT, "multipleOf": 4}, {**INT, "multipleOf": 2}, [], []),
    "item to open": (
        {"type": "array", "items": [S]},
        {"type": "array", "items": [S, INT]},
        ["ITEM_ADDED_TO_OPEN_CONTENT_MODEL #/items/1"],
        ["ITEM_ADDED_TO_OPEN_CONTENT_MODEL #/items/1"],
    ),
    "item to closed": (
        {"type": "array", "items": [S], "additionalItems": False},
        {"type": "array", "items": [S, INT], "additionalItems": False},
        [],
        [],
    ),
    "dependency": (
        {"type": "object", "dependencies": {"a": ["b"]}},
        {"type": "object", "dependencies": {"a": ["b", "c"]}},
        ["DEPENDENCY_ARRAY_EXTENDED #/dependencies/a"],
        ["DEPENDENCY_ARRAY_EXTENDED #/dependencies/a"],
    ),
    "decimals": ({**S, "connect.type": "bytes"}, {**N, "connect.type": "bytes"}, [], []),
    "true takes all": (thing(a=S), True, [], []),
    "nothing was allowed": (False, thing(a=S), [], []),
}


@pytest.mark.parametrize("what", CASES)
def test_differences(what: str) -> None:
    old, new, strict, lenient = CASES[what]
    assert kinds(old, new) == strict
    assert kinds(old, new, lenient=True) == lenient


@pytest.mark.parametrize(
    "draft",
    [
        "http://json-schema.org/draft-04/schema#",
        "http://json-schema.org/draft-07/schema#",
        "https://json-schema.org/draft/2020-12/schema",
    ],
)
@pytest.mark.parametrize(
    "what",
    [
        name
        for name in CASES
        if isinstance(CASES[name][1], dict)
        and "item" not in name
        and name not in ("const", "nothing was allowed")
    ],
)
def test_the_dialect_changes_nothing_here(what: str, draft: str) -> None:
    old, new, strict, _ = CASES[what]
    assert kinds({"$schema": draft, **old}, {"$schema": draft, **new}) == strict


@pytest.mark.parametrize(
    ("keyword", "kind", "name"),
    [
        ("maxLength", S, "MAX_LENGTH"),
        ("maximum", N, "MAXIMUM"),
        ("exclusiveMaximum", N, "EXCLUSIVE_MAXIMUM"),
        ("maxItems", {"type": "array"}, "MAX_ITEMS"),
        ("maxProperties", {"type": "object"}, "MAX_PROPERTIES"),
        ("minLength", S, "MIN_LENGTH"),
        ("minimum", N, "MINIMUM"),
        ("exclusiveMinimum", N, "EXCLUSIVE_MINIMUM"),
        ("minItems", {"type": "array"}, "MIN_ITEMS"),
        ("minProperties", {"type": "object"}, "MIN_PROPERTIES"),
    ],
)
def test_limits(keyword: str, kind: Any, name: str) -> None:
    low, high = {**kind, keyword: 2}, {**kind, keyword: 3}
    loose, tight = (high, low) if keyword.lower().count("max") else (low, high)
    word = "DECREASED" if loose is high else "INCREASED"
    assert kinds(tight, loose) == []
    assert kinds(loose, tight) == [f"{name}_{word} #/{keyword}"]
    assert kinds(kind, low) == [f"{name}_ADDED #/{keyword}"]
    assert kinds(low, kind) == []


def test_recursion_ends() -> None:
    tree = {
        "definitions": {"node": thing(next={"$ref": "#/definitions/node"}, v=S)},
        "$ref": "#/definitions/node",
    }
    other = json.loads(json.dumps(tree).replace('"string"', '"integer"'))
    assert kinds(tree, tree) == []
    assert kinds(tree, other) == ["TYPE_CHANGED #/properties/v"]


def test_references_are_followed() -> None:
    old = source(thing(a={"$ref": "other.json"}), other=thing(b=S))
    new = source(thing(a={"$ref": "other.json#/properties/c"}), other=thing(c=thing(b=INT)))
    (found,) = differences("BACKWARD", new, old)
    assert "'#/properties/a/properties/b'" in found
    validate(new)


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "bogus"},
        {"type": 3},
        {"properties": []},
        {"required": "a"},
        {"maxLength": "3"},
        {"type": "string", "maxLength": 80.0},
        {"type": "array", "minItems": 1.0},
        {"type": "string", "pattern": "["},
        {"type": "object", "patternProperties": {"(": {"type": "string"}}},
        {"$ref": "#/nowhere"},
        {"$ref": "unknown.json"},
        {"$ref": "#"},
        {"properties": {"a": {"$ref": 1}}},
        {"allOf": {}},
        [],
        "text",
    ],
)
def test_what_is_no_schema_is_refused(schema: Any) -> None:
    with pytest.raises(InvalidSchema):
        validate(source(schema))


def test_the_closing_lines_name_version_and_level() -> None:
    earlier = [Earlier(3, source(S)), Earlier(4, source(INT))]
    found = incompatibilities("FULL_TRANSITIVE", source(INT), earlier)
    assert found[-3:] == [
        "{oldSchemaVersion: 3}",
        """{oldSchema: '{"type": "string"}'}""",
        "{validateFields: 'false', compatibility: 'FULL_TRANSITIVE'}",
    ]
    assert incompatibilities("FULL", source(INT), earlier) == []


documents = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
)


@given(documents)
def test_texts_keep_their_meaning(document: Any) -> None:
    assert json.loads(write(document)) == document
    ordered = write(document, ordered=True)
    assert write(read(ordered), ordered=True) == ordered


def test_numbers_are_written_as_big_decimals() -> None:
    """What Jackson 2.17 writes of exact ``BigDecimal`` nodes."""
    assert write(read('{"b":1.50,"a":[1E5,10]}'), ordered=True) == '{"a":[1E+5,10],"b":1.50}'
    text = "[1E5,1.0E300,1e2,1.50,-0.0,1e-7,0.001,-1.5e-10,0e5]"
    assert write(read(text)) == "[1E+5,1.0E+300,1E+2,1.50,0.0,1E-7,0.001,-1.5E-10,0E+5]"


schemas = st.recursive(
    st.sampled_from([S, INT, N, B, True, False, {"enum": ["x"]}, {**S, "maxLength": 3}]),
    lambda inner: st.one_of(
        st.builds(lambda p: thing(**p), st.dictionaries(st.sampled_from("abc"), inner, max_size=3)),
        st.builds(lambda s: {"oneOf": s}, st.lists(inner, min_size=1, max_size=3)),
        st.builds(lambda s: {"type": "array", "items": s}, inner),
    ),
    max_leaves=6,
)


@given(schemas, schemas)
def test_a_schema_follows_itself_and_strict_is_never_laxer(one: Any, other: Any) -> None:
    assert kinds(one, one) == []
    assert set(kinds(one, other, lenient=True)) <= set(kinds(one, other)) or not kinds(one, other)
