from __future__ import annotations

from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.errors import ConfigurationError
from bridge.model.contract import Contract, FieldContract, Rule, parse, protects, render, rule_document

PAGE = """
event: Order_Placed__e
classification:
  complianceGroup: {PII: PII, GDPR: PII}
  securityClassification: {Restricted: CONFIDENTIAL}
fields:
  Customer_Email__c: {tags: [PII]}                 # origin: complianceGroup PII
  Birth_Date__c: {tags: [PII], otherwise: string}  # cannot be encrypted as a date
metadata: {properties: {owner: sales-data}, sensitive: []}
rules:
  - {name: pii, type: ENCRYPT, tags: [PII], params: {encrypt.kek.name: sales, encrypt.dek.expiry.days: "90"}}
otherwise: fail
"""


def test_the_page() -> None:
    contract = parse(PAGE)
    assert contract.fields["Birth_Date__c"] == FieldContract(("PII",), "string")
    assert contract.rules[0].params["encrypt.dek.expiry.days"] == "90"
    assert contract.compliance_group == {"PII": "PII", "GDPR": "PII"}
    assert protects(contract)
    assert parse(render(contract)) == contract


def test_origins_become_comments() -> None:
    text = render(parse(PAGE), lambda field, tag: f"complianceGroup {tag}" if field.startswith("C") else None)
    assert "  Customer_Email__c: {tags: [PII]}  # origin: complianceGroup PII\n" in text
    assert parse(text) == parse(PAGE)


@pytest.mark.parametrize(
    ("rule", "expected"),
    [("ENCRYPT", True), ("ENCRYPT_PAYLOAD", True), ("CEL", False)],
)
def test_whether_it_protects(rule: str, expected: bool) -> None:
    assert protects(Contract("E__e", rules=(Rule("r", rule),))) is expected
    assert not protects(Contract("E__e", rules=(Rule("r", rule, disabled=True),)))


def test_all_faults_at_once() -> None:
    text = """
evnet: X
classification: {complianceGroup: [PII]}
fields: {A__c: {tags: PII, otherwise: maybe}, B__c: 7, 3: {}}
metadata: {owner: x}
rules: [{name: a, type: ENCRYPT, params: {days: 90}}, {name: a, type: CEL, disabled: "no"}, {mode: SOMETIMES}]
otherwise: drop it
"""
    with pytest.raises(ConfigurationError) as caught:
        parse(text, "c.yaml")
    found = {(fault.key, fault.message.split(";")[0]) for fault in caught.value.faults}
    known = {
        "c.yaml: evnet",
        "c.yaml: event",
        "c.yaml: classification.complianceGroup",
        "c.yaml: fields.A__c.tags",
        "c.yaml: fields.A__c.otherwise",
        "c.yaml: fields.B__c",
        "c.yaml: fields",
        "c.yaml: metadata.owner",
        "c.yaml: rules[0].params.days",
        "c.yaml: rules[1].name",
        "c.yaml: rules[1].disabled",
        "c.yaml: rules[2].name",
        "c.yaml: rules[2].type",
        "c.yaml: rules[2].mode",
        "c.yaml: otherwise",
    }
    assert {key for key, _ in found} == known
    assert ("c.yaml: rules[0].params.days", "must be text, not a number") in found


def test_blanks_of_other_kinds_are_part_of_a_name() -> None:
    contract = Contract("\u00a0E__e\u00a0", properties={"owner\u00a0": " x "})
    assert parse(render(contract)) == contract


@pytest.mark.parametrize("text", ["", "[]", "a: [", "!!python/object:os.system {}", "just text"])
def test_what_is_no_contract(text: str) -> None:
    with pytest.raises(ConfigurationError):
        parse(text)


_words = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=12)
_tags = st.lists(_words, max_size=3).map(tuple)
_texts = st.dictionaries(_words, _words, max_size=3)
_rules = st.builds(
    Rule,
    name=_words,
    type=_words,
    kind=st.sampled_from([None, "TRANSFORM", "CONDITION"]),
    mode=st.sampled_from([None, "WRITE", "READ", "WRITEREAD"]),
    tags=_tags,
    params=_texts,
    expr=st.none() | _words,
    on_success=st.none() | _words,
    on_failure=st.none() | _words,
    disabled=st.booleans(),
    doc=st.none() | _words,
)
_contracts = st.builds(
    Contract,
    event=_words,
    compliance_group=_texts,
    security_classification=_texts,
    fields=st.dictionaries(
        _words,
        st.builds(FieldContract, _tags, st.sampled_from([None, "fail", "string", "drop", "payload"])),
        max_size=3,
    ),
    properties=_texts,
    sensitive=_tags,
    rules=st.lists(_rules, max_size=3, unique_by=lambda rule: rule.name).map(tuple),
    otherwise=st.sampled_from(["fail", "string", "drop", "payload"]),
)


@settings(deadline=None)
@given(_contracts)
def test_parse_and_render_are_inverses(contract: Contract) -> None:
    text = render(contract)
    assert parse(text) == contract
    assert render(parse(text)) == text


@settings(deadline=None)
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | _words,
        lambda inner: st.lists(inner) | st.dictionaries(_words, inner),
    )
)
def test_whatever_yaml_comes_is_a_contract_or_faults(document: Any) -> None:
    try:
        parse(yaml.safe_dump(document))
    except ConfigurationError as error:
        assert error.faults  # noqa: PT017 - either outcome is right, an empty list of faults is not


def test_a_rule_in_the_registrys_form() -> None:
    rule = Rule("r", "ENCRYPT", tags=("PII",), on_failure="ERROR")
    assert rule_document(rule) == {"name": "r", "type": "ENCRYPT", "tags": ["PII"], "onFailure": "ERROR"}
