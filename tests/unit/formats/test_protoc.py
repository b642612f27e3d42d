"""protoc compiles every file with tags, beside the registry's own ``confluent/meta.proto``, and reads the tags."""

from __future__ import annotations

from pathlib import Path

import google.type.date_pb2
import grpc_tools
import pytest
from attrs import evolve
from google.protobuf.descriptor_pb2 import FileDescriptorSet
from grpc_tools import protoc

from bridge.formats import FORMATS
from bridge.languages.protobuf.known import DECIMAL, META
from bridge.model.schema import DATE, TIMESTAMP, Field, Kind, Schema

PROTOBUF = FORMATS["PROTOBUF"]
ROOT = Path(__file__).resolve().parents[3]
FIELD_META = 1088
TEXT = Schema(Kind.STRING, optional=True)
INNER = Schema(Kind.STRUCT, optional=True, fields=(Field("Zip", TEXT, frozenset({"PII"})),))
SCHEMA = Schema(
    Kind.STRUCT,
    name="io.confluent.salesforce.Order__e",
    fields=(
        Field("ReplayId", TEXT),
        Field("When__c", Schema(Kind.INT64, optional=True, name=TIMESTAMP, version=1)),
        Field("Day__c", Schema(Kind.INT32, optional=True, name=DATE, version=1), frozenset({"PII", "GDPR"})),
        Field("Order_Id__c", TEXT),
        Field("OrderId__c", TEXT, frozenset({"PII"})),
        Field("Small__c", Schema(Kind.INT16, optional=True)),
        Field("Address__c", INNER),
    ),
)


def tags_by_protoc(text: str, folder: Path) -> dict[str, bytes]:
    """What protoc makes of a file: the bytes of ``field_meta`` by field, nested ones with their path."""
    for path, known in (("confluent/meta.proto", META), ("confluent/type/decimal.proto", DECIMAL)):
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(known)
    (folder / "schema.proto").write_text(text)
    own, common = Path(grpc_tools.__file__).parent / "_proto", Path(google.type.date_pb2.__file__).parents[2]
    out = folder / "out.bin"
    code = protoc.main(
        ["protoc", f"-I{folder}", f"-I{own}", f"-I{common}", f"--descriptor_set_out={out}", "schema.proto"]
    )
    assert code == 0, f"protoc refuses it:\n{text}"
    file = FileDescriptorSet.FromString(out.read_bytes()).file[0]
    waiting = [("", message) for message in file.message_type]
    tagged: dict[str, bytes] = {}
    while waiting:
        path, message = waiting.pop()
        waiting += [(f"{path}{message.name}.", inner) for inner in message.nested_type]
        for entry in message.field:
            if raw := entry.options.SerializeToString():
                tagged[f"{path}{message.name}.{entry.name}"] = raw
    return tagged


def meta_of(*tags: str) -> bytes:
    """A field's options with these tags, which are field 3 of the extension 1088."""
    meta = b"".join(b"\x1a" + bytes((len(tag),)) + tag.encode() for tag in tags)
    return b"\x82\x44" + bytes((len(meta),)) + meta


def test_a_rendered_file(tmp_path: Path) -> None:
    tagged = tags_by_protoc(PROTOBUF.render(SCHEMA, {}), tmp_path)
    assert tagged["Order__e.Day__c"] == meta_of("GDPR", "PII")
    assert tagged["Order__e.OrderId__c"] == meta_of("PII")
    assert tagged["Order__e.ConnectDefault1.Zip"] == meta_of("PII")


@pytest.mark.parametrize("before", [3, 4, 6])
def test_an_extended_file(tmp_path: Path, before: int) -> None:
    first = evolve(SCHEMA, fields=SCHEMA.fields[:before])
    text = PROTOBUF.with_fields(SCHEMA, PROTOBUF.render(first, {}), {})
    assert tags_by_protoc(text, tmp_path)["Order__e.OrderId__c"] == meta_of("PII")


@pytest.mark.parametrize("path", sorted(ROOT.glob("schemas/**/*.proto")), ids=lambda path: path.name)
def test_the_samples(tmp_path: Path, path: Path) -> None:
    text = path.read_text()
    assert bool(tags_by_protoc(text, tmp_path)) is ("field_meta" in text)


def test_the_old_spelling_stays_where_it_is() -> None:
    """Files that earlier versions registered, which protoc refuses inside ``io.confluent``, are read and extended."""
    first = evolve(SCHEMA, fields=SCHEMA.fields[:3])
    old = PROTOBUF.render(first, {}).replace("(.confluent", "(confluent")
    assert PROTOBUF.missing_fields(first, old, {}) == ()
    grown = PROTOBUF.with_fields(evolve(SCHEMA, fields=SCHEMA.fields[:4]), old, {})
    assert "Day__c = 3 [(confluent.field_meta) = {" in grown
