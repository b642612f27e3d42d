"""``schemas check`` as a pipeline runs it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bridge.cli.main import main

FILES = {
    "a.avsc": '{"type":"record","name":"A","fields":[]}',
    "b.avsc": '{"type":"record","name":"A","fields":[{"name":"x","type":"int"}]}',
    "c.avsc": '{"type":"record","name":"A","fields":[{"name":"x","type":"int","default":1}]}',
    "a.proto": 'syntax = "proto3"; message A { int32 a = 1; }',
    "b.proto": 'syntax = "proto3"; message A { string a = 1; }',
    "unknown.proto": 'syntax = "proto3"; message A { B a = 1; }',
    "referring.proto": 'syntax = "proto3"; import "b.proto"; message R { A a = 1; }',
    "a.schema.json": '{"type":"object","properties":{"a":{"type":"string"}}}',
    "b.schema.json": '{"type":"object","properties":{"a":{"type":"string"},"b":{"type":"string"}}}',
    "broken.avsc": "{",
}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, text in FILES.items():
        (tmp_path / name).write_text(text)
    monkeypatch.chdir(tmp_path)


def check(*arguments: str) -> int:
    return main(["schemas", "check", *arguments])


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["a.avsc", "b.avsc"], 1),
        (["a.avsc", "b.avsc", "--level", "forward"], 0),
        (["a.avsc", "b.avsc", "--level", "NONE"], 0),
        (["a.avsc", "c.avsc", "--level", "FULL"], 0),
        (["a.avsc", "c.avsc", "b.avsc"], 0),
        (["a.avsc", "c.avsc", "b.avsc", "--level", "BACKWARD_TRANSITIVE"], 1),
        (["a.proto", "b.proto"], 1),
        (["a.schema.json", "b.schema.json"], 1),
        (["a.schema.json", "b.schema.json", "--policy", "lenient"], 0),
        (["a.avsc", "a.proto"], 1),
        (["referring.proto", "referring.proto", "--reference", "b.proto=b.proto"], 0),
        (["referring.proto", "referring.proto"], 2),
        (["a.proto", "unknown.proto"], 2),
        (["a.avsc", "broken.avsc"], 2),
        (["a.avsc", "missing.avsc"], 2),
        (["a.avsc", "a.avsc", "--reference", "nothing"], 2),
    ],
)
def test_exit_codes(arguments: list[str], code: int) -> None:
    assert check(*arguments) == code


def test_words_for_people(capsys: pytest.CaptureFixture[str]) -> None:
    check("a.avsc", "b.avsc", "b.avsc", "--level", "BACKWARD_TRANSITIVE")
    printed = capsys.readouterr().out
    assert printed.startswith("not compatible (BACKWARD_TRANSITIVE): b.avsc may not follow a.avsc\n")
    assert (
        "READER_FIELD_MISSING_DEFAULT_VALUE: The field 'x' at path '/fields/0' in the new schema has"
        in printed
    )
    assert "{" not in printed
    check("a.proto", "a.proto")
    assert capsys.readouterr().out == "compatible (BACKWARD)\n"


def test_json_for_programs(capsys: pytest.CaptureFixture[str]) -> None:
    assert check("a.proto", "b.proto", "-o", "json") == 1
    found = json.loads(capsys.readouterr().out)
    assert (found["is_compatible"], found["level"]) == (False, "BACKWARD")
    assert "FIELD_SCALAR_KIND_CHANGED" in found["messages"][0]


def test_faults_name_the_file(capsys: pytest.CaptureFixture[str]) -> None:
    check("a.proto", "unknown.proto")
    assert "unknown.proto: is no valid PROTOBUF schema: Could not resolve type: B" in capsys.readouterr().err
