"""Loading: API keys, topics and the settings of Kafka's clients."""

from __future__ import annotations

from pathlib import Path

import pytest

from bridge.errors import ConfigurationError
from bridge.inspection.configuration import load
from tests.unit.config.samples import NO_KEYS, PLAIN, VALID, Faults, Load, told, write
from tests.unit.config.samples import WORKER as WORKER_FILE


def test_api_keys_are_needed_unless_the_worker_reaches_kafka_without(faults: Faults) -> None:
    jaas = 'org.apache.kafka.common.security.plain.PlainLoginModule required username="u" password="p";'
    assert set(faults(NO_KEYS)) == set(NO_KEYS)
    assert set(faults(NO_KEYS, worker=WORKER_FILE | {"security.protocol": "SASL_SSL"})) == set(NO_KEYS)
    assert faults(NO_KEYS, worker=PLAIN) == {}
    assert faults(NO_KEYS, worker=WORKER_FILE | {"security.protocol": "SSL"}) == {}
    assert faults(NO_KEYS, worker=WORKER_FILE | {"security.protocol": "SASL_SSL", "sasl.mechanism": "PLAIN",
                                                 "sasl.jaas.config": jaas}) == {}  # fmt: skip
    assert set(faults({"kafka.api.secret": None})) == {"kafka.api.secret"}


def test_the_self_managed_connector_has_no_api_keys(faults: Faults) -> None:
    own = {"connector.class": "io.confluent.salesforce.SalesforcePlatformEventSourceConnector"}
    assert faults({**own, **NO_KEYS, "kafka.auth.mode": None}) == {}
    assert set(faults({**own, **NO_KEYS})) == set(NO_KEYS)


def test_unused_api_keys_are_one_notice(loading: Load) -> None:
    (notice,) = told(loading(worker=PLAIN))
    assert "kafka.api.key" in notice
    assert "PLAINTEXT" in notice


def test_service_accounts_are_refused_with_the_alternative(faults: Faults) -> None:
    found = faults({"kafka.auth.mode": "SERVICE_ACCOUNT", "kafka.service.account.id": "sa-1", **NO_KEYS})
    assert set(found) == {"kafka.auth.mode"}
    assert "KAFKA_API_KEY" in found["kafka.auth.mode"]


def test_without_a_worker_the_connectors_endpoint_counts(tmp_path: Path) -> None:
    connector, _ = write(tmp_path, VALID)
    with pytest.raises(ConfigurationError, match=r"bootstrap\.servers: is required"):
        load(connector, None, environ={})
    connector, _ = write(tmp_path, VALID | {"kafka.endpoint": "SASL_SSL://pkc-1.example.com:9092"})
    loaded = load(connector, None, environ={})
    assert loaded.worker["group.id"] == "sfbridge"
    assert loaded.worker["bootstrap.servers"] is None


def test_the_kafka_clients_settings_are_judged_too(faults: Faults) -> None:
    found = faults({"producer.override.acks": "0"}, worker=WORKER_FILE | {"producer.lingr.ms": "5"})
    assert set(found) == {"producer.override.acks", "producer.lingr.ms"}
    assert "(in worker.properties)" in found["producer.lingr.ms"]


def test_exactly_once_can_be_demanded(faults: Faults) -> None:
    required = {"exactly.once.support": "required"}
    assert faults(required) == {}
    assert set(faults(required, worker=WORKER_FILE | {"exactly.once.source.support": "disabled"})) == set(
        required
    )


def test_state_topics_are_three(faults: Faults) -> None:
    same = {"offset.storage.topic": "state", "config.storage.topic": "state"}
    assert set(faults(worker=WORKER_FILE | same)) == {"config.storage.topic"}
    long = faults(worker=WORKER_FILE | {"group.id": "g" * 245})
    assert set(long) == {f"{kind}.storage.topic" for kind in ("offset", "config", "status")}
    assert "group.id" in long["offset.storage.topic"]


def test_what_is_told_of_connectors_has_a_topic_of_its_own(faults: Faults) -> None:
    key = "bridge.lifecycle.topic"
    assert faults(worker=WORKER_FILE | {key: ""}) == {}
    assert faults(worker=WORKER_FILE | {key: "told"}) == {}
    same = faults(worker=WORKER_FILE | {key: "state", "status.storage.topic": "state"})
    assert set(same) == {key}
    assert same[key].startswith("is the same topic as status.storage.topic; each needs one of its own")
    assert set(faults(worker=WORKER_FILE | {key: "no topic"})) == {key}
    mixed = faults({"kafka.topic": "told"}, worker=WORKER_FILE | {key: "told"})
    assert mixed == {
        "kafka.topic": f"is the worker's {key}, in which it tells of connectors; name another topic"
    }


def test_topics_are_created_with_both_numbers(faults: Faults) -> None:
    one, other = "topic.creation.default.partitions", "topic.creation.default.replication.factor"
    assert set(faults({one: "3"})) == {other}
    assert set(faults({one: "0", other: "1"})) == {one}
    assert faults({one: "3", other: "-1", "topic.creation.default.retention.ms": "1000"}) == {}


def test_dead_letters_have_a_topic_of_their_own(faults: Faults, loading: Load) -> None:
    key = "errors.deadletterqueue.topic.name"
    assert set(faults({key: "testplatformevent", "errors.tolerance": "all"})) == {key}
    assert set(faults({"bridge.schema.on.incompatible": "dead_letter"})) == {key}
    assert "no effect" in told(loading({key: "dead"}))[0]
    assert told(loading({key: "dead", "errors.tolerance": "all"})) == ()


def test_lower_casing_is_said(loading: Load) -> None:
    (notice,) = told(loading({"kafka.topic": "Orders"}))
    assert "orders" in notice
    assert told(loading({"kafka.topic": "Orders", "kafka.topic.lowercase": "false"})) == ()


@pytest.mark.parametrize("topic", ["sfbridge-offsets", "SFBRIDGE-Configs", "sfbridge-status"])
def test_records_and_dead_letters_go_to_no_topic_of_the_worker(topic: str, faults: Faults) -> None:
    assert set(faults({"kafka.topic": topic})) == {"kafka.topic"}
    letters = {"errors.deadletterqueue.topic.name": topic.lower(), "errors.tolerance": "all"}
    assert set(faults(letters)) == {"errors.deadletterqueue.topic.name"}


CLOUD = {"confluent.cloud.api.key": "k", "confluent.cloud.api.secret": "s"}
READER = {
    "sr.service.account.id": "sa-1",
    "output.data.format": "AVRO",
    "value.converter.schema.registry.url": "http://registry:8081",
}


def test_an_unused_service_account_is_told(loading: Load) -> None:
    (notice,) = told(loading({"kafka.service.account.id": "sa-1"}))
    assert notice == "kafka.service.account.id is not used, because kafka.auth.mode is KAFKA_API_KEY"
    (notice,) = told(loading({"sr.service.account.id": "sa-1"}))
    assert notice.startswith("sr.service.account.id is not used, because output.data.format is JSON")


@pytest.mark.parametrize(
    ("given", "worker", "why"),
    [
        ({}, CLOUD | {"bridge.cloud.schema.registry.id": "lsrc-1"}, None),
        ({}, CLOUD, "the worker's properties do not give bridge.cloud.schema.registry.id"),
        ({}, {}, "confluent.cloud.api.key, confluent.cloud.api.secret, bridge.cloud.schema.registry.id"),
        (
            {"value.converter.basic.auth.user.info": "u:p"},
            CLOUD | {"bridge.cloud.schema.registry.id": "lsrc-1"},
            "the connector gives a login of its own",
        ),
    ],
)
def test_the_registry_s_account_is_of_use_whatever_kafka_is_asked_with(
    given: dict[str, str], worker: dict[str, str], why: str | None, loading: Load
) -> None:
    notices = told(loading({**READER, **given}, worker=WORKER_FILE | worker))
    if why is None:
        assert notices == ()
    else:
        (notice,) = notices
        assert notice.startswith("sr.service.account.id is not used, because ")
        assert why in notice


def test_with_service_accounts_what_the_registry_s_needs_is_required_too(faults: Faults) -> None:
    mode = {"kafka.auth.mode": "SERVICE_ACCOUNT", "kafka.service.account.id": "sa-1", **NO_KEYS}
    worker = WORKER_FILE | CLOUD | {"bridge.cloud.kafka.cluster.id": "lkc-1"}
    assert faults(mode, worker=worker) == {}
    assert faults({**mode, "sr.service.account.id": "sa-2"}, worker=worker) == {}, "JSON needs no registry"
    refused = faults({**mode, **READER}, worker=worker)
    assert set(refused) == {"kafka.auth.mode"}
    assert "must give bridge.cloud.schema.registry.id;" in refused["kafka.auth.mode"]
    assert faults({**mode, **READER}, worker=worker | {"bridge.cloud.schema.registry.id": "lsrc-1"}) == {}


def test_a_service_account_of_kafka_is_of_no_use_where_nobody_logs_in(loading: Load) -> None:
    given = {"kafka.auth.mode": "SERVICE_ACCOUNT", "kafka.service.account.id": "sa-1", **NO_KEYS}
    (notice,) = told(loading(given, worker=PLAIN))
    assert notice == "kafka.service.account.id is not used, because security.protocol is PLAINTEXT"
