"""The first files of a connector, of a few answers: connector, worker, contract. Secrets stay in the environment."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from attrs import frozen

from bridge.changes import entity_of
from bridge.config.classes import CDC_MANAGED
from bridge.inspection.generate import Key, contract_for, contract_text
from bridge.metadata.source_format import Declared

GRANTS: Final = ("JWT_BEARER", "CLIENT_CREDENTIALS", "PASSWORD")
SECRETS: Final[Mapping[str, tuple[tuple[str, str], ...]]] = {
    "JWT_BEARER": (("salesforce.jwt.keystore.password", "SF_KEYSTORE_PASSWORD"),),
    "CLIENT_CREDENTIALS": (("salesforce.consumer.secret", "SF_CONSUMER_SECRET"),),
    "PASSWORD": (
        ("salesforce.password", "SF_PASSWORD"),
        ("salesforce.password.token", "SF_SECURITY_TOKEN"),
        ("salesforce.consumer.secret", "SF_CONSUMER_SECRET"),
    ),
}
"""Grant → its secrets: the property, and the variable of the environment that holds it."""
_ANY: Final = "Any__e"


@frozen
class Answers:
    """What was asked. ``keystore``: a .p12 or .jks file, or the .properties that ``auth keystore`` writes."""

    grant: str
    consumer_key: str
    instance: str = ""
    username: str = ""
    keystore: str = ""
    ca_file: str = ""
    api: str = "streaming"
    name: str = ""
    topic: str = ""
    format: str = "AVRO"
    context: str = ""
    start: str = "all"
    brokers: str = ""
    security: str = "PLAINTEXT"
    registry: str = ""
    key: Key | None = None
    """The KEK; None: nothing is encrypted yet."""


def secrets_of(answers: Answers) -> tuple[tuple[str, str], ...]:
    """The secrets that are needed: the property, and the variable of the environment."""
    if answers.keystore.endswith(".properties"):
        return ()
    return SECRETS[answers.grant]


def login_properties(answers: Answers) -> dict[str, str]:
    """The part of a connector that a login needs."""
    properties = {
        "connector.class": "SalesforcePlatformEventSource",
        "salesforce.grant.type": answers.grant,
        "salesforce.instance": answers.instance,
        "salesforce.username": answers.username if answers.grant != "CLIENT_CREDENTIALS" else "",
        "salesforce.consumer.key": answers.consumer_key,
        "bridge.salesforce.ca.file": answers.ca_file,
    }
    if answers.keystore.endswith(".properties"):
        properties["salesforce.jwt.keystore.file"] = f"${{file:{answers.keystore}:keystore}}"
        properties["salesforce.jwt.keystore.password"] = f"${{file:{answers.keystore}:password}}"
    elif answers.grant == "JWT_BEARER":
        properties["salesforce.jwt.keystore.path"] = answers.keystore
    properties |= {key: f"${{env:{variable}}}" for key, variable in secrets_of(answers)}
    return {key: value for key, value in properties.items() if value}


def draft(answers: Answers) -> dict[str, str]:
    """Enough of a connector for a login, before an event was chosen."""
    return login_properties(answers) | {
        "name": "init",
        "kafka.topic": "init",
        "salesforce.platform.event.name": _ANY,
        "output.data.format": "JSON",
        "tasks.max": "1",
    }


def connector_properties(answers: Answers, event: str, contract: Path, *, protects: bool) -> dict[str, str]:
    """``connector.json``. ``protects``: whether the contract has a rule that encrypts."""
    more = {
        "kafka.api.key": "${env:KAFKA_API_KEY}" if answers.security.startswith("SASL") else "",
        "kafka.api.secret": "${env:KAFKA_API_SECRET}" if answers.security.startswith("SASL") else "",
        "schema.context.name": answers.context,
        "bridge.salesforce.api": answers.api if answers.api != "streaming" else "",
        "csfle.enabled": "true" if protects else "",
    }
    return {
        "name": answers.name,
        **login_properties(answers),
        **_carrying(event),
        "salesforce.initial.start": answers.start,
        "kafka.topic": answers.topic,
        "topic.creation.default.partitions": "1",
        "topic.creation.default.replication.factor": "-1",
        "output.data.format": answers.format,
        "bridge.schema.contract": str(contract),
        "tasks.max": "1",
        **{key: value for key, value in more.items() if value},
    }


def _carrying(event: str) -> dict[str, str]:
    """The class of connector that carries an event, and the property that names it."""
    if entity_of(event) is None:
        return {"salesforce.platform.event.name": event}
    return {"connector.class": CDC_MANAGED, "salesforce.cdc.name": event}


def worker_properties(answers: Answers) -> dict[str, str]:
    """``worker.properties``."""
    properties = {
        "bootstrap.servers": answers.brokers,
        "security.protocol": answers.security,
        "group.id": "sfbridge",
        "offset.storage.topic": "sfbridge-offsets",
    }
    if answers.registry:
        properties["schema.registry.url"] = answers.registry
    if answers.registry and ".confluent.cloud" in answers.registry:
        properties["schema.registry.basic.auth.user.info"] = "${env:SR_KEY}:${env:SR_SECRET}"
    if answers.key is not None and answers.key.kms_type == "local-kms":
        properties["rule.executors._default_.param.secret"] = "${env:LOCAL_KMS_SECRET}"
    return properties


def variables(answers: Answers) -> list[str]:
    """The variables of the environment that the files refer to."""
    names = [variable for _, variable in secrets_of(answers)]
    if answers.security.startswith("SASL"):
        names += ["KAFKA_API_KEY", "KAFKA_API_SECRET"]
    if ".confluent.cloud" in answers.registry:
        names += ["SR_KEY", "SR_SECRET"]
    if answers.key is not None and answers.key.kms_type == "local-kms":
        names.append("LOCAL_KMS_SECRET")
    return names


def contract_of(declared: Declared, key: Key | None) -> tuple[str, dict[str, list[str]], bool]:
    """The contract's text, the tags that it proposes (field → tags), and whether a rule encrypts."""
    contract = contract_for(declared.event, declared.classified, None, key or Key())
    tags = {name: list(entry.tags) for name, entry in contract.fields.items() if entry.tags}
    protects = any(not rule.disabled for rule in contract.rules)
    return contract_text(contract, declared.event, declared.classified), tags, protects
