"""Kafka Connect's ConfigInfos: its form, its counts, its masks."""

from __future__ import annotations

import json

import pytest

from bridge.config import config_of
from bridge.config.declarations import CONNECTOR, WORKER
from bridge.config.infos import definitions
from bridge.inspection.configuration import config_infos
from tests.unit.config.samples import EXAMPLE, PLAIN, VALID

# The keys of a definition and of a value as Apache Kafka Connect 4.3 answers them, and 'order', its older name
# for 'order_in_group'.
DEFINITION = {"name", "type", "required", "default_value", "importance", "documentation", "group", "order",
              "order_in_group", "width", "display_name", "dependents"}  # fmt: skip
VALUE = {"name", "value", "recommended_values", "errors", "visible"}


def by_name(infos: dict) -> dict:
    return {entry["definition"]["name"]: entry for entry in infos["configs"]}


def test_the_form() -> None:
    infos = config_infos(VALID, config_of(PLAIN, WORKER), environ={})
    assert set(infos) == {"name", "error_count", "groups", "configs"}
    assert infos["name"] == "SalesforcePlatformEventSource"
    assert infos["error_count"] == 0
    for entry in infos["configs"]:
        assert set(entry["definition"]) == DEFINITION
        assert set(entry["value"]) == VALUE
        assert entry["definition"]["name"] == entry["value"]["name"]
        assert entry["definition"]["type"].isupper()
    groups = {entry["definition"]["group"] for entry in infos["configs"]}
    assert groups <= set(infos["groups"])
    json.dumps(infos)


def test_framework_properties_are_there() -> None:
    names = """name connector.class tasks.max key.converter value.converter header.converter transforms predicates
        config.action.reload errors.retry.timeout errors.retry.delay.max.ms errors.tolerance errors.log.enable
        errors.log.include.messages topic.creation.groups exactly.once.support transaction.boundary
        transaction.boundary.interval.ms offsets.storage.topic tasks.max.enforce connector.plugin.version
        key.converter.plugin.version value.converter.plugin.version header.converter.plugin.version"""
    assert set(names.split()) <= set(by_name(config_infos(VALID, environ={})))


def test_values_defaults_and_errors() -> None:
    given = VALID | {
        "connection.timeout": "0",
        "no.such": "x",
        "producer.override.linger.ms": "5",
        "salesforce.password": "",
    }
    found = by_name(config_infos(given, environ={}))
    assert found["connection.timeout"]["value"]["value"] == "0"
    assert "least value allowed, 1" in found["connection.timeout"]["value"]["errors"][0]
    assert found["salesforce.initial.start"]["value"]["value"] == "latest"
    assert found["salesforce.initial.start"]["value"]["recommended_values"] == ["latest", "all"]
    assert found["output.data.format"]["value"]["recommended_values"] == [
        "AVRO",
        "JSON",
        "JSON_SR",
        "PROTOBUF",
    ]
    assert found["producer.override.linger.ms"]["value"]["value"] == "5"
    assert "not a known property" in found["no.such"]["value"]["errors"][0]
    assert found["salesforce.password"]["value"]["errors"]
    assert found["tasks.max"]["definition"]["default_value"] == "1"
    assert config_infos(given, environ={})["error_count"] == 3


def test_a_form_shows_what_the_grant_type_needs() -> None:
    found = by_name(config_infos(VALID | {"salesforce.grant.type": "CLIENT_CREDENTIALS"}, environ={}))
    assert "salesforce.password" in found["salesforce.grant.type"]["definition"]["dependents"]
    assert not found["oauth.refresh.token"]["value"]["visible"]
    assert found["salesforce.password"]["value"]["visible"], "what is given is shown"
    assert found["salesforce.consumer.secret"]["value"]["visible"]


LESS: dict[str, str] = {k: v for k, v in VALID.items() if k not in ("kafka.api.key", "kafka.api.secret")}
KEYSTORE = (
    "salesforce.jwt.keystore.file",
    "salesforce.jwt.keystore.path",
    "salesforce.jwt.keystore.password",
)


@pytest.mark.parametrize(
    ("chooses", "value", "shown", "hidden"),
    [
        ("salesforce.grant.type", "JWT_BEARER", KEYSTORE, ("oauth.refresh.token",)),
        ("salesforce.grant.type", "PASSWORD", (), KEYSTORE),
        ("salesforce.grant.type", "CLIENT_CREDENTIALS", (), KEYSTORE),
        (
            "kafka.auth.mode",
            "KAFKA_API_KEY",
            ("kafka.api.key", "kafka.api.secret"),
            ("kafka.service.account.id",),
        ),
        (
            "kafka.auth.mode",
            "SERVICE_ACCOUNT",
            ("kafka.service.account.id",),
            ("kafka.api.key", "kafka.api.secret"),
        ),
        ("csfle.enabled", "true", ("sr.service.account.id",), ()),
        ("csfle.enabled", "false", (), ("sr.service.account.id",)),
        ("http.proxy.auth.scheme", "BASIC", ("http.proxy.user", "http.proxy.password"), ()),
        ("http.proxy.auth.scheme", "NONE", (), ("http.proxy.user", "http.proxy.password")),
        ("bridge.salesforce.api", "pubsub", ("bridge.pubsub.endpoint",), ()),
        ("bridge.salesforce.api", "streaming", (), ("bridge.pubsub.endpoint",)),
    ],
)
def test_a_form_shows_what_a_choice_gives_a_meaning_to(
    chooses: str, value: str, shown: tuple[str, ...], hidden: tuple[str, ...]
) -> None:
    found = by_name(config_infos(LESS | {chooses: value}, environ={}))
    assert {*shown, *hidden} <= set(found[chooses]["definition"]["dependents"])
    assert [key for key in (*shown, *hidden) if found[key]["value"]["visible"]] == list(shown)
    given = by_name(config_infos(LESS | {chooses: value} | dict.fromkeys(hidden, "x"), environ={}))
    assert all(given[key]["value"]["visible"] for key in hidden), "what is given is shown"


def test_secrets_are_masked_references_are_not() -> None:
    given = VALID | {"salesforce.password": "${env:PW}", "producer.override.sasl.jaas.config": "x hunter2",
                     "salesforce.tokn": "hunter2", "http.proxy": "http://u:hunter2@p:1"}  # fmt: skip
    text = json.dumps(config_infos(given, environ={"PW": "hunter2"}))
    assert "hunter2" not in text
    assert "the-salesforce" not in text
    assert "${env:PW}" in text
    assert "*" * 16 in text
    assert "****" in json.dumps(config_infos(EXAMPLE, environ={}))


def test_unknown_properties_can_be_let_through() -> None:
    infos = config_infos(VALID | {"no.such": "x"}, environ={}, unknown="warn")
    assert infos["error_count"] == 0


def test_definitions_of_a_plugin() -> None:
    assert [d["name"] for d in definitions(CONNECTOR)] == [p.key for p in CONNECTOR.exact()]
    assert all(set(d) == DEFINITION for d in definitions(WORKER))


def test_what_kafka_connects_form_has_no_place_for_stands_in_the_documentation() -> None:
    found = {each["name"]: each["documentation"] for each in definitions(CONNECTOR)}
    assert "Valid values: AVRO, JSON, JSON_SR, PROTOBUF." in found["output.data.format"]
    assert "Required: when " in found["salesforce.platform.event.name"]
    assert "Support: " in found["topic.creation.groups"]
    assert "NTLM" not in found["http.proxy.auth.scheme"].partition("Valid values")[2].partition(".")[0]
