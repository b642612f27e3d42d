"""A field that is added while a connector runs: nothing of it is written before its classification is known."""

import logging
from pathlib import Path
from typing import Any

import pytest

from bridge.errors import Fatal
from bridge.languages.tagging import tags_in
from bridge.sandbox import samples
from bridge.sandbox.definition import EventDefinition, FieldDefinition
from bridge.sandbox.org import Org
from bridge.sandbox.registry import Registry
from tests.support.bridge_run import EVENT, Bridge, running, wait_until
from tests.support.encryption import PARAMS, RULE, SECRET
from tests.support.kafka_broker import Broker
from tests.support.kafka_client import read
from tests.support.registry_client import asked

TAX = FieldDefinition("Tax_Id__c", "string", length=40, compliance_group="PII")
SALARY = FieldDefinition("Salary__c", "double", compliance_group="PII")
NUMBER, PAY = "CZ-7701011234", 91827.5
FORMS = ["AVRO", "JSON_SR", "PROTOBUF"]


@pytest.fixture
def bridge(tmp_path: Path, broker: Broker, org: Org, registry: Registry) -> Bridge:
    contract = tmp_path / "contract.yaml"
    rule = RULE % (PARAMS % "")
    contract.write_text(
        f"event: {EVENT}\nclassification: {{complianceGroup: {{PII: PII}}}}\nrules: [{rule}]\notherwise: fail\n"
    )
    bridge = Bridge.of(tmp_path, broker, org)
    bridge.settings |= {"csfle.enabled": "true", "bridge.schema.contract": str(contract)}
    bridge.worker |= {"schema.registry.url": registry.url, "rule.executors._default_.param.secret": SECRET}
    return bridge


def written(bridge: Bridge) -> list[bytes]:
    return [message.value() or b"" for message in read(bridge.broker, bridge.topic)]


def versions(bridge: Bridge, registry: Registry) -> list[dict[str, Any]]:
    subject = f"/subjects/{bridge.topic}-value/versions"
    return [asked(registry, f"{subject}/{number}") for number in asked(registry, subject)]


def add(org: Org, *fields: FieldDefinition) -> None:
    definition: EventDefinition = samples.ORDER_PLACED
    for field in fields:
        definition = definition.with_field(field)
    org.define(definition)


@pytest.mark.parametrize("form", FORMS)
def test_a_text_added_while_running_is_encrypted_from_its_first_event_on(
    bridge: Bridge, org: Org, registry: Registry, form: str, caplog: pytest.LogCaptureFixture
) -> None:
    bridge.settings["output.data.format"] = form
    with running(bridge) as connector, caplog.at_level(logging.WARNING):
        org.publish(EVENT, {"Order_Number__c": "O-1"})
        wait_until(lambda: connector.stats.events_delivered == 1)
        org.hide_classification(EVENT, TAX.name)
        add(org, TAX)
        org.publish(EVENT, {"Order_Number__c": "O-2", TAX.name: NUMBER})
        wait_until(lambda: "how Tax_Id__c of Order_Placed__e is classified; trying again" in caplog.text)
        assert len(written(bridge)) == len(versions(bridge, registry)) == 1, "no route before it is known"
        org.show_classification(EVENT, TAX.name)
        wait_until(lambda: connector.stats.events_delivered == 2, 30)
    first, second = versions(bridge, registry)
    assert TAX.name not in first["schema"]
    assert TAX.name in second["schema"]
    type_ = second.get("schemaType", "AVRO")
    assert "PII" in tags_in(second["schema"], type_, second.get("metadata")).fields[TAX.name]
    assert len(written(bridge)) == 2
    assert not any(NUMBER.encode() in value for value in written(bridge))


@pytest.mark.parametrize("form", FORMS)
def test_a_number_added_while_running_stops_where_it_cannot_be_encrypted(
    bridge: Bridge, org: Org, registry: Registry, form: str
) -> None:
    bridge.settings["output.data.format"] = form
    with running(bridge) as connector:
        org.publish(EVENT, {"Order_Number__c": "O-1"})
        wait_until(lambda: connector.stats.events_delivered == 1)
        add(org, TAX, SALARY)
        org.publish(EVENT, {"Order_Number__c": "O-2", TAX.name: NUMBER, SALARY.name: PAY})
        assert connector.join(30)
    assert isinstance(connector.error, Fatal)
    assert "Salary__c" in connector.error.message
    assert len(written(bridge)) == len(versions(bridge, registry)) == 1


def test_what_does_not_become_known_stops_with_its_name(bridge: Bridge, org: Org, registry: Registry) -> None:
    bridge.settings |= {
        "output.data.format": "AVRO",
        "errors.retry.timeout": "1000",
        "errors.tolerance": "all",
    }
    with running(bridge) as connector:
        org.publish(EVENT, {"Order_Number__c": "O-1"})
        wait_until(lambda: connector.stats.events_delivered == 1)
        org.hide_classification(EVENT, TAX.name)
        add(org, TAX)
        org.publish(EVENT, {"Order_Number__c": "O-2", TAX.name: NUMBER})
        assert connector.join(30)
    assert isinstance(connector.error, Fatal)
    assert "Tax_Id__c" in connector.error.message
    assert "errors.retry.timeout" in connector.error.message
    assert NUMBER not in connector.error.message
    assert len(written(bridge)) == len(versions(bridge, registry)) == 1


@pytest.mark.parametrize("otherwise", ["fail", "string"])
def test_retained_events_with_a_field_that_is_gone_are_protected_with_every_mapped_tag(
    bridge: Bridge, org: Org, registry: Registry, otherwise: str
) -> None:
    contract = Path(bridge.settings["bridge.schema.contract"])
    contract.write_text(contract.read_text().replace("otherwise: fail", f"otherwise: {otherwise}"))
    bridge.settings["output.data.format"] = "AVRO"
    add(org, TAX, SALARY)
    org.publish(EVENT, {"Order_Number__c": "O-1", TAX.name: NUMBER, SALARY.name: PAY})
    org.define(samples.ORDER_PLACED)
    org.publish(EVENT, {"Order_Number__c": "O-2"})
    connector = bridge.run(max_events=2)
    if otherwise == "fail":
        assert isinstance(connector.error, Fatal)
        assert "Salary__c" in connector.error.message
        assert written(bridge) == []
    else:
        assert connector.error is None, connector.error
        assert connector.stats.fields_encrypted >= 4
        assert not any(NUMBER.encode() in value for value in written(bridge))
