"""Every property people can meet is declared, once, with what the public pages say about it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from bridge.config.catalogue import Catalogue
from bridge.config.declarations import CONNECTOR, WORKER
from bridge.config.examine import default_of
from bridge.config.property import BOOLEAN, Property, Type
from bridge.config.supported import CONVERTER_OPTIONS, REFUSED_PROPERTIES, REFUSED_VALUES

# Type, default and importance as the managed connector's page has them.
MANAGED = {
    "name": ("string", None, "high"),
    "kafka.auth.mode": ("string", "KAFKA_API_KEY", "high"),
    "kafka.api.key": ("password", None, "high"),
    "kafka.service.account.id": ("string", None, "high"),
    "kafka.api.secret": ("password", None, "high"),
    "kafka.topic": ("string", None, "high"),
    "schema.context.name": ("string", "default", "medium"),
    "salesforce.grant.type": ("string", "PASSWORD", "high"),
    "salesforce.instance": ("string", "https://login.salesforce.com", "high"),
    "salesforce.username": ("string", None, "high"),
    "salesforce.password": ("password", None, "high"),
    "salesforce.password.token": ("password", None, "high"),
    "salesforce.consumer.key": ("password", None, "high"),
    "salesforce.consumer.secret": ("password", None, "medium"),
    "salesforce.jwt.keystore.file": ("password", None, "medium"),
    "salesforce.jwt.keystore.password": ("password", None, "medium"),
    "salesforce.platform.event.name": ("string", None, "high"),
    "csfle.enabled": ("boolean", "false", "high"),
    "sr.service.account.id": ("string", None, "high"),
    "salesforce.initial.start": ("string", "latest", "medium"),
    "connection.timeout": ("long", "30000", "low"),
    "request.max.retries.time.ms": ("long", "30000", "low"),
    "output.data.format": ("string", "JSON", "high"),
    "tasks.max": ("int", "1", "high"),
}

_NEWER = """
    connector.class oauth.refresh.token salesforce.platform.subscription.type
    salesforce.platform.custom.channel.name salesforce.platform.channel.entities invalid.replay.id.behaviour
    kafka.topic.lowercase datapreview.schemas.enable value.converter key.converter
    key.converter.key.subject.name.strategy header.converter errors.tolerance auto.restart.on.user.error
    producer.override.compression.type producer.override.linger.ms producer.override.batch.size
    salesforce.version http.proxy http.proxy.auth.scheme http.proxy.user http.proxy.password
    connection.max.message.size salesforce.auth.retries.time.ms salesforce.jwt.keystore.path
    exactly.once.support transaction.boundary transforms transforms.a.type predicates predicates.p.type
    cloud.environment cloud.provider kafka.region kafka.dedicated valid.kafka.api.key confluent.license
    confluent.topic.bootstrap.servers kafka.endpoint schema.registry.url
    topic.creation.default.partitions topic.creation.default.replication.factor
    topic.creation.default.cleanup.policy rule.executors._default_.param.secret
    errors.log.enable errors.log.include.messages errors.deadletterqueue.topic.name
    errors.deadletterqueue.topic.replication.factor errors.deadletterqueue.context.headers.enable
    errors.retry.timeout errors.retry.delay.max.ms
    tasks.max.enforce config.action.reload topic.creation.groups transaction.boundary.interval.ms
    offsets.storage.topic connector.plugin.version key.converter.plugin.version
    value.converter.plugin.version header.converter.plugin.version
    value.converter.schema.registry.url value.converter.basic.auth.credentials.source
    value.converter.basic.auth.user.info value.converter.bearer.auth.token
    value.converter.schema.registry.ssl.truststore.location
    value.converter.rule.executors._default_.param.secret
    bridge.buffer.max.events bridge.buffer.max.bytes bridge.commit.interval.ms bridge.commit.max.events
    bridge.salesforce.ca.file bridge.allow.example.keys bridge.config.unknown bridge.record.timestamp bridge.record.key
    bridge.schema.contract bridge.schema.on.incompatible bridge.schema.latest.ttl.ms
    bridge.csfle.allow.plaintext bridge.watchdog.ms
"""
NEWER = _NEWER.split()

_VALUE_CONVERTER = """
    auto.register.schemas use.latest.version latest.compatibility.strict value.subject.name.strategy
    reference.subject.name.strategy decimal.format schemas.enable replace.null.with.default
    ignore.default.for.nullables scrub.invalid.names connect.meta.data enhanced.avro.schema.support
    enhanced.protobuf.schema.support optional.for.nullables wrapper.for.nullables flatten.unions
    generate.struct.for.nulls generate.index.for.unions value.schema.id.serializer
"""
VALUE_CONVERTER = _VALUE_CONVERTER.split()

_OF_WORKER = """
    bootstrap.servers group.id security.protocol sasl.mechanism sasl.jaas.config ssl.truststore.location
    ssl.truststore.password ssl.truststore.type ssl.keystore.location producer.linger.ms consumer.fetch.min.bytes
    admin.request.timeout.ms offset.storage.topic config.storage.topic status.storage.topic
    offset.storage.replication.factor config.storage.replication.factor status.storage.replication.factor
    offset.storage.partitions status.storage.partitions exactly.once.source.support topic.creation.enable
    key.converter value.converter listeners rest.advertised.host.name rest.advertised.port config.providers
    config.providers.file.class errors.tolerance schema.registry.url schema.registry.basic.auth.user.info
    schema.registry.bearer.auth.token schema.registry.ssl.truststore.location
    rule.executors._default_.param.access.key.id confluent.cloud.api.key confluent.cloud.api.secret
    confluent.cloud.endpoint bridge.cloud.kafka.cluster.id bridge.cloud.schema.registry.id
    plugin.path offset.flush.interval.ms key.converter.schemas.enable value.converter.schemas.enable
"""
OF_WORKER = _OF_WORKER.split()


@pytest.mark.parametrize("key", MANAGED)
def test_the_managed_connectors_properties_are_declared_as_its_page_says(key: str) -> None:
    declared = CONNECTOR.properties[key]
    assert (declared.type, declared.default, declared.importance) == MANAGED[key]


@pytest.mark.parametrize("key", [*NEWER, *("value.converter." + option for option in VALUE_CONVERTER)])
def test_newer_properties_are_declared(key: str) -> None:
    assert CONNECTOR.find(key) is not None


@pytest.mark.parametrize("key", OF_WORKER)
def test_the_workers_properties_are_declared(key: str) -> None:
    assert WORKER.find(key) is not None


EVERY = [pytest.param(p, id=f"{name}-{p.key}") for name, c in (("c", CONNECTOR), ("w", WORKER)) for p in c]


@pytest.mark.parametrize("declared", EVERY)
def test_a_declaration_is_complete_and_agrees_with_itself(declared: Property) -> None:
    assert declared.doc.endswith((".", ".)", "…"))
    assert declared.group
    assert declared.display_name
    assert len(declared.valid) == len(set(declared.valid))
    assert set(declared.refused) <= {*declared.valid, "true", "false"}
    assert declared.default not in declared.refused
    if declared.default and "${" not in declared.default:
        default_of(declared)
        if declared.check and declared.default:
            assert declared.check(declared.default) is None
    if declared.check:
        assert declared.range_text, "a check is explained in words"


@pytest.mark.parametrize("catalogue", [CONNECTOR, WORKER], ids=["connector", "worker"])
def test_a_key_is_declared_once_and_conditions_name_known_values(catalogue: Catalogue) -> None:
    keys = [p.key for p in catalogue]
    assert len(keys) == len(set(keys))
    for declared in catalogue:
        for when in (declared.required_when, declared.used_when):
            if when:
                condition = catalogue.properties[when.key]
                values = ("true", "false") if condition.type is BOOLEAN else condition.valid
                assert set(when.values) <= set(values)


def test_the_table_of_what_is_not_supported_names_declared_properties() -> None:
    assert {*REFUSED_PROPERTIES, *REFUSED_VALUES} <= set(CONNECTOR.properties)
    assert {"value.converter." + option for option in CONVERTER_OPTIONS} <= set(CONNECTOR.properties)


@pytest.mark.parametrize(
    "key",
    ["salesforce.password", "kafka.api.secret", "oauth.refresh.token", "rule.executors._default_.param.secret",
     "value.converter.basic.auth.user.info", "value.converter.bearer.auth.token",
     "producer.override.sasl.jaas.config", "value.converter.schema.registry.ssl.keystore.password",
     "salesforce.pasword", "confluent.topic.sasl.jaas.config", "confluent.license"],
)  # fmt: skip
def test_what_is_secret_by_declaration_or_by_name_is_secret(key: str) -> None:
    assert CONNECTOR.is_secret(key)


@pytest.mark.parametrize("key", ["name", "producer.override.linger.ms", "salesforce.username", "kafka.topic"])
def test_what_is_not_secret_is_shown(key: str) -> None:
    assert not CONNECTOR.is_secret(key)


@pytest.mark.parametrize(
    ("wrong", "near"),
    [("kafka.topics", "kafka.topic"), ("Kafka.Topic", "kafka.topic"), ("salesforce.user.name", "salesforce.username"),
     ("topic.creation.default.retention.mss", "topic.creation.default.retention.ms"), ("zzz", None)],
)  # fmt: skip
def test_the_nearest_key_is_found(wrong: str, near: str | None) -> None:
    assert CONNECTOR.find(wrong) is None
    assert CONNECTOR.nearest(wrong) == near


def test_unknown_topic_settings_are_not_swallowed_by_the_prefix() -> None:
    assert CONNECTOR.find("topic.creation.default.partition") is None


def test_importing_is_light() -> None:
    code = (
        "import sys, attrs, bridge.config;"
        "print([m for m in ('confluent_kafka', 'cryptography', 'requests', 'javaproperties', 'msgspec', 'difflib')"
        " if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_importing_is_quick(tmp_path: Path) -> None:
    code = (
        "import time, attrs, json, re, pathlib; t = time.process_time();"
        "import bridge.config; print(time.process_time() - t)"
    )
    # As installed: compiled once. The first run fills the cache.
    environ = {**os.environ, "PYTHONPYCACHEPREFIX": str(tmp_path), "PYTHONDONTWRITEBYTECODE": ""}
    runs = [
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environ)
        for _ in range(5)
    ]
    assert min(float(run.stdout) for run in runs) < 0.05


def test_types_are_kafkas() -> None:
    assert {t.value for t in Type} == {"string", "int", "long", "boolean", "list", "password", "class"}
