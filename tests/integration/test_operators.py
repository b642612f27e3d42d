"""What operators ask of a worker: everything under /bridge/v1/ of a connector that encrypts, against real parts."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from attrs import define

from bridge.sandbox.org import Org
from bridge.sandbox.registry import Registry
from tests.support.bridge_run import EVENT, Bridge, wait_until
from tests.support.encryption import SECRET, contract
from tests.support.kafka_broker import Broker
from tests.support.kafka_client import create_topic
from tests.support.registry_client import asked
from tests.support.rest_jobs import job
from tests.support.worker_run import Group, Rest

EMAIL = "zdenka@tajemna.example"
GOOD = {"Order_Number__c": "O-1", "Customer_Email__c": EMAIL, "Amount__c": 5.0}


@define
class Stage:
    rest: Rest
    name: str
    topic: str
    config: dict[str, str]
    org: Org
    registry: Registry


@pytest.fixture
def stage(tmp_path: Path, broker: Broker, org: Org, registry: Registry) -> Iterator[Stage]:
    """A connector that encrypts, with two records and a dead letter."""
    bridge = Bridge.of(tmp_path, broker, org)
    dead = create_topic(broker, f"{bridge.name}-dead")
    bridge.settings |= {
        "output.data.format": "AVRO",
        "csfle.enabled": "true",
        "bridge.schema.contract": str(contract(tmp_path, "Customer_Email__c: {tags: [PII]}")),
        "value.converter.schema.registry.url": registry.url,
        "errors.tolerance": "all",
        "errors.deadletterqueue.topic.name": dead,
    }
    config = json.loads(bridge.connector_file().read_text())
    group = Group(tmp_path, broker)
    group.extra = {"rule.executors._default_.param.secret": SECRET}
    org.publish(EVENT, GOOD)
    org.publish(EVENT, GOOD | {"Amount__c": {"not": EMAIL}})
    last = org.publish(EVENT, GOOD)
    with group.worker() as rest:
        assert rest.ask("PUT", f"/connectors/{bridge.name}/config", config).status_code == 201
        rest.wait_state(bridge.name, "RUNNING")

        def committed() -> bool:
            return bool(rest.get(f"/bridge/v1/connectors/{bridge.name}")["replay_id"] == last)

        wait_until(committed, 30, 0.3)
        yield Stage(rest, bridge.name, bridge.topic, config, org, registry)


def one(stage: Stage, what: str, body: Any = None) -> dict[str, Any]:
    told = job(stage.rest, f"/connectors/{stage.name}/{what}", body)
    assert told["state"] == "DONE", told
    assert EMAIL not in json.dumps(told), what
    return told


def test_what_there_is_to_be_known_of_a_connector(stage: Stage) -> None:
    rest, name = stage.rest, stage.name
    row = rest.get(f"/bridge/v1/connectors/{name}")
    assert (row["topic"], row["format"], row["state"]) == (stage.topic, "AVRO", "RUNNING")
    assert row["protected_fields"] == 1
    assert row["dead_letters"] >= 1
    assert 71 < row["window_hours_left"] <= 72

    records = one(stage, "records", {"limit": 5})
    assert [item["value"]["Order_Number__c"] for item in records["items"]] == ["O-1", "O-1"]
    assert records["items"][0]["offset"] > records["items"][1]["offset"], "the newest first"
    assert records["items"][0]["value"]["Customer_Email__c"], "ciphertext"
    assert records["result"]["topics"] == [stage.topic]
    first = one(stage, "records", {"limit": 1, "start": "offset", "partition": 0, "offset": 0})
    assert [item["offset"] for item in first["items"]] == [records["items"][1]["offset"]]
    assert one(stage, "records", {"start": "time", "time": "1h", "limit": 1})["items"] == first["items"]
    other = job(rest, f"/connectors/{name}/records", {"topic": f"{name}-dead"})
    assert (other["state"], other["error"]) == (
        "FAILED",
        f"{name}-dead is no topic of this connector: {stage.topic}",
    )

    (letter,) = one(stage, "letters")["items"]
    assert letter["stage"] == "PARSE"
    assert "Amount__c" in letter["reason"]
    assert (letter["encrypted"], letter["event"]) == (True, None)
    assert letter["headers"]["__connect.errors.connector.name"] == name

    schemas = one(stage, "schemas")
    assert [item["version"] for item in schemas["items"]] == [1]
    (subject,) = schemas["result"]["subjects"]
    (tagged,) = subject["explained"]["fields"]
    assert (tagged["name"], tagged["tags"][0]["tag"]) == ("Customer_Email__c", "PII")
    assert subject["explained"]["seals"]["sealed"] == ["Customer_Email__c"]

    keys = one(stage, "keys")
    assert {item["subject"] for item in keys["items"]} == {f"{stage.topic}-value", f"{name}-dead-value"}
    assert [kek["name"] for kek in keys["result"]["keks"]] == ["sales"]
    verified = one(stage, "keys/verify")
    assert verified["result"] == {"ok": True, "broken": 0}

    previewed = one(stage, "preview", {"max_events": 3, "explain": True, "until_idle": 2})
    assert len(previewed["items"]) == 3
    assert previewed["items"][0]["masked"] == ["Customer_Email__c"]

    checks = one(stage, "checks")
    assert checks["result"]["failed"] == 0, checks
    assert {"salesforce login", "kafka", "schema registry", "keys"} <= {
        item["name"] for item in checks["items"]
    }

    moment = one(stage, "moment", {"at": "1s"})
    assert moment["result"]["replay_id"] > 0, moment
    assert moment["result"]["before"]

    lines = rest.get(f"/bridge/v1/connectors/{name}/logs")["lines"]
    assert any("was passed over" in line["message"] for line in lines)
    (worker,) = rest.get("/bridge/v1/workers")["workers"]
    assert (worker["leads"], worker["connectors"], worker["answered"]) == (True, [name], True)
    assert worker["memory_bytes"] > 10_000_000
    what_is_typed_is_checked_and_previewed(stage)
    schemas_differ_in_words(stage)


def schemas_differ_in_words(stage: Stage) -> None:
    path = f"/subjects/{stage.topic}-value/versions"
    latest = asked(stage.registry, f"{path}/latest")
    document = json.loads(latest["schema"])
    document["fields"].append({"name": "Coupon__c", "type": ["null", "string"], "default": None})
    body = {
        "schema": json.dumps(document),
        "metadata": latest.get("metadata"),
        "ruleSet": latest.get("ruleSet"),
    }
    asked(stage.registry, path, body)
    items = one(stage, "schemas", {"texts": True})["items"]
    assert [item["version"] for item in items] == [1, 2]
    assert items[1]["changes"] == [
        {"path": "Coupon__c", "what": "Coupon__c (string) is new", "breaks": "nobody", "breaking": False}
    ]
    assert "Coupon__c" in items[1]["text"]


def what_is_typed_is_checked_and_previewed(stage: Stage) -> None:
    """Masks stand for what is stored under its name, as long as they go where they went."""
    rest = stage.rest
    masked = rest.get(f"/connectors/{stage.name}/config")
    assert set(masked["salesforce.password"]) == {"*"}
    told = job(rest, "/checks", {"config": masked})
    assert (told["state"], told["result"]["failed"]) == ("DONE", 0), told
    told = job(rest, "/preview", {"config": masked, "max_events": 1})
    assert len(told["items"]) == 1
    assert EMAIL not in json.dumps(told)
    elsewhere = {**masked, "salesforce.instance": "https://127.0.0.1:1"}
    answer = rest.ask("POST", "/bridge/v1/checks", {"config": elsewhere})
    assert answer.status_code == 400
    assert "salesforce.password must be given again because salesforce.instance changed" in answer.text
    wrong = job(rest, "/checks", {"config": {**masked, "output.data.format": "XML"}})
    assert (wrong["state"], "output.data.format" in wrong["error"]) == ("FAILED", True)
