"""Loading: a worker's defaults, values that stand elsewhere, and the environment."""

from __future__ import annotations

from pathlib import Path

import pytest

from bridge.config import load_worker
from bridge.errors import ConfigurationError
from bridge.inspection.configuration import load
from tests.unit.config.samples import VALID, Faults, Load, write
from tests.unit.config.samples import WORKER as WORKER_FILE


def test_a_workers_error_settings_are_its_connectors_defaults(loading: Load) -> None:
    worker = WORKER_FILE | {"errors.tolerance": "all", "errors.retry.timeout": "7"}
    connector = loading({"errors.retry.timeout": "9"}, worker=worker).connector
    assert connector["errors.tolerance"] == "all"
    assert not connector.given("errors.tolerance")
    assert connector["errors.retry.timeout"] == 9


def test_a_workers_default_that_is_wrong_is_the_workers_fault_alone(faults: Faults) -> None:
    wrong = {"errors.tolerance": "some", "errors.retry.timeout": "x", "bridge.config.unknown": "?"}
    assert set(faults(worker=WORKER_FILE | wrong)) == set(wrong)


def test_values_that_stand_elsewhere_in_both_files(loading: Load, tmp_path: Path) -> None:
    secrets = tmp_path / "secrets.properties"
    secrets.write_text("pass word=\\u0068unter2\n".replace("pass word", "password"))
    loaded = loading(
        {"salesforce.password": f"${{file:{secrets}:password}}", "kafka.topic": "a-${env:STAGE}-b"},
        worker={"bootstrap.servers": "${env:HOST}:${env:PORT}"},
        environ={"STAGE": "dev", "HOST": "h", "PORT": "9092"},
    )
    assert loaded.connector["salesforce.password"] == "hunter2"
    assert loaded.connector["kafka.topic"] == "a-dev-b"
    assert loaded.worker["bootstrap.servers"] == "h:9092"
    assert loaded.connector.raw()["kafka.topic"] == "a-dev-b"


@pytest.mark.parametrize(
    ("value", "part"),
    [
        ("${env:NOT_SET}", "NOT_SET"),
        ("${file:/does/not/exist:k}", "/does/not/exist"),
        ("${file:k}", "path"),
        ("${evn:X}", "evn"),
    ],
)
def test_a_reference_that_gives_nothing_names_the_property(value: str, part: str, faults: Faults) -> None:
    found = faults({"salesforce.password": value})
    assert set(found) == {"salesforce.password"}
    assert part in found["salesforce.password"]


def test_fields_in_the_topic_are_no_references(loading: Load) -> None:
    assert loading({"kafka.topic": "${_ObjectType}"}).connector["kafka.topic"] == "${_ObjectType}"


def test_config_providers_add_names(loading: Load, faults: Faults, tmp_path: Path) -> None:
    (tmp_path / "pw").write_text("hunter2\n")
    prefix = "org.apache.kafka.common.config.provider."
    worker = WORKER_FILE | {
        "config.providers": "dir",
        "config.providers.dir.class": prefix + "DirectoryConfigProvider",
    }
    loaded = loading({"salesforce.password": f"${{dir:{tmp_path}:pw}}"}, worker=worker)
    assert loaded.connector["salesforce.password"] == "hunter2"
    vault = WORKER_FILE | {"config.providers": "vault", "config.providers.vault.class": "com.acme.Vault"}
    assert set(faults(worker=vault)) == {"config.providers.vault.class"}


PACKAGE = "org.apache.kafka.common.config.provider"


def test_restrictions_of_a_provider_hold_in_files_too(loading: Load, faults: Faults, tmp_path: Path) -> None:
    for name in ("open", "shut"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "s.properties").write_text("k=hunter2\n")
    worker = WORKER_FILE | {
        "config.providers": "env,file",
        "config.providers.env.class": f"{PACKAGE}.EnvVarConfigProvider",
        "config.providers.env.param.allowlist.pattern": "SF_[A-Z]+",
        "config.providers.file.class": f"{PACKAGE}.FileConfigProvider",
        "config.providers.file.param.allowed.paths": f"/elsewhere,{tmp_path}/open",
    }
    environ = {"SF_PASSWORD": "hunter2", "HOME_SF_PASSWORD": "hunter2", "SF_PASSWORD_OLD": "hunter2"}

    def told(reference: str, key: str = "salesforce.password") -> dict[str, str]:
        given = {key: reference.replace("DIR", str(tmp_path))}
        return faults(given, worker=worker, environ=environ)

    assert told("${env:SF_PASSWORD}") == {}
    assert told("${file:DIR/open/s.properties:k}") == {}
    for reference in ("${env:HOME_SF_PASSWORD}", "${env:SF_PASSWORD_OLD}"):
        assert "param.allowlist.pattern" in told(reference)["salesforce.password"]
    for reference in ("${file:DIR/shut/s.properties:k}", "${file:DIR/open/../shut/s.properties:k}"):
        assert "param.allowed.paths" in told(reference)["salesforce.password"]
    own = worker | {"sasl.username": "u", "sasl.password": "${env:HOME_SF_PASSWORD}"}
    assert "sasl.password" in faults(worker=own, environ=environ), "the worker's file is held to it, too"


@pytest.mark.parametrize(
    ("key", "value"),
    [("env.param.allowlist.pattern", "("), ("file.param.allowed.paths", "secrets"), ("env.class", "Vault")],
)
def test_a_restriction_that_cannot_be_read_is_not_taken_for_none(
    key: str, value: str, faults: Faults
) -> None:
    worker = WORKER_FILE | {
        "config.providers": "env,file",
        "config.providers.env.class": f"{PACKAGE}.EnvVarConfigProvider",
        "config.providers.file.class": f"{PACKAGE}.FileConfigProvider",
        f"config.providers.{key}": value,
    }
    assert set(faults(worker=worker)) == {f"config.providers.{key}"}


def test_a_reference_is_shown_as_written_and_its_value_never(tmp_path: Path) -> None:
    wrong = VALID | {"connection.timeout": "${env:SECRET}"}
    with pytest.raises(ConfigurationError) as error:
        load(*write(tmp_path, wrong), environ={"SECRET": "hunter2"})
    assert "hunter2" not in str(error.value)
    assert "${env:SECRET}" in str(error.value)
    assert "hunter2" not in repr(error.value.faults)


def test_the_environment_alone_makes_a_worker() -> None:
    worker = load_worker(
        None, environ={"CONNECT_BOOTSTRAP_SERVERS": "h:1", "CONNECT_GROUP_ID": "g", "PATH": "/bin"}
    )
    assert (worker["bootstrap.servers"], worker["config.storage.topic"]) == ("h:1", "g-configs")


def test_the_environment_goes_before_the_file_and_strangers_are_a_notice(loading: Load) -> None:
    loaded = loading(environ={"CONNECT_GROUP_ID": "g", "CONNECT_CUB_KAFKA_TIMEOUT": "3"})
    assert loaded.worker["group.id"] == "g"
    assert "CONNECT_cub.kafka.timeout" not in str(loaded.notices)
    assert "CONNECT_CUB_KAFKA_TIMEOUT" in str(loaded.notices)


def test_the_whole_text_in_one_variable() -> None:
    text = "bootstrap.servers=h:1\nssl.truststore.type=PEM\n"
    worker = load_worker(None, environ={"SFBRIDGE_WORKER_PROPERTIES": text})
    assert (worker["bootstrap.servers"], worker["ssl.truststore.type"]) == ("h:1", "PEM")
    with pytest.raises(ConfigurationError, match="SFBRIDGE_WORKER_PROPERTIES: is not JSON"):
        load_worker(None, environ={"SFBRIDGE_WORKER_PROPERTIES": "{"})


def test_a_worker_alone_shows_its_faults() -> None:
    environ = {"CONNECT_BOOTSTRAP_SERVERS": "nonsense", "CONNECT_SECURITY_PROTOCOL": "TLS"}
    with pytest.raises(ConfigurationError) as error:
        load_worker(None, environ=environ)
    assert {f.key for f in error.value.faults} == {"bootstrap.servers", "security.protocol"}
    assert "environment" in error.value.message
