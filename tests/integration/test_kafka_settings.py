"""Kafka settings against a real broker: what is made of a worker file connects, and says in one sentence why not."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from confluent_kafka import KafkaException, Producer
from confluent_kafka.admin import AclOperation, ResourceType

from bridge.config.config import Config, Loaded
from bridge.config.declarations import CONNECTOR, WORKER
from bridge.config.loading import config_of
from bridge.errors import BridgeError, Fatal, Fenced, Retriable
from bridge.kafka.admin import prepare_topics
from bridge.kafka.cluster import Cluster
from bridge.kafka.errors import ErrorWatch
from bridge.kafka.settings import admin_settings, producer_settings, transactional_id
from bridge.kafka.sizes import record_bytes
from tests.support.certs import Authority
from tests.support.kafka_broker import Broker
from tests.support.kafka_client import allow, allow_connector, create_topic, read, unique
from tests.support.kafka_config import BRIDGE, PASSWORDS


def loaded(
    worker: Mapping[str, str], connector: Mapping[str, str] | None = None, name: str = "orders"
) -> Loaded:
    given = {"kafka.topic": "orders", **(connector or {})}
    config = config_of(given, CONNECTOR)
    return Loaded(Config(dict(config), config.raw(), name), config_of(worker, WORKER))


def sentence(error: BridgeError) -> str:
    assert "\n" not in error.message
    assert "KafkaError" not in error.message
    assert not any(password in error.message for password in PASSWORDS.values())
    return error.message


def ask(config: Loaded) -> BridgeError:
    """What a connector that may not wait is told at its first question."""
    with pytest.raises(BridgeError) as caught:
        Cluster(admin_settings(config), stopped=lambda: True).brokers()
    sentence(caught.value)
    return caught.value


def fence(config: Loaded, seconds: float = 8) -> BridgeError:
    """What the start of a transactional producer is told."""
    watch = ErrorWatch()
    producer = Producer(
        {**producer_settings(config), "transactional.id": transactional_id(config), "error_cb": watch}
    )
    watch.serve = producer.poll
    with pytest.raises(KafkaException) as caught:
        producer.init_transactions(seconds)
    error = watch.explain(caught.value, "taking over the transactional id")
    sentence(error)
    return error


def test_sasl_ssl_with_a_pem_trust_store(secured_broker: Broker) -> None:
    assert (
        Cluster(admin_settings(loaded(secured_broker.worker("admin"))), stopped=lambda: True).brokers() == 1
    )


@pytest.mark.parametrize("mechanism", ["SCRAM-SHA-256", "SCRAM-SHA-512"])
def test_scram(secured_broker: Broker, mechanism: str) -> None:
    module = "org.apache.kafka.common.security.scram.ScramLoginModule"
    worker = secured_broker.worker() | {
        "sasl.mechanism": mechanism,
        "sasl.jaas.config": f"{module} required\n username='{BRIDGE}' password='{PASSWORDS[BRIDGE]}' ;",
    }
    assert Cluster(admin_settings(loaded(worker)), stopped=lambda: True).brokers() == 1


def test_api_key_is_sasl_plain_over_tls(secured_broker: Broker) -> None:
    worker = {k: v for k, v in secured_broker.worker().items() if not k.startswith(("sasl.", "security."))}
    key = {"kafka.api.key": BRIDGE, "kafka.api.secret": PASSWORDS[BRIDGE]}
    assert Cluster(admin_settings(loaded(worker, key)), stopped=lambda: True).brokers() == 1


def test_endpoint_of_the_connector_where_the_worker_names_no_broker(broker: Broker) -> None:
    config = loaded({}, {"kafka.endpoint": f"PLAINTEXT://{broker.bootstrap}"})
    assert Cluster(admin_settings(config), stopped=lambda: True).brokers() == 1


def test_the_needed_ca_may_be_any_of_those_in_the_store(secured_broker: Broker, tmp_path: Path) -> None:
    others = [Authority.create(tmp_path, f"ca-{number}").file.read_text() for number in range(3)]
    store = tmp_path / "store.pem"
    store.write_text("".join([*others, secured_broker.ca.read_text()]))
    worker = secured_broker.worker() | {"ssl.truststore.location": str(store)}
    assert Cluster(admin_settings(loaded(worker)), stopped=lambda: True).brokers() == 1


def test_client_certificate_out_of_a_pem_store(secured_broker: Broker) -> None:
    assert secured_broker.certificates
    worker = {
        "bootstrap.servers": f"127.0.0.1:{secured_broker.ports['SSL']}",
        "security.protocol": "SSL",
        "ssl.truststore.location": str(secured_broker.ca),
        "ssl.keystore.location": str(secured_broker.certificates / "client.pem"),
    }
    assert Cluster(admin_settings(loaded(worker)), stopped=lambda: True).brokers() == 1
    del worker["ssl.keystore.location"]
    assert "ssl.keystore.location" in sentence(ask(loaded(worker)))


def test_wrong_password(secured_broker: Broker) -> None:
    worker = secured_broker.worker()
    worker["sasl.jaas.config"] = worker["sasl.jaas.config"].replace(PASSWORDS[BRIDGE], "not-the-password")
    for error in (ask(loaded(worker)), fence(loaded(worker))):
        assert isinstance(error, Fatal)
        assert "the broker refused the login" in error.message
        assert "sasl.jaas.config" in error.message
        assert "not-the-password" not in error.message


def test_unknown_ca(secured_broker: Broker, authority: Authority) -> None:
    worker = secured_broker.worker() | {"ssl.truststore.location": str(authority.file)}
    for error in (ask(loaded(worker)), fence(loaded(worker))):
        assert isinstance(error, Fatal)
        assert "ssl.truststore.location" in error.message


def test_tls_to_a_plain_port(broker: Broker, authority: Authority) -> None:
    worker = {
        "bootstrap.servers": broker.bootstrap,
        "security.protocol": "SSL",
        "ssl.truststore.location": str(authority.file),
    }
    error = ask(loaded(worker))
    assert isinstance(error, Retriable)
    assert "security.protocol" in error.message


def test_unreachable() -> None:
    error = ask(loaded({"bootstrap.servers": "127.0.0.1:1"}))
    assert isinstance(error, Retriable)
    assert "bootstrap.servers" in error.message or "127.0.0.1:1" in error.message


def test_kafka_is_waited_for_and_said_so(own_broker: Callable[..., Broker]) -> None:
    broker = own_broker()
    topic = create_topic(broker, unique("out"))
    config = loaded({"bootstrap.servers": broker.bootstrap}, {"kafka.topic": topic})
    broker.stop()
    said: list[str] = []
    with ThreadPoolExecutor(1) as pool:
        preparing = pool.submit(prepare_topics, config, waiting=said.append)
        until = time.monotonic() + 30
        while not said and time.monotonic() < until:
            time.sleep(0.05)
        broker.start()
        assert preparing.result(60).output == topic
    assert broker.bootstrap in said[0] or "no broker can be reached" in said[0]


def test_waiting_ends_when_it_is_no_longer_wanted() -> None:
    started = time.monotonic()
    with pytest.raises(Retriable):
        prepare_topics(
            loaded({"bootstrap.servers": "127.0.0.1:1"}), stopped=lambda: time.monotonic() > started + 1
        )
    assert time.monotonic() - started < 8


def test_missing_right_to_the_transactional_id(secured_broker: Broker) -> None:
    error = fence(loaded(secured_broker.worker() | {"group.id": unique("nobody")}))
    assert isinstance(error, Fatal)
    assert not isinstance(error, Fenced)
    assert "exactly.once.source.support" in error.message
    assert "TransactionalId" in error.message


def test_missing_right_to_the_output_topic(secured_broker: Broker) -> None:
    topic, positions, group = unique("out"), unique("positions"), unique("group")
    create_topic(secured_broker, topic)
    create_topic(secured_broker, positions, config={"cleanup.policy": "compact"})
    config = loaded(
        secured_broker.worker() | {"group.id": group, "offset.storage.topic": positions},
        {"kafka.topic": topic},
    )
    operations = (AclOperation.READ, AclOperation.WRITE)
    allow(secured_broker, BRIDGE, ResourceType.TOPIC, positions, *operations)
    with pytest.raises(Fatal) as caught:
        prepare_topics(config, stopped=lambda: True)
    assert topic in sentence(caught.value)
    assert "ACL" in caught.value.message
    allow(secured_broker, BRIDGE, ResourceType.TOPIC, topic, AclOperation.DESCRIBE)
    with pytest.raises(Fatal, match="grant the ACL Write on it"):
        prepare_topics(config, stopped=lambda: True)
    allow_connector(secured_broker, topic=topic, positions=positions, group=group, user=BRIDGE)
    topics = prepare_topics(config, stopped=lambda: True)
    assert (topics.offsets, topics.output) == (positions, topic)


def test_largest_record_arrives_and_the_producer_is_not_beyond_the_topic(broker: Broker) -> None:
    topic = create_topic(broker, unique("small"), config={"max.message.bytes": "20000"})
    config = loaded(
        {"bootstrap.servers": broker.bootstrap, "offset.storage.topic": unique("positions")},
        {"kafka.topic": topic},
    )
    limit = prepare_topics(config, stopped=lambda: True).max_message_bytes
    assert limit == 20_000
    largest = next(size for size in range(limit, 0, -1) if record_bytes(b"x" * size) <= limit)
    failed: list[object] = []
    producer = Producer(
        {
            **producer_settings(config, max_message_bytes=limit),
            "on_delivery": lambda error, _: failed.append(error),
        }
    )
    for _ in range(5):
        producer.produce(topic, b"x" * largest)
        for _ in range(30):
            producer.produce(topic, b"y" * 1000)
    producer.flush(20)
    assert failed == []
    assert len(read(broker, topic)) == 5 * 31
    producer.produce(topic, b"x" * (largest + 1))
    producer.flush(20)
    assert len(failed) == 1, "one byte more, and the broker refuses it"
