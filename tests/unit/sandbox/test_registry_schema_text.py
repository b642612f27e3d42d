"""Texts of schemas in the embedded registry. Avro's are what Apache Avro 1.12 writes for the same input."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Any

import pytest
from google.protobuf.descriptor_pb2 import FileDescriptorProto, FileOptions

from bridge.sandbox.registry import Registry
from tests.unit.sandbox.test_registry_odd_requests import Client


@pytest.fixture
def ask() -> Iterator[Client]:
    with Registry() as registry:
        yield Client(registry)


def reference(name: str, subject: str) -> dict[str, Any]:
    return {"name": name, "subject": subject, "version": 1}


@pytest.mark.parametrize(
    ("sent", "stored"),
    [
        (
            '{"type":"record","name":"R","namespace":"n","aliases":["n.Old","Older","m.X","Old",".Q"],"fields":'
            '[{"name":"a","type":"int","aliases":["b","b"]}]}',
            '{"type":"record","name":"R","namespace":"n","fields":[{"name":"a","type":"int","aliases":["b"]}],'
            '"aliases":["Old","Older","m.X","Q"]}',
        ),
        (
            '{"type":"enum","name":"a.b.E","aliases":["a.b.F","c.F"],"symbols":["A"],"default":"A"}',
            '{"type":"enum","name":"E","namespace":"a.b","symbols":["A"],"default":"A","aliases":["F","c.F"]}',
        ),
        (
            '{"type":"error","name":"E","fields":[{"name":"d","type":"double","default":1E300},{"name":"f","type":'
            '"float","default":1.5e5,"p":[1e7,1e-3,1.0,123456789.125,-0.0,100,12345678901234567890,1e400,9.999e-5]}]}',
            '{"type":"error","name":"E","fields":[{"name":"d","type":"double","default":1.0E300},{"name":"f","type":'
            '"float","default":150000.0,"p":[1.0E7,0.001,1.0,1.23456789125E8,-0.0,100,12345678901234567890,'
            '"Infinity",9.999E-5]}]}',
        ),
        (
            '{"type":"record","name":"R","fields":[],"p":"\\u001f\\u007f\\ud83d\\ude00\\/"}',
            '{"type":"record","name":"R","fields":[],"p":"\\u001F\x7f\U0001f600/"}',
        ),
    ],
)
def test_avro_is_written_as_the_java_library_writes_it(ask: Client, sent: str, stored: str) -> None:
    assert ask.register("s", sent)[1]["schema"] == stored
    assert ask("POST", "/subjects/s", {"schema": stored})[1]["version"] == 1


def test_normalized_an_error_is_a_record_and_aliases_are_sorted_by_full_name(ask: Client) -> None:
    sent = '{"type":"error","name":"R","namespace":"n","fields":[],"aliases":["Old","m.Z","a.Z"]}'
    _, made = ask("POST", "/subjects/s/versions?normalize=true", {"schema": sent})
    expected = '{"type":"record","name":"R","namespace":"n","fields":[],"aliases":["a.Z","m.Z","Old"]}'
    assert made["schema"] == expected


@pytest.mark.parametrize(
    ("sent", "problem"),
    [
        ('{"type":"record","name":"R","aliases":["Old er"],"fields":[]}', "Illegal character in: Old er"),
        ('{"type":"record","name":"R","aliases":"Old","fields":[]}', "aliases not an array"),
        ('{"type":"record","name":"R","aliases":[1],"fields":[]}', "alias not a string"),
        ('{"type":"record","name":"R","fields":[],"p":NaN}', "NaN"),
    ],
)
def test_what_avro_does_not_take_is_refused(ask: Client, sent: str, problem: str) -> None:
    status, refused = ask.register("s", sent)
    assert (status, refused["error_code"]) == (422, 42201)
    assert problem in refused["message"]


def test_references_are_resolved_through_references(ask: Client) -> None:
    inner = '{"type":"record","name":"I","namespace":"a","fields":[]}'
    middle = '{"type":"record","name":"M","namespace":"b","fields":[{"name":"i","type":"a.I"}]}'
    fields = '{"name":"m","type":"b.M"},{"name":"i","type":"a.I"}'
    outer = f'{{"type":"record","name":"O","namespace":"c","fields":[{fields}]}}'
    ask.register(":.x:inner", inner)
    ask.register(":.x:middle", middle, references=[reference("a.I", "inner")])
    assert ask.register(":.x:outer", outer, references=[reference("b.M", "middle")])[1]["schema"] == outer
    _, found = ask("GET", "/subjects/:.x:outer/versions/1?format=resolved")
    assert found["schema"] == outer.replace('"b.M"', middle.replace('"a.I"', inner), 1)


@pytest.mark.parametrize(
    "inside", ['{"type":"enum","name":"J","symbols":["A"]}', '{"type":"fixed","name":"J","size":2}']
)
def test_only_what_a_reference_names_is_left_out(ask: Client, inside: str) -> None:
    ask.register("i", f'{{"type":"record","name":"I","fields":[{{"name":"j","type":{inside}}}]}}')
    fields = '{"name":"j","type":%s},{"name":"k","type":"J"},{"name":"i","type":%s}'
    outer = f'{{"type":"record","name":"O","fields":[{fields}]}}'
    _, made = ask.register("o", outer % ('"J"', '"I"'), references=[reference("I", "i")])
    assert made["schema"] == outer % (inside, '"I"')
    _, found = ask("GET", "/subjects/o/versions/1?format=resolved")
    whole = '{"type":"record","name":"I","fields":[{"name":"j","type":"J"}]}'
    assert found["schema"] == outer % (inside, whole)


def test_a_record_within_a_reference_cannot_be_read_back(ask: Client) -> None:
    """Avro lets no record be defined twice, and the text spells it out: the server cannot read it either."""
    inside = '{"type":"record","name":"J","fields":[]}'
    ask.register("i", f'{{"type":"record","name":"I","fields":[{{"name":"j","type":{inside}}}]}}')
    outer = '{"type":"record","name":"O","fields":[{"name":"j","type":"J"}]}'
    status, made = ask.register("o", outer, references=[reference("I", "i")])
    assert (status, made["schema"]) == (200, outer.replace('"J"', inside))
    status, refused = ask("GET", "/subjects/o/versions/1?format=resolved")
    assert (status, refused["error_code"]) == (422, 42201)
    assert ask("GET", "/subjects/o/versions/1")[0] == 200
    assert ask.register("o", outer, references=[reference("I", "i")])[1]["version"] == 1


def test_numbers_of_json_schemas_are_big_decimals(ask: Client) -> None:
    sent = '{"enum":[1.0E300,1e2,1.50,-0.0,1e-7,0.001,12345678901234567890]}'
    _, made = ask.register("s", sent, schemaType="JSON")
    assert made["schema"] == '{"enum":[1.0E+300,1E+2,1.50,0.0,1E-7,0.001,12345678901234567890]}'


def test_a_blank_line_before_nested_protobuf_types_is_of_its_own_level(ask: Client) -> None:
    sent = """syntax = "proto2"; message A { optional int32 x=1; extensions 100 to 200;
        extend A { optional int32 e = 100; }
        message B { optional int32 y=1; message C {} enum E { Z=0; } } }"""
    _, made = ask.register("s", sent, schemaType="PROTOBUF")
    assert made["schema"].split("\n") == [
        'syntax = "proto2";',
        "",
        "message A {",
        "  optional int32 x = 1;",
        "",
        "  extensions 100 to 200;",
        "",
        "  extend A {",
        "    optional int32 e = 100;",
        "  }",
        "",
        "  message B {",
        "    optional int32 y = 1;",
        "  ",
        "    message C {}",
        "    enum E {",
        "      Z = 0;",
        "    }",
        "  }",
        "}",
        "",
    ]


def test_the_serialized_form_has_the_options_of_the_file(ask: Client) -> None:
    sent = """syntax = "proto3"; package p;
        option java_package = "com.acme"; option java_multiple_files = true; option optimize_for = CODE_SIZE;
        option go_package = "g"; option deprecated = false; option (own) = "x"; option unknown_one = 1;
        message A { string a = 1; }
        extend google.protobuf.FileOptions { string own = 50000; }"""
    sent = sent.replace("package p;", 'package p; import "google/protobuf/descriptor.proto";')
    assert ask.register("s", sent, schemaType="PROTOBUF")[0] == 200
    _, found = ask("GET", "/subjects/s/versions/1?format=serialized")
    options = FileDescriptorProto.FromString(base64.b64decode(found["schema"])).options
    expected = FileOptions(
        java_package="com.acme", java_multiple_files=True, go_package="g", deprecated=False
    )
    expected.optimize_for = FileOptions.OptimizeMode.CODE_SIZE
    assert options == expected


def test_a_file_without_options_is_served_without_any(ask: Client) -> None:
    ask.register("s", 'syntax = "proto3"; message A { string a = 1; }', schemaType="PROTOBUF")
    _, found = ask("GET", "/subjects/s/versions/1?format=serialized")
    assert not FileDescriptorProto.FromString(base64.b64decode(found["schema"])).HasField("options")
