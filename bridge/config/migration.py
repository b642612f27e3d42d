"""From a managed or self-managed connector's configuration to the bridge's two files, with findings.

What would change the records (a format, transforms, encryption) is never dropped: it stays, is named, and
validation refuses it until it is supported. What has no meaning here goes, and is named too.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from attrs import define, field, frozen

from bridge.config import secrecy
from bridge.config.catalogue import Hints
from bridge.config.classes import SELF_MANAGED_CLASSES, class_meant
from bridge.config.config import Config
from bridge.config.declarations import WORKER, catalogue_of
from bridge.config.examine import examine, placeholder
from bridge.config.external import Resolver, has_reference, lines_for
from bridge.config.files import Given
from bridge.config.formats import CONVERTER, FORMAT
from bridge.config.loading import Loader


class Kind(StrEnum):
    """What a finding asks of the reader."""

    FILL_IN = "fill in"
    CHECK = "check"
    REFUSED = "refused"
    DROPPED = "dropped"
    DIFFERENT = "different"


@frozen
class Finding:
    """One thing to know about the migration."""

    kind: Kind
    key: str
    message: str


@define
class Migration:
    """The two files' properties and the findings, most urgent kind first."""

    connector: dict[str, str]
    worker: dict[str, str] = field(factory=dict)
    findings: list[Finding] = field(factory=list)

    def note(self, kind: Kind, key: str, message: str) -> None:
        """Add a finding."""
        self.findings.append(Finding(kind, key, message))


_CLIENT: Final = re.compile(r"security\.protocol|sasl\..*|ssl\..*|bootstrap\.servers")
_OTHERS_REFERENCE: Final = re.compile(r"\$\{(?!(?:env|file|dir|directory):)[a-z][\w.-]*:[^}]+\}")
"""A reference by a provider that is not ours, as Strimzi's ``${secrets:namespace/name:key}``."""
_LICENSE_BROKERS: Final = "confluent.topic."
_REPLY: Final = 10_000_000  # bytes; what Salesforce asks clients to have room for
_NEUTRALISED: Final = {
    "transaction.boundary": "the bridge has its own rhythm (bridge.commit.interval.ms, bridge.commit.max.events)",
    "transaction.boundary.interval.ms": "the bridge has its own rhythm (bridge.commit.interval.ms)",
    "offsets.storage.topic": "positions are kept in the worker's offset.storage.topic",
}


def variable(key: str) -> str:
    """The environment variable that stands for a property."""
    return re.sub(r"[^A-Z0-9]", "_", key.upper())


def migrate(exported: Mapping[str, str], loader: Loader) -> Migration:
    """The bridge's configuration for an exported one."""
    m = Migration(dict(exported))
    self_managed = class_meant(m.connector.get("connector.class", "")) in SELF_MANAGED_CLASSES
    _take_brokers(m, self_managed)
    _take_registry(m)
    _drop(m)
    _adapt(m, self_managed)
    _hide(m, m.connector)
    _hide(m, m.worker)
    _fill_in(m, self_managed)
    _name_providers(m)
    _judge(m, loader)
    _tell(m, self_managed)
    order = {kind: index for index, kind in enumerate(Kind)}
    m.findings.sort(key=lambda finding: order[finding.kind])
    return m


def _take_brokers(m: Migration, self_managed: bool) -> None:
    endpoint = m.connector.pop("kafka.endpoint", "").strip()
    if endpoint:
        m.worker["bootstrap.servers"] = ",".join(
            part.strip().rpartition("://")[2] for part in endpoint.split(",")
        )
    if not self_managed or endpoint:  # security goes with the brokers that it is for
        return
    for key in [k for k in m.connector if k.startswith(_LICENSE_BROKERS)]:
        name = key.removeprefix(_LICENSE_BROKERS)
        if _CLIENT.fullmatch(name) and WORKER.find(name) and name not in m.worker:
            m.worker[name] = m.connector[key]
            m.note(Kind.CHECK, name, f"taken from {key}; is it the cluster that the events go to?")


def _take_registry(m: Migration) -> None:
    url = m.connector.pop("schema.registry.url", "").strip()
    if url:
        m.worker["schema.registry.url"] = url


def _drop(m: Migration) -> None:
    catalogue = catalogue_of(m.connector)
    hints = Hints(catalogue)
    for key in list(m.connector):
        declared = catalogue.find(key)
        if declared is None:
            near = hints.nearest(key)
            m.note(Kind.DROPPED, key, "is not a known property" + (f"; did it mean {near}?" if near else ""))
        elif declared.ignored:
            m.note(Kind.DROPPED, key, declared.ignored)
        elif key in _NEUTRALISED and m.connector[key].strip() != (declared.default or ""):
            m.note(Kind.DROPPED, key, _NEUTRALISED[key])
        elif key not in _NEUTRALISED and (m.connector[key].strip() or declared.empty_allowed):
            continue
        del m.connector[key]


def _adapt(m: Migration, self_managed: bool) -> None:
    if m.connector.get("kafka.auth.mode", "").strip().upper() == "SERVICE_ACCOUNT":
        m.connector["kafka.auth.mode"] = "KAFKA_API_KEY"
        account = m.connector.pop("kafka.service.account.id", "")
        m.note(
            Kind.DIFFERENT,
            "kafka.auth.mode",
            f"an API key of the service account {account} is needed".replace("  ", " "),
        )
    if m.connector.get("tasks.max", "1").strip() != "1":
        m.note(
            Kind.DIFFERENT,
            "tasks.max",
            f"is 1 instead of {m.connector['tasks.max']}: one subscription, one task",
        )
        m.connector["tasks.max"] = "1"
    topic = m.connector.get("kafka.topic", "")
    if self_managed and topic != topic.lower() and "kafka.topic.lowercase" not in m.connector:
        m.connector["kafka.topic.lowercase"] = "false"
        m.note(
            Kind.DIFFERENT,
            "kafka.topic.lowercase",
            "set to false: the self-managed connector keeps the topic's spelling",
        )


def _hide(m: Migration, properties: dict[str, str]) -> None:
    """A masked value or a placeholder becomes a reference to the environment."""
    catalogue = catalogue_of(m.connector) if properties is m.connector else WORKER
    for key, value in properties.items():
        declared = catalogue.find(key)
        if declared is None:
            continue
        if secrecy.is_masked(value) or (not declared.is_prefix and placeholder(declared, value)):
            _reference(m, properties, key)
        elif _OTHERS_REFERENCE.fullmatch(value):
            _reference(m, properties, key, f"; it was {value}")
        elif catalogue.is_secret(key) and value and not has_reference(value):
            m.note(
                Kind.CHECK,
                key,
                f"stands in the file in plain text; ${{env:{variable(key)}}} would keep it out",
            )


def _reference(m: Migration, properties: dict[str, str], key: str, origin: str = "") -> None:
    properties[key] = f"${{env:{variable(key)}}}"
    m.note(Kind.FILL_IN, key, f"set the environment variable {variable(key)}{origin}")


def _fill_in(m: Migration, self_managed: bool) -> None:
    """What is required and missing refers to the environment."""
    catalogue = catalogue_of(m.connector)
    values = examine(catalogue, m.connector, Resolver({}), unknown="warn").values
    for declared in catalogue.exact():
        when = declared.required_when
        needed = declared.required or (when and values[when.key] in when.values)
        if needed and declared.key not in m.connector:
            _reference(m, m.connector, declared.key)
    stores = ("salesforce.jwt.keystore.file", "salesforce.jwt.keystore.path")
    if values["salesforce.grant.type"] == "JWT_BEARER" and not any(key in m.connector for key in stores):
        _reference(m, m.connector, stores[0])
    if not self_managed and m.worker.get("security.protocol") not in ("PLAINTEXT", "SSL"):
        for key in ("kafka.api.key", "kafka.api.secret"):
            if key not in m.connector:
                _reference(m, m.connector, key)
    if "bootstrap.servers" not in m.worker:
        _reference(m, m.worker, "bootstrap.servers")
    _fill_in_registry(m, self_managed)


def _fill_in_registry(m: Migration, self_managed: bool) -> None:
    converter = m.connector.get(CONVERTER, "")
    schemaless = "JsonConverter" in converter if converter else m.connector.get(FORMAT, "JSON") == "JSON"
    if schemaless:
        return
    if "schema.registry.url" not in m.worker and CONVERTER + ".schema.registry.url" not in m.connector:
        _reference(m, m.worker, "schema.registry.url")
    logins = (
        "basic.auth.user.info",
        "schema.registry.basic.auth.user.info",
        "bearer.auth.credentials.source",
    )
    if not self_managed and not any(f"{CONVERTER}.{name}" in m.connector for name in logins):
        _reference(m, m.worker, "schema.registry.basic.auth.user.info")


def _name_providers(m: Migration) -> None:
    """The references resolve by REST, too, and nothing else does: each provider is held to what is needed."""
    if "config.providers" not in m.worker:
        lines = lines_for([*m.connector.values(), *m.worker.values()])
        m.worker |= {key: value for key, _, value in (line.partition("=") for line in lines)}


def _judge(m: Migration, loader: Loader) -> None:
    """What validation will say once the environment is filled in."""
    worker = examine(WORKER, _known(m.worker), Resolver({}))
    filled = Config(worker.values | m.worker, m.worker)
    connector = loader.examine_connector(Given(_known(m.connector)), filled, Resolver({}))
    later = {key for key, value in (m.connector | m.worker).items() if has_reference(value)}
    for fault in (*worker.faults, *connector.faults):
        if fault.key not in later:
            m.note(Kind.REFUSED, fault.key, fault.message)


def _known(properties: Mapping[str, str]) -> dict[str, str]:
    return {key: value for key, value in properties.items() if not has_reference(value)}


def _tell(m: Migration, self_managed: bool) -> None:
    if self_managed and FORMAT not in m.connector and CONVERTER not in m.connector:
        m.note(
            Kind.CHECK,
            FORMAT,
            "is JSON, because the file names no value.converter: Kafka Connect's worker had one",
        )
    if not self_managed and "auto.restart.on.user.error" not in m.connector:
        m.note(
            Kind.DIFFERENT,
            "auto.restart.on.user.error",
            "is false here: what only a person can mend ends the connector",
        )
    size = m.connector.get("connection.max.message.size", "").strip()
    if size.isdigit() and int(size) < _REPLY:
        m.note(
            Kind.CHECK,
            "connection.max.message.size",
            f"is {size} bytes: what waits after an outage comes in one reply, and a larger one ends the connector; "
            "without the property 104857600 bytes are allowed",
        )
    start = m.connector.get("salesforce.initial.start", "latest")
    m.note(
        Kind.DIFFERENT,
        "salesforce.initial.start",
        f"decides where the bridge starts ('{start}'): the position is no part of a configuration",
    )
    m.note(
        Kind.DIFFERENT,
        "exactly.once.source.support",
        "is enabled: records and position are committed together, which needs the permissions Write and Describe "
        "on the TransactionalId (disabled in the worker's properties turns it off)",
    )
