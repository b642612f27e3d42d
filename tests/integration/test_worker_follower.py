"""A worker that does not lead: what is written through it is seen through it at once."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from bridge.sandbox.org import Org
from tests.support.bridge_run import Bridge
from tests.support.kafka_broker import Broker
from tests.support.worker_run import Group, Rest


@pytest.fixture
def follower(tmp_path: Path, broker: Broker) -> Iterator[Rest]:
    """The second of two workers."""
    group = Group(tmp_path, broker)
    with group.worker(), group.worker() as second:
        assert second.service is not None
        assert second.service.worker.herder is not None
        assert not second.service.worker.herder.leader.leads()
        yield second


def test_what_is_written_through_it_is_seen_through_it(
    tmp_path: Path, broker: Broker, org: Org, follower: Rest
) -> None:
    bridge = Bridge.of(tmp_path, broker, org)
    config = json.loads(bridge.connector_file().read_text())
    made = follower.ask(
        "POST", "/connectors", {"name": bridge.name, "config": config, "initial_state": "STOPPED"}
    )
    assert made.status_code == 201, made.text
    for number in range(50, 80):
        change = {"bridge.commit.interval.ms": str(number)}
        assert follower.ask("PATCH", f"/connectors/{bridge.name}/config", change).status_code == 200
        shown = follower.get(f"/connectors/{bridge.name}/config")
        assert shown["bridge.commit.interval.ms"] == str(number)
    assert follower.ask("DELETE", f"/connectors/{bridge.name}").status_code == 204
    assert follower.get("/connectors") == []


def test_it_answers_what_the_leader_does(tmp_path: Path, broker: Broker, org: Org, follower: Rest) -> None:
    bridge = Bridge.of(tmp_path, broker, org)
    config = json.loads(bridge.connector_file().read_text())
    body = {"name": bridge.name, "config": config, "initial_state": "STOPPED"}
    made = follower.ask("POST", "/connectors", body)
    assert (made.status_code, made.headers["Location"]) == (201, f"{follower.url}/connectors/{bridge.name}")
    again = follower.ask("POST", "/connectors", body)
    assert (again.status_code, again.json()["message"]) == (409, f"Connector {bridge.name} already exists")
    assert again.elapsed.total_seconds() < 4, "it is not asked again and again"
