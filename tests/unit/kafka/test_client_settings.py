"""From Java's names to librdkafka's: what is translated, what is refused by its name, what cannot be overridden."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.errors import ConfigurationError
from bridge.kafka.settings import (
    admin_settings,
    consumer_settings,
    exactly_once,
    examine,
    producer_settings,
    transactional_id,
)
from bridge.kafka.translate import TABLES, Translated
from tests.unit.kafka.clients import BROKER, faults, loaded, producer

# ---- the bridge's own choice ------------------------------------------------------------------------------


def test_what_librdkafka_takes() -> None:
    from confluent_kafka import Consumer, Producer
    from confluent_kafka.admin import AdminClient

    config = loaded({**BROKER, "bootstrap.servers": "127.0.0.1:1"})
    Producer(
        {**producer_settings(config, max_message_bytes=500_000), "transactional.id": transactional_id(config)}
    )
    Consumer({**consumer_settings(config), "group.id": "g"}).close()
    AdminClient(admin_settings(config))


def test_defaults_of_an_exactly_once_producer() -> None:
    found = producer({}, {"bridge.buffer.max.bytes": str(8 * 1024 * 1024)})
    expected = {
        "enable.idempotence": True,
        "acks": "all",
        "partitioner": "murmur2_random",
        "delivery.report.only.error": True,
        "linger.ms": 1_000,
        "transaction.timeout.ms": 10_000,
        "message.timeout.ms": 9_000,
        "queue.buffering.max.kbytes": 16_384,
        "statistics.interval.ms": 0,
        "client.id": "connector-producer-orders-0",
        "security.protocol": "PLAINTEXT",
    }
    assert expected.items() <= found.items()


def test_at_least_once_only_by_configuration() -> None:
    assert exactly_once(loaded())
    for word in ("disabled", "preparing"):
        config = loaded({**BROKER, "exactly.once.source.support": word})
        assert not exactly_once(config)
        found = producer_settings(config)
        assert "transaction.timeout.ms" not in found
        assert int(found["message.timeout.ms"]) > 100_000
        assert found["enable.idempotence"] is True
        assert found["linger.ms"] == 100  # the position comes after the flush of the records


def test_transactional_id_as_kafka_connect_names_it() -> None:
    assert transactional_id(loaded({**BROKER, "group.id": "team"})) == "team-orders-0"


def test_readers_read_committed_records_and_keep_no_position() -> None:
    found = consumer_settings(loaded())
    assert found["isolation.level"] == "read_committed"
    assert found["enable.auto.commit"] is False
    assert "group.id" not in found


def test_sizes_follow_the_topic() -> None:
    found = producer_settings(loaded(), max_message_bytes=20_000)
    assert 20_000 < int(found["message.max.bytes"]) < 20_512
    assert found["batch.size"] == 20_000, "the broker's limit is one for batches"
    assert producer_settings(loaded(), max_message_bytes=5_000_000)["batch.size"] == 1_000_000


# ---- translation ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("java", "value", "native"),
    [
        ("compression.type", "ZSTD", {"compression.type": "zstd"}),
        ("linger.ms", "20", {"linger.ms": 20}),
        ("batch.size", "65536", {"batch.size": 65536}),
        ("max.request.size", "5000000", {"message.max.bytes": 5_000_000}),
        ("buffer.memory", "67108864", {"queue.buffering.max.kbytes": 65536}),
        ("delivery.timeout.ms", "4000", {"message.timeout.ms": 4000}),
        ("request.timeout.ms", "5000", {"request.timeout.ms": 5000, "socket.timeout.ms": 5000}),
        ("retries", "2147483647", {"retries": 2147483647}),
        ("connections.max.idle.ms", "9223372036854775807", {"connections.max.idle.ms": 2**31 - 1}),
        ("send.buffer.bytes", "-1", {"socket.send.buffer.bytes": 0}),
        ("compression.zstd.level", "7", {"compression.level": "7"}),
        ("queue.buffering.max.messages", "5000", {"queue.buffering.max.messages": "5000"}),
        ("acks", "-1", {"acks": "all"}),
        ("max.block.ms", "60000", {}),
    ],
)
def test_producer_settings(java: str, value: str, native: dict[str, object]) -> None:
    for where in ({f"producer.{java}": value}, {}):
        connector = {} if where else {f"producer.override.{java}": value}
        assert native.items() <= producer(where, connector).items()


def test_consumer_settings() -> None:
    given = {
        "consumer.fetch.max.wait.ms": "50",
        "consumer.partition.assignment.strategy": "org.apache.kafka.clients.consumer.CooperativeStickyAssignor",
        "consumer.max.poll.records": "5",
    }
    found = consumer_settings(loaded({**BROKER, **given}))
    assert found["fetch.wait.max.ms"] == 50
    assert found["partition.assignment.strategy"] == "cooperative-sticky"


def test_the_connector_goes_before_the_worker_and_that_before_what_all_clients_share() -> None:
    worker = {"client.id": "all", "producer.client.id": "worker", "retry.backoff.ms": "70"}
    assert producer(worker)["client.id"] == "worker"
    assert producer(worker, {"producer.override.client.id": "mine"})["client.id"] == "mine"
    assert admin_settings(loaded({**BROKER, **worker}))["client.id"] == "all"
    assert producer(worker)["retry.backoff.ms"] == 70


@pytest.mark.parametrize(
    ("key", "value", "reason"),
    [
        ("producer.override.acks", "1", "events could be lost"),
        ("producer.enable.idempotence", "false", "double and reorder"),
        ("producer.override.transactional.id", "x", "group.id and the connector's name"),
        ("producer.override.key.serializer", "x.Y", "writes bytes"),
        ("consumer.value.deserializer", "x.Y", "reads bytes"),
        ("producer.partitioner.class", "x.Y", "default partitioner"),
        ("producer.interceptor.classes", "x.Y", "Java class"),
        ("producer.bootstrap.servers", "other:1", "its own bootstrap.servers"),
        ("producer.override.compression.type", "lzma", "must be none or gzip"),
        ("producer.override.linger.ms", "soon", "whole number"),
        ("producer.override.linger.ms", "-1", "at least 0"),
        ("producer.override.linger", "5", "did you mean linger.ms"),
        ("producer.frobnicate", "5", "no setting of Kafka's producer"),
        ("consumer.group.id", "x", "decides it"),
        ("consumer.isolation.level", "read_uncommitted", "decides it"),
        ("consumer.partition.assignment.strategy", "x.MyAssignor", "MyAssignor"),
    ],
)
def test_refused_under_its_own_name(key: str, value: str, reason: str) -> None:
    side = ({}, {key: value}) if ".override." in key else ({key: value}, {})
    found = faults(*side)
    assert list(found) == [key]
    assert reason in found[key]


def test_every_fault_at_once() -> None:
    found = faults(
        {"producer.acks": "0", "consumer.nope": "1", "admin.nope": "1", "security.protocol": "SASL_SSL"},
        {"producer.override.retries": "x"},
    )
    assert set(found) == {
        "producer.acks",
        "consumer.nope",
        "admin.nope",
        "sasl.jaas.config",
        "producer.override.retries",
    }
    with pytest.raises(ConfigurationError) as caught:
        producer({"producer.acks": "0"}, {"producer.override.retries": "x"})
    assert len(caught.value.faults) == 2


def test_what_has_no_effect_is_noted_once() -> None:
    notices = examine(loaded({**BROKER, "producer.max.block.ms": "1"}))[1]
    assert notices == ["without effect on the bridge's Kafka clients: producer.max.block.ms"]


def test_what_only_observes_or_is_so_anyway_is_taken_with_one_notice() -> None:
    interceptor = "io.confluent.monitoring.clients.interceptor.Monitoring"
    faults, notices = examine(
        loaded(
            {
                **BROKER,
                "producer.interceptor.classes": f"{interceptor}ProducerInterceptor",
                "consumer.interceptor.classes": f"{interceptor}ConsumerInterceptor",
                "producer.confluent.monitoring.interceptor.bootstrap.servers": "broker:9092",
                "consumer.auto.offset.reset": "earliest",
                "consumer.enable.auto.commit": "false",
            }
        )
    )
    assert faults == []
    (notice,) = notices
    for key in ("producer.interceptor.classes", "consumer.interceptor.classes", "consumer.auto.offset.reset"):
        assert key in notice


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("consumer.auto.offset.reset", "latest"),
        ("producer.interceptor.classes", "io.confluent.x.Y, com.acme.Z"),
    ],
)
def test_what_would_change_something_is_refused(key: str, value: str) -> None:
    (fault,) = examine(loaded({**BROKER, key: value}))[0]
    assert fault.key == key


def test_records_give_up_before_their_transaction() -> None:
    config = loaded(
        {**BROKER, "producer.delivery.timeout.ms": "120000", "producer.request.timeout.ms": "30000"}
    )
    found = producer_settings(config)
    assert found["message.timeout.ms"] == 9_000
    assert found["socket.timeout.ms"] == 9_000
    assert "delivery.timeout.ms is 9000 instead of 120000" in examine(config)[1][0]
    wider = {"producer.transaction.timeout.ms": "60000", "producer.delivery.timeout.ms": "50000"}
    assert producer(wider)["message.timeout.ms"] == 50_000


@given(
    st.sampled_from([(kind, key) for kind, table in TABLES.items() for key in table]), st.text(max_size=20)
)
def test_any_value_is_translated_or_refused_under_its_name(setting: tuple[str, str], value: str) -> None:
    kind, key = setting
    translated = Translated()
    translated.add(kind, {key: value}, "x.")
    assert [fault.key for fault in translated.faults] in ([], [f"x.{key}"])
    assert bool(translated.faults) + bool(translated.settings) + bool(translated.ignored) == 1


@pytest.mark.parametrize("kind", ["producer", "consumer", "admin"])
@pytest.mark.parametrize("number", [str(2**63 - 1), "0", "1", "-1"])
def test_any_number_is_taken_or_refused_before_a_client_is_made(kind: str, number: str) -> None:
    out_of_range = []
    for key in TABLES[kind]:
        for fault in examine(loaded({**BROKER, f"{kind}.{key}": number}))[0]:
            if "outside allowed range" in fault.message:
                out_of_range.append((key, fault.message))
    assert out_of_range == []


def test_records_wait_no_longer_than_they_have_time() -> None:
    assert producer({"producer.delivery.timeout.ms": "100"})["linger.ms"] == 50
    assert faults({"producer.delivery.timeout.ms": "1"}) == {}


def test_settings_that_contradict_each_other() -> None:
    found = faults({"producer.linger.ms": "5000", "producer.delivery.timeout.ms": "100"})
    assert list(found) == ["producer.*"]
    assert "linger.ms" in found["producer.*"]
    assert "do not go together" in found["producer.*"]
