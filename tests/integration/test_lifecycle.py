"""Lifecycle events of a worker on a real broker, and what a broker that refuses them changes: nothing."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from itertools import groupby, pairwise
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka.admin import AclOperation, ResourceType

from bridge.api.build import Service
from bridge.config import load_worker
from bridge.counts import LIFECYCLE_DROPPED
from bridge.sandbox.org import Org
from bridge.worker.standalone import Standalone
from tests.support.bridge_run import EVENT, Bridge, wait_until
from tests.support.kafka_broker import Broker
from tests.support.kafka_client import allow, allow_connector, create_topic, read, unique
from tests.support.kafka_config import BRIDGE
from tests.support.ports import free_ports
from tests.support.worker_run import Group, Rest

CONNECTOR = "io.sfbridge.connector.state"


@contextmanager
def standalone(bridge: Bridge, topic: str) -> Iterator[Rest]:
    """A worker without a group, in this process."""
    bridge.worker |= {
        "bridge.lifecycle.topic": topic,
        "listeners": "http://127.0.0.1:0",
        "group.id": bridge.name,
    }
    bridge.worker |= {f"{kind}.storage.replication.factor": "1" for kind in ("config", "status")}
    service = Service(load_worker(bridge.worker_file(), environ={}), make=partial(Standalone, directory=None))
    service.start()
    try:
        yield Rest(service.url, service)
    finally:
        service.stop()


def events(broker: Broker, topic: str, name: str) -> list[dict[str, Any]]:
    """All that were told of one connector, each as the binding has it."""
    told = []
    for message in read(broker, topic):
        headers = dict(message.headers() or [])
        assert headers["content-type"] == b"application/cloudevents+json; charset=UTF-8"
        event = json.loads(message.value() or b"")
        assert message.key() == event["subject"].encode()
        told.append(event)
    return [event for event in told if event["subject"] == name]


def test_what_becomes_of_a_connector_is_told(tmp_path: Path, broker: Broker, org: Org) -> None:
    bridge, topic = Bridge.of(tmp_path, broker, org), unique("lifecycle")
    ids, name = org.publish_many(EVENT, 3), bridge.name
    config = json.loads(bridge.connector_file().read_text())
    with standalone(bridge, topic) as rest:
        assert rest.ask("POST", "/connectors", {"name": name, "config": config}).status_code == 201
        rest.wait_state(name, "RUNNING")
        assert bridge.replay_ids(3) == ids
        for wish, state in (("pause", "PAUSED"), ("resume", "RUNNING"), ("stop", "STOPPED")):
            rest.ask("PUT", f"/connectors/{name}/{wish}")
            rest.wait_state(name, state)
        rest.ask("PUT", f"/connectors/{name}/config", config | {"salesforce.password": "not-the-password"})
        rest.ask("PUT", f"/connectors/{name}/resume")
        rest.wait_state(name, "FAILED")
        trace = rest.get(f"/connectors/{name}/status")["connector"]["trace"]
        assert rest.ask("DELETE", f"/connectors/{name}").status_code == 204
        worker = rest.url.removeprefix("http://")
    told = events(broker, topic, name)
    assert {event["source"] for event in told} == {f"/sfbridge/{name}/{worker}"}
    assert len({event["id"] for event in told}) == len(told)
    mine = [event["data"] for event in told if event["type"] == CONNECTOR]
    lasting = [
        data for data in mine if data["state"] != "UNASSIGNED"
    ]  # how long a start takes is not told for sure
    states = ["CREATED", "RUNNING", "PAUSED", "RUNNING", "STOPPED", "FAILED", "DELETED"]
    assert [data["state"] for data in lasting] == states
    assert lasting[-2]["reason"] == trace
    assert "not-the-password" not in json.dumps(told)
    for before, after in pairwise(mine[1:]):
        assert after["previous"] == before["state"]
    tasks = [event["data"]["state"] for event in told if event["type"] != CONNECTOR]
    assert {"RUNNING", "PAUSED", "FAILED"} <= set(tasks)


def test_each_change_is_told_once_in_a_group(tmp_path: Path, broker: Broker, org: Org) -> None:
    bridge, topic = Bridge.of(tmp_path, broker, org), unique("lifecycle")
    group, name = Group(tmp_path, broker, extra={"bridge.lifecycle.topic": topic}), bridge.name
    config = json.loads(bridge.connector_file().read_text())
    ports = free_ports(["one", "two"])
    with group.worker(port=ports["one"]) as one, group.worker(port=ports["two"]) as two:
        assert two.ask("POST", "/connectors", {"name": name, "config": config}).status_code == 201
        one.wait_state(name, "RUNNING")
        assert one.ask("DELETE", f"/connectors/{name}").status_code == 204
    told = [event for event in events(broker, topic, name) if event["type"] == CONNECTOR]
    states = [event["data"]["state"] for event in told if event["data"]["state"] != "UNASSIGNED"]
    assert sorted(states) == ["CREATED", "DELETED", "RUNNING"]
    running = next(event for event in told if event["data"]["state"] == "RUNNING")
    assert running["data"]["generation"] > 0
    assert running["source"] == f"/sfbridge/{group.name}/{running['data']['worker_id']}"


@pytest.mark.parametrize("listen", [(), ("--listen", "0")], ids=["alone", "listening"])
def test_a_run_tells_it_too(tmp_path: Path, broker: Broker, org: Org, listen: tuple[str, ...]) -> None:
    """That a file's connector is CREATED, it does not: a restart of the process creates nothing."""
    bridge, topic = Bridge.of(tmp_path, broker, org), unique("lifecycle")
    bridge.worker |= {"bridge.lifecycle.topic": topic, "config.storage.replication.factor": "1"}
    org.publish_many(EVENT, 2)
    log = tmp_path / "run.log"
    assert bridge.spawn("--until-idle", "1", *listen, log=log).wait(60) == 0, log.read_text()
    told = [event["data"] for event in events(broker, topic, bridge.name) if event["type"] == CONNECTOR]
    states = [state for state, _ in groupby(data["state"] for data in told)]
    assert states[-2:] == ["RUNNING", "UNASSIGNED"], states
    assert set(states[:-2]) <= {"UNASSIGNED"}


def test_a_broker_that_refuses_the_topic_hinders_nobody(
    tmp_path: Path, secured_broker: Broker, org: Org
) -> None:
    bridge, topic = Bridge.of(tmp_path, secured_broker, org), create_topic(secured_broker, unique("refused"))
    name = bridge.name
    positions = create_topic(secured_broker, bridge.offsets, config={"cleanup.policy": "compact"})
    allow_connector(secured_broker, topic=bridge.topic, positions=positions, group=name, user=BRIDGE)
    allow(secured_broker, BRIDGE, ResourceType.GROUP, f"{name}*", AclOperation.READ)
    ids = org.publish_many(EVENT, 3)
    with standalone(bridge, topic) as rest:
        config = json.loads(bridge.connector_file().read_text())
        assert rest.ask("POST", "/connectors", {"name": name, "config": config}).status_code == 201
        rest.wait_state(name, "RUNNING")
        assert bridge.replay_ids(3) == ids
        wait_until(lambda: LIFECYCLE_DROPPED.by_label().get(topic, 0) > 0, 30, 0.1)
        assert (
            f'sfbridge_lifecycle_events_dropped_total{{topic="{topic}"}}' in rest.ask("GET", "/metrics").text
        )
        assert rest.state(name) == "RUNNING"
        assert rest.ask("DELETE", f"/connectors/{name}").status_code == 204
    assert read(secured_broker, topic) == []
