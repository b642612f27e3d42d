"""``validate --online``: each check against a simulated org, a real broker and the embedded registry."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
import requests
from confluent_kafka.admin import AclOperation, AdminClient, ResourceType

from bridge.cli.main import main
from bridge.inspection.configuration import load
from bridge.inspection.online import Check, checks
from bridge.sandbox.org import Org
from bridge.sandbox.registry import Registry
from tests.support.bridge_run import EVENT, Bridge, running, wait_until
from tests.support.kafka_broker import Broker
from tests.support.kafka_client import allow, create_topic, unique
from tests.support.kafka_config import BRIDGE


@pytest.fixture
def bridge(tmp_path: Path, broker: Broker, org: Org) -> Bridge:
    return Bridge.of(tmp_path, broker, org)


def check(bridge: Bridge) -> dict[str, Check]:
    found = list(checks(load(bridge.connector_file(), bridge.worker_file())))
    assert all("\n" not in one.message and one.message for one in found)
    return {one.name: one for one in found}


def failed(bridge: Bridge) -> dict[str, str]:
    return {name: one.message for name, one in check(bridge).items() if one.ok is False}


def test_all_well_and_nothing_changed(bridge: Bridge) -> None:
    admin = AdminClient(bridge.broker.client())
    before = set(admin.list_topics(timeout=20).topics)
    found = check(bridge)
    assert {name: one.ok for name, one in found.items() if not one.ok} == {}
    assert bridge.topic in found["output topic"].message
    assert "-validate" in found["exactly-once"].message
    made = set(admin.list_topics(timeout=20).topics) - before
    assert bridge.offsets not in made


def test_a_running_connector_is_not_fenced(bridge: Bridge, org: Org) -> None:
    with running(bridge) as connector:
        wait_until(lambda: connector.state == "RUNNING")
        assert failed(bridge) == {}
        org.publish(EVENT, {"Order_Number__c": "O-1"})
        wait_until(lambda: connector.stats.events_delivered == 1)
        assert connector.state == "RUNNING"


def test_wrong_case_of_the_event(bridge: Bridge) -> None:
    bridge.settings["salesforce.platform.event.name"] = EVENT.lower()
    found = check(bridge)
    assert found["event"].ok is False
    assert EVENT in found["event"].message
    assert found["subscription"].ok is None


def test_refused_login_is_told_and_the_rest_still_tried(bridge: Bridge) -> None:
    bridge.settings["salesforce.password"] = "not-the-password"
    found = check(bridge)
    assert found["salesforce login"].ok is False
    assert "not-the-password" not in found["salesforce login"].message
    assert found["event"].ok is None
    assert found["output topic"].ok is True


def test_missing_topic_and_forgetful_positions(bridge: Bridge) -> None:
    bridge.worker["offset.storage.topic"] = create_topic(bridge.broker, unique("positions"))
    bridge.topic += "-x"
    found = failed(bridge)
    assert set(found) == {"output topic", "offsets topic"}
    assert "topic.creation.default" in found["output topic"]
    assert "cleanup.policy" in found["offsets topic"]


def test_unreachable_broker(bridge: Bridge) -> None:
    bridge.worker |= {"bootstrap.servers": "127.0.0.1:1", "security.protocol": "PLAINTEXT"}
    started = time.monotonic()
    found = check(bridge)
    assert found["kafka"].ok is False
    assert found["output topic"].ok is None
    assert time.monotonic() - started < 20


def test_missing_rights(tmp_path: Path, secured_broker: Broker, org: Org) -> None:
    bridge = Bridge.of(tmp_path, secured_broker, org)
    bridge.worker["group.id"] = unique("team")
    create_topic(secured_broker, bridge.offsets, config={"cleanup.policy": "compact"})
    everything = (AclOperation.READ, AclOperation.WRITE)
    allow(secured_broker, BRIDGE, ResourceType.TOPIC, bridge.offsets, *everything)
    found = failed(bridge)
    assert set(found) == {"output topic", "exactly-once"}
    assert "ACL" in found["output topic"]
    assert "exactly.once.source.support" in found["exactly-once"]
    allow(secured_broker, BRIDGE, ResourceType.TOPIC, bridge.topic, AclOperation.WRITE)
    name = f"{bridge.worker['group.id']}*"
    allow(
        secured_broker, BRIDGE, ResourceType.TRANSACTIONAL_ID, name, AclOperation.WRITE, AclOperation.DESCRIBE
    )
    assert failed(bridge) == {}


def test_registry(bridge: Bridge, org: Org) -> None:
    bridge.settings["output.data.format"] = "AVRO"
    with Registry() as registry:
        bridge.worker["schema.registry.url"] = registry.url
        found = check(bridge)
        assert found["schema registry"].ok is True
        assert f"{bridge.topic}-value has no schema yet" in found["schema"].message
        bridge.settings["value.converter.auto.register.schemas"] = "false"
        assert "auto.register.schemas is false" in failed(bridge)["schema"]
        del bridge.settings["value.converter.auto.register.schemas"]
        org.publish(EVENT, {"Order_Number__c": "O-1"})
        bridge.run(max_events=1)
        assert check(bridge)["schema"].message == f"{bridge.topic}-value version 1 covers the event"
    found = check(bridge)
    assert found["schema registry"].ok is False
    assert "password" not in found["schema registry"].message


def test_command(bridge: Bridge, capsys: pytest.CaptureFixture[str]) -> None:
    files = [str(bridge.connector_file()), "--worker", str(bridge.worker_file())]
    assert main(["validate", *files, "--online"]) == 0
    assert "ok       exactly-once: transactional id" in capsys.readouterr().out
    bridge.topic += "-x"
    bridge.connector_file()
    assert main(["validate", *files, "--online"]) == 1
    last = capsys.readouterr().err.splitlines()[-1]
    assert "output topic" in last


def test_every_field_that_somebody_names_and_the_event_has_not(bridge: Bridge, tmp_path: Path) -> None:
    contract = tmp_path / "contract.yaml"
    contract.write_text(f"event: {EVENT}\nfields: {{Customer_Emial__c: {{tags: [PII]}}}}\n")
    bridge.settings |= {
        "kafka.topic": "new.${Ordr_Number__c}",
        "bridge.record.key": "field:Ordr_Number__c",
        "bridge.schema.contract": str(contract),
    }
    said = failed(bridge)["fields"]
    assert said.count("did you mean Order_Number__c?") == 2
    for key in ("fields.Customer_Emial__c", "kafka.topic", "bridge.record.key"):
        assert f"{key}: " in said


def test_a_protected_field_that_would_get_out(bridge: Bridge, tmp_path: Path) -> None:
    """A run refuses it at its first event."""
    contract = tmp_path / "contract.yaml"
    contract.write_text(
        f"event: {EVENT}\nfields: {{Customer_Email__c: {{tags: [PII]}}}}\n"
        "rules: [{name: p, type: ENCRYPT, tags: [PII], "
        "params: {encrypt.kek.name: k, encrypt.kms.type: local-kms, encrypt.kms.key.id: k}}]\n"
    )
    with Registry() as registry:
        bridge.worker["schema.registry.url"] = registry.url
        bridge.settings |= {
            "output.data.format": "AVRO",
            "csfle.enabled": "true",
            "rule.executors._default_.param.secret": "a-secret-of-tests",
            "bridge.schema.contract": str(contract),
        }
        assert "p: AES256_GCM under local-kms k" in check(bridge)["keys"].message
        assert failed(bridge) == {}
        bridge.settings["bridge.record.key"] = "field:Customer_Email__c"
        assert "into the key" in failed(bridge)["keys"]


ANSWER = "application/vnd.schemaregistry.v1+json"


def test_what_is_registered_and_does_not_let_the_event_be_written(bridge: Bridge) -> None:
    """A run ends with each of them at its first event."""
    with Registry() as registry:
        bridge.worker["schema.registry.url"] = registry.url
        bridge.settings["output.data.format"] = "AVRO"

        def registered(type_: str, more: dict[str, object] | None = None) -> str:
            bridge.topic = create_topic(bridge.broker, unique("orders"))
            fields = [{"name": "Order_Number__c", "type": type_}]
            schema = json.dumps({"type": "record", "name": "R", "fields": fields})
            body = {"schema": schema, **(more or {})}
            path = f"{registry.url}/subjects/{bridge.topic}-value/versions"
            answer = requests.post(path, json=body, headers={"Content-Type": ANSWER}, timeout=20)
            assert answer.status_code == 200, answer.text
            return failed(bridge).get("schema", "")

        bridge.settings["value.converter.auto.register.schemas"] = "false"
        assert "lacks" in registered("string")
        bridge.settings["value.converter.latest.compatibility.strict"] = "false"
        assert registered("string") == ""
        assert "Order_Number__c" in registered("int")
        rule = {"name": "p", "kind": "TRANSFORM", "mode": "WRITEREAD", "type": "ENCRYPT", "tags": ["PII"]}
        assert "ENCRYPT rules" in registered("string", {"ruleSet": {"domainRules": [rule]}})
        bridge.settings["bridge.csfle.allow.plaintext"] = "true"
        assert registered("string", {"ruleSet": {"domainRules": [rule]}}) == ""


def test_a_compacted_topic_takes_records_with_keys(bridge: Bridge) -> None:
    bridge.topic = create_topic(bridge.broker, unique("keyed"), config={"cleanup.policy": "compact"})
    assert "have no key" in failed(bridge)["output topic"]
    bridge.settings["bridge.record.key"] = "event_uuid"
    assert failed(bridge) == {}


def test_a_position_of_another_org(bridge: Bridge, org: Org) -> None:
    """A run refuses it before its first event."""
    org.publish_many(EVENT, 2)
    bridge.run(max_events=2)
    assert "the position is replay id" in check(bridge)["offsets topic"].message
    org.refresh()
    # The first one may still have the token of before, if its login was not collected yet.
    assert "sfbridge offsets reset" in " ".join(failed(bridge).values())
    assert "belongs to org" in failed(bridge)["offsets topic"]
