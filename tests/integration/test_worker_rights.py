"""The rights a worker needs, exactly: with them it works, with one less it says which."""

import json
from pathlib import Path

import pytest
from confluent_kafka.admin import AclOperation, ResourceType

from bridge.errors import Fatal
from bridge.sandbox.org import Org
from tests.support.bridge_run import EVENT, Bridge
from tests.support.kafka_broker import Broker
from tests.support.kafka_client import allow, create_topic, forbid
from tests.support.kafka_config import BRIDGE
from tests.support.worker_run import Group

STATE = ("configs", "status", "offsets")
TOPIC, IDS, GROUP = ResourceType.TOPIC, ResourceType.TRANSACTIONAL_ID, ResourceType.GROUP
READ, WRITE = AclOperation.READ, AclOperation.WRITE
DESCRIBE, CONFIGS = AclOperation.DESCRIBE, AclOperation.DESCRIBE_CONFIGS


@pytest.fixture
def group(tmp_path: Path, secured_broker: Broker) -> Group:
    """A group whose topics are there, and who may do what docs/operations.md lists."""
    group = Group(tmp_path, secured_broker)
    for kind in STATE:
        name = create_topic(secured_broker, f"{group.name}-{kind}", config={"cleanup.policy": "compact"})
        allow(secured_broker, BRIDGE, TOPIC, name, READ, WRITE, DESCRIBE, CONFIGS)
    allow(secured_broker, BRIDGE, GROUP, group.name, READ)
    allow(secured_broker, BRIDGE, GROUP, f"{group.name}-*", READ)
    allow(secured_broker, BRIDGE, IDS, f"{group.name}-*", WRITE, DESCRIBE)
    return group


def test_with_these_rights_a_connector_runs(group: Group, org: Org, tmp_path: Path) -> None:
    bridge = Bridge.of(tmp_path, group.broker, org)
    allow(group.broker, BRIDGE, TOPIC, bridge.topic, WRITE, DESCRIBE)
    ids = org.publish_many(EVENT, 3)
    with group.worker() as rest:
        config = json.loads(bridge.connector_file().read_text())
        made = rest.ask("POST", "/connectors", {"name": bridge.name, "config": config})
        assert made.status_code == 201, made.text
        assert bridge.replay_ids(3) == ids
        offsets = rest.get(f"/connectors/{bridge.name}/offsets")["offsets"]
        assert offsets == [{"partition": {}, "offset": {"replayId": ids[-1]}}]


@pytest.mark.parametrize(
    ("kind", "name", "operation", "words"),
    [
        (TOPIC, "{}-configs", READ, "ACL Read"),
        (TOPIC, "{}-configs", WRITE, "ACL Write"),
        (TOPIC, "{}-status", READ, "ACL Read"),
        (TOPIC, "{}-status", WRITE, "ACL Write"),
        (TOPIC, "{}-offsets", WRITE, "ACL Write"),
        (GROUP, "{}", READ, "group"),
        (IDS, "{}-*", WRITE, "transactional"),
    ],
)
def test_one_less_is_named(
    group: Group, kind: ResourceType, name: str, operation: AclOperation, words: str
) -> None:
    forbid(group.broker, BRIDGE, kind, name.format(group.name), operation)
    with pytest.raises(Fatal, match=words), group.worker():
        pass
