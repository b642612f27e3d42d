"""Registered schemas that refer to other subjects: found in the right context, and written with."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from typing import Any

import fastavro
import pytest

from bridge.errors import Fatal
from bridge.formats import FORMATS
from bridge.formats.protobuf.read import Reader
from bridge.model.registered import Registered
from bridge.model.schema import Field, Kind, Schema
from bridge.model.texts import imports_of
from bridge.registry.client import Registry, in_context_of
from bridge.registry.http import Http, http_of
from bridge.sandbox.registry import Registry as Embedded
from tests.support.formats import compile_encoder_for_values

TEXT = Schema(Kind.STRING, optional=True)
PLACE = Schema(Kind.STRUCT, optional=True, name="acme.Place", fields=(Field("City", TEXT),))
ORDER = Schema(Kind.STRUCT, name="acme.Order", fields=(Field("Number", TEXT), Field("To", PLACE)))
WIDER = Schema(Kind.STRUCT, name="acme.Order", fields=(*ORDER.fields, Field("Note", TEXT)))
VALUE = {"Number": "1", "To": {"City": "Köln"}}

PROTO_PLACE = (
    'syntax = "proto3"; package acme; import "zip.proto"; message Place { string City = 4; Zip zip = 5; }'
)
PROTO_ZIP = 'syntax = "proto3"; package acme; message Zip { string text = 1; }'
PROTO = 'syntax = "proto3"; package acme; import "place.proto"; message Order { string Number = 2; Place To = 3; }'
JSON_PLACE = {"definitions": {"place": {"type": "object", "properties": {"City": {"$ref": "#/definitions/text"}},
                                        "required": ["City"]}, "text": {"type": "string"}}}  # fmt: skip
JSON_ORDER = {"type": "object", "properties": {"Number": {"type": ["null", "string"]},
              "To": {"oneOf": [{"type": "null"}, {"$ref": "place.json#/definitions/place"}]}}}  # fmt: skip
AVRO_PLACE = {"type": "record", "name": "Place", "namespace": "acme",
              "fields": [{"name": "City", "type": ["null", "string"], "default": None}]}  # fmt: skip
_FIELDS = [("Number", "string"), ("To", "acme.Place")]
AVRO_ORDER = {"type": "record", "name": "Order", "namespace": "acme",
              "fields": [{"name": name, "type": ["null", kind]} for name, kind in _FIELDS]}  # fmt: skip


@pytest.fixture
def embedded() -> Iterator[Embedded]:
    with Embedded() as embedded:
        yield embedded


@pytest.fixture
def http(embedded: Embedded) -> Http:
    return http_of({"url": embedded.url}, retry_seconds=1, longest_wait=0.2)


@pytest.fixture
def registry(http: Http) -> Registry:
    return Registry(http)


def put(http: Http, subject: str, kind: str, schema: Any, *references: tuple[str, str]) -> None:
    body = {
        "schema": schema if isinstance(schema, str) else json.dumps(schema),
        "schemaType": kind,
        "references": [{"name": name, "subject": target, "version": 1} for name, target in references],
    }
    http.call("POST", f"/subjects/{subject}/versions", body)


def latest(registry: Registry, subject: str) -> Registered:
    found = registry.latest(subject)
    assert found is not None
    return found


@pytest.mark.parametrize("context", ["", ":.crm:"])
def test_protobuf(registry: Registry, http: Http, context: str) -> None:
    put(http, f"{context}zip", "PROTOBUF", PROTO_ZIP)
    put(http, f"{context}place", "PROTOBUF", PROTO_PLACE, ("zip.proto", "zip"))
    put(http, f"{context}order", "PROTOBUF", PROTO, ("place.proto", "place"))
    found = latest(registry, f"{context}order")
    assert list(imports_of(found.text)) == ["zip.proto", "place.proto"]
    form = FORMATS["PROTOBUF"]
    made = compile_encoder_for_values(ORDER, form, found.text, b"\0\0\0\0\1", {})(VALUE)
    read = Reader(found.text, imports_of(found.text)).read(made[5:])
    assert read == {"Number": "1", "To": {"City": "Köln", "zip": None}}
    grown = form.with_fields(WIDER, found.text, {})
    stored = registry.register(f"{context}order", grown, type_="PROTOBUF", like=found)
    assert (stored.version, form.missing_fields(WIDER, stored.text, {})) == (2, ())
    more = Schema(Kind.STRUCT, optional=True, fields=(*PLACE.fields, Field("Street", TEXT)))
    nested = Schema(Kind.STRUCT, name="acme.Order", fields=(ORDER.fields[0], Field("To", more)))
    with pytest.raises(Fatal, match=r"acme\.Place has no field Street, which field To of the event has"):
        compile_encoder_for_values(nested, form, found.text, b"", {})


def test_json_schema(registry: Registry, http: Http) -> None:
    put(http, "place", "JSON", JSON_PLACE)
    put(http, "order", "JSON", JSON_ORDER, ("place.json", "place"))
    found, form = latest(registry, "order"), FORMATS["JSON_SR"]
    assert form.missing_fields(WIDER, found.text, {}) == ("Note",)
    encode = compile_encoder_for_values(ORDER, form, found.text, b"", {})
    assert json.loads(encode(VALUE)) == VALUE
    assert json.loads(encode({"Number": None, "To": None})) == {"Number": None, "To": None}
    more = Schema(Kind.STRUCT, optional=True, fields=(*PLACE.fields, Field("Street", TEXT)))
    nested = Schema(Kind.STRUCT, name="acme.Order", fields=(ORDER.fields[0], Field("To", more)))
    with pytest.raises(Fatal, match="field Street, which is missing in a document"):
        form.with_fields(nested, found.text, {})


def test_avro(registry: Registry, http: Http) -> None:
    put(http, "place", "AVRO", AVRO_PLACE)
    put(http, "order", "AVRO", AVRO_ORDER, ("acme.Place", "place"))
    found = latest(registry, "order")
    made = compile_encoder_for_values(ORDER, FORMATS["AVRO"], found.text, b"", {})(VALUE)
    named: dict[str, Any] = {}
    fastavro.parse_schema(AVRO_PLACE, named_schemas=named)
    parsed = fastavro.parse_schema(AVRO_ORDER, named_schemas=named)
    assert fastavro.schemaless_reader(io.BytesIO(made), parsed, None) == VALUE


def test_a_subject_is_meant_in_its_parents_context() -> None:
    assert in_context_of("place", "order") == "place"
    assert in_context_of("place", ":.crm:order") == ":.crm:place"
    assert in_context_of(":.other:place", ":.crm:order") == ":.other:place"
