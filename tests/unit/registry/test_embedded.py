"""The client against the embedded registry, which is held against recordings of the real one."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from bridge.errors import Fatal
from bridge.registry.client import Incompatible, Registry
from bridge.registry.http import http_of
from bridge.sandbox.registry import Registry as Embedded


def schema(*fields: dict[str, Any]) -> str:
    return json.dumps({"type": "record", "name": "R", "fields": list(fields)})


OLD = schema({"name": "a", "type": "string"})
OPTIONAL = {"name": "b", "type": ["null", "string"], "default": None}


@pytest.fixture
def registry() -> Iterator[Registry]:
    with Embedded() as embedded:
        yield Registry(http_of({"url": embedded.url}, retry_seconds=2, longest_wait=0.2))


@pytest.mark.parametrize("subject", ["t-value", ":.sales:t-value", "odd/näme value"])
def test_the_life_of_a_subject(registry: Registry, subject: str) -> None:
    assert registry.latest(subject) is None
    first = registry.register(subject, OLD)
    assert (first.subject, first.version, first.id) == (subject, 1, 1)
    grown = schema({"name": "a", "type": "string"}, OPTIONAL)
    assert registry.compatible(subject, grown) == (True, [])
    second = registry.register(subject, grown, like=first)
    assert registry.latest(subject) == second
    assert registry.versions(subject) == [1, 2]
    assert registry.lookup(subject, OLD) == first
    context = subject[: subject.rindex(":") + 1] if subject.startswith(":") else ""
    assert json.loads(registry.by_id(second.id, context)) == json.loads(grown)


def test_ids_are_of_a_context_and_no_other_context_answers(registry: Registry) -> None:
    registry.register(":.a:t-value", OLD)
    assert registry.latest("t-value") is None
    assert registry.register("t-value", schema()).id == 1


def test_incompatible_names_the_field(registry: Registry) -> None:
    registry.register("t-value", OLD)
    broken = schema({"name": "a", "type": "string"}, {"name": "must", "type": "string"})
    compatible, differences = registry.compatible("t-value", broken)
    assert not compatible
    assert "must" in differences[0]
    with pytest.raises(Incompatible, match="'must'"):
        registry.register("t-value", broken)


def test_metadata_and_rules_follow(registry: Registry) -> None:
    registry._http.call(
        "POST",
        "/subjects/t-value/versions",
        {
            "schema": OLD,
            "metadata": {"tags": {"**.a": ["PII"]}, "properties": {"owner": "x"}},
            "ruleSet": {"domainRules": [{"name": "r", "kind": "CONDITION", "type": "CEL", "mode": "WRITE"}]},
        },
    )
    first = registry.latest("t-value")
    assert first is not None
    grown = registry.register("t-value", schema({"name": "a", "type": "string"}, OPTIONAL), like=first)
    assert (grown.metadata, grown.rule_set) == (first.metadata, first.rule_set)
    assert [rule["name"] for rule in grown.rules()] == ["r"]


def test_what_is_no_schema(registry: Registry) -> None:
    with pytest.raises(Fatal, match="does not accept the schema for t-value"):
        registry.register("t-value", '{"type":"bogus"}')


def test_a_subject_that_takes_nothing(registry: Registry) -> None:
    registry.register("t-value", OLD)
    registry._http.call("PUT", "/mode/t-value", {"mode": "READONLY"})
    with pytest.raises(Fatal, match=r"takes no new schema for t-value .*READWRITE"):
        registry.register("t-value", schema())


def test_the_compatibility_level(registry: Registry) -> None:
    registry.register("t-value", OLD)
    assert registry.config("t-value") == {}
    registry.set_config("t-value", {"compatibility": "FULL"})
    assert registry.config("t-value")["compatibilityLevel"] == "FULL"


@pytest.mark.parametrize(
    ("kind", "old", "new", "words"),
    [
        (
            "JSON",
            '{"type":"object","properties":{"a":{"type":"string"},"b":{"type":"string"}}}',
            '{"type":"object","properties":{"a":{"type":"integer"},"b":{"type":"null"}}}',
            [
                f"A type at path '#/properties/{n}' is different between the new schema and the old schema"
                for n in "ab"
            ],
        ),
        (
            "PROTOBUF",
            'syntax = "proto3"; message A { int32 a = 1; }',
            'syntax = "proto3"; message A { string a = 1; }',
            [
                "The kind of a SCALAR field at path '#/A/1' in the new schema does not match its kind in the old schema"
            ],
        ),
    ],
)
def test_differences_of_every_format_are_in_words(
    registry: Registry, kind: str, old: str, new: str, words: list[str]
) -> None:
    registry.register("t-value", old, type_=kind)
    assert registry.compatible("t-value", new, kind) == (False, words)
    with pytest.raises(Incompatible) as refused:
        registry.register("t-value", new, type_=kind)
    assert str(refused.value).endswith("; ".join(words))
