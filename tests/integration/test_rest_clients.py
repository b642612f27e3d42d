"""Somebody else's client of Kafka Connect's REST API, against a worker."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from kafka_connect import KafkaConnect

from bridge.sandbox.org import Org
from tests.support.bridge_run import EVENT, Bridge
from tests.support.kafka_broker import Broker
from tests.support.worker_run import Group, Rest


@pytest.fixture
def rest(tmp_path: Path, broker: Broker) -> Iterator[Rest]:
    with Group(tmp_path, broker).worker() as rest:
        yield rest


def test_kafka_connect_py(rest: Rest, tmp_path: Path, broker: Broker, org: Org) -> None:
    bridge = Bridge.of(tmp_path, broker, org)
    config = json.loads(bridge.connector_file().read_text())
    client = KafkaConnect(url=rest.url)
    assert client.get_cluster_info()["version"].startswith("4.")
    assert client.list_connectors() == []
    made = client.create_connector({"name": bridge.name, "config": config})
    assert made["name"] == bridge.name
    rest.wait_state(bridge.name, "RUNNING")
    ids = org.publish_many(EVENT, 3)
    assert bridge.replay_ids(3) == ids
    assert client.list_connectors(state="running") == [bridge.name]
    assert set(client.list_connectors(expand="status")[bridge.name]) == {"status"}
    client.pause_connector(bridge.name)
    rest.wait_state(bridge.name, "PAUSED")
    client.resume_connector(bridge.name)
    rest.wait_state(bridge.name, "RUNNING")
    client.restart_connector(bridge.name, include_tasks=True)
    rest.wait_state(bridge.name, "RUNNING")
    assert client.get_connector_status(bridge.name)["tasks"][0]["id"] == 0
    changed = client.update_connector(bridge.name, {**config, "bridge.commit.interval.ms": 50})
    assert changed["config"]["bridge.commit.interval.ms"] == "50"
    infos = client.validate_connector_config("SalesforcePlatformEventSource", {**config, "tasks.max": "9"})
    assert infos["error_count"] == 1
    assert any(one["class"] == "SalesforcePlatformEventSource" for one in client.list_connector_plugins())
    assert kc(rest, "list") == [bridge.name]
    assert kc(rest, "status", bridge.name)["name"] == bridge.name
    client.delete_connector(bridge.name)
    assert client.list_connectors() == []


def kc(rest: Rest, *words: str) -> Any:
    command = [sys.executable, "-c", "from kafka_connect.cli import cli; cli()", "--url", rest.url, *words]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    return json.loads(done.stdout)
