"""``sfbridge preview``: records decoded with schema and tags; nothing written, protected values masked."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from bridge.cli.main import main
from bridge.registry.client import Registry as RegistryClient
from bridge.sandbox import samples
from bridge.sandbox.definition import FieldDefinition
from bridge.sandbox.org import Org
from bridge.sandbox.registry import Registry

EVENT = "Order_Placed__e"
SECRET = "ada.winter@example.com"


class Files:
    """A connector's files; what ``preview`` prints."""

    def __init__(self, directory: Path, org: Org, registry: Registry, capsys: Any) -> None:
        self.directory, self.capsys = directory, capsys
        c = org.credentials
        self.settings = {
            "connector.class": "SalesforcePlatformEventSource",
            "name": "orders",
            "kafka.topic": "Orders",
            "salesforce.grant.type": "PASSWORD",
            "salesforce.instance": org.url,
            "salesforce.username": c.username,
            "salesforce.password": c.password,
            "salesforce.password.token": c.security_token,
            "salesforce.consumer.key": c.client_id,
            "salesforce.consumer.secret": c.client_secret,
            "salesforce.platform.event.name": EVENT,
            "bridge.salesforce.ca.file": str(org.ca_file),
            "output.data.format": "AVRO",
            "kafka.api.key": "k",
            "kafka.api.secret": "s",
        }
        self.worker = directory / "worker.properties"
        self.worker.write_text(f"bootstrap.servers=127.0.0.1:1\nschema.registry.url={registry.url}\n")

    def contract(self, rule: dict[str, Any] | None = None, **tags: list[str]) -> None:
        path = self.directory / "contract.yaml"
        rules = (
            [{"name": "pii", "type": "ENCRYPT", "tags": ["PII"], "params": KEY, **rule}]
            if rule is not None
            else []
        )
        fields = {name: {"tags": each} for name, each in tags.items()}
        path.write_text(json.dumps({"event": EVENT, "fields": fields, "rules": rules}))
        self.settings["bridge.schema.contract"] = str(path)

    def preview(self, *more: str) -> list[dict[str, Any]]:
        out = self.text(*more, "-o", "ndjson")
        return [json.loads(line) for line in out.splitlines()]

    def text(self, *more: str) -> str:
        path = self.directory / "connector.json"
        path.write_text(json.dumps(self.settings))
        arguments = ["preview", str(path), "--worker", str(self.worker), "--until-idle", "3", *more]
        assert main(arguments) == 0, self.capsys.readouterr().err
        out: str = self.capsys.readouterr().out
        return out


KEY = {"encrypt.kek.name": "k", "encrypt.kms.type": "local-kms", "encrypt.kms.key.id": "one"}


@pytest.fixture
def files(tmp_path: Path, org: Org, registry: Registry, capsys: Any) -> Files:
    return Files(tmp_path, org, registry, capsys)


def subjects(registry: Registry) -> list[str]:
    import urllib.request

    with urllib.request.urlopen(f"{registry.url}/subjects", timeout=5) as answer:
        found: list[str] = json.load(answer)
    return found


def test_records_are_decoded_and_nothing_is_written(files: Files, org: Org, registry: Registry) -> None:
    payload = {"Order_Number__c": "O-1", "Amount__c": 2.5, "Delivery_Date__c": "2026-01-05"}
    ids = [org.publish(EVENT, payload), org.publish(EVENT, payload)]
    found = files.preview("--max-events", "2")
    assert [each["replayId"] for each in found] == ids
    record = found[0]["record"]
    assert (record["topic"], record["key"]) == ("orders", None)
    assert record["value"]["Delivery_Date__c"] == "2026-01-05"
    assert record["value"]["CreatedDate"].endswith("Z")
    assert record["value"]["_ObjectType"] == EVENT
    assert found[0]["subject"] == "orders-value"
    assert found[0]["becomes"] == "its schema would be registered as the first"
    assert "schema" not in found[0]
    assert subjects(registry) == []
    files.settings["datapreview.schemas.enable"] = "true"
    assert json.loads(files.preview("--max-events", "1")[0]["schema"])["name"] == EVENT


def test_it_ends_where_nothing_is_retained(files: Files, capsys: Any) -> None:
    assert files.preview() == []


@pytest.mark.parametrize("encrypting", ["true", "false"])
def test_protected_values_are_masked(files: Files, org: Org, encrypting: str) -> None:
    files.contract({}, Customer_Email__c=["PII"], Notes__c=["OTHER"])
    files.settings["csfle.enabled"] = encrypting
    if encrypting == "false":
        files.settings["bridge.csfle.allow.plaintext"] = "true"
    org.publish(EVENT, {"Order_Number__c": "O-1", "Customer_Email__c": SECRET, "Notes__c": "plain"})
    (found,) = files.preview("--max-events", "1", "--explain")
    assert SECRET not in json.dumps(found)
    assert found["record"]["value"]["Customer_Email__c"] == "********"
    assert found["record"]["value"]["Notes__c"] == "plain"
    assert found["masked"] == ["Customer_Email__c"]
    assert found["tags"] == {"Customer_Email__c": {"PII": "contract"}, "Notes__c": {"OTHER": "contract"}}
    text = files.text("--max-events", "1")
    assert SECRET not in text
    assert "tagged: Customer_Email__c: PII (contract), masked" in text


def test_registered_tags_and_rules_mask_too(
    files: Files, org: Org, registry: Registry, tmp_path: Path
) -> None:
    mail = {
        "name": "Customer_Email__c",
        "type": ["null", "string"],
        "default": None,
        "confluent:tags": ["PII"],
    }
    schema = {"type": "record", "name": EVENT, "namespace": "io.confluent.salesforce", "fields": [mail]}
    (tmp_path / f"{EVENT}.avsc").write_text(json.dumps(schema))
    files.contract({})
    contract = files.settings.pop("bridge.schema.contract")
    where = ["--subject", "orders-value", "--schema-registry", registry.url, "--contract", contract]
    assert main(["schemas", "register", str(tmp_path / f"{EVENT}.avsc"), *where]) == 0
    files.capsys.readouterr()
    files.settings["csfle.enabled"] = "true"
    org.publish(EVENT, {"Order_Number__c": "O-1", "Customer_Email__c": SECRET})
    (found,) = files.preview("--max-events", "1")
    assert SECRET not in json.dumps(found)
    assert found["tags"] == {"Customer_Email__c": {"PII": "registered schema, inline"}}
    assert "version 1 lacks ReplayId" in found["becomes"]


def test_explain_shows_each_transform(files: Files, org: Org) -> None:
    files.settings |= {
        "transforms": "rename,route",
        "transforms.rename.type": "org.apache.kafka.connect.transforms.ReplaceField$Value",
        "transforms.rename.renames": "Order_Number__c:number,Customer_Email__c:mail",
        "transforms.route.type": "org.apache.kafka.connect.transforms.RegexRouter",
        "transforms.route.regex": "orders",
        "transforms.route.replacement": "sales",
    }
    files.contract({}, Customer_Email__c=["PII"])
    files.settings["csfle.enabled"] = "true"
    org.publish(EVENT, {"Order_Number__c": "O-1", "Customer_Email__c": SECRET})
    (found,) = files.preview("--max-events", "1", "--explain")
    assert SECRET not in json.dumps(found), "the tag follows the field to its new name"
    before, renamed, routed = found["steps"]
    assert "after" not in before
    assert (renamed["after"], renamed["topic"], renamed["value"]["number"]) == ("rename", "orders", "O-1")
    assert (routed["after"], routed["topic"]) == ("route", "sales")
    assert found["record"]["value"]["mail"] == "********"
    assert found["subject"] == "sales-value"


@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("ValueToKey", {"fields": "Customer_Email__c"}),
        ("HeaderFrom$Value", {"fields": "Customer_Email__c", "headers": "mail", "operation": "copy"}),
    ],
)
def test_what_transforms_carry_away_is_masked_too(
    files: Files, org: Org, name: str, settings: dict[str, str]
) -> None:
    files.settings |= {
        "transforms": "t",
        "transforms.t.type": f"org.apache.kafka.connect.transforms.{name}",
        **{f"transforms.t.{key}": value for key, value in settings.items()},
    }
    files.contract({}, Customer_Email__c=["PII"])
    files.settings["csfle.enabled"] = "true"
    org.publish(EVENT, {"Order_Number__c": "O-1", "Customer_Email__c": SECRET})
    (found,) = files.preview("--max-events", "1", "--explain")
    assert SECRET not in json.dumps(found)
    assert "would be refused: transforms.t puts the field Customer_Email__c" in found["becomes"]


@pytest.mark.parametrize(
    "settings",
    [
        {"kafka.topic": "x-${Customer_Email__c}"},
        {
            "transforms": "t",
            "transforms.t.type": "io.confluent.connect.transforms.ExtractTopic$Value",
            "transforms.t.field": "Customer_Email__c",
        },
    ],
)
def test_a_topic_of_a_protected_value_is_told_to_nobody(
    files: Files, org: Org, registry: Registry, settings: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def latest(client: object, subject: str) -> None:
        raise AssertionError(f"the registry was asked for {subject}")

    monkeypatch.setattr("bridge.registry.client.Registry.latest", latest)
    files.settings |= settings | {"csfle.enabled": "true"}
    files.contract({}, Customer_Email__c=["PII"])
    org.publish(EVENT, {"Order_Number__c": "O-1", "Customer_Email__c": "zdenka.tajemna"})
    (found,) = files.preview("--max-events", "1", "--explain")
    assert "zdenka" not in json.dumps(found)
    assert "would be refused" in found["becomes"]
    assert "into the topic" in found["becomes"]


def test_what_cannot_be_carried_and_what_is_dropped_is_told(files: Files, org: Org) -> None:
    org.bus.publish_bytes(EVENT, b'{"Order_Number__c": "O-1", "Amount__c": "much"}')
    (found,) = files.preview("--max-events", "1")
    assert found["record"] is None
    assert found["becomes"].startswith("cannot be carried (PARSE)")
    assert "much" not in found["becomes"]
    files.settings |= {
        "transforms": "drop",
        "transforms.drop.type": "org.apache.kafka.connect.transforms.Filter",
    }
    org.expire(10**10)
    org.publish(EVENT, {"Order_Number__c": "O-1"})
    (found,) = files.preview("--max-events", "1")
    assert (found["record"], found["becomes"]) == (None, "is dropped by transforms.drop")


def test_events_of_a_channel(files: Files, org: Org) -> None:
    org.define_channel("Sales__chn", [EVENT, "Shipment_Updated__e"])
    files.settings |= {
        "salesforce.platform.subscription.type": "CUSTOM_CHANNEL",
        "salesforce.platform.custom.channel.name": "Sales__chn",
        "salesforce.platform.channel.entities": f"{EVENT},Shipment_Updated__e",
        "kafka.topic": "${_ObjectType}",
    }
    del files.settings["salesforce.platform.event.name"]
    org.publish(EVENT, {"Order_Number__c": "O-1"})
    org.publish("Shipment_Updated__e", {"Tracking_Number__c": "T-1"})
    org.define(samples.ORDER_PLACED.with_field(FieldDefinition("New__c")))
    org.publish(EVENT, {"Order_Number__c": "O-2", "New__c": "yes"})
    found = files.preview("--max-events", "3")
    assert [each["event"] for each in found] == [EVENT, "Shipment_Updated__e", EVENT]
    assert [each["record"]["topic"] for each in found][1] == "shipment_updated__e"
    assert found[2]["record"]["value"]["New__c"] == "yes"


@pytest.mark.parametrize(
    "pattern", ["**.Customer_Email__c", "**.[C]ustomer_Email__c", "**.Customer\\_Email__c"]
)
def test_a_registered_pattern_masks_what_is_hoisted_and_the_key_before(
    files: Files, org: Org, registry: Registry, tmp_path: Path, pattern: str
) -> None:
    mail = {"name": "Customer_Email__c", "type": ["null", "string"], "default": None}
    within = {"type": "record", "name": EVENT, "namespace": "io.confluent.salesforce", "fields": [mail]}
    schema = {"type": "record", "name": "ConnectDefault", "namespace": "io.confluent.connect.avro",
              "fields": [{"name": "all", "type": within}]}  # fmt: skip
    rule = {"name": "pii", "type": "ENCRYPT", "tags": ["PII"], "params": KEY}
    body = {
        "schema": json.dumps(schema),
        "metadata": {"tags": {pattern: ["PII"]}},
        "ruleSet": {"domainRules": [rule]},
    }
    import urllib.request

    request = urllib.request.Request(
        f"{registry.url}/subjects/orders-value/versions", json.dumps(body).encode(), method="POST",
        headers={"Content-Type": "application/json"},
    )  # fmt: skip
    urllib.request.urlopen(request, timeout=5).close()
    apache = "org.apache.kafka.connect.transforms."
    files.settings |= {
        "csfle.enabled": "true", "transforms": "k,h", "transforms.k.type": f"{apache}ValueToKey",
        "transforms.k.fields": "Customer_Email__c", "transforms.h.type": f"{apache}HoistField$Value",
        "transforms.h.field": "all",
    }  # fmt: skip
    org.publish(EVENT, {"Order_Number__c": "O-1", "Customer_Email__c": SECRET})
    (found,) = files.preview("--max-events", "1", "--explain")
    assert SECRET not in json.dumps(found)
    assert found["becomes"].startswith(
        "would be refused: transforms.k puts the field Customer_Email__c (tagged PII)"
    )
    del files.settings["transforms.k.type"], files.settings["transforms.k.fields"]
    files.settings["transforms"] = "h"
    (found,) = files.preview("--max-events", "1", "--explain")
    assert SECRET not in json.dumps(found)
    assert found["masked"] == ["all.Customer_Email__c"]
    assert found["record"]["value"]["all"]["Order_Number__c"] == "O-1"


def register_tagged(registry: Registry, rules: list[dict[str, Any]], subject: str) -> None:
    """A version that tags the mail address, with these rules."""
    import urllib.request

    mail = {"name": "Customer_Email__c", "type": ["null", "string"], "default": None}
    schema = {"type": "record", "name": EVENT, "namespace": "io.confluent.salesforce", "fields": [mail]}
    body = {"schema": json.dumps(schema), "metadata": {"tags": {"**.Customer_Email__c": ["PII"]}}}
    request = urllib.request.Request(
        f"{registry.url}/subjects/{subject}/versions",
        json.dumps({**body, "ruleSet": {"domainRules": rules}} if rules else body).encode(),
        method="POST", headers={"Content-Type": "application/json"},
    )  # fmt: skip
    urllib.request.urlopen(request, timeout=5).close()


@pytest.mark.parametrize(("with_rule", "by_template"), [(True, False), (False, False), (True, True)])
def test_a_topic_of_a_value_that_the_registry_alone_protects_is_told_to_nobody(
    files: Files,
    org: Org,
    registry: Registry,
    with_rule: bool,
    by_template: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rule = {"name": "pii", "type": "ENCRYPT", "tags": ["PII"], "params": KEY}
    subject = f"io.confluent.salesforce.{EVENT}" if by_template else "orders-value"
    register_tagged(registry, [rule] if with_rule else [], subject)
    files.settings |= (
        {
            "csfle.enabled": "true",
            "value.converter.value.subject.name.strategy": "RecordNameStrategy",
            "kafka.topic": "of-${Customer_Email__c}",
        }
        if by_template
        else {
            "csfle.enabled": "true",
            "transforms": "t",
            "transforms.t.type": "io.confluent.connect.transforms.ExtractTopic$Value",
            "transforms.t.field": "Customer_Email__c",
        }
    )
    real, asked = RegistryClient.latest, []
    monkeypatch.setattr(
        RegistryClient, "latest", lambda self, name: (asked.append(name), real(self, name))[1]
    )
    org.publish(EVENT, {"Order_Number__c": "O-1", "Customer_Email__c": "zdenka.tajemna"})
    (found,) = files.preview("--max-events", "1", "--explain")
    assert "zdenka" not in json.dumps(found)
    assert "would be refused" in found["becomes"]
    assert set(asked) == {subject}


def test_where_nothing_would_be_encrypted_nothing_is_shown(files: Files, org: Org) -> None:
    files.settings["csfle.enabled"] = "true"
    org.publish(EVENT, {"Order_Number__c": "O-1", "Customer_Email__c": SECRET})
    (found,) = files.preview("--max-events", "1", "--explain")
    assert SECRET not in json.dumps(found)
    assert found["becomes"].startswith("would be refused: csfle.enabled is true, and nothing of it")
    assert set(found["record"]["value"]) > {"Order_Number__c", "Customer_Email__c"}, "names are no values"
    files.settings["bridge.csfle.allow.plaintext"] = "true"
    (found,) = files.preview("--max-events", "1")
    assert found["record"]["value"]["Customer_Email__c"] == SECRET
