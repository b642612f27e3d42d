"""Tags read from and written into schemas, in every format, and the words for their origin."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from bridge.config.declarations.formats import REGISTRY_TYPES
from bridge.formats import FORMATS
from bridge.inspection.explain import explain
from bridge.languages.places import exactly, matches
from bridge.languages.tagging import retagged, tags_in, with_metadata_tags
from bridge.metadata.classification import Classification, from_records, split, tags_of
from bridge.metadata.infer import event_type, record_schema
from bridge.model.contract import Contract, FieldContract, Rule, metadata_document, rule_set_document
from bridge.model.registered import Registered
from bridge.model.schema import Field, Kind, Schema
from bridge.model.texts import ReferringText

SAMPLES = Path(__file__).parents[3] / "schemas"
DESCRIBE = json.loads((SAMPLES / "Order_Placed__e.describe.json").read_text())
SCHEMA = record_schema(event_type("Order_Placed__e", DESCRIBE, None))
TAGGED = evolve(
    SCHEMA,
    fields=tuple(
        evolve(f, tags=frozenset({"PII"})) if f.name == "Customer_Email__c" else f for f in SCHEMA.fields
    ),
)
FORMS = list(REGISTRY_TYPES)
FULL = {
    "AVRO": "io.confluent.salesforce.Order_Placed__e.Customer_Email__c",
    "JSON_SR": "$.Customer_Email__c",
    "PROTOBUF": "io.confluent.salesforce.Order_Placed__e.Customer_Email__c",
}


def stored(form: str, schema: object = SCHEMA, **more: object) -> Registered:
    text = FORMATS[form].render(schema, {})  # type: ignore[arg-type]
    return Registered("s", 1, 1, text, REGISTRY_TYPES[form], **more)  # type: ignore[arg-type]


def tags(registered: Registered) -> dict[str, set[str]]:
    found = tags_in(registered.text, registered.type, registered.metadata).fields
    return {name: set(tags) for name, tags in found.items() if tags}


@pytest.mark.parametrize("form", FORMS)
def test_rendered_tags_are_read_back(form: str) -> None:
    found = tags_in(stored(form, TAGGED).text, REGISTRY_TYPES[form])
    assert found.fields["Customer_Email__c"] == {"PII": "registered schema, inline"}
    assert found.names["Customer_Email__c"] == FULL[form]
    assert set(found.names) == {f.name for f in SCHEMA.fields}


@pytest.mark.parametrize("form", FORMS)
def test_metadata_tags_by_pattern(form: str) -> None:
    patterns = {FULL[form]: ["A"], "**.Customer_?mail__c": ["B"], "nothing.*": ["C"]}
    found = tags_in(stored(form).text, REGISTRY_TYPES[form], {"tags": patterns})
    assert set(found.fields["Customer_Email__c"]) == {"A", "B"}
    assert found.fields["Customer_Email__c"]["A"] == f"registered schema, metadata.tags {FULL[form]}"
    assert found.unmatched == ("nothing.*",)


@pytest.mark.parametrize("form", FORMS)
def test_tags_are_added_and_kept_and_taken_away_only_by_the_contract(form: str) -> None:
    first = retagged(
        stored(form, TAGGED), {"Customer_Email__c": ["X"], "Status__c": ["Y"], "Gone__c": ["Z"]}, ()
    )
    assert tags(first) == {"Customer_Email__c": {"PII", "X"}, "Status__c": {"Y"}}
    assert retagged(first, {"Customer_Email__c": ["X"], "Status__c": ["Y"]}, ()) is first
    assert FORMATS[form].missing_fields(SCHEMA, first.text, {}) == ()
    if form != "PROTOBUF":
        assert tags(retagged(first, {"Customer_Email__c": []}, ["Customer_Email__c"])) == {"Status__c": {"Y"}}


def test_only_what_changes_is_changed() -> None:
    before = json.loads(stored("AVRO", TAGGED).text) | {"doc": "theirs"}
    after = retagged(Registered("s", 1, 1, json.dumps(before)), {"Status__c": ["Y"]}, ())
    changed = json.loads(after.text)
    for entry in changed["fields"]:
        if entry["name"] == "Status__c":
            assert entry.pop("confluent:tags") == ["Y"]
    assert changed == before
    assert after.metadata is None


@pytest.mark.parametrize("form", FORMS)
def test_tags_go_into_the_metadata_on_request(form: str) -> None:
    made = with_metadata_tags(stored(form, TAGGED, metadata={"properties": {"a": "b"}}))
    assert made.metadata == {"properties": {"a": "b"}, "tags": {FULL[form]: ["PII"]}}


def hoisted(*names: str) -> Schema:
    """The sample's record below other fields, as HoistField makes it."""
    found = SCHEMA
    for name in names:
        found = Schema(Kind.STRUCT, name=f"x.{name}", fields=(Field(name, found),))
    return found


@pytest.mark.parametrize("form", FORMS)
def test_fields_within_are_named_by_their_path(form: str) -> None:
    schema = hoisted("b", "a")
    before = stored(form, schema)
    assert retagged(before, {"a.b.Nowhere__c": ["X"]}, ()) is before
    after = retagged(before, {"a.b.Status__c": ["X"]}, ())
    assert (after.metadata is None) is (form != "PROTOBUF"), "official Python clients read no metadata.tags"
    assert tags(after) == {"a.b.Status__c": {"X"}}
    assert tags(retagged(after, {"a.b.Status__c": ["Y"]}, ())) == {"a.b.Status__c": {"X", "Y"}}
    if form != "PROTOBUF":
        assert tags(retagged(after, {"a.b.Status__c": []}, ["a.b.Status__c"])) == {}
    assert retagged(after, {"a.b.Status__c": ["X"]}, ()) is after
    found = tags_in(after.text, after.type, after.metadata)
    names = found.follow(schema)
    assert found.tags(names["a", "b", "Status__c"]) == {"X"}
    assert not found.tags(names["a", "b", "Phone__c"] | names["a",] | names["a", "b"])


@given(st.text("ab.*?$[]\\\\{", max_size=8), st.text("ab.$", max_size=8))
def test_the_exact_pattern_of_a_name_means_that_name(name: str, other: str) -> None:
    from confluent_kafka.schema_registry.wildcard_matcher import wildcard_match

    assert matches(exactly(name), name)
    assert wildcard_match(name, exactly(name))
    if not set(name) & set("*?[]\\\\"):
        assert matches(exactly(name), other) is (name == other)


def test_a_field_of_a_schema_that_is_referred_to_is_tagged_in_the_metadata() -> None:
    part = {"type": "record", "name": "p.A", "fields": [{"name": "zip", "type": "string"}]}
    whole = {"type": "record", "name": "W", "fields": [{"name": "a", "type": "p.A"}]}
    before = Registered("s", 1, 1, ReferringText(json.dumps(whole), {"p": json.dumps(part)}))
    after = retagged(before, {"a.zip": ["X"], "a": ["Y"]}, ())
    assert after.metadata == {"tags": {"p.A.zip": ["X"]}}
    assert tags(after) == {"a": {"Y"}, "a.zip": {"X"}}


def test_a_record_that_holds_itself_is_looked_through_once() -> None:
    node = {
        "type": "record",
        "name": "N",
        "fields": [
            {"name": "value", "type": "string", "confluent:tags": ["PII"]},
            {"name": "next", "type": ["null", "N"]},
        ],
    }
    found = tags_in(json.dumps(node), "AVRO")
    assert set(found.names) == {"value", "next", "next.value"}
    deep = Schema(Kind.STRUCT, fields=(Field("value", Schema(Kind.STRING)),))
    for _ in range(3):
        deep = Schema(Kind.STRUCT, fields=(Field("value", Schema(Kind.STRING)), Field("next", deep)))
    names = found.follow(deep)
    assert found.tags(names["next", "next", "next", "value"]) == {"PII"}


PROTO = """
syntax = "proto3"; package p; import "confluent/meta.proto";
message M { // message Other {
  string a = 1 [(confluent.field_meta).tags = "PII", (confluent.field_meta).tags = "X"];
  string b = 2 [(confluent.field_meta) = {doc: "tags: none", tags: ["PII", "Y"], params: [{key: "k", value: "v"}]}];
  message Inner { string hidden = 1 [(confluent.field_meta).tags = "PII"]; }
  oneof one { string c = 3 [deprecated = true, (confluent.field_meta).tags = "Z"]; }
  map<string, string> d = 4; reserved 9;
}
"""


def test_every_spelling_of_a_protobuf_tag() -> None:
    found = tags_in(PROTO, "PROTOBUF")
    assert {n: set(t) for n, t in found.fields.items()} == {
        "a": {"PII", "X"},
        "b": {"PII", "Y"},
        "c": {"Z"},
        "d": set(),
    }
    assert found.names["c"] == "p.M.c"


CONTRACT = Contract(
    "Order_Placed__e",
    compliance_group={"PII": "PII", "GDPR": "PII"},
    security_classification={"Mission Critical": "CONFIDENTIAL"},
    fields={"Status__c": FieldContract(()), "Phone__c": FieldContract(("PII", "OWN"))},
    rules=(Rule("pii", "ENCRYPT", tags=("PII",), params={"encrypt.kek.name": "k"}),),
)


def test_the_order_of_the_sources() -> None:
    classified = from_records(
        [
            {
                "QualifiedApiName": "Customer_Email__c",
                "ComplianceGroup": "GDPR;HIPAA",
                "SecurityClassification": "Public",
            },
            {"QualifiedApiName": "Status__c", "ComplianceGroup": "PII", "SecurityClassification": None},
            {
                "QualifiedApiName": "Amount__c",
                "ComplianceGroup": None,
                "SecurityClassification": "MissionCritical",
            },
            {"QualifiedApiName": None},
        ]
    )
    assert classified["Customer_Email__c"] == Classification("Public", ("GDPR", "HIPAA"))
    assert tags_of("Customer_Email__c", CONTRACT, classified) == {"PII": "complianceGroup GDPR"}
    assert tags_of("Amount__c", CONTRACT, classified) == {
        "CONFIDENTIAL": "securityClassification MissionCritical"
    }
    assert tags_of("Status__c", CONTRACT, classified) == {}, "the contract lets it out"
    assert tags_of("Phone__c", CONTRACT, classified) == {"PII": "contract", "OWN": "contract"}
    assert tags_of("Amount__c", None, classified) == {}
    assert split(" PII ; GDPR;;PII") == ("PII", "GDPR")


def test_why_a_field_is_tagged() -> None:
    rule = {"name": "pii", "type": "ENCRYPT", "tags": ["PII"]}
    other = {"name": "card", "type": "ENCRYPT", "tags": ["PCI"], "disabled": True}
    registered = stored(
        "AVRO", TAGGED, metadata={"tags": {"no.such": ["PCI"]}}, rule_set={"domainRules": [rule, other]}
    )
    found = explain(registered, CONTRACT, {"Phone__c": Classification(None, ("PII",))})
    assert found.fields["Customer_Email__c"] == {"PII": ("registered schema, inline",)}
    assert found.fields["Phone__c"]["PII"] == ("contract", "complianceGroup PII")
    assert [r.fields for r in found.rules] == [("Customer_Email__c",), ()]
    assert found.must == found.sealed == ("Customer_Email__c", "Phone__c"), "registered and contract together"
    assert found.document()["seals"] == {
        "must": ["Customer_Email__c", "Phone__c"],
        "sealed": ["Customer_Email__c", "Phone__c"],
        "payload": False,
    }
    text = "\n".join(found.findings)
    assert "metadata.tags no.such matches no field" in text
    assert "Phone__c is tagged PII, OWN (contract), and the registered schema does not say so yet" in text
    assert "rule card names the tags PCI, which no field has" in text
    json.dumps(found.document())
    number = evolve(CONTRACT, fields={"Amount__c": FieldContract(("PII",))})
    unfit = explain(registered, number)
    assert (unfit.must, unfit.sealed) == (("Customer_Email__c", "Amount__c"), ("Customer_Email__c",))


def test_the_contract_over_what_is_registered() -> None:
    theirs = {"name": "check", "type": "CEL", "kind": "CONDITION", "mode": "WRITE", "expr": "true"}
    rules = rule_set_document(CONTRACT, {"domainRules": [theirs], "enableAt": "ALL"})
    assert rules is not None
    assert [r["name"] for r in rules["domainRules"]] == ["check", "pii"]
    assert rules["enableAt"] == "ALL"
    kept = {**rules["domainRules"][1], "kind": "TRANSFORM", "mode": "WRITEREAD", "disabled": False}
    again = {**rules, "domainRules": [theirs, kept]}
    assert rule_set_document(CONTRACT, again) == again, "defaults that a registry fills in are no change"
    payload = evolve(CONTRACT, rules=(Rule("whole", "ENCRYPT_PAYLOAD"),))
    assert rule_set_document(payload, None) == {
        "encodingRules": [{"name": "whole", "type": "ENCRYPT_PAYLOAD"}]
    }
    assert rule_set_document(Contract("E__e"), None) is None
    of_null = rule_set_document(CONTRACT, {"domainRules": None, "encodingRules": None})
    assert of_null is not None
    assert [r["name"] for r in of_null["domainRules"] or ()] == ["pii"], (
        "a phase that is null holds no rules yet"
    )
    owned = Contract("E__e", properties={"owner": "x"}, sensitive=("a",))
    metadata = metadata_document(owned, {"properties": {"b": "c"}, "tags": {"t": ["T"]}})
    assert metadata == {"properties": {"b": "c", "owner": "x"}, "tags": {"t": ["T"]}, "sensitive": ["a"]}
