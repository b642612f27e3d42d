"""From exported configurations to the bridge's two files: what becomes of each property."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.config import files
from bridge.config.exports import properties_of, read_export
from bridge.config.migration import Kind, Migration, migrate, variable
from bridge.errors import ConfigurationError
from bridge.inspection.configuration import LOADER, config_infos, load
from bridge.salesforce.keymaker import make_pair
from tests.unit.config.samples import EXAMPLE, write

SELF_MANAGED = {
    "name": "sf",
    "connector.class": "io.confluent.salesforce.SalesforcePlatformEventSourceConnector",
    "tasks.max": "1",
    "kafka.topic": "Orders",
    "salesforce.consumer.key": "key",
    "salesforce.consumer.secret": "hunter2",
    "salesforce.password": "hunter3",
    "salesforce.password.token": "",
    "salesforce.platform.event.name": "Order__e",
    "salesforce.username": "me@example.com",
    "salesforce.initial.start": "all",
    "connection.max.message.size": "1048576",
    "value.converter": "org.apache.kafka.connect.json.JsonConverter",
    "value.converter.schemas.enable": "false",
    "key.converter": "org.apache.kafka.connect.storage.StringConverter",
    "confluent.topic.bootstrap.servers": "kafka:9092",
    "confluent.topic.replication.factor": "1",
    "confluent.license": "",
}

EXPORTED = EXAMPLE | {
    "cloud.environment": "prod",
    "cloud.provider": "aws",
    "kafka.endpoint": "SASL_SSL://pkc-1.example.com:9092",
    "kafka.region": "us-east-1",
    "schema.registry.url": "https://psrc-1.example.com",
    "valid.kafka.api.key": "true",
    "kafka.dedicated": "false",
    "salesforce.username": "me@example.com",
    "output.data.format": "AVRO",
    "salesforce.jwt.keystore.file": "",
}


def filled(m: Migration) -> dict[str, str]:
    """An environment with something for every reference."""
    store, _ = make_pair("test", 30, "some-value", "key")
    values = {
        "BOOTSTRAP_SERVERS": "h:1",
        "SCHEMA_REGISTRY_URL": "http://r:1",
        "SALESFORCE_JWT_KEYSTORE_FILE": "data:text/plain;base64," + base64.b64encode(store).decode(),
        "SALESFORCE_PLATFORM_EVENT_NAME": "A__e",
        "KAFKA_TOPIC": "t",
    }
    keys = [key for key, value in (m.connector | m.worker).items() if value.startswith("${env:")]
    return {variable(key): values.get(variable(key), "some-value") for key in keys}


def kinds(m: Migration, kind: Kind) -> set[str]:
    return {finding.key for finding in m.findings if finding.kind is kind}


FORMS: dict[str, Any] = {
    "flat": EXPORTED,
    "wrapped": {"name": EXPORTED["name"], "config": EXPORTED},
    "wrapped, name outside": {
        "name": EXPORTED["name"],
        "config": {k: v for k, v in EXPORTED.items() if k != "name"},
    },
    "cloud CLI": {
        "connector": {"id": "lcc-1", "name": EXPORTED["name"], "status": "RUNNING", "type": "source"},
        "tasks": [{"task_id": 0, "state": "RUNNING"}],
        "configs": [{"config": key, "value": value} for key, value in EXPORTED.items()],
    },
    "API, expanded": {"info": {"name": EXPORTED["name"], "type": "source", "config": EXPORTED}, "status": {}},
    "API, expanded list": {
        EXPORTED["name"]: {"id": {"id": "lcc-1"}, "info": {"name": "x", "config": EXPORTED}}
    },
    "Connect's REST API": {
        "name": EXPORTED["name"],
        "config": EXPORTED,
        "tasks": [{"connector": "x", "task": 0}],
    },
    "a list of one": [{"name": EXPORTED["name"], "config": EXPORTED}],
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_of_an_export_is_understood(form: str, tmp_path: Path) -> None:
    path = tmp_path / "exported.json"
    path.write_text(json.dumps(FORMS[form]))
    assert read_export(path) == EXPORTED


def test_properties_are_understood(tmp_path: Path) -> None:
    path = tmp_path / "sf.properties"
    path.write_text("".join(f"{key}={value}\n" for key, value in SELF_MANAGED.items()))
    assert read_export(path) == SELF_MANAGED


@pytest.mark.parametrize(
    "document",
    [
        [],
        [EXPORTED, EXPORTED],
        7,
        {"configs": [1]},
        {"a": {"info": {}}, "b": {"info": {}}},
        {},
        {"x": {"y": 1}},
    ],
)
def test_what_is_no_configuration_is_one_sentence(document: object, tmp_path: Path) -> None:
    path = tmp_path / "exported.json"
    path.write_text(json.dumps(document))
    with pytest.raises(ConfigurationError) as error:
        read_export(path)
    assert len(error.value.faults) == 1


SAMPLES: dict[str, Mapping[str, str]] = {
    "example": EXAMPLE,
    "exported": EXPORTED,
    "self-managed": SELF_MANAGED,
    "jwt": {
        **{k: v for k, v in EXAMPLE.items() if "password" not in k},
        "salesforce.grant.type": "JWT_BEARER",
    },
    "service account": EXAMPLE | {"kafka.auth.mode": "SERVICE_ACCOUNT", "kafka.service.account.id": "sa-1"},
    "bare": {"connector.class": "SalesforcePlatformEventSource"},
    "odd": EXAMPLE
    | {"tasks.max": "3", "no.such.key": "x", "transaction.boundary": "interval", "http.proxy": ""},
    "avro without address": EXAMPLE | {"output.data.format": "AVRO"},
    "licence brokers with SASL": SELF_MANAGED
    | {
        "confluent.topic.security.protocol": "SASL_SSL",
        "confluent.topic.sasl.mechanism": "PLAIN",
        "confluent.topic.sasl.jaas.config": "org.apache.kafka.common.security.plain.PlainLoginModule required "
        'username="u" password="p";',
    },
}


@pytest.mark.parametrize("sample", SAMPLES)
def test_the_result_is_valid_once_the_environment_is_filled_in(sample: str, tmp_path: Path) -> None:
    m = migrate(SAMPLES[sample], LOADER)
    assert kinds(m, Kind.REFUSED) == set()
    environ = filled(m)
    assert set(environ) == {variable(key) for key in kinds(m, Kind.FILL_IN)}
    loaded = load(*write(tmp_path, m.connector, m.worker), environ=environ)
    named = {**m.connector, "name": loaded.connector.name}  # by REST a name is no reference
    assert config_infos(named, loaded.worker, environ=environ)["error_count"] == 0, "by REST, too"


def test_a_managed_export() -> None:
    m = migrate(EXPORTED, LOADER)
    assert m.connector["salesforce.password"] == "${env:SALESFORCE_PASSWORD}"
    assert m.connector["output.data.format"] == "AVRO"
    assert m.worker == {
        "bootstrap.servers": "pkc-1.example.com:9092",
        "schema.registry.url": "https://psrc-1.example.com",
        "schema.registry.basic.auth.user.info": "${env:SCHEMA_REGISTRY_BASIC_AUTH_USER_INFO}",
        "config.providers": "env",
        "config.providers.env.class": "org.apache.kafka.common.config.provider.EnvVarConfigProvider",
        "config.providers.env.param.allowlist.pattern": "|".join(filled(m)),
    }
    assert {"cloud.environment", "cloud.provider", "kafka.region"} <= kinds(m, Kind.DROPPED)
    assert not {"cloud.environment", "kafka.endpoint", "schema.registry.url"} & set(m.connector)
    assert "exactly.once.source.support" in kinds(m, Kind.DIFFERENT)


def test_a_self_managed_configuration() -> None:
    m = migrate(SELF_MANAGED, LOADER)
    assert m.connector["kafka.topic.lowercase"] == "false"
    assert m.connector["salesforce.password"] == "hunter3"
    assert m.connector["salesforce.password.token"] == ""
    assert m.worker == {"bootstrap.servers": "kafka:9092"}
    assert {"salesforce.password", "bootstrap.servers"} <= kinds(m, Kind.CHECK)
    assert "confluent.topic.replication.factor" in kinds(m, Kind.DROPPED)
    assert not any(key.startswith("confluent.") for key in m.connector)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("csfle.enabled", "true"),
        ("connection.timeout", "0"),
    ],
)
def test_what_would_change_the_records_stays_and_is_named(key: str, value: str) -> None:
    m = migrate(EXAMPLE | {key: value}, LOADER)
    assert m.connector[key] == value
    assert key in kinds(m, Kind.REFUSED)
    assert m.findings.index(next(f for f in m.findings if f.key == key)) < len(m.findings) - 1


def test_findings_never_hold_a_secret() -> None:
    assert "hunter" not in str(migrate(SELF_MANAGED, LOADER).findings)


def test_a_template_is_no_placeholder() -> None:
    assert (
        migrate(EXAMPLE | {"kafka.topic": "${_ObjectType}"}, LOADER).connector["kafka.topic"]
        == "${_ObjectType}"
    )


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["name", "config", "configs", "info", "value", "a"]), inner)
    ),
    max_leaves=10,
)


@given(JSON)
def test_any_document_is_properties_or_unreadable(document: object) -> None:
    try:
        found = dict(files.texts(properties_of(document)))
    except files.UnreadableError:
        found = {}
    migrate(found, LOADER)
