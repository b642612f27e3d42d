"""The managed connector's own example, unchanged but for its placeholders, against a broker that wants a login."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from confluent_kafka.admin import AclOperation, ResourceType

from bridge.errors import Fatal
from bridge.inspection.configuration import load
from bridge.pipeline.attempt import Goal
from bridge.pipeline.connector import Connector
from bridge.sandbox.definition import EventDefinition, FieldDefinition
from bridge.sandbox.org import Org
from tests.support.kafka_broker import Broker
from tests.support.kafka_client import allow, create_topic, read, unique
from tests.support.kafka_config import BRIDGE, PASSWORDS

TEST_EVENT = EventDefinition(
    "TestEvent__e", label="Test", fields=(FieldDefinition("Text__c", "string", length=20),)
)


@pytest.fixture
def org(tmp_path: Path) -> Iterator[Org]:
    with Org([TEST_EVENT], directory=tmp_path / "org") as org:
        yield org


def example(org: Org, name: str, topic: str) -> dict[str, str]:
    """The page's example, and below the line what a simulated org needs."""
    return {
        "connector.class": "SalesforcePlatformEventSource",
        "name": name,
        "kafka.auth.mode": "KAFKA_API_KEY",
        "kafka.api.key": BRIDGE,
        "kafka.api.secret": PASSWORDS[BRIDGE],
        "kafka.topic": topic,
        "salesforce.grant.type": "PASSWORD",
        "salesforce.username": org.credentials.username,
        "salesforce.password": org.credentials.password,
        "salesforce.password.token": org.credentials.security_token,
        "salesforce.consumer.key": org.credentials.client_id,
        "salesforce.consumer.secret": org.credentials.client_secret,
        "salesforce.platform.event.name": "TestEvent__e",
        "output.data.format": "JSON",
        "tasks.max": "1",
        # ----
        "salesforce.instance": org.url,
        "salesforce.initial.start": "all",
        "bridge.salesforce.ca.file": str(org.ca_file),
    }


def files(tmp_path: Path, broker: Broker, config: dict[str, str], group: str) -> tuple[Path, Path]:
    connector, worker = tmp_path / "connector.json", tmp_path / "worker.properties"
    connector.write_text(json.dumps(config))
    worker.write_text(
        f"bootstrap.servers={broker.bootstrap}\ngroup.id={group}\noffset.storage.topic={group}-offsets\n"
        f"offset.storage.replication.factor=1\noffset.storage.partitions=1\n"
        f"ssl.truststore.type=PEM\nssl.truststore.location={broker.ca}\n"
    )
    return connector, worker


def run(paths: tuple[Path, Path], **goal: int) -> Connector:
    connector = Connector(load(*paths), Goal(**goal))
    connector.start()
    assert connector.join(60)
    return connector


def test_it_runs_with_an_api_key_over_tls_and_says_which_permission_is_missing(
    tmp_path: Path, secured_broker: Broker, org: Org
) -> None:
    group, topic = unique("page"), create_topic(secured_broker, unique("testplatformevent"))
    ids = org.publish_many("TestEvent__e", [{"Text__c": str(n)} for n in range(5)])
    paths = files(tmp_path, secured_broker, example(org, "SalesforcePlatformEventSource_0", topic), group)
    create_topic(secured_broker, f"{group}-offsets", config={"cleanup.policy": "compact"})

    both = (AclOperation.WRITE, AclOperation.DESCRIBE)
    steps = [
        (
            ResourceType.TOPIC,
            f"{group}-offsets",
            (AclOperation.READ, *both, AclOperation.DESCRIBE_CONFIGS),
            group,
        ),
        (ResourceType.TOPIC, topic, both, topic),
        (ResourceType.TRANSACTIONAL_ID, f"{group}*", both, "exactly.once.source.support"),
    ]
    for kind, name, operations, named in steps:
        connector = run(paths, max_events=5)
        assert isinstance(connector.error, Fatal), connector.error
        assert named in connector.error.message
        allow(secured_broker, BRIDGE, kind, name, *operations)
    connector = run(paths, max_events=5)
    assert connector.error is None
    values = [json.loads(message.value() or b"") for message in read(secured_broker, topic)]
    assert [int(value["ReplayId"]) for value in values] == ids


def test_a_wrong_api_secret_is_said_and_not_tried_for_ever(
    tmp_path: Path, secured_broker: Broker, org: Org
) -> None:
    config = example(org, "orders", unique("wrong")) | {"kafka.api.secret": "not-the-secret"}
    connector = run(files(tmp_path, secured_broker, config, unique("page")), max_events=1)
    assert isinstance(connector.error, Fatal)
    assert "kafka.api.secret" in connector.error.message
    assert "not-the-secret" not in connector.error.message


def test_an_unknown_ca_is_said(tmp_path: Path, secured_broker: Broker, org: Org) -> None:
    connector_file, worker = files(tmp_path, secured_broker, example(org, "orders", "x"), unique("page"))
    worker.write_text(worker.read_text().replace(str(secured_broker.ca), str(org.ca_file)))
    connector = run((connector_file, worker), max_events=1)
    assert isinstance(connector.error, Fatal)
    assert "ssl.truststore.location" in connector.error.message


def test_a_missing_topic_is_said_in_a_sentence(tmp_path: Path, broker: Broker, org: Org) -> None:
    config = example(org, "orders", unique("nowhere"))
    connector_file, worker = tmp_path / "c.json", tmp_path / "w.properties"
    connector_file.write_text(json.dumps(config))
    worker.write_text(
        f"bootstrap.servers={broker.bootstrap}\nsecurity.protocol=PLAINTEXT\ngroup.id={unique('page')}\n"
        f"offset.storage.topic={unique('offsets')}\noffset.storage.replication.factor=1\n"
    )
    connector = run((connector_file, worker), max_events=1)
    assert isinstance(connector.error, Fatal)
    assert config["kafka.topic"] in connector.error.message
    assert "topic.creation.default" in connector.error.message
