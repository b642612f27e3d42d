"""What must be sealed and what is, held against each other; what was sealed before; nothing sealed at all."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve

from bridge.errors import BadRecord, Fatal, Stage
from bridge.kafka.dead_letter import DeadLetters
from bridge.kafka.seals import seals_value
from bridge.metadata.infer import record_schema
from bridge.registry.http import http_of
from bridge.routing.ledger import WHOLE, Ledger, Memory
from bridge.routing.resolver import Writers
from bridge.sandbox.registry import Registry
from bridge.transforms.chain import Chain
from tests.support.encryption import (
    DESCRIBE,
    EMAIL,
    EVENT,
    EXPANDED,
    FORMATS,
    VALUES,
    Org,
    contract,
    event,
    loaded,
    writers,
)
from tests.unit.routing.test_coverage import LIES, Lie, Lying

MAIL = "Customer_Email__c"
TAGGED = f"{MAIL}: {{tags: [PII]}}"
PAYLOAD = "Amount__c: {tags: [PII], otherwise: payload}"
SAMPLE = event(**VALUES)


class Without(Org):
    """The event without its e-mail address, since some schema on."""

    def describe(self, event: str) -> dict[str, Any]:
        found = copy.deepcopy(DESCRIBE)
        found["fields"] = [f for f in found["fields"] if f["name"] != MAIL]
        return found

    def event_schema(self, schema_id: str) -> dict[str, Any] | None:
        found = copy.deepcopy(EXPANDED)
        found["fields"] = [f for f in found["fields"] if f["name"] != MAIL]
        return found


class Kept:
    """A ledger's memory between starts."""

    def __init__(self) -> None:
        self.memory, self.stored = Memory(), list[bytes]()

    def ledger(self) -> Ledger:
        made = Ledger(memory=copy.deepcopy(self.memory))
        made.store = self._store
        return made

    def _store(self, memory: Memory) -> None:
        self.memory = copy.deepcopy(memory)
        self.stored.append(seals_value(memory.fields, memory.shared, memory.keks))


def prepared(registry: Registry, path: Path, form: str, fields: str = TAGGED) -> None:
    """What somebody registered; no contract from now on."""
    made = writers(
        registry.url,
        contract(path, fields),
        output__data__format=form,
        bridge__csfle__allow__plaintext="true",
    )
    made.resolve(SAMPLE.schema, SAMPLE)
    made.close()


def started(
    registry: Registry, form: str, kept: Kept, lie: Lie | None = None, org: Org | None = None, **settings: str
) -> tuple[Writers, type[Lying]]:
    lying = type("Once", (Lying,), {"lie": staticmethod(lie or LIES["as registered"])})
    client = lying(http_of({"url": registry.url}, retry_seconds=2, longest_wait=0.2))
    given = loaded(registry.url, output__data__format=form, **settings)
    return Writers(given, org or Org(), client, ledger=kept.ledger()), lying


def written(made: Writers) -> bytes:
    return made.resolve(SAMPLE.schema, SAMPLE).convert(SAMPLE)


STRIPPED = ("tags stripped", "disabled", "other tags", "for readers")


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("lie", STRIPPED)
def test_a_field_that_the_registry_protects_no_more(
    registry: Registry, tmp_path: Path, form: str, lie: str
) -> None:
    prepared(registry, tmp_path, form)
    kept = Kept()
    made, lying = started(registry, form, kept)
    assert EMAIL.encode() not in written(made)
    assert kept.memory.fields == {EVENT: {MAIL}}
    assert json.loads(kept.stored[-1]) == {
        "fields": {EVENT: [MAIL]},
        "shared": {"sales": False},
        "keks": {"sales": "local-kms k -"},
    }
    lying.lie = staticmethod(LIES[lie])
    refusal = rf"{MAIL} of {EVENT} was encrypted before" + "|no field of|neither the schema of"
    with pytest.raises(Fatal, match=refusal):
        written(made)
    for _ in range(2):
        again, _ = started(registry, form, kept, LIES[lie])
        with pytest.raises(Fatal, match=refusal):
            written(again)
    allowed, _ = started(registry, form, kept, LIES[lie], bridge__csfle__allow__plaintext="true")
    assert EMAIL.encode() in written(allowed)
    assert kept.memory.fields == {EVENT: set()}, "acknowledged once"
    after, _ = started(registry, form, kept)
    assert EMAIL.encode() not in written(after), "protected again"
    assert kept.memory.fields == {EVENT: {MAIL}}


def test_a_payload_that_is_encrypted_no_more(registry: Registry, tmp_path: Path) -> None:
    prepared(registry, tmp_path, "AVRO", f"{PAYLOAD}, {TAGGED}")
    kept = Kept()
    made, lying = started(registry, "AVRO", kept)
    written(made)
    assert kept.memory.fields == {EVENT: {MAIL, WHOLE}}
    lying.lie = staticmethod(
        lambda found: evolve(found, rule_set={**(found.rule_set or {}), "encodingRules": []})
    )
    with pytest.raises(Fatal, match=r"the whole payload of .* was encrypted before"):
        written(made)


def test_a_field_that_the_event_has_no_more(registry: Registry, tmp_path: Path) -> None:
    prepared(registry, tmp_path, "AVRO", f"{TAGGED}, Phone__c: {{tags: [PII]}}")
    kept = Kept()
    made, _ = started(registry, "AVRO", kept)
    written(made)
    assert kept.memory.fields == {EVENT: {MAIL, "Phone__c"}}
    less, _ = started(registry, "AVRO", kept, org=Without())
    route = less.resolve(SAMPLE.schema, event(Phone__c="+420 777"))
    assert route.sealed >= 1
    assert kept.memory.fields == {EVENT: {MAIL, "Phone__c"}}, "it may come back"


def test_a_contract_decides_what_it_lets_out(registry: Registry, tmp_path: Path) -> None:
    prepared(registry, tmp_path, "AVRO", f"{TAGGED}, Phone__c: {{tags: [PII]}}")
    kept = Kept()
    made, _ = started(registry, "AVRO", kept)
    written(made)
    path = contract(tmp_path, f"{MAIL}: {{tags: []}}")
    out, _ = started(registry, "AVRO", kept, bridge__schema__contract=str(path))
    assert EMAIL.encode() in written(out)
    assert kept.memory.fields == {EVENT: {"Phone__c"}}


def test_a_tag_that_no_rule_meets_is_no_fault(registry: Registry, tmp_path: Path) -> None:
    prepared(registry, tmp_path, "AVRO", f"{TAGGED}, Phone__c: {{tags: [OTHER]}}")
    made, _ = started(registry, "AVRO", Kept())
    assert EMAIL.encode() not in written(made)


@pytest.mark.parametrize("form", FORMATS)
def test_nothing_protected_is_fatal_unless_it_is_acknowledged(
    registry: Registry, tmp_path: Path, form: str
) -> None:
    prepared(registry, tmp_path, form, "Phone__c: {tags: [OTHER]}")
    made, _ = started(registry, form, Kept())
    with pytest.raises(
        Fatal, match=rf"no field of {EVENT} in orders-value has a tag .*allow\.plaintext=true"
    ):
        written(made)
    for lie in ("as registered", "rules dropped"):
        allowed, _ = started(registry, form, Kept(), LIES[lie], bridge__csfle__allow__plaintext="true")
        assert EMAIL.encode() in written(allowed)


def test_it_is_judged_for_the_whole_connector(registry: Registry, tmp_path: Path) -> None:
    made, _ = started(registry, "AVRO", Kept(), LIES["rules dropped"])
    asked: list[str] = []

    def elsewhere(event: str) -> bool:
        asked.append(event)
        return True

    made.ledger.elsewhere = elsewhere
    assert EMAIL.encode() in written(made)
    assert set(asked) == {EVENT}


def test_a_key_of_a_tombstone_is_judged_too(registry: Registry, tmp_path: Path) -> None:
    prepared(registry, tmp_path, "AVRO")
    kept = Kept()
    made, _ = started(registry, "AVRO", kept)
    written(made)
    apache = "org.apache.kafka.connect.transforms."
    drop = {
        "transforms": "k,d", "transforms__k__type": f"{apache}ValueToKey", "transforms__k__fields": MAIL,
        "transforms__d__type": "io.confluent.connect.transforms.Drop$Value",
    }  # fmt: skip
    keyed, _ = started(registry, "AVRO", kept, LIES["tags stripped"], **drop)
    with pytest.raises(Fatal, match=rf"puts the field {MAIL} \(tagged encrypted before\) into the key"):
        keyed.resolve(SAMPLE.schema, SAMPLE)
    before = record_schema(keyed._types.of(SAMPLE.schema))
    with pytest.raises(Fatal, match=rf"{MAIL} of {EVENT} was encrypted before"):
        keyed.ledger.unwritten(EVENT, before, keyed._chain, None)


def test_an_encoder_that_does_not_seal_what_it_must_makes_no_route(
    registry: Registry, tmp_path: Path
) -> None:
    path = contract(tmp_path, f"{TAGGED}, {PAYLOAD}")
    made = writers(registry.url, path)
    written(made)
    (key,) = made._made.values()  # what was compiled
    version = made._registration
    assert version is not None
    schema = made._types.of(SAMPLE.schema)
    before = record_schema(schema)
    found = version.written(before, "orders", made._contracts[EVENT])
    full = f"io.confluent.salesforce.{EVENT}.{MAIL}"
    for placed in (set[str](), {full}, {WHOLE}, {full, WHOLE, f"io.confluent.salesforce.{EVENT}.Phone__c"}):
        with pytest.raises(Fatal, match="what must be encrypted and what the encoder encrypts"):
            Ledger().enter(EVENT, before, Chain(()), found, placed)
    entry = Ledger().enter(EVENT, before, Chain(()), found, {full, WHOLE})
    assert str(entry) == f"orders-value version 1 ({EVENT}): sealed the whole payload, {MAIL}"
    assert entry.document()["sealed"] == [MAIL]
    assert key


def test_what_is_sealed_is_said_once(registry: Registry, tmp_path: Path, caplog: Any) -> None:
    made = writers(registry.url, contract(tmp_path, TAGGED))
    told: list[int] = []
    made.ledger.changed = lambda entries: told.append(sum(entry.count for entry in entries))
    with caplog.at_level("INFO"):
        for _ in range(3):
            written(made)
    assert [m for m in caplog.messages if "sealed" in m] == [
        f"orders-value version 1 ({EVENT}): sealed {MAIL}"
    ]
    assert told == [1]


def letter(made: Writers) -> bytes:
    letters = made.letters(DeadLetters("dead", "c", "orders"))
    assert letters is not None
    made.resolve(SAMPLE.schema, SAMPLE)
    return bytes(letters.record(EMAIL.encode(), BadRecord("no", stage=Stage.SCHEMA))[1] or b"")


def test_a_dead_letter_is_plain_only_where_nothing_is_encrypted_and_that_was_said(
    registry: Registry, tmp_path: Path
) -> None:
    nothing, _ = started(
        registry, "AVRO", Kept(), LIES["rules dropped"], bridge__csfle__allow__plaintext="true"
    )
    assert letter(nothing) == EMAIL.encode()
    prepared(registry, tmp_path, "AVRO")
    sealing, _ = started(registry, "AVRO", Kept(), bridge__csfle__allow__plaintext="true")
    assert EMAIL.encode() not in letter(sealing)


OTHER = "Invoice_Sent__e"


class Two(Org):
    """A channel with two events, of which the second alone is tagged."""

    def describe(self, event: str) -> dict[str, Any]:
        return {**DESCRIBE, "name": event}

    def event_schema(self, schema_id: str) -> dict[str, Any] | None:
        return EXPANDED if schema_id == SAMPLE.schema else None


@pytest.mark.parametrize("second", ["tagged", "not tagged"])
def test_an_event_without_tags_beside_one_with_them(registry: Registry, tmp_path: Path, second: str) -> None:
    tags = "PII" if second == "tagged" else "OTHER"
    body = writers(registry.url, contract(tmp_path, f"{MAIL}: {{tags: [{tags}]}}, Phone__c: {{tags: [PII]}}"))
    wanted = body._registration
    assert wanted is not None
    schema = evolve(record_schema(body._types.of(SAMPLE.schema)), name=f"io.confluent.salesforce.{OTHER}")
    if second == "tagged":
        wanted.written(schema, "invoice_sent__e", body._contracts[EVENT])
    channel = {
        "salesforce__platform__event__name": "",
        "salesforce__platform__subscription__type": "CUSTOM_CHANNEL",
        "salesforce__platform__custom__channel__name": "Both__chn",
        "salesforce__platform__channel__entities": f"{EVENT},{OTHER}", "kafka__topic": "${_ObjectType}",
    }  # fmt: skip
    made, _ = started(registry, "AVRO", Kept(), org=Two(), **channel)
    if second == "tagged":
        assert EMAIL.encode() in made.resolve(SAMPLE.schema, SAMPLE).convert(SAMPLE), (
            "nothing of it is tagged"
        )
        return
    with pytest.raises(Fatal, match="neither the schema of order_placed__e-value nor a contract"):
        made.resolve(SAMPLE.schema, SAMPLE)
