"""The event changes while it is carried: no event in the wrong schema, nothing lost, also across a SIGKILL."""

import json
import random
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve

from bridge.errors import Fatal
from bridge.sandbox import samples
from bridge.sandbox.definition import EventDefinition, FieldDefinition
from bridge.sandbox.org import Org
from bridge.sandbox.registry import Registry
from tests.support.bridge_run import EVENT, WIDER, Bridge, running, wait_until
from tests.support.kafka_broker import Broker
from tests.support.kafka_client import create_topic, read
from tests.support.registry_client import asked, decoded

OLD = samples.ORDER_PLACED
NARROWER = OLD.without_field("Notes__c")
RETYPED = OLD.with_field(FieldDefinition("Amount__c", "string", length=20))


@pytest.fixture
def bridge(tmp_path: Path, broker: Broker, org: Org, registry: Registry) -> Bridge:
    bridge = Bridge.of(tmp_path, broker, org)
    bridge.settings["output.data.format"] = "AVRO"
    bridge.worker["schema.registry.url"] = registry.url
    return bridge


def versions(bridge: Bridge, registry: Registry) -> list[int]:
    found: list[int] = asked(registry, f"/subjects/{bridge.topic}-value/versions")
    return found


class Changes:
    """Publishes in whichever definition, and remembers what every event was published with."""

    def __init__(self, org: Org) -> None:
        self._org = org
        self.published: list[tuple[int, str, dict[str, Any]]] = []

    def publish(self, definition: EventDefinition, **payload: Any) -> None:
        schema_id = self._org.define(definition)
        payload = {"Order_Number__c": f"O-{len(self.published)}", **payload}
        self.published.append((self._org.publish(EVENT, payload), schema_id, payload))

    def check(self, values: list[Any]) -> None:
        """Every event once, in order, in the schema it was published with."""
        assert [int(value["ReplayId"]) for value in values] == [
            replay_id for replay_id, _, _ in self.published
        ]
        for value, (_, schema_id, payload) in zip(values, self.published, strict=True):
            assert value["_EventType"] == schema_id
            assert {name: value[name] for name in payload} == payload


@pytest.mark.timeout(180)
def test_both_schemas_interleaved_around_the_change_and_a_kill(
    bridge: Bridge, org: Org, registry: Registry, tmp_path: Path
) -> None:
    dice, changes = random.Random(7), Changes(org)

    def some(count: int, *definitions: EventDefinition) -> None:
        for _ in range(count):
            definition = dice.choice(definitions)
            extra = {"Coupon__c": f"C{dice.random()}"} if definition is WIDER else {}
            changes.publish(definition, **extra)

    log = tmp_path / "bridge.log"
    create_topic(bridge.broker, bridge.offsets, config={"cleanup.policy": "compact"})
    some(20, OLD)
    for _ in range(2):
        process = bridge.spawn(log=log)
        try:
            some(40, OLD, WIDER, NARROWER)
            wait_until(lambda: bridge.position() is not None, 60, 0.1)
            some(40, OLD, WIDER, NARROWER)
        finally:
            process.kill()
            process.wait(20)
    some(10, WIDER, OLD)
    last = {"replayId": changes.published[-1][0]}
    process = bridge.spawn(log=log)
    try:
        wait_until(lambda: bridge.position() == last, 60, 0.2)
    finally:
        process.terminate()
        assert process.wait(30) == 0, log.read_text()
    changes.check(decoded(bridge, registry))
    assert len(versions(bridge, registry)) == 2


@pytest.mark.parametrize("form", ["AVRO", "JSON_SR", "PROTOBUF"])
def test_an_incompatible_change_stops_with_the_difference(
    bridge: Bridge, org: Org, registry: Registry, form: str
) -> None:
    bridge.settings["output.data.format"] = form
    changes = Changes(org)
    for number in range(5):
        changes.publish(OLD, Amount__c=number + 0.5)
    org.define(RETYPED)
    refused = org.publish(EVENT, {"Order_Number__c": "O-x", "Amount__c": "much"})
    connector = bridge.run()
    assert isinstance(connector.error, Fatal)
    assert "Amount__c" in connector.error.message
    assert any(word in connector.error.message for word in ("string", "number", "double"))
    if form == "AVRO":
        changes.check(decoded(bridge, registry))
    assert bridge.position() == {"replayId": changes.published[-1][0]}
    assert changes.published[-1][0] < refused
    assert versions(bridge, registry) == [1]


@pytest.mark.parametrize("form", ["JSON_SR", "PROTOBUF"])
def test_a_new_field_in_the_other_formats(bridge: Bridge, org: Org, registry: Registry, form: str) -> None:
    bridge.settings["output.data.format"] = form
    changes = Changes(org)
    for definition in (OLD, WIDER, OLD, NARROWER, WIDER):
        changes.publish(definition, **({"Coupon__c": "TEN"} if definition is WIDER else {}))
    connector = bridge.run(max_events=5)
    assert connector.error is None
    assert versions(bridge, registry) == [1, 2]
    first, second = (
        asked(registry, f"/subjects/{bridge.topic}-value/versions/{n}")["schema"] for n in (1, 2)
    )
    if form == "PROTOBUF":
        kept = [line for line in first.splitlines() if " = " in line]
        assert all(line in second.splitlines() for line in kept), "numbers are for ever"
        assert "Coupon__c = 19;" in second
    else:
        assert set(json.loads(second)["properties"]) - set(json.loads(first)["properties"]) == {"Coupon__c"}
        assert asked(registry, f"/config/{bridge.topic}-value")["compatibilityPolicy"] == "LENIENT"


def test_a_version_that_the_registry_refuses_stops_with_the_difference(
    bridge: Bridge, org: Org, registry: Registry
) -> None:
    schema = {"type": "record", "name": EVENT, "fields": [{"name": "Status__c", "type": ["null", "string"]}]}
    asked(registry, f"/subjects/{bridge.topic}-value/versions", {"schema": json.dumps(schema)})
    asked(registry, f"/config/{bridge.topic}-value", {"compatibility": "FORWARD"}, method="PUT")
    later = {**schema, "fields": [{"name": "Must__c", "type": "string"}, *schema["fields"]]}
    asked(registry, f"/subjects/{bridge.topic}-value/versions", {"schema": json.dumps(later)})
    asked(registry, f"/config/{bridge.topic}-value", {"compatibility": "BACKWARD"}, method="PUT")
    org.publish_many(EVENT, 1)
    connector = bridge.run()
    assert isinstance(connector.error, Fatal)
    assert "Must__c" in connector.error.message
    assert bridge.position() is None


def test_incompatible_events_become_dead_letters_and_the_others_go_on(
    bridge: Bridge, org: Org, registry: Registry
) -> None:
    bridge.settings |= {
        "bridge.schema.on.incompatible": "dead_letter",
        "errors.deadletterqueue.topic.name": f"{bridge.topic}-dead",
        "errors.deadletterqueue.topic.replication.factor": "1",
    }
    changes = Changes(org)
    for number in range(12):
        changes.publish(OLD, Amount__c=number + 0.5)
        org.define(RETYPED)
        org.publish(EVENT, {"Order_Number__c": f"X-{number}", "Amount__c": "much"})
    bridge.run(max_events=24)
    changes.check(decoded(bridge, registry))
    letters = read(bridge.broker, f"{bridge.topic}-dead")
    assert [json.loads(m.value())["Order_Number__c"] for m in letters] == [f"X-{n}" for n in range(12)]
    headers = dict(letters[0].headers() or ())
    assert b"Amount__c" in headers["__connect.errors.exception.message"]


def test_a_changed_classification_is_followed_while_running(
    bridge: Bridge, org: Org, registry: Registry, tmp_path: Path
) -> None:
    contract = tmp_path / "contract.yaml"
    contract.write_text(
        f"event: {EVENT}\nclassification: {{complianceGroup: {{PII: PII}}}}\nfields: {{Notes__c: {{tags: [OWN]}}}}\n"
        "metadata: {properties: {owner: sales}}\n"
    )
    bridge.settings |= {
        "bridge.schema.contract": str(contract),
        "bridge.schema.latest.ttl.ms": "300",
        "bridge.schema.metadata.tags": "true",
    }
    with running(bridge) as connector:
        org.publish(EVENT, {"Order_Number__c": "O-1"})
        wait_until(lambda: connector.stats.events_delivered == 1)
        first = asked(registry, f"/subjects/{bridge.topic}-value/versions/1")
        status = evolve(next(f for f in OLD.fields if f.name == "Status__c"), compliance_group="PII")
        org.define(OLD.with_field(status))

        def followed() -> bool:
            org.publish(EVENT, {"Order_Number__c": "O-2"})
            return len(versions(bridge, registry)) == 2

        wait_until(followed, 20, 0.2)
    assert first["metadata"]["properties"] == {"owner": "sales"}
    assert first["metadata"]["tags"][f"io.confluent.salesforce.{EVENT}.Notes__c"] == ["OWN"]
    tags = {
        f["name"]: f["confluent:tags"] for f in json.loads(first["schema"])["fields"] if "confluent:tags" in f
    }
    assert (tags["Customer_Email__c"], tags["Notes__c"], "Status__c" in tags) == (["PII"], ["OWN"], False)
    second = asked(registry, f"/subjects/{bridge.topic}-value/versions/2")
    grown = {f["name"]: f.get("confluent:tags") for f in json.loads(second["schema"])["fields"]}
    assert grown["Status__c"] == ["PII"]
    assert second["metadata"]["tags"][f"io.confluent.salesforce.{EVENT}.Status__c"] == ["PII"]
    assert second["metadata"]["properties"] == first["metadata"]["properties"]
