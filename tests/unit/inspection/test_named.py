"""Fields that a configuration names and an event has not: all of them, before the first event."""

from __future__ import annotations

import pytest

from bridge.config import Config
from bridge.errors.words import unquoted
from bridge.inspection.named import faults_of
from bridge.metadata.infer import event_type
from bridge.model.contract import parse
from tests.support.encryption import DESCRIBE, EVENT
from tests.unit.config.samples import REGISTRY, Load

APACHE = "org.apache.kafka.connect.transforms."
NUMBER = "Order_Number__c"


def faults(config: Config, contract: str = "") -> dict[str, str]:
    event = event_type(EVENT, DESCRIBE, None)
    read = parse(f"event: {EVENT}\n{contract}", "the contract") if contract else None
    return {fault.key: fault.message for fault in faults_of(config, event, (), read)}


def transform(alias: str, type_: str, **settings: str) -> dict[str, str]:
    prefix = f"transforms.{alias}."
    return {f"{prefix}type": APACHE + type_} | {
        prefix + key.replace("_", "."): value for key, value in settings.items()
    }


def test_each_place_that_names_a_field(loading: Load) -> None:
    given = {"kafka.topic": "new.${Ordr_Number__c}.${_ObjectType}", "bridge.record.key": "field:Ordr__c"}
    told = faults(loading(given, worker=REGISTRY).connector, "fields: {Customer_Emial__c: {tags: [PII]}}")
    assert told == {
        "fields.Customer_Emial__c": f"{EVENT} has no such field; correct or remove it in the contract; "
        "did you mean Customer_Email__c?",
        "kafka.topic": f"names the field Ordr_Number__c, and {EVENT} has no such field; did you mean {NUMBER}?",
        "bridge.record.key": f"names the field Ordr__c, and {EVENT} has no such field"
        + ("; did you mean " + NUMBER + "?"),
    }


def test_what_is_there_is_no_fault(loading: Load) -> None:
    given = {"kafka.topic": f"new.${{{NUMBER}}}.${{ReplayId}}", "bridge.record.key": f"field:{NUMBER}"}
    assert faults(loading(given, worker=REGISTRY).connector, f"fields: {{{NUMBER}: {{tags: [PII]}}}}") == {}
    assert faults(loading({"bridge.record.key": "event_uuid"}).connector) == {}


@pytest.mark.parametrize(
    ("chain", "named"),
    [
        (transform("k", "ValueToKey", fields="Nobody__c"), "transforms.k"),
        (transform("k", "ExtractField$Value", field="Nobody__c"), "transforms.k"),
        (
            transform("r", "ReplaceField$Value", renames=f"{NUMBER}:No__c")
            | transform("k", "ValueToKey", fields=NUMBER)
            | {"transforms": "r,k"},
            "transforms.k",
        ),
        (
            transform("r", "ReplaceField$Value", renames=f"{NUMBER}:No__c")
            | transform("k", "ValueToKey", fields="No__c")
            | {"transforms": "r,k"},
            None,
        ),
    ],
)
def test_transforms_that_can_work_on_no_event(
    chain: dict[str, str], named: str | None, loading: Load
) -> None:
    told = faults(loading({"transforms": "k"} | chain).connector)
    assert set(told) == ({named} - {None})


def test_a_transform_that_concerns_some_events_is_no_fault(loading: Load) -> None:
    chain = transform("k", "ValueToKey", fields="Nobody__c", predicate="p") | {
        "transforms": "k",
        "predicates": "p",
        "predicates.p.type": APACHE + "predicates.RecordIsTombstone",
    }
    assert faults(loading(chain).connector) == {}


def test_where_nothing_of_an_answer_is_quoted_no_name_is_proposed(loading: Load) -> None:
    connector = loading({"bridge.record.key": "field:Ordr_Number__c"}).connector
    with unquoted():
        told = faults(connector)
    assert told["bridge.record.key"] == f"names the field Ordr_Number__c, and {EVENT} has no such field"
