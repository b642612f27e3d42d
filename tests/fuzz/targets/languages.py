"""Schemas' texts and the registry's answers, and what follows from them: tags, places, differences, encoders."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import msgspec

from bridge.config import Loaded, config_of
from bridge.documents import Broken, json_of
from bridge.encryption.dek_registry import DekRegistry
from bridge.encryption.envelope import Algorithm
from bridge.encryption.rules import read_rules
from bridge.errors import BadRecord, BridgeError
from bridge.event import Data, Head
from bridge.inspection.diff import changes, shape_of_text
from bridge.languages.compatibility import differences, validate
from bridge.languages.compatibility.source import InvalidSchema, Source
from bridge.languages.tagging import tags_in
from bridge.reading.decode import Decoder
from bridge.registry.client import Registry
from bridge.routing.resolver import Writers
from tests.fuzz.targets.base import Target, document, sample, samples, text
from tests.fuzz.targets.salesforce import EVENT, PAYLOAD

DESCRIBE = json.loads(sample(f"{EVENT}.describe.json"))
EXPANDED = json.loads(sample(f"{EVENT}.event-schema.json"))
AVRO = samples(".avsc")
JSON_SCHEMA = samples(".schema.json")
PROTOBUF = samples(".proto")
RECURSIVE = (
    document(
        {"type": "record", "name": "R", "fields": [{"name": "next", "type": ["null", "R"], "default": None}]}
    ),
    document(
        {
            "type": "record",
            "name": "A",
            "namespace": "n.s",
            "fields": [
                {
                    "name": "b",
                    "type": {
                        "type": "array",
                        "items": {
                            "type": "record",
                            "name": "B",
                            "fields": [
                                {
                                    "name": "a",
                                    "type": {"type": "map", "values": "A"},
                                    "confluent:tags": ["PII"],
                                },
                                {
                                    "name": "e",
                                    "type": {"type": "enum", "name": "E", "symbols": ["X", "Y"]},
                                    "default": "X",
                                },
                                {"name": "f", "type": {"type": "fixed", "name": "F", "size": 4}},
                                {
                                    "name": "d",
                                    "type": {
                                        "type": "bytes",
                                        "logicalType": "decimal",
                                        "precision": 9,
                                        "scale": 2,
                                    },
                                },
                            ],
                        },
                    },
                },
            ],
        }
    ),
)
SELF_REFERRING = (
    document({"$ref": "#"}),
    document(
        {
            "type": "object",
            "properties": {"a": {"$ref": "#/definitions/a"}},
            "definitions": {
                "a": {"oneOf": [{"$ref": "#/definitions/a"}, {"$ref": "#/definitions/b"}, {"type": "null"}]},
                "b": {"anyOf": [{"$ref": "#/definitions/a"}, {"type": "array", "items": {"$ref": "#"}}]},
            },
        }
    ),
    document(
        {
            "type": "object",
            "allOf": [{"$ref": "#/$defs/x"}],
            "$defs": {"x": {"allOf": [{"$ref": "#/$defs/x"}] * 8}},
        }
    ),
)
NESTED_MESSAGES = (
    b'syntax = "proto3";\npackage p;\nimport "confluent/meta.proto";\nimport "google/protobuf/timestamp.proto";\n'
    b'message A { B b = 1; repeated A as = 2 [(confluent.field_meta) = { tags: "PII" }]; map<string, B> m = 3;\n'
    b"  oneof o { string s = 4; int32 i = 5; } reserved 9, 12 to 15;\n"
    b"  message C { .p.A a = 1; } enum E { X = 0; Y = 1; } }\n"
    b"message B { A a = 1; optional bytes t = 2; google.protobuf.Timestamp at = 3; }\n"
)


class _Org:
    """Salesforce's metadata, as it should be."""

    def describe(self, event: str) -> dict[str, Any]:
        return dict(DESCRIBE)

    def event_schema(self, schema_id: str) -> dict[str, Any] | None:
        return dict(EXPANDED)

    def field_classification(self, event: str) -> list[dict[str, Any]]:
        return []


class _Answering:
    """A registry that answers everything with the same."""

    def __init__(self, *answers: Any) -> None:
        self._answers, self._asked = answers, 0

    def call(self, method: str, path: str, body: Any = None) -> Any:
        self._asked += 1
        return self._answers[self._asked % len(self._answers)]


def _written(form: str, type_: str, raw: str) -> None:
    """A route for our event over a schema that somebody registered."""
    answer = {
        "subject": "orders-value",
        "version": 3,
        "id": 7,
        "schema": raw,
        "schemaType": type_,
        "is_compatible": True,
    }
    for strict in ("true", "false"):
        given = {
            "name": "c",
            "salesforce.platform.event.name": EVENT,
            "kafka.topic": "Orders",
            "output.data.format": form,
            "value.converter.latest.compatibility.strict": strict,
        }
        writers = Writers(Loaded(config_of(given), config_of({})), _Org(), Registry(_Answering(answer)))  # type: ignore[arg-type]
        data = Data(msgspec.Raw(document(PAYLOAD)), Head(5, "u"), "abc")
        try:
            route = writers.resolve("abc", data)
        except BridgeError:
            continue
        with suppress(BadRecord):
            route.convert(data)


def _language(form: str, type_: str, good: tuple[bytes, ...]) -> Any:
    others = [raw.decode() for raw in good]

    def feed(raw: bytes) -> None:
        given = text(raw)
        _written(form, type_, given)
        with suppress(BridgeError):
            shape = shape_of_text(given, type_)
            changes(shape, shape_of_text(others[0], type_))
        with suppress(InvalidSchema):
            source = Source(type_, given)
            validate(source)
            for other in others[:2]:
                differences("FULL", source, Source(type_, other))
                differences("FULL", Source(type_, other), source)
        decoder = Decoder(_Answering({"schema": given, "schemaType": type_}))
        with suppress(BridgeError):
            decoder.decode(b"\0\0\0\0\7" + b"\2\4ab\0\1" * 3)

    return feed


def _answers(raw: bytes) -> None:
    try:
        value = json_of(raw)
    except Broken:
        return
    registry = Registry(_Answering(value))  # type: ignore[arg-type]
    keys = DekRegistry(_Answering(value))
    for ask in (
        lambda: registry.latest("a"),
        lambda: registry.versions("a"),
        lambda: registry.by_id(1),
        lambda: registry.lookup("a", "{}"),
        lambda: registry.register("a", "{}"),
        lambda: registry.compatible("a", "{}"),
        lambda: registry.config("a"),
        keys.keks,
        lambda: keys.kek("k"),
        lambda: keys.subjects("k"),
        lambda: keys.versions("k", "s", Algorithm.AES256_GCM),
        lambda: keys.dek("k", "s", Algorithm.AES256_GCM),
    ):
        with suppress(BridgeError):
            found: Any = ask()
            if hasattr(found, "text") and found is not None:
                read_rules(found.rule_set, found.metadata)
                tags_in(found.text, found.type, found.metadata)


RULES = {
    "subject": "a",
    "version": 2,
    "id": 9,
    "schema": AVRO[0].decode(),
    "schemaType": "AVRO",
    "references": [{"name": "a", "subject": "a", "version": 1}],
    "metadata": {"tags": {"a.b": ["PII"]}, "properties": {"owner": "x"}, "sensitive": ["owner"]},
    "ruleSet": {
        "domainRules": [
            {
                "name": "pii",
                "kind": "TRANSFORM",
                "mode": "WRITEREAD",
                "type": "ENCRYPT",
                "tags": ["PII"],
                "params": {"encrypt.kek.name": "k", "encrypt.dek.expiry.days": "90"},
                "onFailure": "ERROR,NONE",
            }
        ],
        "migrationRules": [],
        "encodingRules": [],
    },
}
ANSWERS = (
    document(RULES),
    document({**RULES, "references": []}),
    document([1, 2, 3]),
    document({"is_compatible": False, "messages": ["x"]}),
    document({"name": "k", "kmsType": "local-kms", "kmsKeyId": "i", "kmsProps": {"a": "b"}, "shared": True}),
    document(
        {
            "kekName": "k",
            "subject": "a",
            "version": 1,
            "algorithm": "AES256_GCM",
            "encryptedKeyMaterial": "AAAA",
            "ts": 1,
        }
    ),
)
TARGETS = (
    Target("avro-text", _language("AVRO", "AVRO", AVRO), (*AVRO, *RECURSIVE), seconds=6),
    Target(
        "json-schema-text",
        _language("JSON_SR", "JSON", JSON_SCHEMA),
        (*JSON_SCHEMA, *SELF_REFERRING),
        seconds=6,
    ),
    Target(
        "protobuf-text", _language("PROTOBUF", "PROTOBUF", PROTOBUF), (*PROTOBUF, NESTED_MESSAGES), seconds=6
    ),
    Target("registry-answer", _answers, ANSWERS),
)
