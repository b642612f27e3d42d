"""``producer.override.*`` that comes by REST never takes the worker's credentials another way."""

import socket
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import confluent_kafka
import pytest

from bridge.config import Loaded, config_of, files, load_worker
from bridge.config.declarations import WORKER as WORKER_PROPERTIES
from bridge.config.external import Origin
from bridge.config.loading import resolver_of
from bridge.inspection.configuration import connector_config, examine_connector
from bridge.kafka.settings import producer_settings
from bridge.metrics import Metrics
from bridge.worker.plugins import salesforce_plugins
from tests.support.memory_worker import GOOD, MemoryWorker

VALIDATE = "/connector-plugins/SalesforcePlatformEventSource/config/validate"
OAUTH = "org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule"
PLAIN = "org.apache.kafka.common.security.plain.PlainLoginModule"
LOGIN = {"bootstrap.servers": "127.0.0.1:1", "security.protocol": "SASL_SSL"}
WORKERS = {
    "plain": {**LOGIN, "sasl.jaas.config": f'{PLAIN} required username="w" password="workers-own";'},
    "oauth": {
        **LOGIN,
        "sasl.mechanism": "OAUTHBEARER",
        "sasl.jaas.config": f'{OAUTH} required clientId="w" clientSecret="workers-own";',
        "sasl.oauthbearer.token.endpoint.url": "http://127.0.0.1:9/token",
    },
    "producer's own": {
        **LOGIN,
        "sasl.jaas.config": f'{PLAIN} required username="w" password="workers-own";',
        "producer.sasl.jaas.config": f'{PLAIN} required username="p" password="workers-own";',
    },
}
REFUSED = {
    "sasl.oauthbearer.token.endpoint.url": "http://127.0.0.1:9/theirs",
    "security.protocol": "SASL_PLAINTEXT",
    "ssl.endpoint.identification.algorithm": "",
    "sasl.mechanism": "OAUTHBEARER",
    "ssl.truststore.certificates": "theirs",
    "sasl.login.callback.handler.class": "theirs",
    "sasl.username": "half of a login",
}


def worker_of(given: Mapping[str, str], directory: Path) -> MemoryWorker:
    path = directory / "worker.properties"
    path.write_text("".join(f"{key}={value}\n" for key, value in given.items()))
    return MemoryWorker(salesforce_plugins(load_worker(path, environ={}), Metrics()))


@pytest.fixture(params=WORKERS)
def worker(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[MemoryWorker]:
    worker = worker_of(WORKERS[request.param], tmp_path)
    yield worker
    worker.stop()


@pytest.mark.parametrize("key", REFUSED)
def test_half_an_override_is_refused_on_its_property(key: str, worker: MemoryWorker) -> None:
    full = f"producer.override.{key}"
    infos = worker.ask("PUT", VALIDATE, {**GOOD, full: REFUSED[key]})[1]
    told = {one["value"]["name"]: one["value"]["errors"] for one in infos["configs"]}
    assert any("brings its own" in text for text in told[full]), told[full]
    assert worker.ask("POST", "/connectors", {"name": "sf", "config": {**GOOD, full: REFUSED[key]}})[0] == 400


@pytest.mark.parametrize("kind", WORKERS)
def test_an_override_with_its_own_login_holds_nothing_of_the_workers(kind: str) -> None:
    own = {
        "producer.override.sasl.jaas.config": f'{PLAIN} required username="mine" password="own";',
        "producer.override.sasl.mechanism": "PLAIN",
    }
    worker = config_of(WORKERS[kind], WORKER_PROPERTIES)
    by_rest = examine_connector(files.Given({**GOOD, **own}), worker, resolver_of(worker, {}, Origin.REST))
    assert not by_rest.faults
    settings = producer_settings(Loaded(by_rest.config(), worker))
    assert (settings["sasl.username"], settings["sasl.password"]) == ("mine", "own")
    assert "workers-own" not in repr(settings)


def test_the_operators_file_may_override_as_it_likes() -> None:
    worker = config_of(WORKERS["plain"], WORKER_PROPERTIES)
    given = {**GOOD, "producer.override.security.protocol": "SASL_PLAINTEXT"}
    settings = producer_settings(Loaded(connector_config(given, worker=worker, environ={}), worker))
    assert (settings["security.protocol"], settings["sasl.password"]) == ("SASL_PLAINTEXT", "workers-own")


def test_validation_makes_no_client_that_has_anybody_to_call(
    worker: MemoryWorker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """librdkafka asks for an OAUTHBEARER token as soon as a client is made."""
    made: list[dict[str, Any]] = []
    monkeypatch.setattr("bridge.kafka.settings._sound", set())  # what was tried before is not tried again
    for name in ("Producer", "Consumer"):
        real = getattr(confluent_kafka, name)
        monkeypatch.setattr(
            confluent_kafka, name, lambda settings, real=real: (made.append(settings), real(settings))[1]
        )
    own = {
        "producer.override.sasl.mechanism": "OAUTHBEARER",
        "producer.override.sasl.jaas.config": f'{OAUTH} required clientId="m" clientSecret="own";',
        "producer.override.sasl.oauthbearer.token.endpoint.url": "http://127.0.0.1:9/mine",
    }
    assert worker.ask("PUT", VALIDATE, {**GOOD, **own})[1]["error_count"] == 0
    assert len(made) == 3, "producer, consumer, admin"
    for settings in made:
        assert not [key for key in settings if key.startswith(("sasl.", "bootstrap."))]
        assert settings["security.protocol"] == "ssl"


@pytest.mark.parametrize(
    ("policy", "allowed"),
    [
        ("All", {"linger.ms", "sasl.jaas.config"}),
        ("None", set()),
        ("org.apache.kafka.connect.connector.policy.NoneConnectorClientConfigOverridePolicy", set()),
        ("Principal", {"sasl.jaas.config"}),
        ("Allowlist", {"linger.ms"}),
    ],
)
def test_the_workers_policy_decides_what_may_be_overridden(policy: str, allowed: set[str]) -> None:
    given = {
        "bootstrap.servers": "127.0.0.1:1",
        "security.protocol": "PLAINTEXT",
        "connector.client.config.override.policy": policy,
        "connector.client.config.override.allowlist": "linger.ms, batch.size",
    }
    worker = config_of(given, WORKER_PROPERTIES)
    wanted = {"linger.ms": "7", "sasl.jaas.config": f'{PLAIN} required username="m" password="o";'}
    own = {f"producer.override.{name}": text for name, text in wanted.items()}
    for origin in Origin:
        judged = examine_connector(files.Given({**GOOD, **own}), worker, resolver_of(worker, {}, origin))
        refused = {fault.key.removeprefix("producer.override.") for fault in judged.faults}
        assert wanted.keys() - refused == allowed, judged.faults


SETTINGS: dict[str, dict[str, str]] = {
    "password": {},
    "a host that has no address": {
        "salesforce.instance": "https://nowhere.example",
        "http.proxy": "nowhere.example:1",
    },
    "a registry": {
        "output.data.format": "AVRO",
        "value.converter.schema.registry.url": "https://nowhere.example:8081,http://169.254.169.254",
        "value.converter.basic.auth.credentials.source": "USER_INFO",
        "value.converter.basic.auth.user.info": "u:p",
    },
    "encryption": {
        "output.data.format": "AVRO",
        "value.converter.schema.registry.url": "http://nowhere.example",
        "csfle.enabled": "true",
        "rule.executors._default_.param.token.id": "t",
    },
    "client credentials": {
        "salesforce.grant.type": "CLIENT_CREDENTIALS",
        "salesforce.instance": "https://a.example",
    },
}


@pytest.mark.parametrize("what", SETTINGS)
def test_validation_asks_nobody_outside(what: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    worker = worker_of({**WORKERS["oauth"], "bridge.egress.allowed": "10.0.0.0/8"}, tmp_path)

    def refuse(*_: object, **__: object) -> Any:
        raise AssertionError("somebody was asked")

    try:
        with monkeypatch.context() as patched:
            for name in ("getaddrinfo", "gethostbyname", "create_connection"):
                patched.setattr(socket, name, refuse)
            patched.setattr(socket.socket, "connect", refuse)
            status, infos = worker.ask("PUT", VALIDATE, {**GOOD, **SETTINGS[what]})
    finally:
        worker.stop()
    assert status == 200, infos
