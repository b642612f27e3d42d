"""A real registry that is not Confluent's: its verdicts equal ours, and what it drops is noticed."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bridge.errors import Fatal
from bridge.languages.compatibility import Source
from bridge.languages.compatibility import differences as judged
from bridge.model.registered import Registered
from bridge.registry.client import Incompatible, Registry
from bridge.registry.http import http_of
from tests.support.apicurio import apicurio
from tests.support.encryption import contract, event, writers


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with apicurio() as url:
        yield url


@pytest.fixture(scope="module")
def registry(url: str) -> Registry:
    return Registry(http_of({"url": url}, retry_seconds=20, longest_wait=0.5))


def record(*fields: Any) -> str:
    return json.dumps({"type": "record", "name": "R", "fields": list(fields)})


def avro(name: str, kind: Any, **more: Any) -> dict[str, Any]:
    return {"name": name, "type": kind, **more}


def document(**schema: Any) -> str:
    return json.dumps({"$schema": "http://json-schema.org/draft-07/schema#", **schema})


def properties(*, closed: bool = False, required: tuple[str, ...] = (), **kinds: Any) -> str:
    shown: dict[str, Any] = {"type": "object", "properties": kinds}
    if closed:
        shown["additionalProperties"] = False
    if required:
        shown["required"] = list(required)
    return document(**shown)


A = avro("a", "string")
ENUM = {"type": "enum", "name": "E"}
AVRO = {
    "same": (record(A), record(A)),
    "optional added": (record(A), record(A, avro("b", ["null", "string"], default=None))),
    "required added": (record(A), record(A, avro("b", "string"))),
    "field removed": (record(A, avro("b", "int")), record(A)),
    "field with default removed": (record(A, avro("b", "int", default=1)), record(A)),
    "widened": (record(avro("a", "int")), record(avro("a", "long"))),
    "narrowed": (record(avro("a", "double")), record(avro("a", "float"))),
    "string to bytes": (record(A), record(avro("a", "bytes"))),
    "string to int": (record(A), record(avro("a", "int"))),
    "made nullable": (record(A), record(avro("a", ["null", "string"]))),
    "made not null": (record(avro("a", ["null", "string"])), record(A)),
    "branch added": (record(avro("a", ["int", "string"])), record(avro("a", ["int", "string", "boolean"]))),
    "symbol added": (
        record(avro("a", {**ENUM, "symbols": ["X"]})),
        record(avro("a", {**ENUM, "symbols": ["X", "Y"]})),
    ),
    "fixed resized": (
        record(avro("a", {"type": "fixed", "name": "F", "size": 4})),
        record(avro("a", {"type": "fixed", "name": "F", "size": 8})),
    ),
    "items changed": (
        record(avro("a", {"type": "array", "items": "int"})),
        record(avro("a", {"type": "array", "items": "string"})),
    ),
    "alias": (record(A), record(avro("renamed", "string", aliases=["a"]))),
    "renamed": (record(A), record(avro("renamed", "string"))),
}
STRING, INTEGER = {"type": "string"}, {"type": "integer"}
JSON = {
    "same": (properties(a=STRING), properties(a=STRING)),
    "added to open": (properties(a=STRING), properties(a=STRING, b=STRING)),
    "added to closed": (properties(closed=True, a=STRING), properties(closed=True, a=STRING, b=STRING)),
    "removed from open": (properties(a=STRING, b=STRING), properties(a=STRING)),
    "removed from closed": (properties(closed=True, a=STRING, b=STRING), properties(closed=True, a=STRING)),
    "made required": (properties(a=STRING), properties(a=STRING, required=("a",))),
    "type changed": (properties(a=STRING), properties(a=INTEGER)),
    "integer to number": (properties(a=INTEGER), properties(a={"type": "number"})),
    "longer": (properties(a={**STRING, "maxLength": 3}), properties(a={**STRING, "maxLength": 5})),
    "shorter": (properties(a={**STRING, "maxLength": 5}), properties(a={**STRING, "maxLength": 3})),
    "minimum raised": (properties(a={**INTEGER, "minimum": 1}), properties(a={**INTEGER, "minimum": 2})),
    "enum extended": (properties(a={"enum": ["x"]}), properties(a={"enum": ["x", "y"]})),
    "enum narrowed": (properties(a={"enum": ["x", "y"]}), properties(a={"enum": ["x"]})),
    "closed": (properties(a=STRING), properties(closed=True, a=STRING)),
    "items changed": (
        document(type="array", items=STRING),
        document(type="array", items=INTEGER),
    ),
    "more items": (document(type="array", maxItems=2), document(type="array", maxItems=3)),
}


@pytest.mark.parametrize("level", ["BACKWARD", "FORWARD", "FULL"])
@pytest.mark.parametrize(("kind", "cases"), [("AVRO", AVRO), ("JSON", JSON)])
def test_its_verdicts_are_ours(
    registry: Registry, kind: str, cases: dict[str, tuple[str, str]], level: str
) -> None:
    theirs, ours = {}, {}
    for number, (name, (old, new)) in enumerate(cases.items()):
        subject = f"{kind}-{level}-{number}-value"
        registry.register(subject, old, type_=kind)
        registry.set_config(subject, {"compatibility": level})
        theirs[name] = registry.compatible(subject, new, kind)[0]
        ours[name] = not judged(level, Source(kind, new), Source(kind, old))
    assert theirs == ours
    assert set(ours.values()) == {True, False}


def test_the_life_of_a_subject(registry: Registry) -> None:
    """Plain answers where Confluent's has more: no version in the answer to registering, another code for conflicts."""
    assert registry.latest("life-value") is None
    first = registry.register("life-value", record(A))
    registry.set_config("life-value", {"compatibility": "BACKWARD"})
    second = registry.register("life-value", record(A, avro("b", "int", default=1)), like=first)
    assert registry.versions("life-value") == [first.version, second.version] == [1, 2]
    assert registry.latest("life-value") == second
    assert registry.lookup("life-value", record(A)) == first
    with pytest.raises(Incompatible):
        registry.register("life-value", record(A, avro("must", "int")))


def test_rules_and_metadata_that_it_drops_are_not_taken_for_kept(registry: Registry) -> None:
    rule = {"name": "pii", "type": "ENCRYPT", "kind": "TRANSFORM", "mode": "WRITEREAD", "tags": ["PII"]}
    like = Registered("", 0, 0, "", metadata={"properties": {"owner": "x"}}, rule_set={"domainRules": [rule]})
    stored = registry.register("dropped-value", record(A), like=like)
    assert like.encrypts()
    assert not stored.encrypts()
    assert stored.metadata is None


def test_nothing_is_written_in_plaintext_when_the_rules_are_gone(
    url: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """It drops the rule set and has no DEK registry: the bridge says so and refuses; official clients write on."""
    path = contract(tmp_path, "Customer_Email__c: {tags: [PII]}")
    made = writers(url, bridge__schema__contract=str(path))
    sample = event(Customer_Email__c="alice@example.com")
    with caplog.at_level(logging.WARNING), pytest.raises(Fatal):
        made.resolve(sample.schema, sample)
    assert "without the rule pii of the contract" in caplog.text
