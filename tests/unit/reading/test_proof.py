"""A topic is proved by what all versions and the contract protect, and what was not proved is said."""

from __future__ import annotations

import io
import json
from base64 import b64encode
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import fastavro
import pytest

from bridge.encryption.dek_registry import DekRegistry
from bridge.encryption.deks import Deks
from bridge.encryption.envelope import Algorithm
from bridge.encryption.kms import Kms
from bridge.encryption.rules import EncryptRule
from bridge.errors import BadRecord, Stage, fatal
from bridge.kafka.dead_letter import DeadLetters
from bridge.metadata.sources import read_contract
from bridge.model.contract import Contract
from bridge.reading.proof import Proof
from bridge.registry.client import Registry as RegistryClient
from bridge.registry.http import Http, http_of
from bridge.routing.routes import Unprepared
from bridge.sandbox.registry import Registry
from tests.support.encryption import SECRET, contract, event, writers

FORMS = ("AVRO", "JSON_SR", "PROTOBUF")
EMAIL = "alice@example.com"
FIELDS = "Customer_Email__c: {tags: [PII]}"
PLAIN = {"csfle__enabled": "false", "bridge__csfle__allow__plaintext": "true"}
RULE = EncryptRule("pii", False, frozenset({"PII"}), "sales", "local-kms", "k")


def http(registry: Registry) -> Http:
    return http_of({"url": registry.url}, retry_seconds=1, longest_wait=1)


def deks(registry: Registry) -> Deks:
    return Deks(DekRegistry(http(registry)), {"secret": SECRET}, retry_seconds=0)


def proof(
    registry: Registry, contract: Contract | None = None, context: str = "", topic: str = "orders"
) -> Proof:
    return Proof(http(registry), deks(registry), context, topic, contract)


def record(
    registry: Registry, path: Path | None, form: str = "AVRO", email: str | None = EMAIL, **more: str
) -> bytes:
    made = writers(registry.url, path, output__data__format=form, **more)
    data = event(Customer_Email__c=email)
    route = made.resolve(data.schema, data)
    if route.record is None:
        return route.convert(data)
    try:
        found = route.record(data)
    except Unprepared as target:
        target.prepare()
        found = route.record(data)
    assert found is not None
    assert found.value is not None
    return found.value


def judged(one: Proof, *values: bytes | None, headers: Any = None) -> Proof:
    for at, value in enumerate(values):
        one.add(value, headers, f"0/{at}")
    return one


@pytest.mark.parametrize("form", FORMS)
def test_records_of_before_the_field_was_tagged_are_plaintext(
    registry: Registry, tmp_path: Path, form: str
) -> None:
    early = record(registry, None, form, **PLAIN)
    late = record(registry, contract(tmp_path, FIELDS), form)
    one = judged(proof(registry), *[early] * 3, *[late] * 2)
    assert (one.records, one.encrypted, one.plain) == (5, 2, 3)
    (problem,) = one.problems()
    assert "Customer_Email__c: is plaintext" in problem
    assert problem.endswith("(in 3 of 5 records, first in 0/0)")
    assert EMAIL not in problem
    only = judged(proof(registry), early)
    assert only.problems()
    assert only.nothing() is not None


@pytest.mark.parametrize("form", FORMS)
def test_ciphertext_that_opens_is_proved(registry: Registry, tmp_path: Path, form: str) -> None:
    sealed = record(registry, contract(tmp_path, FIELDS, "encrypt.dek.expiry.days: '90'"), form)
    one = judged(proof(registry), sealed, sealed)
    assert (one.problems(), one.nothing(), one.encrypted, one.plain) == ([], None, 2, 0)
    assert list(one.fields.values()) == [2]
    assert one.keys == {("sales", "orders-value", Algorithm.AES256_GCM)}


@pytest.mark.parametrize("form", FORMS)
def test_a_changed_ciphertext_is_found(registry: Registry, tmp_path: Path, form: str) -> None:
    broken = bytearray(record(registry, contract(tmp_path, FIELDS), form))
    place = broken.index(b"=") - 6 if b"=" in broken else len(broken) // 2
    broken[place] ^= 1
    one = judged(proof(registry), bytes(broken))
    assert "first in 0/0" in one.problems()[0]
    assert one.encrypted == 0


def test_tags_that_only_the_contract_has_count(registry: Registry, tmp_path: Path) -> None:
    """As with auto.register.schemas=false, or a registry that drops rule sets."""
    early = record(registry, None, **PLAIN)
    given = read_contract(contract(tmp_path, FIELDS))
    assert "nothing is protected" in (judged(proof(registry), early).nothing() or "")
    one = judged(proof(registry, given), early)
    assert one.plain == 1
    assert "Customer_Email__c: is plaintext" in one.problems()[0]


def test_what_the_contract_lets_go_is_listed_and_does_not_fail(registry: Registry, tmp_path: Path) -> None:
    fields = "Customer_Email__c: {tags: [PII]}, Order_Number__c: {tags: [PII]}"
    record(registry, contract(tmp_path, fields), email=None)
    let_go = contract(tmp_path, "Customer_Email__c: {tags: []}, Order_Number__c: {tags: [PII]}")
    made = writers(registry.url, let_go)
    data = event(Customer_Email__c=EMAIL, Order_Number__c="4711")
    written = made.resolve(data.schema, data).convert(data)
    assert EMAIL.encode() in written
    one = judged(proof(registry, read_contract(let_go)), written)
    assert (one.problems(), one.nothing(), one.released()) == ([], None, ["Customer_Email__c (PII)"])
    without = judged(proof(registry), written)
    assert "Customer_Email__c: is plaintext" in without.problems()[0]


def test_a_field_that_a_transform_moved_into_a_record(registry: Registry, tmp_path: Path) -> None:
    hoisted = {
        "transforms": "h",
        "transforms__h__type": "org.apache.kafka.connect.transforms.HoistField$Value",
    }
    early = record(registry, None, **PLAIN, **hoisted, transforms__h__field="all")
    one = judged(proof(registry, read_contract(contract(tmp_path, FIELDS))), early)
    assert "Customer_Email__c: is plaintext" in one.problems()[0]


def test_what_cannot_be_judged_is_no_proof(registry: Registry, tmp_path: Path) -> None:
    sealed = record(registry, contract(tmp_path, FIELDS))
    unknown = b"\0" + (4711).to_bytes(4, "big") + sealed[5:]
    one = judged(proof(registry), sealed, unknown)
    assert (
        "the registry has no schema 4711 in the default context (named by 1 of 2 records)"
        in one.problems()[0]
    )
    assert "--context" in one.problems()[0]
    alone = judged(proof(registry), unknown)
    assert alone.nothing() is not None
    bare = judged(proof(registry), sealed, b'{"Customer_Email__c": "alice@example.com"}')
    assert "all of it is plaintext" in bare.problems()[0]
    assert "no record that was to be read" in (proof(registry).nothing() or "")
    assert "have no value" in (judged(proof(registry), None, None).nothing() or "")
    nulls = judged(proof(registry), record(registry, contract(tmp_path, FIELDS), email=None))
    assert "without a value" in (nulls.nothing() or "")
    other = judged(proof(registry), sealed[:5] + b"\x00\x01")
    assert "does not fit its schema" in other.problems()[0]


def test_another_context_proves_nothing(registry: Registry, tmp_path: Path) -> None:
    """Ids are per context: the same number is another schema, or none, elsewhere."""
    mine = {"schema__context__name": "sales"}
    sealed = record(registry, contract(tmp_path, FIELDS), **mine)
    assert judged(proof(registry, context=":.sales:"), sealed).nothing() is None
    forgotten = judged(proof(registry), sealed)
    assert forgotten.nothing() is not None
    assert "the default context" in forgotten.problems()[0]
    register(registry, "unrelated-value", {"type": "record", "name": "R", "fields": []})
    mistaken = judged(proof(registry), sealed)
    assert mistaken.nothing() is not None


@pytest.mark.parametrize("form", FORMS)
def test_an_encrypted_payload(registry: Registry, tmp_path: Path, form: str) -> None:
    params = "{encrypt.kek.name: sales, encrypt.kms.type: local-kms, encrypt.kms.key.id: k}"
    whole = f"[{{name: all, type: ENCRYPT_PAYLOAD, params: {params}}}]"
    early = record(registry, None, form, **PLAIN)
    sealed = record(registry, contract(tmp_path, FIELDS, rules=whole), form)
    one = judged(proof(registry), sealed)
    assert (one.problems(), one.nothing(), one.fields) == ([], None, {"the payload": 1})
    both = judged(proof(registry), early, sealed)
    assert "the payload: is not ciphertext that opens" in both.problems()[0]


def test_dead_letters(registry: Registry, tmp_path: Path) -> None:
    letters = writers(registry.url, contract(tmp_path, FIELDS)).letters(DeadLetters("dead", "c", "orders"))
    raw = json.dumps({"Customer_Email__c": EMAIL}).encode()
    _, value, *_, headers = letters.record(raw, BadRecord("broken", stage=Stage.PARSE, position=4))
    good = judged(proof(registry, topic="dead"), value, headers=headers)
    assert (good.problems(), good.nothing()) == ([], None)
    assert good.keys == {("sales", "dead-value", Algorithm.AES256_GCM)}
    changed = judged(proof(registry, topic="dead"), value[:-1] + b"x", headers=headers)
    assert "the dead letter: cannot be opened" in changed.problems()[0]
    plain = judged(proof(registry, topic="dead"), raw, headers=[("__connect.errors.topic", b"orders")])
    assert "all of it is plaintext" in plain.problems()[0]


# --- schemas of others --------------------------------------------------------------------------------------------

ADDRESS = {"type": "record", "name": "Address", "fields": [{"name": "Street", "type": ["null", "string"]}]}


def nested(tag: str = "Street", **fields: Any) -> dict[str, Any]:
    address = json.loads(json.dumps(ADDRESS))
    if tag == "Street":
        address["fields"][0]["confluent:tags"] = ["PII"]
    columns = [
        {"name": "Homes", "type": {"type": "array", "items": address}},
        {"name": "Notes", "type": {"type": "map", "values": "string"}},
        {"name": "Salary", "type": ["null", "double"]},
    ]
    for column in columns:
        if column["name"] == tag:
            column["confluent:tags"] = ["PII"]
    return {"type": "record", "name": "Person", "fields": columns}


def register(registry: Registry, subject: str, schema: Mapping[str, Any], rules: bool = False) -> int:
    body: dict[str, Any] = {"schema": json.dumps(schema)}
    if rules:
        params = {"encrypt.kek.name": "sales", "encrypt.kms.type": "local-kms", "encrypt.kms.key.id": "k"}
        rule = {"name": "pii", "type": "ENCRYPT", "mode": "WRITEREAD", "kind": "TRANSFORM", "tags": ["PII"]}
        body["ruleSet"] = {"domainRules": [rule | {"params": params}]}
    return int(http(registry).call("POST", f"/subjects/{subject}/versions", body)["id"])


def written(schema_id: int, schema: Mapping[str, Any], **value: Any) -> bytes:
    out = io.BytesIO()
    row = {"Homes": [], "Notes": {}, "Salary": None} | value
    fastavro.schemaless_writer(out, fastavro.parse_schema(json.loads(json.dumps(schema))), row)
    return b"\0" + schema_id.to_bytes(4, "big") + out.getvalue()


def sealed(registry: Registry, text: str, topic: str = "people") -> str:
    cipher = deks(registry).for_writing(RULE, f"{topic}-value").cipher(versioned=False)
    return b64encode(cipher.encrypt(text.encode())).decode()


def test_fields_of_records_in_arrays_are_judged_one_by_one(registry: Registry) -> None:
    schema_id = register(registry, "people-value", nested(), rules=True)
    good = written(
        schema_id, nested(), Homes=[{"Street": sealed(registry, "one")}, {"Street": sealed(registry, "two")}]
    )
    half = written(schema_id, nested(), Homes=[{"Street": sealed(registry, "one")}, {"Street": "Main St 2"}])
    one = judged(proof(registry, topic="people"), good)
    assert (one.problems(), one.fields) == ([], {"Address.Street": 2})
    two = judged(proof(registry, topic="people"), good, half)
    assert "Address.Street: is plaintext" in two.problems()[0]
    assert "in 1 of 2 records, first in 0/1" in two.problems()[0]


def test_values_of_maps_and_numbers(registry: Registry) -> None:
    early, late = nested("none"), nested("Notes")
    before, after = (
        register(registry, "people-value", early),
        register(registry, "people-value", late, rules=True),
    )
    good = written(after, late, Notes={"a": sealed(registry, "x")})
    assert judged(proof(registry, topic="people"), good).problems() == []
    plain = judged(proof(registry, topic="people"), written(before, early, Notes={"a": "x"}))
    assert "Person.Notes: is plaintext" in plain.problems()[0]


def test_a_number_that_a_later_version_tags_is_plaintext_wherever_it_has_a_value(registry: Registry) -> None:
    early, late = nested("none"), nested("Salary")
    before = register(registry, "people-value", early)
    register(registry, "people-value", late, rules=True)
    with_value = judged(proof(registry, topic="people"), written(before, early, Salary=1.5))
    assert "Person.Salary: is plaintext, as every double" in with_value.problems()[0]
    assert judged(proof(registry, topic="people"), written(before, early)).problems() == []


def test_soft_deleted_versions_count(registry: Registry) -> None:
    early, late = nested("none"), nested("Notes")
    before = register(registry, "people-value", early)
    register(registry, "people-value", late, rules=True)
    http(registry).call("DELETE", "/subjects/people-value/versions/2")
    one = judged(proof(registry, topic="people"), written(before, early, Notes={"a": "x"}))
    assert "Person.Notes: is plaintext" in one.problems()[0]


def test_a_rule_that_was_disabled_later_still_protects(registry: Registry) -> None:
    late = nested("Notes")
    register(registry, "people-value", late, rules=True)
    body = {"schema": json.dumps(late), "ruleSet": {"domainRules": [
        {"name": "pii", "type": "ENCRYPT", "tags": ["PII"], "disabled": True, "params": {"encrypt.kek.name": "sales"}}
    ]}}  # fmt: skip
    after = int(http(registry).call("POST", "/subjects/people-value/versions", body)["id"])
    one = judged(proof(registry, topic="people"), written(after, late, Notes={"a": "x"}))
    assert "Person.Notes: is plaintext" in one.problems()[0]


def test_a_tag_that_reaches_no_field_is_said(registry: Registry) -> None:
    stray = nested("none")
    stray["confluent:tags"] = ["PII"]
    schema_id = register(registry, "people-value", stray, rules=True)
    assert (
        "reaches no field" in judged(proof(registry, topic="people"), written(schema_id, stray)).problems()[0]
    )


def test_schemas_that_cannot_be_used(registry: Registry, tmp_path: Path) -> None:
    value = record(registry, contract(tmp_path, FIELDS))

    class Odd:
        """The registry, with answers of its own to some questions."""

        def __init__(self, answers: Mapping[str, Any]) -> None:
            self.answers, self.http = answers, http(registry)

        def call(self, method: str, path: str, body: Any = None) -> Any:
            return self.answers.get(path) or self.http.call(method, path, body)

    def asked(**answers: Any) -> Proof:
        one = proof(registry)
        one.http = Odd({path.replace("__", "/"): answer for path, answer in answers.items()})  # type: ignore[assignment]
        one._registry = RegistryClient(one.http)
        return judged(one, value)

    for odd in ({"schema": "{", "schemaType": "AVRO"}, {"schema": "x", "schemaType": "THRIFT"}):
        one = asked(__schemas__ids__1=odd)
        assert "schema 1 cannot be used, so nothing is known of its 1 of 1 records" in one.problems()[0]
        assert one.nothing() is not None
    broken = {"subject": "orders-value", "version": 1, "id": 1, "schema": "[[[", "schemaType": "JSON"}
    two = asked(**{"__subjects__orders-value__versions__1?deleted=true": broken})
    assert "orders-value version 1 cannot be used, so its tags are not known" in two.problems()[0]


def test_a_key_that_cannot_be_unwrapped_is_asked_for_once(registry: Registry, tmp_path: Path) -> None:
    value = record(registry, contract(tmp_path, FIELDS))
    asked: list[str] = []

    def opened(type_: str, key: str, params: Mapping[str, str]) -> Kms:
        asked.append(key)
        raise fatal("this key is disabled")

    one = proof(registry)
    one.deks.open_kms = opened
    judged(one, *[value] * 5)
    assert asked == ["k"]
    assert "this key is disabled (in 5 of 5 records" in one.problems()[0]
