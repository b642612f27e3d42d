"""A worker that does not lead: what is written through it is seen through it at once."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from bridge.sandbox.org import Org
from tests.support.bridge_run import EVENT, Bridge
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


def test_a_position_is_moved_right_after_a_stop(
    tmp_path: Path, broker: Broker, org: Org, follower: Rest
) -> None:
    bridge = Bridge.of(tmp_path, broker, org)
    assert follower.service is not None
    bridge.worker["offset.storage.topic"] = str(follower.service.worker.config["offset.storage.topic"])
    ids = org.publish_many(EVENT, 6)
    config = json.loads(bridge.connector_file().read_text())
    one = f"/connectors/{bridge.name}"

    def moved(to: int) -> None:
        body = {"offsets": [{"partition": {}, "offset": {"replayId": to}}]}
        answer = follower.ask("PATCH", f"{one}/offsets", body)
        assert answer.status_code == 200, answer.text
        assert answer.json() == {"message": "The offsets for this connector have been altered successfully"}

    made = follower.ask(
        "POST", "/connectors", {"name": bridge.name, "config": config, "initial_state": "STOPPED"}
    )
    assert made.status_code == 201, made.text
    moved(ids[1])
    expected = ids[2:]
    for _ in range(2):
        assert follower.ask("PUT", f"{one}/resume").status_code == 202
        assert bridge.replay_ids(len(expected)) == expected
        assert follower.ask("PUT", f"{one}/stop").status_code == 204
        moved(ids[3])
        expected = expected + ids[4:]
    assert follower.ask("DELETE", f"{one}/offsets").status_code == 200
    assert follower.get(f"{one}/offsets") == {"offsets": []}
