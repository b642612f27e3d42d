"""Beside a living Kafka Connect cluster: its group and its topics are left alone, its positions can be taken over."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from confluent_kafka import Producer

from bridge.cli.main import main
from bridge.sandbox.org import Org
from tests.support.bridge_run import EVENT, Bridge, wait_until
from tests.support.brokers import shared
from tests.support.kafka_broker import Broker
from tests.support.kafka_client import unique
from tests.support.kafka_config import PLAIN
from tests.support.kafka_connect import KafkaConnect
from tests.support.worker_run import Group

Captured = pytest.CaptureFixture[str]


@pytest.fixture(scope="module")
def connect(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KafkaConnect]:
    with KafkaConnect.start(tmp_path_factory.mktemp("connect"), shared(PLAIN)) as connect:
        yield connect


@pytest.fixture
def bridge(tmp_path: Path, broker: Broker, org: Org) -> Bridge:
    return Bridge.of(tmp_path, broker, org)


def refusal(capsys: Captured, *words: str) -> str:
    """The one sentence with which a command ends, exit 1."""
    assert main(list(words)) == 1
    lines = [line for line in capsys.readouterr().err.splitlines() if line.startswith("sfbridge: ")]
    assert len(lines) == 1
    return lines[0]


def test_its_group_is_refused(
    connect: KafkaConnect, bridge: Bridge, broker: Broker, tmp_path: Path, capsys: Captured
) -> None:
    words = (
        f"group.id {connect.group} is the group of a Kafka Connect cluster that is running; choose another"
    )
    assert words in refusal(capsys, "worker", "--worker", str(Group(tmp_path, broker, connect.group).file()))
    bridge.worker["group.id"] = connect.group
    files = [str(bridge.connector_file()), "--worker", str(bridge.worker_file())]
    assert words in refusal(capsys, "run", *files, "--max-events", "1")
    assert main(["validate", *files, "--online"]) == 1
    assert words in capsys.readouterr().out
    assert connect.ask("GET", "/connectors").json() == []


def test_its_config_topic_is_refused(
    connect: KafkaConnect, broker: Broker, tmp_path: Path, capsys: Captured
) -> None:
    topic = f"{connect.group}-configs"
    group = Group(tmp_path, broker, extra={"config.storage.topic": topic})
    said = refusal(capsys, "worker", "--worker", str(group.file()))
    assert f"config.storage.topic {topic} belongs to a Kafka Connect cluster" in said
    assert "name another" in said


def test_its_positions_are_taken_over(
    connect: KafkaConnect, bridge: Bridge, broker: Broker, org: Org, capsys: Captured
) -> None:
    old, ids = unique("old"), org.publish_many(EVENT, 6)
    config = {
        "connector.class": "org.apache.kafka.connect.file.FileStreamSourceConnector",
        "topic": "none",
        "file": "none",
    }
    body = {"name": old, "config": config, "initial_state": "STOPPED"}
    assert connect.ask("POST", "/connectors", body).status_code == 201
    # What the self-managed connector would have committed there.
    producer = Producer(broker.client())
    producer.produce(f"{connect.group}-offsets", b'{"replayId":%d}' % ids[3], f'["{old}",{{}}]'.encode())
    producer.flush(10)
    offsets = f"/connectors/{old}/offsets"
    told = {"offsets": [{"partition": {}, "offset": {"replayId": ids[3]}}]}
    wait_until(lambda: connect.ask("GET", offsets).json() == told)
    for source in (["--from-url", connect.url], ["--from-topic", f"{connect.group}-offsets"]):
        files = [str(bridge.connector_file()), "--worker", str(bridge.worker_file())]
        assert main(["offsets", "import", *files, *source, "--as", old]) == 0
        assert bridge.position() == {"replayId": ids[3]}
        assert main(["offsets", "reset", *files, "--yes"]) == 0
    assert main(["offsets", "import", *files, "--from-url", connect.url, "--as", old]) == 0
    capsys.readouterr()
    bridge.run(max_events=2)
    assert bridge.replay_ids(2) == ids[4:]
