"""Schemas that refer to themselves: walked once, read without an end of the process, or one sentence."""

from __future__ import annotations

import json
import time
from contextlib import suppress
from typing import Any

import pytest

from bridge.errors import Fatal
from bridge.languages.avro.binary import reading
from bridge.languages.json_schema.types import parse, root_object, types
from bridge.languages.tagging import tags_in
from bridge.model.schema import Field, Kind, Schema
from bridge.reading.decode import Decoder

ITSELF = {"$ref": "#/definitions/a"}
MANY: Any = {
    "type": "object",
    "properties": {"a": ITSELF},
    "definitions": {"a": {"oneOf": [ITSELF] * 9 + [{"type": "null"}]}},
}
TREE: Any = {"type": "object", "properties": {name: {"$ref": "#"} for name in "abcdefgh"}}
CHAIN: Any = {
    "definitions": {
        str(n): {"anyOf": [{"$ref": f"#/definitions/{m}"} for m in range(12)]} for n in range(12)
    },
    "type": "object",
    "properties": {"x": {"$ref": "#/definitions/0"}},
}
ARRAYS: Any = {
    "type": "object",
    "properties": {"x": {"type": "array", "items": {"oneOf": [{"$ref": "#/properties/x"}] * 5}}},
}


@pytest.mark.parametrize(
    "document", [MANY, TREE, CHAIN, ARRAYS, {"$ref": "#"}, {"allOf": [{"$ref": "#"}] * 20}]
)
def test_a_json_schema_that_refers_to_itself_is_walked_or_refused_at_once(document: Any) -> None:
    began = time.monotonic()
    text = json.dumps(document)
    wanted = Schema(
        Kind.STRUCT, name="X", fields=(Field("x", Schema(Kind.STRING)), Field("a", Schema(Kind.STRING)))
    )
    with suppress(Fatal):
        tags_in(text, "JSON").follow(wanted)
        root_object(parse(text))
    assert time.monotonic() - began < 5


def test_types_behind_a_circle_are_those_that_end_it() -> None:
    assert types(MANY["properties"]["a"], parse(json.dumps(MANY))) == {"null"}
    assert types(CHAIN["properties"]["x"], parse(json.dumps(CHAIN))) is None


def test_a_tag_of_a_tree_reaches_its_first_level() -> None:
    tree = {
        "type": "object",
        "properties": {"left": {"$ref": "#"}, "mail": {"type": "string", "confluent:tags": ["PII"]}},
    }
    tagged = tags_in(json.dumps(tree), "JSON")
    assert tagged.fields["mail"].keys() == {"PII"}
    assert tagged.fields["left.mail"].keys() == {"PII"}


@pytest.mark.parametrize(
    ("text", "type_"),
    [
        ("[" * 5000, "AVRO"),
        ('{"type":"record"}', "AVRO"),
        ("1e999", "JSON"),
        ("message {", "PROTOBUF"),
        ("{}", "XML"),
        ('{"type":"record","name":"R","fields":[{"type":"R"}]}', "AVRO"),
    ],
)
def test_what_is_no_schema_is_one_sentence(text: str, type_: str) -> None:
    with pytest.raises(Fatal, match=r"the registered|the Protobuf schema") as refused:
        tags_in(text, type_)
    assert "\n" not in refused.value.message


LIST = {"type": "record", "name": "R", "fields": [{"name": "next", "type": ["null", "R"], "default": None}]}
ENDLESS = {"type": "record", "name": "R", "fields": [{"name": "next", "type": "R"}]}


def test_a_value_as_deep_as_it_is_long_does_not_end_the_process() -> None:
    assert reading(json.dumps(LIST)).value(b"\2\2\0") == {"next": {"next": {"next": None}}}
    with pytest.raises(RecursionError):
        reading(json.dumps(LIST)).value(b"\2" * 200_000 + b"\0")
    with pytest.raises(RecursionError):
        reading(json.dumps(ENDLESS)).value(b"")


@pytest.mark.parametrize("schema", [LIST, ENDLESS, {"type": "record"}, 5, "nobody"])
def test_the_decoder_notes_what_it_cannot_decode(schema: Any) -> None:
    class Answering:
        def call(self, method: str, path: str, body: Any = None) -> Any:
            return {"schema": json.dumps(schema)}

    shown = Decoder(Answering()).decode(b"\0\0\0\0\7" + b"\2" * 100_000)
    assert shown.note is not None
    assert shown.note.startswith("cannot be decoded: ")
