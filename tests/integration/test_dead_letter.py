"""The topics a connector needs, and its dead letters, on a real broker."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient, ConfigResource, ResourceType

from bridge.config import Config, Loaded, config_of
from bridge.config.declarations import CONNECTOR, WORKER
from bridge.errors import BadRecord, Fatal, Stage
from bridge.kafka.admin import Topics, prepare_topics
from bridge.kafka.settings import producer_settings, transactional_id
from tests.support.kafka_broker import Broker
from tests.support.kafka_client import create_topic, read, unique

DEAD = "errors.deadletterqueue.topic.name"
DEAD_REPLICAS = "errors.deadletterqueue.topic.replication.factor"


def loaded(broker: Broker, connector: Mapping[str, str], worker: Mapping[str, str] | None = None) -> Loaded:
    config = config_of(connector, CONNECTOR)
    given = {"offset.storage.topic": unique("positions"), **broker.worker(), **(worker or {})}
    return Loaded(Config(dict(config), config.raw(), "orders"), config_of(given, WORKER))


def prepare(broker: Broker, connector: Mapping[str, str], worker: Mapping[str, str] | None = None) -> Topics:
    return prepare_topics(loaded(broker, connector, worker), stopped=lambda: True)


def configs(broker: Broker, topic: str) -> dict[str, str]:
    resource = ConfigResource(ResourceType.TOPIC, topic)
    admin = AdminClient(broker.client())
    found = admin.describe_configs([resource])[resource].result(20)
    return {entry.name: entry.value for entry in found.values()}


def partitions(broker: Broker, topic: str) -> int:
    return len(AdminClient(broker.client()).list_topics(timeout=20).topics[topic].partitions)


def test_offsets_topic_is_created_compacted_with_the_replicas_there_can_be(
    broker: Broker, topic: str, caplog: pytest.LogCaptureFixture
) -> None:
    name = unique("positions")
    assert prepare(broker, {"kafka.topic": topic}, {"offset.storage.topic": name}).offsets == name
    assert configs(broker, name)["cleanup.policy"] == "compact"
    assert partitions(broker, name) == 25
    assert f"offsets topic {name} is created with 1 instead of 3 replicas" in caplog.text
    caplog.clear()
    prepare(broker, {"kafka.topic": topic}, {"offset.storage.topic": name})
    assert caplog.text == ""


def test_more_replicas_than_brokers_asked_for_by_name(broker: Broker, topic: str) -> None:
    with pytest.raises(Fatal, match="fewer brokers than replicas"):
        prepare(broker, {"kafka.topic": topic}, {"offset.storage.replication.factor": "3"})


def test_offsets_topic_that_would_forget(broker: Broker, topic: str) -> None:
    for policy in ("delete", "compact,delete"):
        name = create_topic(broker, unique("positions"), config={"cleanup.policy": policy})
        with pytest.raises(Fatal, match=f"offsets topic {name} has cleanup.policy=.*delete") as caught:
            prepare(broker, {"kafka.topic": topic}, {"offset.storage.topic": name})
        assert "offset.storage.topic" in caught.value.message


def test_missing_output_topic_names_the_nearest_and_the_remedy(broker: Broker, topic: str) -> None:
    with pytest.raises(Fatal) as caught:
        prepare(broker, {"kafka.topic": f"{topic}s"})
    assert caught.value.message == (
        f"topic {topic}s does not exist (there is {topic}): create it, or set "
        "topic.creation.default.replication.factor and topic.creation.default.partitions in the connector and the "
        "bridge creates it"
    )


def test_output_topic_is_created_as_the_connector_says(broker: Broker) -> None:
    name = unique("made")
    how = {
        "topic.creation.default.replication.factor": "1",
        "topic.creation.default.partitions": "3",
        "topic.creation.default.retention.ms": "123456",
    }
    with pytest.raises(Fatal, match=r"topic\.creation\.enable=true"):
        prepare(broker, {"kafka.topic": name, **how}, {"topic.creation.enable": "false"})
    assert prepare(broker, {"kafka.topic": name, **how}).output == name
    assert partitions(broker, name) == 3
    assert configs(broker, name)["retention.ms"] == "123456"


def test_names_are_made_as_records_will_be(broker: Broker) -> None:
    name = create_topic(broker, unique("sales.order_placed__e"))
    given = {
        "kafka.topic": name.replace("order_placed__e", "${_ObjectType}")
        .upper()
        .replace("_OBJECTTYPE", "_ObjectType")
    }
    given |= {"salesforce.platform.event.name": "Order_Placed__e"}
    assert prepare(broker, given).output == name
    assert prepare(broker, {"kafka.topic": "sales.${Region__c}"}).output is None


def test_compacted_output_topic_takes_no_records_without_a_key(broker: Broker) -> None:
    name = create_topic(broker, unique("out"), config={"cleanup.policy": "compact"})
    with pytest.raises(Fatal, match=f"topic {name} is compacted"):
        prepare(broker, {"kafka.topic": name})


def test_a_producer_told_to_send_less_does(broker: Broker, topic: str) -> None:
    found = prepare(broker, {"kafka.topic": topic, "producer.override.max.request.size": "5000"})
    assert found.max_message_bytes == 5_000


def test_transaction_timeout_beyond_the_broker_s(broker: Broker, topic: str) -> None:
    worker = {"producer.transaction.timeout.ms": "9000000"}
    with pytest.raises(Fatal, match=r"transaction\.max\.timeout\.ms is 900000, below the bridge's 9000000"):
        prepare(broker, {"kafka.topic": topic}, worker)
    assert prepare(broker, {"kafka.topic": topic}, worker | {"exactly.once.source.support": "disabled"})


def test_dead_letters_commit_with_the_transaction(broker: Broker, topic: str) -> None:
    dead = unique("dead")
    config = loaded(broker, {"kafka.topic": topic, DEAD: dead, DEAD_REPLICAS: "1"})
    letters = prepare_topics(config, stopped=lambda: True).dead_letters
    assert letters is not None
    assert partitions(broker, dead) == 1
    error = BadRecord("field Amount__c is no number", stage=Stage.PARSE, position=42)
    for end in ("abort_transaction", "commit_transaction"):
        producer = Producer({**producer_settings(config), "transactional.id": transactional_id(config)})
        producer.init_transactions(30)
        producer.begin_transaction()
        producer.produce(*letters.record(f'{{"{end}": "x"}}'.encode(), error))
        producer.flush(20)
        getattr(producer, end)(30)
    (message,) = read(broker, dead)
    assert message.value() == b'{"commit_transaction": "x"}'
    headers = dict(message.headers() or ())
    assert headers["__connect.errors.exception.message"] == b"field Amount__c is no number"
    assert headers["__connect.errors.topic"] == topic.encode()
    assert message.timestamp()[1] > 1_600_000_000_000


def test_headers_can_be_turned_off(broker: Broker, topic: str) -> None:
    given = {"kafka.topic": topic, DEAD: unique("dead"), DEAD_REPLICAS: "1"}
    off = given | {"errors.deadletterqueue.context.headers.enable": "false"}
    for connector, expected in ((given, True), (off, False)):
        letters = prepare(broker, connector).dead_letters
        assert letters is not None
        assert letters.with_headers is expected


def test_dead_letters_do_not_go_to_the_output_topic(broker: Broker, topic: str) -> None:
    with pytest.raises(Fatal, match="dead letters cannot go to the output topic"):
        prepare(broker, {"kafka.topic": topic, DEAD: topic})


def test_dead_letter_topic_with_more_replicas_than_brokers(broker: Broker, topic: str) -> None:
    with pytest.raises(Fatal, match="replication factor"):
        prepare(broker, {"kafka.topic": topic, DEAD: unique("dead")})
