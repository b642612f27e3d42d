"""Avro in the registry: canonical text, what is refused, compatibility by the specification's rules."""

import json
from typing import Any

import fastavro
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.languages.compatibility import Earlier, Source, incompatibilities
from bridge.languages.compatibility.avro import judge
from bridge.languages.compatibility.avro_schema import InvalidAvro, Parser, render

primitives = st.sampled_from(["null", "boolean", "int", "long", "float", "double", "bytes", "string"])
names = st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,6}", fullmatch=True)


@st.composite
def schemas(draw: st.DrawFn, depth: int = 2) -> Any:
    """Valid Avro schemas; named types get distinct names from a counter in their name."""
    counter = draw(st.shared(st.builds(lambda: [0]), key="names"))

    def name() -> str:
        counter[0] += 1
        return f"N{counter[0]}"

    kinds = ["primitive", "enum", "fixed"] + (["record", "array", "map", "union"] if depth else [])
    match draw(st.sampled_from(kinds)):
        case "enum":
            return {"type": "enum", "name": name(), "symbols": draw(st.lists(names, min_size=1, unique=True))}
        case "fixed":
            return {"type": "fixed", "size": draw(st.integers(0, 20)), "name": name()}
        case "array":
            return {"items": draw(schemas(depth - 1)), "type": "array"}
        case "map":
            return {"values": draw(schemas(depth - 1)), "type": "map"}
        case "union":
            return draw(st.lists(primitives, min_size=1, max_size=4, unique=True))
        case "record":
            fields = draw(st.lists(names, max_size=4, unique=True))
            return {
                "fields": [
                    {"type": draw(schemas(depth - 1)), "name": field, "confluent:tags": ["PII"]}
                    for field in fields
                ],
                "namespace": draw(st.sampled_from(["a", "a.b", "c"])),
                "name": name(),
                "type": "record",
            }
    return draw(primitives)


def judged(reader: str, writer: str) -> list[str]:
    return judge(Source("AVRO", reader), Source("AVRO", writer), "new", "old", False)


@settings(max_examples=200)
@given(schemas())
def test_canonical_text_is_stable_and_means_the_same(document: Any) -> None:
    text = render(Parser().parse(json.dumps(document)))
    assert render(Parser().parse(text)) == text
    canonical = fastavro.schema.to_parsing_canonical_form
    assert canonical(json.loads(text)) == canonical(document)


@settings(max_examples=200)
@given(schemas())
def test_a_schema_reads_what_it_wrote(document: Any) -> None:
    text = render(Parser().parse(json.dumps(document)))
    assert judged(text, text) == []


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "the text is not JSON"),
        ("{", "the text is not JSON"),
        ("17", "not yet supported"),
        ('{"type":"bogus"}', "Undefined schema: bogus"),
        ('"com.acme.Nope"', "Undefined schema: com.acme.Nope"),
        ("{}", "No type"),
        ('{"type":"record","fields":[]}', "No name in schema"),
        ('{"type":"record","name":"R"}', "Record has no fields"),
        ('{"type":"record","name":"R-1","fields":[]}', "Illegal character in: R-1"),
        ('{"type":"record","name":"1R","fields":[]}', "Illegal initial character: 1R"),
        ('{"type":"record","name":"R","fields":[{"name":"a"}]}', "No field name or type"),
        ('{"type":"fixed","name":"F"}', "Invalid or no size"),
        ('{"type":"enum","name":"E"}', "Enum has no symbols"),
        ('{"type":"enum","name":"E","symbols":["A","A"]}', "Duplicate enum symbol"),
        ('{"type":"array"}', "Array has no items type"),
        ('["int","int"]', "Duplicate in union:int"),
        ('["int",["null"]]', "Nested union"),
        ('[{"type":"fixed","name":"F","size":1},{"type":"fixed","name":"F","size":2}]', "Can't redefine: F"),
    ],
)
def test_what_is_not_avro(text: str, why: str) -> None:
    with pytest.raises(InvalidAvro) as refused:
        Parser().parse(text)
    assert why in str(refused.value)


@given(
    st.text(max_size=40)
    | st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=6),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(["type", "name", "fields", "items", "symbols", "size"]), inner, max_size=4
            )
        ),
        max_leaves=12,
    ).map(json.dumps)
)
def test_any_text_is_a_schema_or_refused(text: str) -> None:
    reason = None
    try:
        render(Parser().parse(text))
    except InvalidAvro as refused:
        reason = str(refused)
    assert reason != ""


def record(*fields: Any, name: str = "R") -> str:
    return json.dumps({"type": "record", "name": name, "fields": list(fields)})


A = {"name": "a", "type": "int"}
B = {"name": "b", "type": "string"}
B_DEFAULT = {"name": "b", "type": "string", "default": ""}
EITHER = ["null", "string"]

# reader, writer, the kinds of what stands against it
RESOLUTION = [
    (record(A), record(A, B), []),
    (record(A, B), record(A), ["READER_FIELD_MISSING_DEFAULT_VALUE"]),
    (record(A, B_DEFAULT), record(A), []),
    (record(A, name="S"), record(A), ["NAME_MISMATCH"]),
    ('{"type":"record","name":"S","aliases":["R"],"fields":[]}', record(A), []),
    (record({"name": "x", "aliases": ["a"], "type": "int"}), record(A), []),
    (record({"name": "a", "type": "string"}), record(A), ["TYPE_MISMATCH"]),
    ('"long"', '"int"', []),
    ('"int"', '"long"', ["TYPE_MISMATCH"]),
    ('"float"', '"long"', []),
    ('"double"', '"float"', []),
    ('"float"', '"double"', ["TYPE_MISMATCH"]),
    ('"string"', '"bytes"', []),
    ('"bytes"', '"string"', []),
    ('["null","string"]', '"string"', []),
    ('["null","string"]', '"int"', ["MISSING_UNION_BRANCH"]),
    ('["null","long"]', '["null","int"]', []),
    ('["null","string"]', '["null","int"]', ["MISSING_UNION_BRANCH"]),
    ('"string"', '["string"]', []),
    ('"string"', '["null","string"]', ["TYPE_MISMATCH"]),
    ('{"type":"enum","name":"E","symbols":["A","B"]}', '{"type":"enum","name":"E","symbols":["A"]}', []),
    (
        '{"type":"enum","name":"E","symbols":["A"]}',
        '{"type":"enum","name":"E","symbols":["A","B"]}',
        ["MISSING_ENUM_SYMBOLS"],
    ),
    (
        '{"type":"enum","name":"E","symbols":["A"],"default":"A"}',
        '{"type":"enum","name":"E","symbols":["A","B"]}',
        [],
    ),
    ('{"type":"fixed","name":"F","size":4}', '{"type":"fixed","name":"F","size":8}', ["FIXED_SIZE_MISMATCH"]),
    ('{"type":"array","items":"long"}', '{"type":"array","items":"int"}', []),
    ('{"type":"array","items":"int"}', '{"type":"array","items":"long"}', ["TYPE_MISMATCH"]),
    ('{"type":"map","values":"int"}', '{"type":"map","values":"string"}', ["TYPE_MISMATCH"]),
    ('{"type":"map","values":"int"}', '{"type":"array","items":"int"}', ["TYPE_MISMATCH"]),
]


@pytest.mark.parametrize(("reader", "writer", "kinds"), RESOLUTION)
def test_resolution(reader: str, writer: str, kinds: list[str]) -> None:
    found = judged(reader, writer)
    assert [message.split("'")[1] for message in found] == kinds


def test_a_recursive_schema_ends() -> None:
    tree = (
        '{"type":"record","name":"T","fields":[{"name":"next","type":["null","T"]},{"name":"v","type":"%s"}]}'
    )
    assert judged(tree % "long", tree % "int") == []
    assert len(judged(tree % "int", tree % "long")) == 1


V1 = Earlier(1, Source("AVRO", record(A)))
V2 = Earlier(2, Source("AVRO", record(A, B_DEFAULT)))
ADDED_REQUIRED = record(A, B)


@pytest.mark.parametrize(
    ("level", "schema", "compatible"),
    [
        ("NONE", '"int"', True),
        ("BACKWARD", ADDED_REQUIRED, True),  # the latest version has the field
        ("BACKWARD_TRANSITIVE", ADDED_REQUIRED, False),  # the first has not
        ("FORWARD", record(A), True),
        ("FORWARD", record(B_DEFAULT), False),
        ("FORWARD_TRANSITIVE", record(A), True),
        ("FULL", record(A), True),
        ("FULL", ADDED_REQUIRED, True),
        ("FULL_TRANSITIVE", ADDED_REQUIRED, False),
    ],
)
def test_levels(level: str, schema: str, compatible: bool) -> None:
    assert (incompatibilities(level, Source("AVRO", schema), [V1, V2]) == []) is compatible


def test_another_type_is_never_compatible() -> None:
    (why, _) = incompatibilities("BACKWARD", Source("JSON", "{}"), [V1])
    assert why == "Incompatible because of different schema type"
