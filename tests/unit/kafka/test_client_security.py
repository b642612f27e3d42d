"""How Kafka's clients reach and trust a broker: addresses, logins, TLS, by Java's names."""

from __future__ import annotations

from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, pkcs12

from bridge.config import config_of
from bridge.config.declarations import WORKER
from bridge.errors import ConfigurationError
from bridge.kafka.settings import (
    admin_settings,
    examine,
    producer_settings,
    worker_settings,
)
from tests.support.certs import Authority
from tests.unit.kafka.clients import BROKER, faults, loaded, producer

PLAIN = "org.apache.kafka.common.security.plain.PlainLoginModule"
SCRAM = "org.apache.kafka.common.security.scram.ScramLoginModule"
OAUTH = "org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule"
LOGIN = {
    "security.protocol": "SASL_PLAINTEXT",
    "sasl.jaas.config": f'{PLAIN} required username="u" password="p";',
}


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
    assert found == {"ssl.truststore.location": "cannot be opened: the password is wrong, or it is damaged"}


def test_ssl_cert_file_adds_to_the_system_s_trust(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    authority = Authority.create(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.file))
    assert str(producer(SSL)["ssl.ca.pem"]).startswith(authority.file.read_text())


def test_a_store_that_is_not_there(tmp_path: Path) -> None:
    path = str(tmp_path / "none.jks")
    for key in ("ssl.truststore.location", "ssl.keystore.location"):
        assert faults({**SSL, key: path}) == {key: f"{path} does not exist"}


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
