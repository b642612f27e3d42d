"""Decoding for people: by schema id, as JSON, as text, else base64 with the reason."""

from __future__ import annotations

import io
import json
from typing import Any

import fastavro
from hypothesis import given
from hypothesis import strategies as st

from bridge.reading.decode import Decoder, iso_time
from bridge.registry.http import Refused

ADDRESS = {
    "type": "record",
    "name": "Address",
    "namespace": "x",
    "fields": [{"name": "City", "type": "string"}],
}
ORDER = {
    "type": "record",
    "name": "Order",
    "namespace": "x",
    "fields": [
        {"name": "At", "type": ["null", {"type": "long", "logicalType": "timestamp-millis"}]},
        {"name": "Day", "type": ["null", {"type": "int", "logicalType": "date"}]},
        {"name": "Raw", "type": "bytes"},
        {"name": "To", "type": "x.Address"},
    ],
}


class Registry:
    def __init__(self, answers: dict[str, Any]) -> None:
        self.answers, self.asked = answers, []

    def call(self, method: str, path: str, body: Any = None) -> Any:
        self.asked.append(path)
        if path not in self.answers:
            raise Refused(404, 40403, "Schema not found")
        return self.answers[path]


REFERENCES = [{"name": "x.Address", "subject": "address", "version": 1}]
PROTO_REFERENCES = [{"name": "acme/parts.proto", "subject": "parts", "version": 2}]
PARTS = 'syntax = "proto3"; package acme; message Part { string name = 1; }'
PROTO = """syntax = "proto3"; package acme;
import "acme/parts.proto"; import "google/protobuf/timestamp.proto"; import "google/type/date.proto";
message First {}
message Order { google.protobuf.Timestamp At = 1; google.type.Date Day = 2; repeated Part parts = 3; bytes Raw = 4; }
"""
ANSWERS = {
    "/schemas/ids/7": {"schema": json.dumps(ORDER), "references": REFERENCES},
    "/subjects/address/versions/1": {
        "subject": "address",
        "version": 1,
        "id": 1,
        "schema": json.dumps(ADDRESS),
    },
    "/schemas/ids/8": {"schema": "{}", "schemaType": "JSON"},
    "/schemas/ids/9": {"schema": "syntax", "schemaType": "PROTOBUF"},
    "/schemas/ids/10": {"schema": PROTO, "schemaType": "PROTOBUF", "references": PROTO_REFERENCES},
    "/subjects/parts/versions/2": {
        "subject": "parts",
        "version": 2,
        "id": 2,
        "schema": PARTS,
        "schemaType": "PROTOBUF",
    },
    "/schemas/ids/12": {"schema": "", "schemaType": "THRIFT"},
    "/schemas/ids/7?subject=%3A.sales%3A": {"schema": '"string"'},
}


def framed(schema_id: int, payload: bytes) -> bytes:
    return b"\0" + schema_id.to_bytes(4, "big") + payload


def order() -> bytes:
    named: dict[str, Any] = {}
    fastavro.parse_schema(ADDRESS, named_schemas=named)
    out = io.BytesIO()
    value = {"At": 1_700_000_000_123, "Day": 19_675, "Raw": b"\1\2", "To": {"City": "Köln"}}
    fastavro.schemaless_writer(out, fastavro.parse_schema(ORDER, named_schemas=named), value)
    return framed(7, out.getvalue())


def test_avro_with_references_fetched_once() -> None:
    registry = Registry(ANSWERS)
    decoder = Decoder(registry)
    for _ in range(3):
        found = decoder.decode(order())
    assert found.value == {
        "At": "2023-11-14T22:13:20.123Z",
        "Day": "2023-11-14",
        "Raw": "AQI=",
        "To": {"City": "Köln"},
    }
    assert (found.schema_id, found.note) == (7, None)
    assert registry.asked == ["/schemas/ids/7", "/subjects/address/versions/1"]


def test_ids_belong_to_a_context() -> None:
    assert Decoder(Registry(ANSWERS), ":.sales:").decode(framed(7, b"\x04ab")).value == "ab"


def test_json_with_a_schema() -> None:
    assert Decoder(Registry(ANSWERS)).decode(framed(8, b'{"a": 1}')).value == {"a": 1}


def test_protobuf_with_references_and_message_indexes() -> None:
    registry = Registry(ANSWERS)
    payload = bytes.fromhex("0202 0a0b 0880e2cfaa06 10c0a9d33a 1207 08e70f 100b 180e 1a03 0a01 78 22020102")
    decoder = Decoder(registry)
    for _ in range(2):
        found = decoder.decode(framed(10, payload))
    assert found.value == {
        "At": "2023-11-14T22:13:20.123Z",
        "Day": "2023-11-14",
        "parts": [{"name": "x"}],
        "Raw": "AQI=",
    }
    assert registry.asked == ["/schemas/ids/10", "/subjects/parts/versions/2"]


def test_what_cannot_be_decoded_has_no_value_but_a_reason() -> None:
    decoder = Decoder(Registry(ANSWERS))
    for data, reason in (
        (framed(9, b"x"), "schema 9 cannot be used: the Protobuf schema cannot be parsed"),
        (framed(10, b"\0\xff"), "does not fit schema 10"),
        (framed(10, b"\x02\x08"), "does not fit schema 10"),
        (framed(12, b"x"), "type THRIFT, which is not known"),
        (framed(5, b"x"), "no schema 5"),
        (framed(7, b"\xff\xff"), "does not fit schema 7"),
        (order() + b"more", "does not fit schema 7"),
        (b"\xff\xfe", "neither text"),
    ):
        found = decoder.decode(data)
        assert (found.value, found.raw) == (None, data)
        assert reason in (found.note or "")
    assert "no registry is named" in (Decoder().decode(order()).note or "")


def test_without_a_schema() -> None:
    decoder = Decoder()
    assert decoder.decode(None).value is None
    assert decoder.decode(b'{"replayId":7}').value == {"replayId": 7}
    assert decoder.decode("grüße".encode()).value == "grüße"
    assert decoder.decode(b"").value == ""


@given(st.binary(max_size=60), st.sampled_from([b"", framed(7, b""), framed(8, b""), b"\0"]))
def test_any_bytes_can_be_printed(data: bytes, head: bytes) -> None:
    json.dumps(Decoder(Registry(ANSWERS)).decode(head + data).value, allow_nan=False)


@given(st.integers(-(2**63), 2**63 - 1))
def test_any_time_can_be_printed(at: int) -> None:
    assert iso_time(at)
    assert iso_time(1_700_000_000_123) == "2023-11-14T22:13:20.123Z"
