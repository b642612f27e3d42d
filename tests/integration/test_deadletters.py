"""``sfbridge deadletters`` against a simulated org and a real broker: looked at, replayed, each exactly once."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest
from confluent_kafka import Producer
from confluent_kafka.admin import AclOperation, AdminClient, ResourceType

from bridge.cli.main import main
from bridge.errors import BadRecord, Stage
from bridge.event import Data, Head
from bridge.kafka.dead_letter import DeadLetters, came_with
from bridge.sandbox.org import Org
from bridge.sandbox.registry import Registry
from tests.support.bridge_run import EVENT, Bridge, running, wait_until
from tests.support.encryption import SECRET, contract
from tests.support.kafka_broker import Broker
from tests.support.kafka_client import allow, allow_connector, create_topic, forbid, read
from tests.support.kafka_config import BRIDGE

CAST = {
    "transforms": "c",
    "transforms.c.type": "org.apache.kafka.connect.transforms.Cast$Value",
    "transforms.c.spec": "Order_Number__c:int32",
}


def with_letters(bridge: Bridge) -> Bridge:
    bridge.settings |= {
        "errors.tolerance": "all",
        "errors.deadletterqueue.topic.name": f"{bridge.name}-dead",
        "errors.deadletterqueue.topic.replication.factor": "1",
    }
    return bridge


@pytest.fixture
def bridge(tmp_path: Path, broker: Broker, org: Org) -> Bridge:
    return with_letters(Bridge.of(tmp_path, broker, org))


def publish(org: Org, *numbers: str) -> None:
    for number in numbers:
        org.publish(EVENT, {"Order_Number__c": number, "Customer_Email__c": "a@example.com"})


def put_aside(bridge: Bridge, *numbers: str) -> None:
    """Letters as a connector would have written them whose Cast failed."""
    letters = DeadLetters(f"{bridge.name}-dead", bridge.name, bridge.topic)
    producer = Producer(bridge.broker.client())
    for place, number in enumerate(numbers):
        raw = json.dumps({"Order_Number__c": number}).encode()
        data = Data(msgspec.Raw(raw), Head(1000 + place, f"uuid-{place}"), None)
        error = BadRecord("no number", stage=Stage.TRANSFORMATION, position=1000 + place)
        producer.produce(*letters.record(raw, error, came_with(data, f"/event/{EVENT}")))
        producer.poll(0)
    assert producer.flush(30) == 0


def command(bridge: Bridge, action: str, *more: str) -> list[str]:
    files = [str(bridge.connector_file()), "--worker", str(bridge.worker_file())]
    return ["deadletters", action, files[0], *more, *files[1:], "-o", "json"]


def told(bridge: Bridge, capsys: pytest.CaptureFixture[str], action: str, *more: str) -> tuple[int, Any, str]:
    capsys.readouterr()
    code = main(command(bridge, action, *more))
    out, err = capsys.readouterr()
    return code, json.loads(out or "null"), err


def without_cast(bridge: Bridge) -> None:
    for key in CAST:
        bridge.settings.pop(key)


def test_listed_shown_and_carried_by_another_configuration(
    bridge: Bridge, org: Org, capsys: pytest.CaptureFixture[str]
) -> None:
    bridge.settings |= CAST
    publish(org, "1", "none", "3", "nothing")
    assert bridge.run(max_events=4).error is None
    code, letters, _ = told(bridge, capsys, "list")
    assert code == 0
    assert [(one["stage"], one["replayed"]) for one in letters] == [("TRANSFORMATION", False)] * 2
    assert all(one["schema"] and one["event_uuid"] and one["connector"] == bridge.name for one in letters)
    first, second = (f"{one['partition']}:{one['offset']}" for one in letters)
    dead = [f"{bridge.name}-dead", "--worker", str(bridge.worker_file()), "--from-beginning"]
    assert main(["consume", *dead, "--max-events", "1"]) == 0
    assert f"(put aside: TRANSFORMATION: {letters[0]['reason']})" in capsys.readouterr().out
    assert "field Order_Number__c: " in letters[0]["reason"]
    _, shown, _ = told(bridge, capsys, "show", second)
    assert shown["event"]["Order_Number__c"] == "nothing"
    assert shown["reason"] == letters[1]["reason"]

    code, outcome, err = told(bridge, capsys, "replay")  # as the configuration is, they fail again
    assert (code, outcome["replayed"], len(outcome["failed"])) == (1, 0, 2)
    assert "letter " + first in err
    assert "2 letters still cannot be carried" in err.splitlines()[-1]

    without_cast(bridge)
    code, outcome, _ = told(bridge, capsys, "replay", second)
    assert (code, outcome["replayed"], outcome["topics"]) == (0, 1, {bridge.topic: 1})
    _, letters, _ = told(bridge, capsys, "list")
    assert [one["offset"] for one in letters] == [int(first.partition(":")[2])]
    _, letters, _ = told(bridge, capsys, "list", "--all")
    assert [one["replayed"] for one in letters] == [False, True]
    _, outcome, _ = told(bridge, capsys, "replay")
    assert (outcome["replayed"], outcome["replayed_before"]) == (1, 1)
    found = bridge.values()
    assert [one["Order_Number__c"] for one in found] == [1, 3, "nothing", "none"]
    assert [one["ReplayId"] for one in found[2:]] == [str(shown["replay_id"]), str(letters[0]["replay_id"])]
    assert found[2]["EventUuid"] == shown["event_uuid"]


def test_a_dry_run_writes_nothing(bridge: Bridge, org: Org, capsys: pytest.CaptureFixture[str]) -> None:
    bridge.settings |= CAST
    publish(org, "1")
    assert bridge.run(max_events=1).error is None
    put_aside(bridge, "2", "none")
    code, documents, _ = told(bridge, capsys, "replay", "--dry-run")
    assert code == 0
    assert documents[0]["record"]["value"]["Order_Number__c"] == 2
    assert documents[1]["becomes"].startswith("cannot be carried (TRANSFORMATION)")
    assert len(bridge.values()) == 1
    assert len(told(bridge, capsys, "list")[1]) == 2


def test_killed_in_the_middle_each_is_carried_once(
    bridge: Bridge, org: Org, capsys: pytest.CaptureFixture[str]
) -> None:
    publish(org, "first")
    assert bridge.run(max_events=1).error is None
    numbers = [f"O-{number}" for number in range(20_000)]
    put_aside(bridge, *numbers)
    replay = subprocess.Popen(
        [sys.executable, "-m", "bridge", *command(bridge, "replay")],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    wait_until(lambda: len(read(bridge.broker, bridge.topic)) > 1 or replay.poll() is not None, 60, 0)
    replay.send_signal(signal.SIGKILL)
    replay.wait(30)
    by_then = len(read(bridge.broker, bridge.topic)) - 1
    code, outcome, err = told(bridge, capsys, "replay")
    assert (code, outcome["failed"]) == (0, []), err
    assert 0 < by_then < len(numbers), "it was not killed in the middle"
    assert outcome["replayed"] + outcome["replayed_before"] == len(numbers)
    assert [one["Order_Number__c"] for one in bridge.values()] == ["first", *numbers]


def test_a_running_connector_runs_on(bridge: Bridge, org: Org, capsys: pytest.CaptureFixture[str]) -> None:
    publish(org, "1")
    with running(bridge) as connector:
        wait_until(lambda: connector.stats.events_delivered == 1)
        put_aside(bridge, "2", "3")
        assert told(bridge, capsys, "replay")[1]["replayed"] == 2
        publish(org, "4")
        wait_until(lambda: connector.stats.events_delivered == 2)
        assert (connector.stats.restarts, connector.error) == (0, None)
    assert [one["Order_Number__c"] for one in bridge.values()] == ["1", "2", "3", "4"]


def test_a_topic_made_anew_has_no_replayed_letters(
    bridge: Bridge, org: Org, capsys: pytest.CaptureFixture[str]
) -> None:
    dead = create_topic(bridge.broker, f"{bridge.name}-dead")
    bridge.worker["exactly.once.source.support"] = "disabled"  # of the connector: a replay is exactly once
    put_aside(bridge, "1")
    assert told(bridge, capsys, "replay")[1]["replayed"] == 1
    assert told(bridge, capsys, "list")[1] == []
    admin = AdminClient(bridge.broker.client())
    admin.delete_topics([dead])[dead].result(30)
    wait_until(lambda: dead not in admin.list_topics(timeout=10).topics)
    create_topic(bridge.broker, dead)
    put_aside(bridge, "2")
    assert len(told(bridge, capsys, "list")[1]) == 1


def test_letters_that_are_encrypted_whole(
    bridge: Bridge, org: Org, registry: Registry, capsys: pytest.CaptureFixture[str]
) -> None:
    fields = "Customer_Email__c: {tags: [PII]}"
    bridge.settings |= {"output.data.format": "AVRO", "csfle.enabled": "true", **CAST}
    bridge.settings["bridge.schema.contract"] = str(contract(bridge.directory, fields))
    bridge.worker |= {"schema.registry.url": registry.url, "rule.executors._default_.param.secret": SECRET}
    publish(org, "none")
    assert bridge.run(max_events=1).error is None
    (letter,) = told(bridge, capsys, "list")[1]
    assert letter["encrypted"]
    place = f"{letter['partition']}:{letter['offset']}"
    _, shut, _ = told(bridge, capsys, "show", place)
    assert (shut["event"], "--decrypt" in shut["note"]) == (None, True)
    _, opened, _ = told(bridge, capsys, "show", place, "--decrypt")
    assert opened["event"]["Customer_Email__c"] == "a@example.com"
    without_cast(bridge)
    assert told(bridge, capsys, "replay")[1]["replayed"] == 1
    (record,) = read(bridge.broker, bridge.topic)
    assert b"a@example.com" not in (record.value() or b"")
    where = [bridge.topic, "--worker", str(bridge.worker_file()), "--from-beginning", "--max-events", "1"]
    assert main(["consume", *where, "--decrypt", "-o", "ndjson"]) == 0
    assert json.loads(capsys.readouterr().out)["value"]["Customer_Email__c"] == "a@example.com"


def test_a_missing_right_is_named(
    tmp_path: Path, secured_broker: Broker, org: Org, capsys: pytest.CaptureFixture[str]
) -> None:
    bridge = with_letters(Bridge.of(tmp_path, secured_broker, org))
    dead = create_topic(secured_broker, f"{bridge.name}-dead")
    create_topic(secured_broker, bridge.offsets, config={"cleanup.policy": "compact"})
    put_aside(bridge, "1")
    group = f"{bridge.name}-group"
    bridge.worker |= {"group.id": group, **secured_broker.worker(BRIDGE)}
    allow_connector(secured_broker, topic=bridge.topic, positions=bridge.offsets, group=group, user=BRIDGE)
    allow(secured_broker, BRIDGE, ResourceType.TOPIC, dead, AclOperation.WRITE, AclOperation.DESCRIBE)
    code, _, err = told(bridge, capsys, "list")
    assert code == 1
    assert f"topic {dead}" in err
    assert "ACL Read" in err
    allow(secured_broker, BRIDGE, ResourceType.TOPIC, dead, AclOperation.READ)
    every = (AclOperation.WRITE, AclOperation.DESCRIBE)
    forbid(secured_broker, BRIDGE, ResourceType.TRANSACTIONAL_ID, f"{group}*", *every)
    allow(secured_broker, BRIDGE, ResourceType.TRANSACTIONAL_ID, f"{group}-{bridge.name}-0", *every)
    code, _, err = told(bridge, capsys, "replay")
    name = f"{group}-{bridge.name}-letters"
    assert code == 1
    assert f"grant the ACLs Write and Describe on TransactionalId {name}" in err.splitlines()[-1]
    allow(secured_broker, BRIDGE, ResourceType.TRANSACTIONAL_ID, name, *every)
    code, outcome, err = told(bridge, capsys, "replay")
    assert code == 0, err
    assert outcome["replayed"] == 1


def test_a_connector_without_a_dead_letter_topic(bridge: Bridge, capsys: pytest.CaptureFixture[str]) -> None:
    del bridge.settings["errors.deadletterqueue.topic.name"]
    code, _, err = told(bridge, capsys, "list")
    assert code == 2
    assert "errors.deadletterqueue.topic.name: is not set" in err
