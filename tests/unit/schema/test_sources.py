"""Which event a message is of, and how its classification is asked for."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from bridge.errors import BadRecord, BridgeError, ConfigurationError, Fatal, Stage
from bridge.sandbox import samples
from bridge.sandbox.definition import EventDefinition, FieldDefinition
from bridge.sandbox.org import schemas
from bridge.schema.contract import Contract, FieldContract, Rule
from bridge.schema.sources import EventTypes, load_contracts

ORDERS = samples.ORDER_PLACED
SHIPMENTS = samples.SHIPMENT_UPDATED
CONTRACT = Contract(ORDERS.name, compliance_group={"PII": "PII"})


class Org:
    """Salesforce's metadata; ``named``: whether an eventSchema says of which event it is."""

    def __init__(self, *definitions: EventDefinition) -> None:
        self.definitions = {d.name: d for d in definitions}
        self.schemas = {schemas.schema_id(d): schemas.compact(d) for d in definitions}
        self.classified: list[dict[str, Any]] | BridgeError = []
        self.asked: list[str] = []

    def describe(self, event: str) -> dict[str, Any]:
        return self.definitions[event].describe("")

    def event_schema(self, schema_id: str) -> dict[str, Any] | None:
        return self.schemas.get(schema_id)

    def field_classification(self, event: str) -> list[dict[str, Any]]:
        self.asked.append(event)
        if isinstance(self.classified, BridgeError):
            raise self.classified
        return self.classified


def types(org: Org, *contracts: Contract, ttl: float = 300, warnings: list[str] | None = None) -> EventTypes:
    said = [] if warnings is None else warnings
    return EventTypes(tuple(org.definitions), org, {c.event: c for c in contracts}, said.append, ttl)


def test_the_schema_names_the_event() -> None:
    org = Org(ORDERS, SHIPMENTS)
    found = types(org)
    assert found.of(schemas.schema_id(SHIPMENTS), f"/event/{ORDERS.name}").name == SHIPMENTS.name
    assert found.of(schemas.schema_id(ORDERS), "/event/Sales__chn").name == ORDERS.name


def test_where_salesforce_does_not_know_the_schema_the_channel_does() -> None:
    warnings: list[str] = []
    found = types(Org(ORDERS, SHIPMENTS), warnings=warnings)
    assert found.of("unknown", f"/event/{SHIPMENTS.name}").name == SHIPMENTS.name
    assert len(warnings) == 1
    with pytest.raises(Fatal, match="does not say of which event it is"):
        found.of("unknown", "/event/Sales__chn")


def test_an_event_that_is_not_listed_is_named() -> None:
    org = Org(ORDERS, SHIPMENTS)
    other = EventDefinition("Other__e", (FieldDefinition("A__c"),))
    org.schemas[schemas.schema_id(other)] = schemas.compact(other)
    with pytest.raises(Fatal, match=r"the event Other__e, which salesforce\.platform\.channel\.entities"):
        types(org).of(schemas.schema_id(other), "/event/Sales__chn")


def test_without_a_schema_id_a_channels_event_cannot_be_told() -> None:
    with pytest.raises(BadRecord, match="names no schema"):
        types(Org(ORDERS, SHIPMENTS)).of(None, f"/event/{ORDERS.name}")
    assert types(Org(ORDERS)).of(None).name == ORDERS.name


def test_a_field_of_the_contract_that_goes_while_running_is_only_told() -> None:
    contract = Contract(ORDERS.name, fields={"Notes__c": FieldContract(("X",))})
    org, warnings = Org(ORDERS), list[str]()
    found = types(org, contract, warnings=warnings)
    assert tags(found) == {"Notes__c": {"X": "contract"}}
    without = ORDERS.without_field("Notes__c")
    org.definitions[ORDERS.name] = without
    org.schemas[schemas.schema_id(without)] = schemas.compact(without)
    assert found.of(schemas.schema_id(without)).name == ORDERS.name
    assert warnings == ["the contract of Order_Placed__e speaks of what is gone: fields.Notes__c"]
    with pytest.raises(ConfigurationError, match="has no such field"):
        types(org, contract).of(schemas.schema_id(without))


def classified(name: str, group: str) -> list[dict[str, Any]]:
    return [{"QualifiedApiName": name, "ComplianceGroup": group, "SecurityClassification": None}]


def tags(found: EventTypes) -> dict[str, dict[str, str]]:
    event = found.of(schemas.schema_id(ORDERS))
    return {f.name: dict(f.tags) for f in event.fields if f.tags}


def test_the_classification_is_asked_for_where_the_contract_maps_it() -> None:
    org = Org(ORDERS)
    org.classified = classified("Status__c", "PII")
    assert tags(types(org)) == {}
    assert tags(types(org, Contract(ORDERS.name))) == {}
    assert org.asked == []
    found = types(org, CONTRACT)
    assert tags(found) == {"Status__c": {"PII": "complianceGroup PII"}}
    assert tags(found) == tags(found)
    assert org.asked == [ORDERS.name]


def test_it_is_asked_again_when_it_is_old() -> None:
    org = Org(ORDERS)
    found = types(org, CONTRACT, ttl=0)
    assert tags(found) == {}
    org.classified = classified("Notes__c", "PII;HIPAA")
    assert tags(found) == {"Notes__c": {"PII": "complianceGroup PII"}}


def test_without_the_right_to_ask_it_is_said_once_but_where_something_is_protected() -> None:
    org = Org(ORDERS)
    org.classified = Fatal("no right", stage=Stage.METADATA)
    warnings: list[str] = []
    found = types(org, CONTRACT, ttl=0, warnings=warnings)
    assert tags(found) == tags(found) == {}
    assert len(warnings) == 1
    assert "no right" in warnings[0]
    protecting = Contract(
        ORDERS.name, compliance_group={"PII": "PII"}, rules=(Rule("r", "ENCRYPT", tags=("PII",)),)
    )
    with pytest.raises(Fatal, match="no right"):
        tags(types(org, protecting))


def test_contracts_of_a_channel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "schemas").mkdir()
    for event in ("A__e", "B__e"):
        path = tmp_path / "schemas" / f"{event}.contract.yaml"
        path.write_text(json.dumps({"event": event, "fields": {"X__c": {"tags": [event]}}}))
    other = tmp_path / "b.yaml"
    other.write_text(json.dumps({"event": "B__e", "fields": {"X__c": {"tags": ["OTHER"]}}}))
    found = load_contracts(["A__e", "B__e", "C__e"], str(other))
    assert {event: c.fields["X__c"].tags for event, c in found.items()} == {
        "A__e": ("A__e",),
        "B__e": ("OTHER",),
    }
    with pytest.raises(ConfigurationError, match=r"is the contract of B__e, which is not in"):
        load_contracts(["A__e", "C__e"], str(other))
    other.write_text("[")
    with pytest.raises(ConfigurationError, match="is no YAML"):
        load_contracts(["A__e", "C__e"], str(other))
