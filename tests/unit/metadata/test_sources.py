"""Which event a message is of, and how its classification is asked for."""

from __future__ import annotations

import json
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve

from bridge.errors import BadRecord, BridgeError, ConfigurationError, Fatal, Retriable, Stage
from bridge.metadata.classification import LastAnswers
from bridge.metadata.sources import EventTypes, load_contracts
from bridge.model.contract import Contract, FieldContract, Rule
from bridge.model.schema import EventType
from bridge.sandbox import samples
from bridge.sandbox.definition import EventDefinition, FieldDefinition
from bridge.sandbox.org import schemas
from bridge.shared import Shared

ORDERS = samples.ORDER_PLACED
SHIPMENTS = samples.SHIPMENT_UPDATED
CONTRACT = Contract(ORDERS.name, compliance_group={"PII": "PII"})


class Org:
    """Salesforce's metadata; ``named``: whether an eventSchema says of which event it is."""

    def __init__(self, *definitions: EventDefinition) -> None:
        self.definitions = {d.name: d for d in definitions}
        self.schemas = {schemas.schema_id(d): schemas.compact(d) for d in definitions}
        self.classified: list[dict[str, Any]] | BridgeError = []
        self.hidden: set[str] = set()
        self.asked: list[str] = []

    def define(self, definition: EventDefinition) -> str:
        """From now on; the id of its schema. Earlier schemas stay."""
        self.definitions[definition.name] = definition
        self.schemas[schemas.schema_id(definition)] = schemas.compact(definition)
        return schemas.schema_id(definition)

    def describe(self, event: str) -> dict[str, Any]:
        return self.definitions[event].describe("")

    def event_schema(self, schema_id: str) -> dict[str, Any] | None:
        return self.schemas.get(schema_id)

    def field_classification(self, event: str) -> list[dict[str, Any]]:
        """Every field of today but ``hidden`` is named; as nothing, where ``classified`` does not say otherwise."""
        self.asked.append(event)
        if isinstance(self.classified, BridgeError):
            raise self.classified
        of_field = {record["QualifiedApiName"]: record for record in self.classified}
        names = [f.name for f in self.definitions[event].fields if f.name not in self.hidden]
        return [of_field.get(name) or classified(name, "")[0] for name in names]


def types(
    org: Org,
    *contracts: Contract,
    ttl: float = 300,
    warnings: list[str] | None = None,
    protecting: bool = False,
    patience: float = 0,
    last: LastAnswers | None = None,
) -> EventTypes:
    said = [] if warnings is None else warnings
    return EventTypes(
        tuple(org.definitions),
        org,
        {c.event: c for c in contracts},
        said.append,
        protecting=protecting,
        ttl=ttl,
        patience=patience,
        last=last,
    )


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
    with pytest.raises(Fatal, match="no right"):
        tags(types(org, CONTRACT, protecting=True))


TAX = ORDERS.with_field(FieldDefinition("Tax_Id__c"))


def tags_of(event: EventType, name: str) -> dict[str, str]:
    return dict(next(f for f in event.fields if f.name == name).tags)


def test_a_schema_that_is_new_asks_anew() -> None:
    org = Org(ORDERS)
    found = types(org, CONTRACT)
    assert tags(found) == {}
    new = org.define(TAX)
    org.classified = classified("Tax_Id__c", "PII")
    assert tags_of(found.of(new), "Tax_Id__c") == {"PII": "complianceGroup PII"}
    found.of(new)
    assert len(org.asked) == 2


def test_a_schema_that_is_new_asks_anew_though_all_its_fields_were_named() -> None:
    org = Org(TAX)
    found = types(org, CONTRACT)
    assert tags_of(found.of(schemas.schema_id(TAX)), "Notes__c") == {}
    new = org.define(TAX.without_field("Tax_Id__c"))
    org.classified = classified("Notes__c", "PII")
    assert tags_of(found.of(new), "Notes__c") == {"PII": "complianceGroup PII"}


def test_a_field_that_is_not_classified_yet_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    org, waits = Org(ORDERS), list[float]()
    found = types(org, CONTRACT, patience=60)
    tags(found)
    new = org.define(TAX)
    org.hidden, org.classified = {"Tax_Id__c"}, classified("Tax_Id__c", "PII")

    def wait(self: threading.Event, seconds: float | None = None) -> bool:
        waits.append(seconds or 0)
        if len(waits) == 3:
            org.hidden.clear()
        return False

    monkeypatch.setattr(threading.Event, "wait", wait)
    assert tags_of(found.of(new), "Tax_Id__c") == {"PII": "complianceGroup PII"}
    assert len(waits) == 3


def test_a_field_that_does_not_become_known_is_fatal_each_time() -> None:
    org = Org(ORDERS)
    org.hidden = {"Notes__c", "Status__c"}
    found = types(org, CONTRACT)
    for _ in range(2):
        with pytest.raises(
            Fatal, match=r"how Notes__c, Status__c of Order_Placed__e is classified.*contract"
        ):
            tags(found)
    own = {name: FieldContract() for name in org.hidden}
    assert tags(types(org, evolve(CONTRACT, fields=own))) == {}, "known without classification"


def test_a_wait_ends_when_the_connector_does() -> None:
    org = Org(ORDERS)
    org.hidden = {"Notes__c"}
    found = types(org, CONTRACT, patience=3600)
    found.close()
    with pytest.raises(Retriable, match="Notes__c"):
        tags(found)


def test_a_field_that_is_gone_keeps_its_last_tags() -> None:
    org, memory = Org(TAX), LastAnswers()
    org.classified = [*classified("Tax_Id__c", "PII"), *classified("Status__c", "")]
    old = schemas.schema_id(TAX)
    found = types(org, CONTRACT, ttl=0, last=memory)
    found.of(old)
    org.define(ORDERS.without_field("Status__c"))
    for each in (found, types(org, CONTRACT, last=memory)):
        event = each.of(old)
        assert tags_of(event, "Tax_Id__c") == {"PII": "complianceGroup PII"}
        assert tags_of(event, "Status__c") == {}


def test_a_field_that_was_gone_before_the_start_has_every_mapped_tag() -> None:
    org, warnings = Org(ORDERS), list[str]()
    org.schemas[schemas.schema_id(TAX)] = schemas.compact(TAX)
    contract = evolve(CONTRACT, security_classification={"Restricted": "SECRET"})
    found = types(org, contract, ttl=0, warnings=warnings)
    for _ in range(2):
        event = found.of(schemas.schema_id(TAX))
        assert tags_of(event, "Tax_Id__c").keys() == {"PII", "SECRET"}
        assert tags_of(event, "Notes__c") == {}
    assert [text for text in warnings if "Tax_Id__c" in text and "PII, SECRET" in text] == warnings
    own = evolve(contract, fields={"Tax_Id__c": FieldContract(("OWN",))})
    org.definitions[ORDERS.name] = TAX
    started = types(org, own)
    started.of(schemas.schema_id(TAX))
    org.definitions[ORDERS.name] = ORDERS
    assert tags_of(started.of(schemas.schema_id(TAX)), "Tax_Id__c") == {"OWN": "contract"}


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


class Sharing(Org):
    """One that keeps its answers for all connectors of the process."""

    def __init__(self, *definitions: EventDefinition) -> None:
        super().__init__(*definitions)
        self.shared = Shared[str, list[dict[str, Any]]]()

    def shared_classification(self, event: str, newer_than: float) -> tuple[float, list[dict[str, Any]]]:
        answer = self.shared.get(event, newer_than, lambda: self.field_classification(event))
        return answer.asked, answer.value


def test_connectors_of_one_event_share_its_classification() -> None:
    org = Sharing(ORDERS)
    org.classified = classified("Amount__c", "PII")
    of = [types(org, CONTRACT) for _ in range(20)]
    for one in (*of, *of):
        tags = {f.name: f.tags for f in one.of(schemas.schema_id(ORDERS)).fields}
        assert tags["Amount__c"] == {"PII": "complianceGroup PII"}
    assert len(org.asked) == 1


def test_a_schema_that_is_new_in_the_process_is_asked_for_once_more() -> None:
    org = Sharing(evolve(ORDERS, name="Newly__e"))
    contract = evolve(CONTRACT, event="Newly__e")
    of = [types(org, contract) for _ in range(5)]
    first = next(iter(org.schemas))
    for one in of:
        one.of(first)
    assert len(org.asked) == 1
    wider = org.define(
        org.definitions["Newly__e"].with_field(FieldDefinition("Later__c", "string", length=9))
    )
    org.classified = classified("Later__c", "PII")
    for one in of:
        tags = {f.name: f.tags for f in one.of(wider).fields}
        assert tags["Later__c"] == {"PII": "complianceGroup PII"}
    assert len(org.asked) == 2


def test_a_field_that_no_answer_names_yet_is_waited_for_by_all_together() -> None:
    org = Sharing(evolve(ORDERS, name="Lagging__e"))
    org.hidden = {"Amount__c"}
    contract = evolve(CONTRACT, event="Lagging__e")
    of = [types(org, contract, patience=30) for _ in range(6)]
    schema = next(iter(org.schemas))
    threads = [threading.Thread(target=one.of, args=(schema,)) for one in of]
    for thread in threads:
        thread.start()
    while len(org.asked) < 3:  # asked again, because an answer that was there before says nothing
        assert any(thread.is_alive() for thread in threads)
    org.hidden = set()
    for thread in threads:
        thread.join(30)
        assert not thread.is_alive()
    assert len(org.asked) < 6 * 3  # not each by itself


def test_an_answer_that_is_old_is_asked_for_again_by_one_of_them() -> None:
    org = Sharing(evolve(ORDERS, name="Aging__e"))
    contract = evolve(CONTRACT, event="Aging__e")
    of = [types(org, contract, ttl=0.4) for _ in range(5)]
    schema = next(iter(org.schemas))
    for one in of:
        one.of(schema)
    asked = len(org.asked)
    time.sleep(0.4)
    for one in of:
        one.of(schema)
    assert asked < len(org.asked) <= asked + 3
