"""From contract or registered rules to ciphertext that the official client opens, in every format."""

from __future__ import annotations

import io
import json
import logging
from pathlib import Path
from typing import Any

import pytest
from fastavro import parse_schema, schemaless_reader

from bridge.encryption.envelope import Algorithm, cipher_of, new_material
from bridge.encryption.seals import seal_of
from bridge.errors import Fatal
from bridge.formats import FORMATS as FORMATS_BY_NAME
from bridge.formats.reader import read_with
from bridge.formats.rows import layout
from bridge.languages.avro.binary import reading
from bridge.metadata.infer import event_type, record_schema
from bridge.model.protection import Protection
from bridge.reading.opener import Opener
from bridge.sandbox.registry import Registry
from tests.support.encryption import (
    DESCRIBE,
    EMAIL,
    EVENT,
    FIELDS,
    FORMATS,
    PARAMS,
    PHONE,
    VALUES,
    contract,
    event,
    writers,
)
from tests.support.official_client import read
from tests.support.registry_client import asked


def plain(text: str) -> list[bytes]:
    """How a value could stand in bytes."""
    return [text.encode(), text.encode()[:8]]


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("more", ["", "encrypt.dek.expiry.days: '90'", "encrypt.dek.algorithm: AES256_SIV"])
def test_the_official_client_reads_what_the_contract_protects(
    registry: Registry, tmp_path: Path, form: str, more: str
) -> None:
    path = contract(tmp_path, FIELDS, more)
    made = writers(registry.url, path, output__data__format=form)
    route = made.resolve(event().schema, event(**VALUES))
    assert route.sealed == 2
    message = route.convert(event(**VALUES))
    assert not any(text in message for value in (EMAIL, PHONE) for text in plain(value))
    found = read(registry, form, message)
    assert found["Customer_Email__c"] == EMAIL
    assert found["Phone__c"] == PHONE
    assert found["Amount__c"] == 12.5


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("type_", ["ENCRYPT", "ENCRYPT_PAYLOAD"])
@pytest.mark.parametrize("whose", ["contract", "registered"])
def test_a_rule_of_writers_beside_one_of_readers_encrypts_once(
    registry: Registry, tmp_path: Path, form: str, type_: str, whose: str
) -> None:
    params = PARAMS % ""
    pair = [
        f"{{name: {name}, type: {type_}, mode: {mode}, tags: [PII], params: {params}}}"
        for name, mode in (("encrypt", "WRITE"), ("decrypt", "READ"))
    ]
    path = contract(tmp_path, FIELDS, rules=f"[{', '.join(pair)}]")
    made = writers(registry.url, path, output__data__format=form)
    if whose == "registered":
        made.resolve(event().schema, event(**VALUES))
        made = writers(registry.url, output__data__format=form)
    message = made.resolve(event().schema, event(**VALUES)).convert(event(**VALUES))
    assert EMAIL.encode() not in message
    assert read(registry, form, message)["Customer_Email__c"] == EMAIL


@pytest.mark.parametrize("form", FORMATS)
def test_rules_that_somebody_else_registered(registry: Registry, tmp_path: Path, form: str) -> None:
    """The managed connector's own flow: nothing is registered, the latest version's rules are followed."""
    path = contract(tmp_path, FIELDS)
    first = writers(registry.url, path, output__data__format=form)
    first.resolve(event().schema, event(**VALUES))
    (tmp_path / "order.contract.yaml").unlink()
    given = {
        "value__converter__auto__register__schemas": "false",
        "value__converter__use__latest__version": "true",
    }
    made = writers(registry.url, output__data__format=form, **given)
    message = made.resolve(event().schema, event(**VALUES)).convert(event(**VALUES))
    assert EMAIL.encode() not in message
    assert read(registry, form, message)["Customer_Email__c"] == EMAIL
    assert asked(registry, "/subjects/orders-value/versions") == [1]


@pytest.mark.parametrize("form", FORMATS)
def test_a_registry_that_drops_rule_sets(tmp_path: Path, form: str, caplog: pytest.LogCaptureFixture) -> None:
    path = contract(tmp_path, FIELDS)
    with Registry(keeps_rules=False) as registry, caplog.at_level(logging.WARNING):
        made = writers(registry.url, path, output__data__format=form)
        for _ in range(2):
            message = made.resolve(event().schema, event(**VALUES)).convert(event(**VALUES))
            assert EMAIL.encode() not in message
        assert (
            len([r for r in caplog.records if "readers will not decrypt by themselves" in r.getMessage()])
            == 1
        )
        with pytest.raises(Fatal, match="neither the schema of orders-value nor a contract"):
            writers(registry.url, output__data__format=form).resolve(event().schema, event(**VALUES))


@pytest.mark.parametrize("kind", ["string", "bytes"])
def test_a_protected_field_that_only_the_registered_schema_has(
    registry: Registry, tmp_path: Path, kind: str
) -> None:
    """Readers decrypt it although no event has it, and fail on the whole record where nothing stands."""
    path = contract(tmp_path, FIELDS)
    writers(registry.url, path, output__data__format="PROTOBUF").resolve(event().schema, event(**VALUES))
    versions = "/subjects/orders-value/versions"
    latest = asked(registry, f"{versions}/latest")
    tagged = f'  {kind} elsewhere = 900 [(confluent.field_meta) = {{ tags: "PII" }}];\n}}'
    wider = latest["schema"].rstrip().removesuffix("}") + tagged
    asked(registry, versions, {"schema": wider, "schemaType": "PROTOBUF", "ruleSet": latest["ruleSet"]})
    made = writers(registry.url, path, output__data__format="PROTOBUF")
    route = made.resolve(event().schema, event(**VALUES))
    assert asked(registry, versions) == [1, 2]
    found = read(registry, "PROTOBUF", route.convert(event(**VALUES)))
    assert found["Customer_Email__c"] == EMAIL
    assert "elsewhere" not in found


def test_a_tag_added_while_running_takes_effect(registry: Registry, tmp_path: Path) -> None:
    path = contract(tmp_path, FIELDS)
    made = writers(registry.url, path)
    first = made.resolve(event().schema, event()).convert(event(Comment__c="leave at the door"))
    assert b"leave at the door" in first
    latest = asked(registry, "/subjects/orders-value/versions/latest")
    body = {
        "schema": latest["schema"],
        "ruleSet": latest["ruleSet"],
        "metadata": {"tags": {"**.Comment__c": ["PII"]}},
    }
    asked(registry, "/subjects/orders-value/versions", body)
    second = made.resolve(event().schema, event()).convert(event(Comment__c="leave at the door"))
    assert b"leave at the door" not in second
    # the official client of this version cannot read metadata with tags at all
    newest = asked(registry, "/subjects/orders-value/versions/latest")
    assert made.guard is not None
    opener = Opener(
        made.guard.deks, "orders-value", "AVRO", newest["schema"], newest["metadata"], newest["ruleSet"]
    )
    opened = opener.avro(second[5:], reading(newest["schema"]))
    assert opened["Comment__c"] == "leave at the door"


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("field", ["Amount__c", "Is_Gift__c", "Ship_Date__c", "Promised_At__c"])
def test_what_cannot_be_encrypted_is_refused_or_a_text_or_dropped_or_the_payload(
    registry: Registry, tmp_path: Path, form: str, field: str
) -> None:
    value = {
        "Amount__c": 12.50,
        "Is_Gift__c": True,
        "Ship_Date__c": "2026-12-24",
        "Promised_At__c": "2026-12-24T10:00:00.000Z",
    }
    text = {"Amount__c": "12.5", "Is_Gift__c": "true"}.get(field, str(value[field]))
    data = event(**value)

    def message(otherwise: str, topic: str) -> bytes:
        path = contract(tmp_path, f"{field}: {{tags: [PII], otherwise: {otherwise}}}")
        made = writers(registry.url, path, kafka__topic=topic, output__data__format=form)
        route = made.resolve(data.schema, data)
        assert route.sealed == (otherwise != "drop")
        return route.convert(data)

    with pytest.raises(Fatal, match=f"field {field} is .* only texts and bytes can be encrypted"):
        message("fail", "a")
    assert read(registry, form, message("string", "b"), "b")[field] == text
    assert read(registry, form, message("drop", "c"), "c").get(field) is None
    sealed = message("payload", "d")
    latest = asked(registry, "/subjects/d-value/versions/latest")
    assert latest["ruleSet"]["encodingRules"][0]["type"] == "ENCRYPT_PAYLOAD"
    assert b"Order_Placed__e" not in sealed


@pytest.mark.parametrize("form", FORMATS)
def test_the_context_qualifies_the_key_too(registry: Registry, tmp_path: Path, form: str) -> None:
    path = contract(tmp_path, FIELDS)
    made = writers(
        registry.url,
        path,
        output__data__format=form,
        schema__context__name="crm",
    )
    made.resolve(event().schema, event(**VALUES))
    assert asked(registry, "/dek-registry/v1/keks/sales/deks") == [":.crm:orders-value"]


def test_without_decryption_it_is_ciphertext(registry: Registry, tmp_path: Path) -> None:
    path = contract(tmp_path, FIELDS)
    message = writers(registry.url, path).resolve(event().schema, event()).convert(event(**VALUES))
    text = asked(registry, "/subjects/orders-value/versions/latest")["schema"]
    raw: Any = schemaless_reader(io.BytesIO(message[5:]), parse_schema(json.loads(text)), None)
    assert raw["Customer_Email__c"] not in (None, EMAIL)
    assert raw["Comment__c"] is None


@pytest.mark.parametrize("form", FORMATS)
def test_the_three_ways_to_a_message_encrypt_alike(form: str) -> None:
    """Deterministic keys, so that fused, by row and by values can be compared byte for byte (JSON: as values)."""
    cipher = cipher_of(new_material(Algorithm.AES256_SIV), Algorithm.AES256_SIV, 3)
    declared = event_type(EVENT, DESCRIBE, None)
    schema = record_schema(declared)
    names = ("Customer_Email__c", "Phone__c", "ReplayId", "_ObjectType", "Comment__c")
    start = "$" if form == "JSON_SR" else f"io.confluent.salesforce.{EVENT}"
    found, rows = FORMATS_BY_NAME[form], layout(declared, schema)
    text = found.render(schema, {})
    for payload in (None, seal_of([cipher])):
        protection = Protection({f"{start}.{name}": seal_of([cipher]) for name in names}, payload)
        ways = found.compile_fused(rows, text, b"\0\0\0\0\7", {}, protection)
        by_row = found.compile_rows(rows, text, b"\0\0\0\0\7", {}, protection)
        by_values = found.compile_values(schema, text, b"\0\0\0\0\7", {}, protection)
        for given in (VALUES, {}, {"Customer_Email__c": "", "Comment__c": "ž" * 5000}):
            data = event(**given)
            row = read_with(rows)(data)
            fused, rowed, valued = ways(data), by_row(read_with(rows)(data)), by_values(rows.values(row))
            assert fused == rowed
            assert fused[:5] == b"\0\0\0\0\7"
            if form == "JSON_SR" and payload is None:
                assert json.loads(fused[5:]) == json.loads(valued[5:])
            elif form != "JSON_SR":
                assert fused == valued
