"""The parser of Protobuf's schema language against protoc, by the files that come with compiled descriptors."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import google.api
import google.protobuf
import pytest
from google.protobuf.descriptor_pb2 import DescriptorProto, FileDescriptorProto
from hypothesis import example, given
from hypothesis import strategies as st

from bridge.errors import Fatal
from bridge.formats.protobuf_text import parse
from bridge.formats.protobuf_types import descriptor

ROOTS = {Path(path).parents[1] for module in (google.api, google.protobuf) for path in module.__path__}
FILES = {
    str(file.relative_to(root)): file
    for root in sorted(ROOTS)
    for folder in ("google/type", "google/protobuf", "google/rpc", "google/logging/type")
    for file in sorted((root / folder).glob("*.proto"))
}


def bare(proto: FileDescriptorProto) -> FileDescriptorProto:
    """What the parser promises: no options but map entries, no services, no extensions."""
    proto.ClearField("options")
    del proto.service[:], proto.extension[:], proto.public_dependency[:]
    if proto.syntax == "proto2":
        proto.ClearField("syntax")
    for message in proto.message_type:
        _bare(message)
    for enum in proto.enum_type:
        _bare_enum(enum)
    return proto


def _bare(message: DescriptorProto) -> None:
    if not message.options.map_entry:
        message.ClearField("options")
    del message.extension[:], message.extension_range[:], message.reserved_range[:], message.reserved_name[:]
    for field in message.field:
        for name in ("options", "json_name", "default_value"):
            field.ClearField(name)
    for oneof in message.oneof_decl:
        oneof.ClearField("options")
    for enum in message.enum_type:
        _bare_enum(enum)
    for nested in message.nested_type:
        _bare(nested)
    ordered = [DescriptorProto.FromString(n.SerializeToString()) for n in message.nested_type]
    del message.nested_type[:]
    message.nested_type.extend(sorted(ordered, key=lambda nested: nested.name))


def _bare_enum(enum: Any) -> None:
    enum.ClearField("options")
    enum.ClearField("visibility")
    del enum.reserved_range[:], enum.reserved_name[:]
    for value in enum.value:
        value.ClearField("options")


def test_the_files_are_there() -> None:
    assert len(FILES) >= 15


@pytest.mark.parametrize("name", FILES)
def test_like_protoc(name: str) -> None:
    module = importlib.import_module(name.removesuffix(".proto").replace("/", ".") + "_pb2")
    expected = FileDescriptorProto.FromString(module.DESCRIPTOR.serialized_pb)
    made = descriptor(parse(FILES[name].read_text()), None, name)
    assert bare(made) == bare(expected)


def sentence(action: Callable[[], Any]) -> str | None:
    """What is wrong, None where nothing is."""
    try:
        action()
    except Fatal as error:
        return error.message
    return None


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
    assert file.imports == ["google/protobuf/any.proto", "google/type/date.proto"]
    assert [(f.name, f.number) for f in message.fields] == [
        ("optional", 1), ("oneof", 2), ("b", 3), ("map", 4), ("e", 5), ("reserved", 6), ("option", 7),
        ("message", 8), ("extend", 9),
    ]  # fmt: skip
    assert message.taken == [(10, 10), (12, 14), (1000, 536_870_911), (500, 600)]
    assert message.reserved_names == {"gone", "lost"}
    assert message.fields[0].options["(confluent.field_meta)"] == '{ tags: ["PII"] }'
    assert message.messages[0].enums[0].values == [("A", 0), ("B", 0), ("C", -1)]
    assert message.fields[3].key == "string"


@given(
    st.text("message{}=;[]<>\"' 1.ab/*\n", max_size=60)
    | st.binary(max_size=40).map(lambda b: b.decode("latin-1"))
)
@example("message A { string a = 08; }")
@example("message A { reserved")
@example("message A {" * 100)
@example('import "\\q";')
def test_anything_else_is_one_sentence(text: str) -> None:
    said = sentence(lambda: parse(text))
    assert said is None or "line " in said


@given(st.integers(0, 2000), st.integers(0, 2000))
def test_a_text_that_is_cut_off_or_damaged(cut: int, hole: int) -> None:
    for text in (EVERYTHING[:cut], EVERYTHING[:cut] + EVERYTHING[cut + hole % 7 :]):
        said = sentence(lambda text=text: descriptor(parse(text)))
        assert said is None or "\n" not in said
