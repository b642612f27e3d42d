"""From Java's names to librdkafka's: what is translated, what is refused by its name, what cannot be overridden."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, pkcs12
from hypothesis import given
from hypothesis import strategies as st

from bridge.config import Config, Loaded, config_of
from bridge.config.declarations import CONNECTOR, WORKER
from bridge.errors import ConfigurationError
from bridge.kafka.settings import (
    admin_settings,
    consumer_settings,
    exactly_once,
    examine,
    producer_settings,
    transactional_id,
    worker_settings,
)
from bridge.kafka.translate import TABLES, Translated
from tests.support.certs import Authority

BROKER = {"bootstrap.servers": "broker:9092"}
PLAIN = "org.apache.kafka.common.security.plain.PlainLoginModule"
SCRAM = "org.apache.kafka.common.security.scram.ScramLoginModule"
OAUTH = "org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule"
LOGIN = {
    "security.protocol": "SASL_PLAINTEXT",
    "sasl.jaas.config": f'{PLAIN} required username="u" password="p";',
}


@pytest.fixture(autouse=True)
def _no_private_ca(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)


def loaded(worker: Mapping[str, str] | None = None, connector: Mapping[str, str] | None = None) -> Loaded:
    config = config_of({"kafka.topic": "orders", **(connector or {})}, CONNECTOR)
    given = config_of(BROKER if worker is None else worker, WORKER)
    return Loaded(Config(dict(config), config.raw(), "orders"), given)


def faults(worker: Mapping[str, str], connector: Mapping[str, str] | None = None) -> dict[str, str]:
    return {fault.key: fault.message for fault in examine(loaded({**BROKER, **worker}, connector))[0]}


def producer(worker: Mapping[str, str], connector: Mapping[str, str] | None = None) -> dict[str, object]:
    return producer_settings(loaded({**BROKER, **worker}, connector))


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
        "linger.ms": 5,
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
    assert found["batch.size"] == found["message.max.bytes"]
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
    assert notices == ["producer.max.block.ms means nothing to the bridge's Kafka client"]


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


def test_settings_that_contradict_each_other() -> None:
    found = faults({"producer.linger.ms": "5000", "producer.delivery.timeout.ms": "100"})
    assert list(found) == ["producer.*"]
    assert "linger.ms" in found["producer.*"]
    assert "do not go together" in found["producer.*"]


# ---- brokers and logins -----------------------------------------------------------------------------------


def test_brokers() -> None:
    assert producer({"bootstrap.servers": "a:1, b:2"})["bootstrap.servers"] == "a:1,b:2"
    assert producer_settings(loaded({}, {"kafka.endpoint": "SASL_SSL://c:3"}))["bootstrap.servers"] == "c:3"
    assert "bootstrap.servers" in {fault.key for fault in examine(loaded({}))[0]}
    with pytest.raises(ConfigurationError, match=r"^bootstrap\.servers: is not set in the worker file$"):
        worker_settings("consumer", config_of({}, WORKER))


def test_api_key_is_sasl_plain_over_tls_unless_the_worker_says_otherwise() -> None:
    key = {"kafka.api.key": "K", "kafka.api.secret": "S"}
    found = producer({}, key)
    login = {"sasl.mechanism": "PLAIN", "sasl.username": "K", "sasl.password": "S"}
    assert (login | {"security.protocol": "SASL_SSL"}).items() <= found.items()
    assert producer({"security.protocol": "SASL_PLAINTEXT"}, key)["security.protocol"] == "SASL_PLAINTEXT"
    assert producer({"security.protocol": "SASL_SSL", "sasl.mechanism": "SCRAM-SHA-512"}, key)[
        "sasl.mechanism"
    ] == ("SCRAM-SHA-512")


@pytest.mark.parametrize("protocol", ["PLAINTEXT", "SSL"])
def test_api_key_that_is_not_used_is_noted(protocol: str) -> None:
    config = loaded(
        {**BROKER, "security.protocol": protocol}, {"kafka.api.key": "K", "kafka.api.secret": "S"}
    )
    assert "sasl.username" not in producer_settings(config)
    assert len([notice for notice in examine(config)[1] if "kafka.api.key" in notice]) == 1


def test_the_worker_s_login_goes_before_the_api_key() -> None:
    config = loaded({**BROKER, **LOGIN}, {"kafka.api.key": "K", "kafka.api.secret": "S"})
    assert producer_settings(config)["sasl.username"] == "u"
    assert any("kafka.api.key" in notice for notice in examine(config)[1])


def test_a_connector_s_own_login() -> None:
    own = {"producer.override.sasl.jaas.config": f'{PLAIN} required username="mine" password="q";'}
    assert producer(LOGIN, own)["sasl.username"] == "mine"
    assert admin_settings(loaded({**BROKER, **LOGIN}, own))["sasl.username"] == "u"


def test_scram_needs_its_mechanism() -> None:
    jaas = {"security.protocol": "SASL_SSL", "sasl.jaas.config": f"{SCRAM} required username=u password=p;"}
    assert "SCRAM-SHA-256 or SCRAM-SHA-512" in faults(jaas)["sasl.mechanism"]
    assert producer({**jaas, "sasl.mechanism": "scram-sha-512"})["sasl.mechanism"] == "SCRAM-SHA-512"


def test_oauth_with_client_credentials() -> None:
    text = f'{OAUTH} required clientId="i" clientSecret="s" scope="k" extension_logicalCluster="lkc-1";'
    given = {
        "security.protocol": "SASL_SSL",
        "sasl.mechanism": "OAUTHBEARER",
        "sasl.jaas.config": text,
        "sasl.oauthbearer.token.endpoint.url": "https://idp.example/token",
    }
    expected = {
        "sasl.oauthbearer.method": "oidc",
        "sasl.oauthbearer.client.id": "i",
        "sasl.oauthbearer.client.secret": "s",
        "sasl.oauthbearer.scope": "k",
        "sasl.oauthbearer.extensions": "logicalCluster=lkc-1",
        "sasl.oauthbearer.token.endpoint.url": "https://idp.example/token",
    }
    assert expected.items() <= producer(given).items()
    del given["sasl.oauthbearer.token.endpoint.url"]
    assert "sasl.oauthbearer.token.endpoint.url" in faults(given)


@pytest.mark.parametrize(
    ("changes", "key", "reason"),
    [
        ({"sasl.jaas.config": f'{PLAIN} required username="u";'}, "sasl.jaas.config", "has no password"),
        ({"sasl.jaas.config": "x.Krb5LoginModule required;"}, "sasl.jaas.config", "names Krb5LoginModule"),
        ({"sasl.jaas.config": f'{PLAIN} required password="geheim"'}, "sasl.jaas.config", "no ';'"),
        ({"sasl.mechanism": "GSSAPI"}, "sasl.mechanism", "Kerberos"),
        ({"sasl.mechanism": "SCRAM-SHA-256"}, "sasl.mechanism", "names PlainLoginModule: set PLAIN"),
    ],
)
def test_logins_that_cannot_work(changes: dict[str, str], key: str, reason: str) -> None:
    found = faults({**LOGIN, **changes})
    assert list(found) == [key]
    assert reason in found[key]
    assert "geheim" not in found[key]


# ---- TLS --------------------------------------------------------------------------------------------------

SSL = {"security.protocol": "SSL"}


def test_trust_is_librdkafka_s_own_where_nothing_is_said() -> None:
    assert not [key for key in producer(SSL) if key.startswith("ssl.ca")]


def test_trust_store_by_content_not_by_name(tmp_path: Path) -> None:
    authority = Authority.create(tmp_path)
    p12 = tmp_path / "trust.jks"
    p12.write_bytes(
        pkcs12.serialize_java_truststore(
            [pkcs12.PKCS12Certificate(authority.certificate, b"ca")], BestAvailableEncryption(b"geheim")
        )
    )
    for store in (
        {"ssl.truststore.location": str(authority.file), "ssl.truststore.type": "PEM"},
        {
            "ssl.truststore.location": str(p12),
            "ssl.truststore.password": "geheim",
            "ssl.truststore.type": "JKS",
        },
        {"ssl.truststore.certificates": authority.file.read_text()},
    ):
        assert producer({**SSL, **store})["ssl.ca.pem"] == authority.file.read_text()
    found = faults({**SSL, "ssl.truststore.location": str(p12), "ssl.truststore.password": "falsch"})
    assert found == {"ssl.truststore.location": "cannot be opened: the password is wrong"}


def test_ssl_cert_file_adds_to_the_system_s_trust(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    authority = Authority.create(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.file))
    assert str(producer(SSL)["ssl.ca.pem"]).startswith(authority.file.read_text())


def test_a_store_that_is_not_there(tmp_path: Path) -> None:
    path = str(tmp_path / "none.jks")
    for key in ("ssl.truststore.location", "ssl.keystore.location"):
        assert faults({**SSL, key: path}) == {key: f"{path} cannot be read (No such file or directory)"}


def test_client_certificates(tmp_path: Path) -> None:
    authority = Authority.create(tmp_path)
    client = authority.issue("client")
    found = producer({**SSL, "ssl.keystore.location": str(client), "ssl.key.password": "k"})
    assert (found["ssl.certificate.location"], found["ssl.key.location"]) == (str(client), str(client))
    assert found["ssl.key.password"] == "k"
    p12 = tmp_path / "client.p12"
    p12.write_bytes(b"\x30\x82")
    found = producer({**SSL, "ssl.keystore.location": str(p12), "ssl.keystore.password": "q"})
    assert (found["ssl.keystore.location"], found["ssl.keystore.password"]) == (str(p12), "q")
    assert (
        "private key and its certificate"
        in faults({**SSL, "ssl.keystore.location": str(authority.file)})["ssl.keystore.location"]
    )
    inline = {"ssl.keystore.key": "KEY", "ssl.keystore.certificate.chain": "CHAIN"}
    found = producer({**SSL, **inline})
    assert (found["ssl.key.pem"], found["ssl.certificate.pem"]) == ("KEY", "CHAIN")


def test_host_names_are_checked_unless_turned_off() -> None:
    name = "ssl.endpoint.identification.algorithm"
    assert producer(SSL)[name] == "https"
    assert producer({**SSL, name: ""})[name] == "none"
    assert name in faults({**SSL, name: "maybe"})
