"""What the contract protects is sealed, or nothing is written, whatever the registry answers, and whenever it does."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve

from bridge.errors import BridgeError
from bridge.model.registered import Registered
from bridge.registry.client import Registry as Client
from bridge.registry.http import Http, http_of
from bridge.routing.resolver import Writers
from bridge.sandbox.registry import Registry
from tests.support.encryption import EMAIL, VALUES, Org, contract, event, loaded, writers
from tests.support.registry_client import asked

Lie = Callable[[Registered], Registered]
MALLORY = {
    "encrypt.kek.name": "mallory",
    "encrypt.kms.type": "local-kms",
    "encrypt.kms.key.id": "mallory",
}


class Lying(Client):
    """A registry that keeps what it is told, and answers otherwise."""

    lie: Lie = staticmethod(lambda found: found)

    def __init__(self, http: Http) -> None:
        super().__init__(http)

    def _version(self, *args: Any) -> Registered | None:
        found = super()._version(*args)
        return None if found is None else type(self).lie(found)


def with_rules(change: Callable[[list[dict[str, Any]]], list[dict[str, Any]]]) -> Lie:
    def lie(found: Registered) -> Registered:
        phases = {
            phase: change([dict(rule) for rule in rules])
            for phase, rules in (found.rule_set or {}).items()
            if isinstance(rules, list)
        }
        return evolve(found, rule_set=phases)

    return lie


def each(**more: Any) -> Lie:
    return with_rules(lambda rules: [rule | more for rule in rules])


def without_tags(found: Registered) -> Registered:
    text = found.text.replace('"confluent:tags":["PII"]', '"doc2":"x"').replace('"PII"', '"NONE"')
    return evolve(found, text=type(found.text)(text), metadata=None)


LIES: Mapping[str, Lie] = {
    "as registered": lambda found: found,
    "rules dropped": lambda found: evolve(found, rule_set=None),
    "disabled": each(disabled=True),
    "other tags": each(tags=["OTHER"]),
    "for readers": each(mode="READ"),
    "for migrations": each(mode="UPDOWN"),
    "a condition": each(kind="CONDITION"),
    "another type": each(type="CEL", mode="READ"),
    "another key": each(params=MALLORY),
    "another rule before it": with_rules(
        lambda rules: [{"name": "first", "type": "ENCRYPT", "tags": ["PII"], "params": MALLORY}, *rules]
    ),
    "by somebody else": lambda found: evolve(found, rule_set={**(found.rule_set or {}), "enableAt": "NONE"}),
    "tags stripped": without_tags,
    "properties": lambda found: evolve(found, metadata={"properties": MALLORY}),
}


MAY_STOP = {"another type", "a condition"}


def resolved(url: str, path: Path, form: str, **settings: str) -> tuple[Writers, type[Lying]]:
    given = loaded(url, output__data__format=form, bridge__schema__contract=str(path), **settings)
    lying = type("Once", (Lying,), {})
    return Writers(given, Org(), lying(http_of({"url": url}, retry_seconds=2, longest_wait=0.2))), lying


COMBINATIONS = (
    ("AVRO", "before the start", "field"),
    ("JSON_SR", "while running", "field"),
    ("PROTOBUF", "while running", "field"),
    ("AVRO", "while running", "payload"),
)


@pytest.mark.parametrize(("form", "when", "tagged"), COMBINATIONS)
@pytest.mark.parametrize("name", LIES)
def test_it_is_sealed_or_nothing_is_written(
    registry: Registry, tmp_path: Path, name: str, form: str, when: str, tagged: str
) -> None:
    fields = {
        "field": "Customer_Email__c: {tags: [PII]}",
        "payload": "Amount__c: {tags: [PII], otherwise: payload}",
    }[tagged]
    made, lying = resolved(registry.url, contract(tmp_path, fields), form)
    sample = event(**VALUES)
    if when == "while running":
        assert EMAIL.encode() not in made.resolve(sample.schema, sample).convert(sample)
    lying.lie = staticmethod(LIES[name])
    try:
        route = made.resolve(sample.schema, sample)
        message = route.convert(sample)
    except BridgeError:
        if name not in MAY_STOP:
            raise
        return
    finally:
        made.close()
    assert EMAIL.encode() not in message
    assert route.sealed >= 1
    assert made.guard is not None
    assert "sales" in {rule.kek for rule in made.guard.rules}, "under the contract's key"


OVERRIDES: Mapping[str, Mapping[str, Any]] = {
    "disabled": {"disabled": True},
    "other tags": {"tags": ["OTHER"]},
    "for readers": {"mode": "READ"},
}


@pytest.mark.parametrize("where", ["overrideRuleSet", "defaultRuleSet"])
@pytest.mark.parametrize("name", OVERRIDES)
@pytest.mark.parametrize("when", ["before the start", "while running"])
def test_nor_does_the_configuration_of_a_subject(
    registry: Registry, tmp_path: Path, name: str, where: str, when: str
) -> None:
    """As an administrator of the registry sets it, over whatever is registered."""
    made = writers(registry.url, contract(tmp_path, "Customer_Email__c: {tags: [PII]}"))
    sample = event(**VALUES)
    if when == "while running":
        made.resolve(sample.schema, sample)
    rule = {
        "name": "pii",
        "type": "ENCRYPT",
        "tags": ["PII"],
        "params": {"encrypt.kek.name": "x"},
        **OVERRIDES[name],
    }
    asked(registry, "/config/orders-value", {where: {"domainRules": [rule]}}, method="PUT")
    route = made.resolve(sample.schema, sample)
    assert EMAIL.encode() not in route.convert(sample)
    assert route.sealed == 1
    made.close()
