"""Values that transforms leave without a struct, in the formats with a schema, read by the official libraries."""

from __future__ import annotations

import io
import json
from decimal import Decimal
from typing import Any

import fastavro
import pytest
from google.protobuf import message_factory, wrappers_pb2
from google.protobuf.timestamp_pb2 import Timestamp

from bridge.errors import Fatal
from bridge.formats import FORMATS
from bridge.languages.protobuf import parse
from bridge.model.protection import NOTHING
from bridge.model.schema import DATE, DECIMAL, TIMESTAMP, Kind, Schema

AVRO, JSON_SR, PROTOBUF = FORMATS["AVRO"], FORMATS["JSON_SR"], FORMATS["PROTOBUF"]
FRAME = b"\0\0\0\0\x07"
TEXT = Schema(Kind.STRING, optional=True)
MOMENT = Schema(Kind.INT64, optional=True, name=TIMESTAMP, version=1)
PLAIN: list[tuple[Schema, Any]] = [
    (TEXT, "grüße"),
    (Schema(Kind.INT8, optional=True), -7),
    (Schema(Kind.INT32), 2**31 - 1),
    (Schema(Kind.INT64, optional=True), -(2**63)),
    (Schema(Kind.FLOAT32, optional=True), 1.5),
    (Schema(Kind.FLOAT64, optional=True), 0.1),
    (Schema(Kind.BOOLEAN, optional=True), True),
    (Schema(Kind.BYTES, optional=True), b"\0\xff"),
]


@pytest.mark.parametrize(("schema", "value"), PLAIN, ids=lambda each: getattr(each, "kind", ""))
def test_avro(schema: Schema, value: Any) -> None:
    text = AVRO.render(schema, {})
    encode = AVRO.compile_values(schema, text, FRAME, {}, NOTHING)
    read = fastavro.schemaless_reader(
        io.BytesIO(encode(value)[5:]), fastavro.parse_schema(json.loads(text)), None
    )
    assert read == value


def test_the_types_alone() -> None:
    assert json.loads(AVRO.render(TEXT, {})) == ["null", "string"]
    assert json.loads(JSON_SR.render(TEXT, {})) == {"oneOf": [{"type": "null"}, {"type": "string"}]}
    assert json.loads(JSON_SR.render(Schema(Kind.BOOLEAN), {})) == {"type": "boolean"}


def test_json_schema() -> None:
    for schema, value, written in [
        (TEXT, "grüße", "grüße"),
        (Schema(Kind.BYTES), b"\0\xff", "AP8="),
        (MOMENT, 1_700_000_000_123, 1_700_000_000_123),
        (Schema(Kind.BYTES, name=DECIMAL, parameters={"scale": "2"}), Decimal("1.25"), "fQ=="),
    ]:
        encode = JSON_SR.compile_values(schema, JSON_SR.render(schema, {}), FRAME, {}, NOTHING)
        assert encode(value)[:5] == FRAME
        assert json.loads(encode(value)[5:]) == written


@pytest.mark.parametrize(("schema", "value"), PLAIN, ids=lambda each: getattr(each, "kind", ""))
def test_protobuf_writes_the_wrapper(schema: Schema, value: Any) -> None:
    """The registered file is protobuf's own wrappers.proto; the indexes name the message in it."""
    text = PROTOBUF.render(schema, {})
    file = parse(text)
    assert (file.package, len(file.messages)) == ("google.protobuf", 9)
    encoded = PROTOBUF.compile_values(schema, text, FRAME, {}, NOTHING)(value)
    # [0] is one 0, any other place is a count of 1 and the index, both zigzag
    index, rest = (0, encoded[6:]) if encoded[5] == 0 else (encoded[6] // 2, encoded[7:])
    name = file.messages[index].name
    message = message_factory.GetMessageClass(wrappers_pb2.DESCRIPTOR.message_types_by_name[name])()
    message.ParseFromString(rest)
    assert message.value == value


def test_protobuf_writes_the_first_message_with_one_zero() -> None:
    schema = Schema(Kind.FLOAT64)
    assert PROTOBUF.compile_values(schema, None, FRAME, {}, NOTHING)(0.5)[:6] == FRAME + b"\0"


def test_protobuf_writes_a_logical_type_as_its_message() -> None:
    encoded = PROTOBUF.compile_values(MOMENT, PROTOBUF.render(MOMENT, {}), FRAME, {}, NOTHING)(1_500)
    message = Timestamp.FromString(encoded[6:])
    assert (message.seconds, message.nanos) == (1, 500_000_000)
    assert "message Date {" in PROTOBUF.render(Schema(Kind.INT32, name=DATE), {})


@pytest.mark.parametrize("form", [AVRO, JSON_SR, PROTOBUF], ids=lambda form: form.NAME)
def test_a_registered_schema_of_another_type_is_not_written_to(form: Any) -> None:
    number, text = Schema(Kind.FLOAT64, optional=True), form.render(TEXT, {})
    assert form.missing_fields(TEXT, text, {}) == ()
    record = form.render(Schema(Kind.STRUCT, name="a.R"), {})
    for written in (record, text) if form is not PROTOBUF else (record,):
        assert form.missing_fields(number, written, {}) == ("the value",)
        assert form.with_fields(number, written, {}) == form.render(number, {})
        with pytest.raises(Fatal):
            form.compile_values(number, written, FRAME, {}, NOTHING)


def test_a_list_has_no_protobuf_message() -> None:
    with pytest.raises(Fatal, match="HoistField"):
        PROTOBUF.render(Schema(Kind.ARRAY, value_schema=TEXT), {})
