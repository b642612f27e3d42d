"""Nobody else decides: what the registry adds, leaves out or answers instead chooses no key and lets nothing out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve

from bridge.encryption.dek_registry import DekRegistry, Kek
from bridge.encryption.identities import meant
from bridge.encryption.rules import plan, read_rules
from bridge.errors import Fatal
from bridge.languages.tagging import tags_in
from bridge.model.registered import Registered
from bridge.model.registry_documents import MetadataDocument, RuleDocument, RuleSetDocument
from bridge.registry.http import http_of
from bridge.routing.resolver import Writers
from bridge.sandbox.registry import Registry
from tests.support.encryption import EMAIL, EVENT, FORMATS, Org, contract, event, loaded, writers
from tests.unit.routing.test_coverage import LIES
from tests.unit.routing.test_ledger import MAIL, SAMPLE, TAGGED, Kept, letter, prepared, started, written

RULE: RuleDocument = {
    "name": "pii",
    "kind": "TRANSFORM",
    "mode": "WRITEREAD",
    "type": "ENCRYPT",
    "tags": ["PII"],
    "params": {
        "encrypt.kek.name": "sales",
        "encrypt.kms.type": "local-kms",
        "encrypt.kms.key.id": "k",
    },
}
NUMBER = "Amount__c: {tags: [PII], otherwise: payload}"


def asking(registry: Registry) -> DekRegistry:
    return DekRegistry(http_of({"url": registry.url}, retry_seconds=2, longest_wait=0.2))


def keys_in_use(made: Writers) -> set[tuple[str, str]]:
    assert made.guard is not None
    return {(key[0], str(dek.algorithm)) for key, (_, dek) in made.guard.deks._writing.items()}


def rule_before(*tags: str) -> Any:
    """A rule in front of the contract's, with a shared KEK: a key that the registry makes and knows."""
    rule: RuleDocument = {
        "name": "first",
        "type": "ENCRYPT",
        "tags": list(tags),
        "params": {"encrypt.kek.name": "evil"},
    }

    def lie(found: Registered) -> Registered:
        known: RuleSetDocument = found.rule_set or {}
        return evolve(found, rule_set={**known, "domainRules": [rule, *(known.get("domainRules") or ())]})

    return lie


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("lie", ["rules dropped", "disabled", "other tags", "for readers"])
def test_a_field_that_the_contract_tags_and_the_registrys_rule_met(
    registry: Registry, tmp_path: Path, form: str, lie: str
) -> None:
    prepared(registry, tmp_path, form)
    path, kept = contract(tmp_path, TAGGED, rules="[]"), Kept()
    made, lying = started(registry, form, kept, bridge__schema__contract=str(path))
    assert EMAIL.encode() not in written(made)
    lying.lie = staticmethod(LIES[lie])
    for again in (made, started(registry, form, kept, LIES[lie], bridge__schema__contract=str(path))[0]):
        with pytest.raises(Fatal, match=rf"{MAIL} of {EVENT} was encrypted before|neither the schema of"):
            written(again)
    assert kept.memory.fields == {EVENT: {MAIL}}


@pytest.mark.parametrize("form", FORMATS)
def test_properties_of_the_registry_choose_no_algorithm_for_a_contracts_rule(
    registry: Registry, tmp_path: Path, form: str, caplog: Any
) -> None:
    path = contract(tmp_path, f"{TAGGED}, {NUMBER}")

    def lie(found: Registered) -> Registered:
        properties = {"encrypt.dek.algorithm": "AES256_SIV", "encrypt.dek.expiry.days": "7"}
        return evolve(found, metadata={**(found.metadata or {}), "properties": properties})

    prepared(registry, tmp_path, form, f"{TAGGED}, {NUMBER}")
    made, _ = started(registry, form, Kept(), lie, bridge__schema__contract=str(path))
    assert EMAIL.encode() not in written(made)
    assert keys_in_use(made) == {("sales", "AES256_GCM")}
    assert made.guard is not None
    assert {rule.expiry_days for rule in made.guard.rules} == {7}, "more rotation is no less protection"
    assert "have encrypt.dek.algorithm, and the contract's rule pii has not" in caplog.text


def test_a_dead_letter_is_sealed_with_the_contracts_key(registry: Registry, tmp_path: Path) -> None:
    prepared(registry, tmp_path, "AVRO")
    asking(registry).create_kek(Kek("evil", "local-kms", "k", {"secret": "known"}, shared=True))
    path = contract(tmp_path, TAGGED)
    made, _ = started(registry, "AVRO", Kept(), rule_before("OTHER"), bridge__schema__contract=str(path))
    assert EMAIL.encode() not in letter(made)
    assert keys_in_use(made) == {("sales", "AES256_GCM")}


def test_a_payload_is_sealed_with_the_contracts_key(registry: Registry, tmp_path: Path) -> None:
    prepared(registry, tmp_path, "AVRO", NUMBER)
    asking(registry).create_kek(Kek("evil", "local-kms", "k", {"secret": "known"}, shared=True))
    path = contract(tmp_path, NUMBER)
    lie = rule_before("PII", "OTHER")
    made, _ = started(registry, "AVRO", Kept(), lie, bridge__schema__contract=str(path))
    assert EMAIL.encode() not in written(made)
    assert ("sales", "AES256_GCM") in keys_in_use(made)


@pytest.mark.parametrize(
    "changed", [{"kms_key": "other"}, {"props": {"role.arn": "other"}}, {"kms_type": "x"}]
)
def test_a_kek_that_the_contract_names_without_its_key(
    registry: Registry, tmp_path: Path, changed: dict[str, Any]
) -> None:
    prepared(registry, tmp_path, "AVRO")
    rules = "[{name: pii, type: ENCRYPT, tags: [PII], params: {encrypt.kek.name: sales}}]"
    path, kept = contract(tmp_path, TAGGED, rules=rules), Kept()
    made, _ = started(registry, "AVRO", kept, bridge__schema__contract=str(path))
    assert EMAIL.encode() not in written(made)
    assert kept.memory.keks == {"sales": "local-kms k -"}
    again, _ = started(registry, "AVRO", kept, bridge__schema__contract=str(path))
    assert again.guard is not None
    real = asking(registry).kek("sales") or Kek("sales", "", "")

    class Swapped(DekRegistry):
        def kek(self, name: str, *, deleted: bool = False) -> Kek | None:
            return evolve(real, **changed)

    again.guard.deks.registry = Swapped(again.guard.deks.registry._http)
    with pytest.raises(Fatal, match="the KEK sales is another one than before"):
        written(again)


@pytest.mark.parametrize("pattern", [f"$.all.{MAIL}", f"**.{MAIL}", "**.*Email*"])
@pytest.mark.parametrize("within", ["$ref", "oneOf"])
def test_a_pattern_that_may_mean_fields_of_another_document(
    registry: Registry, tmp_path: Path, pattern: str, within: str
) -> None:
    """Some official clients follow the reference and would encrypt the field; beside it another one is encrypted."""
    apache = "org.apache.kafka.connect.transforms."
    moved = {
        "output__data__format": "JSON_SR",
        "transforms": "h,i",
        "transforms__h__type": f"{apache}HoistField$Value",
        "transforms__h__field": "all",
        "transforms__i__type": f"{apache}InsertField$Value",
        "transforms__i__static__field": "note",
        "transforms__i__static__value": "n",
    }
    plain = writers(registry.url, kafka__topic="plain", csfle__enabled="false", **moved)
    plain.resolve(SAMPLE.schema, SAMPLE)
    http = http_of({"url": registry.url}, retry_seconds=2, longest_wait=0.2)
    schema = json.loads(http.call("GET", "/subjects/plain-value/versions/latest")["schema"])
    whole = schema["properties"]["all"]
    whole = whole if "properties" in whole else next(one for one in whole["oneOf"] if "properties" in one)
    there = {"schemaType": "JSON", "schema": json.dumps(whole)}
    http.call("POST", "/subjects/other/versions", there)
    branches = [{"type": "null"}, {"$ref": "other.json"}]
    schema["properties"]["all"] = branches[1] if within == "$ref" else {"oneOf": branches}
    schema["properties"]["note"]["confluent:tags"] = ["PII"]
    body = {
        "schemaType": "JSON",
        "schema": json.dumps(schema),
        "references": [{"name": "other.json", "subject": "other", "version": 1}],
        "ruleSet": {"domainRules": [RULE]},
    }

    def value(tags: dict[str, list[str]]) -> bytes:
        http.call("POST", "/subjects/orders-value/versions", {**body, "metadata": {"tags": tags}})
        route = writers(registry.url, **moved).resolve(SAMPLE.schema, SAMPLE)
        record = None if route.record is None else route.record(SAMPLE)
        assert record is not None
        return record.value or b""

    assert b'"note":"n"' not in value({"$.note": ["PII"], pattern: ["OTHER"]}), "full names are no question"
    with pytest.raises(Fatal, match=r"may mean fields behind the reference other\.json"):
        value({pattern: ["PII"]})


TEMPLATE = {"kafka__topic": f"x-${{{MAIL}}}"}
EXTRACTED = {
    "transforms": "t,d",
    "transforms__t__type": "io.confluent.connect.transforms.ExtractTopic$Value",
    "transforms__t__field": MAIL,
}
DROPPED = {
    "transforms__d__type": "org.apache.kafka.connect.transforms.ReplaceField$Value",
    "transforms__d__exclude": MAIL,
}


@pytest.mark.parametrize("into", [TEMPLATE | {"transforms": "d"}, EXTRACTED])
def test_no_topic_is_made_of_what_was_encrypted_before(
    registry: Registry, tmp_path: Path, into: dict[str, str]
) -> None:
    """Somebody took the field's tag away, and another field has one still."""
    by_name = {"value__converter__value__subject__name__strategy": "RecordNameStrategy"}
    path = contract(tmp_path, "Phone__c: {tags: [PII]}")
    writers(registry.url, path, **by_name).resolve(SAMPLE.schema, SAMPLE)
    kept = Kept()
    kept.memory.fields = {EVENT: {MAIL, "Phone__c"}}
    asked: list[str] = []
    sample = event(**{MAIL: "alice.example"})

    def resolve(kept: Kept, **more: str) -> None:
        given = loaded(registry.url, **into, **DROPPED, **by_name, **more)
        Writers(given, Org(), ensure_topic=asked.append, ledger=kept.ledger()).resolve(sample.schema, sample)

    with pytest.raises(Fatal, match=rf"{MAIL}.* into the topic|puts the field {MAIL}"):
        resolve(kept)
    assert asked == []
    resolve(kept, bridge__csfle__allow__plaintext="true")
    resolve(Kept())
    assert asked


@pytest.mark.parametrize("anything", [True, {}])
def test_a_pattern_for_a_property_that_may_be_anything(anything: object) -> None:
    """JSON Schema's ``true`` is a field as ``{}`` is."""
    text = {"type": "object", "properties": {MAIL: anything, "Phone__c": {"type": "string"}}}
    reach = tags_in(json.dumps(text), "JSON", {"tags": {f"$.{MAIL}": ["PII"], "$.Phone__c": ["PII"]}})
    assert reach.unmatched == ()
    rules = read_rules({"domainRules": [RULE]})
    patterns: MetadataDocument = {"tags": {f"$.{MAIL}": ["PII"]}}
    assert [place.name for place in plan(rules, reach.places, patterns).unfit] == [f"$.{MAIL}"]


def test_what_several_rules_say_of_one_kek_counts_together() -> None:
    whole = {
        "encrypt.kek.name": "k",
        "encrypt.kms.type": "aws-kms",
        "encrypt.kms.key.id": "a",
        "encrypt.alternate.kms.key.ids": "b",
        "encrypt.kek.shared": "true",
    }
    name = {"encrypt.kek.name": "k"}
    assert meant([(whole, {}), (name, {})]) == meant([(name, {}), (whole, {})]) == meant([(whole, {})])


@pytest.mark.parametrize("form", FORMATS)
def test_a_contract_whose_rules_meet_no_tag_of_it_protects_nothing(
    registry: Registry, tmp_path: Path, form: str
) -> None:
    def started_with(fields: str, **more: str) -> Writers:
        return started(
            registry, form, Kept(), bridge__schema__contract=str(contract(tmp_path, fields)), **more
        )[0]

    misspelt = f"{MAIL}: {{tags: [pii]}}"
    with pytest.raises(Fatal, match=rf"no field of {EVENT} in orders-value has a tag"):
        written(started_with(misspelt))
    assert EMAIL.encode() in written(started_with(misspelt, bridge__csfle__allow__plaintext="true"))
    # one that gives no tag may wait for those of the registry, one that drops its field says so
    assert EMAIL.encode() in written(started_with(f"{MAIL}: {{tags: []}}"))
    assert EMAIL.encode() in written(started_with("Amount__c: {tags: [PII], otherwise: drop}"))
