"""What is refused before a protected value is written: rules, tags, keys and registries that cannot protect it."""

from __future__ import annotations

import json
import resource
from pathlib import Path

import pytest

from bridge.errors import BridgeError, ConfigurationError, Fatal, Retriable
from bridge.inspection.key_check import try_keys
from bridge.metadata.classification import tagged
from bridge.metadata.infer import event_type, record_schema
from bridge.metadata.sources import load_contracts
from bridge.model.schema import Schema
from bridge.registry.http import http_of
from bridge.routing.resolver import Writers
from bridge.sandbox.registry import Registry
from tests.support.encryption import (
    DESCRIBE,
    EVENT,
    FIELDS,
    VALUES,
    Org,
    contract,
    event,
    loaded,
    writers,
)
from tests.support.registry_client import asked


def test_a_dropped_field_does_not_let_unknown_ones_pass(registry: Registry, tmp_path: Path) -> None:
    path = contract(tmp_path, "Amount__c: {tags: [PII], otherwise: drop}")
    made = writers(registry.url, path)
    route = made.resolve(event().schema, event(Amount__c=1.5))
    assert route.convert(event(Amount__c=1.5))
    with pytest.raises(BridgeError, match="Nobody__c"):
        route.convert(event(Amount__c=1.5, Nobody__c="x"))


@pytest.mark.parametrize(
    ("rules", "words"),
    [
        ("[{name: c, type: CEL, expr: 'true'}]", "rule c is of type CEL, which the bridge cannot run"),
        ("[{name: f, type: CEL_FIELD, expr: 'true'}]", "CEL_FIELD"),
        ("[{name: j, type: JSONATA, expr: '$'}]", "JSONATA"),
        ("[{name: p, type: ENCRYPT, tags: [PII]}]", "names no KEK"),
        (
            "[{name: p, type: ENCRYPT, params: {encrypt.kek.name: k, encrypt.kms.type: acme-kms}}]",
            "no driver for the KMS type",
        ),
        ("[{name: p, type: ENCRYPT, params: {encrypt.kek.name: k, encrypt.dek.algorithm: DES}}]", "DES"),
        (
            "[{name: p, type: ENCRYPT, params: {encrypt.kek.name: k, encrypt.dek.expiry.days: soon}}]",
            "no number of days",
        ),
    ],
)
def test_rules_that_are_refused_before_anything_is_asked(tmp_path: Path, rules: str, words: str) -> None:
    path = contract(tmp_path, FIELDS, rules=rules)
    with pytest.raises(ConfigurationError, match=words):
        writers("http://127.0.0.1:9", path)


def test_rules_of_a_contract_are_never_passed_over(tmp_path: Path) -> None:
    path = contract(tmp_path, FIELDS)
    with pytest.raises(ConfigurationError, match=r"csfle\.enabled is false"):
        writers("http://127.0.0.1:9", path, csfle__enabled="false")
    with pytest.raises(ConfigurationError, match="JSON has no schema to hold them"):
        writers("http://127.0.0.1:9", path, output__data__format="JSON")
    writers(
        "http://127.0.0.1:9",
        path,
        csfle__enabled="false",
        bridge__csfle__allow__plaintext="true",
    )


def test_a_wrong_secret_is_fatal_and_no_event_is_written(registry: Registry, tmp_path: Path) -> None:
    path = contract(tmp_path, FIELDS)
    writers(registry.url, path).resolve(event().schema, event())
    other = writers(
        registry.url,
        path,
        value__converter__rule__executors___default___param__secret="other",
    )
    other.guard.deks._unwrapped.clear()  # type: ignore[union-attr]
    other.guard.deks.params = {"secret": "other"}  # type: ignore[union-attr]
    with pytest.raises(Fatal, match="another secret wrapped it"):
        other.resolve(event().schema, event())


def test_a_registry_that_goes_away_is_retriable(tmp_path: Path) -> None:
    path = contract(tmp_path, FIELDS)
    with Registry() as registry:
        made = writers(registry.url, path, errors__retry__timeout="200")
        made.resolve(event().schema, event())
    with pytest.raises(Retriable):
        made.resolve(event().schema, event())


def test_a_tag_where_it_reaches_no_field_is_refused(registry: Registry, tmp_path: Path) -> None:
    path = contract(tmp_path, FIELDS)
    made = writers(registry.url, path)
    made.resolve(event().schema, event())
    latest = asked(registry, "/subjects/orders-value/versions/latest")
    whole = json.loads(latest["schema"]) | {"confluent:tags": ["PII"]}
    asked(
        registry,
        "/subjects/orders-value/versions",
        {"schema": json.dumps(whole), "ruleSet": latest["ruleSet"]},
    )
    with pytest.raises(Fatal, match="reaches no field"):
        made.resolve(event().schema, event())


def test_the_example_secret_is_refused(registry: Registry, tmp_path: Path) -> None:
    path = str(contract(tmp_path, FIELDS))
    key = "value.converter.rule.executors._default_.param.secret"
    given = {"bridge.schema.contract": path, key: "example-only-not-a-secret"}
    with pytest.raises(ConfigurationError, match="which is public"):
        Writers(loaded(registry.url, **given), Org())
    assert Writers(loaded(registry.url, **given, **{"bridge.allow.example.keys": "true"}), Org())
    assert resource.getrlimit(resource.RLIMIT_CORE)[0] == 0


def test_the_keys_are_tried_before_the_first_event_and_nothing_is_registered(
    registry: Registry, tmp_path: Path
) -> None:
    path = str(contract(tmp_path, FIELDS))
    given = loaded(registry.url, **{"bridge.schema.contract": path})
    http = http_of({"url": registry.url}, retry_seconds=1, longest_wait=1)

    def schema() -> Schema:
        contracts = load_contracts([EVENT], path)
        return record_schema(tagged(event_type(EVENT, DESCRIBE, None), contracts[EVENT], {}))

    assert try_keys(given, http, EVENT, schema(), None) == "pii: AES256_GCM under local-kms k"
    assert asked(registry, "/dek-registry/v1/keks") == []
    contract(tmp_path, "Is_Gift__c: {tags: [PII]}")
    with pytest.raises(Fatal, match="field Is_Gift__c is boolean"):
        try_keys(given, http, EVENT, schema(), None)
    with pytest.raises(Fatal, match="nothing would be encrypted"):
        try_keys(loaded(registry.url), http, EVENT, schema(), None)
    acknowledged = loaded(registry.url, **{"bridge.csfle.allow.plaintext": "true"})
    assert "acknowledges" in try_keys(acknowledged, http, EVENT, schema(), None)
    rules = (
        "[{name: p, type: ENCRYPT, tags: [PHI], params: {encrypt.kek.name: k, encrypt.kms.type: local-kms}}]"
    )
    contract(tmp_path, FIELDS, rules=rules)
    with pytest.raises(Fatal, match="has a tag that an enabled ENCRYPT rule meets"):
        try_keys(given, http, EVENT, schema(), None)


def test_rules_that_the_registry_dropped_count_for_transforms_too(tmp_path: Path) -> None:
    path = contract(tmp_path, FIELDS)
    header = "org.apache.kafka.connect.transforms.HeaderFrom$Value"
    given = {"transforms": "h", "transforms.h.type": header, "transforms.h.fields": "Phone__c"}
    given |= {"transforms.h.headers": "phone", "transforms.h.operation": "copy"}
    with Registry(keeps_rules=False) as registry:
        made = writers(registry.url, path, **given)
        with pytest.raises(Fatal, match=r"Phone__c .* a header, where it would not be encrypted"):
            made.resolve(event().schema, event(**VALUES))
