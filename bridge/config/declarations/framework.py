"""What Kafka Connect's framework offers to every source connector."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from attrs import evolve

from bridge.config.property import BOOLEAN, HIGH, INT, LIST, LONG, LOW, STRING, Property, group

_TOPIC_CONFIGS = """
    cleanup.policy compression.type compression.gzip.level compression.lz4.level compression.zstd.level
    delete.retention.ms file.delete.delay.ms flush.messages flush.ms index.interval.bytes
    local.retention.bytes local.retention.ms max.compaction.lag.ms max.message.bytes
    message.timestamp.after.max.ms message.timestamp.before.max.ms message.timestamp.type
    min.cleanable.dirty.ratio min.compaction.lag.ms min.insync.replicas preallocate
    remote.storage.enable retention.bytes retention.ms segment.bytes segment.index.bytes
    segment.jitter.ms segment.ms unclean.leader.election.enable
    confluent.value.schema.validation confluent.key.schema.validation confluent.placement.constraints
    confluent.tier.enable
"""
TOPIC_CONFIGS: Final = frozenset(_TOPIC_CONFIGS.split())
"""Kafka's topic-level settings (Apache Kafka 4.3), and the ones Confluent adds that are in common use."""

_CONVERTERS = ("key.converter", "value.converter", "header.converter")
_KEYS = """
    name connector.class connector.plugin.version tasks.max tasks.max.enforce transforms predicates
    config.action.reload errors.retry.timeout errors.retry.delay.max.ms errors.tolerance errors.log.enable
    errors.log.include.messages topic.creation.groups exactly.once.support transaction.boundary
    transaction.boundary.interval.ms offsets.storage.topic
"""
KEYS: Final = frozenset(_KEYS.split()) | {
    f"{converter}{more}" for converter in _CONVERTERS for more in ("", ".plugin.version")
}
"""What Kafka Connect's framework declares for every source connector (``SourceConnectorConfig``, 4.3), and judges."""


def of_the_framework(groups: Iterable[tuple[Property, ...]]) -> tuple[tuple[Property, ...], ...]:
    """The groups, with the framework's own properties marked."""
    return tuple(tuple(evolve(p, framework=p.key in KEYS) for p in members) for members in groups)


TASKS = group(
    "Number of tasks for this connector",
    Property(
        "tasks.max",
        INT,
        "The number of tasks. One connector is one subscription, so it is always 1.",
        default="1",
        low=1,
        high=1,
        importance=HIGH,
        display="Tasks",
    ),
    Property(
        "tasks.max.enforce",
        BOOLEAN,
        "Whether Kafka Connect holds connectors to tasks.max.",
        default="true",
        importance=LOW,
        ignored="there is one task in any case",
    ),
)

TRANSFORMS = group(
    "Transforms",
    Property(
        "transforms", LIST, "Aliases of the single message transforms, in order.", default="", importance=LOW
    ),
    Property(
        "transforms.*",
        STRING,
        "Type and settings of each transform: transforms.<alias>.…, see transforms.md.",
        importance=LOW,
    ),
    Property(
        "predicates", LIST, "Aliases of the predicates that transforms refer to.", default="", importance=LOW
    ),
    Property(
        "predicates.*",
        STRING,
        "Type and settings of each predicate: predicates.<alias>.…, see transforms.md.",
        importance=LOW,
    ),
)

TOPIC_CREATION = group(
    "Topic creation",
    Property(
        "topic.creation.groups",
        LIST,
        "Further groups of topics with settings of their own.",
        default="",
        importance=LOW,
    ),
    Property(
        "topic.creation.default.replication.factor",
        INT,
        "The replication factor of an output topic that has to be created; -1 is the broker's default. "
        "Together with topic.creation.default.partitions it allows topics to be created.",
        low=-1,
        importance=LOW,
    ),
    Property(
        "topic.creation.default.partitions",
        INT,
        "The number of partitions of an output topic that has to be created; -1 is the broker's default.",
        low=-1,
        importance=LOW,
    ),
    Property(
        "topic.creation.default.*",
        STRING,
        "Any of Kafka's topic-level settings for a topic that has to be created, such as "
        "topic.creation.default.retention.ms.",
        suffixes=TOPIC_CONFIGS,
        importance=LOW,
    ),
)

DELIVERY = group(
    "Exactly-once and delivery",
    Property(
        "exactly.once.support",
        STRING,
        "'required' refuses to run unless records and position are committed together, which "
        "exactly.once.source.support of the worker decides.",
        default="requested",
        valid=("requested", "required"),
    ),
    Property(
        "transaction.boundary",
        STRING,
        "Where transactions end, in Kafka Connect's words. 'poll': when the buffer is empty, at the latest "
        "after bridge.commit.interval.ms or bridge.commit.max.events.",
        default="poll",
        valid=("poll", "interval", "connector"),
    ),
    Property(
        "transaction.boundary.interval.ms",
        LONG,
        "The interval with transaction.boundary=interval; without effect otherwise.",
        low=1,
        importance=LOW,
    ),
    Property(
        "bridge.commit.interval.ms",
        LONG,
        "After how many milliseconds a transaction is committed at the latest, while events keep coming.",
        default="200",
        low=1,
        high=5000,
        importance=LOW,
    ),
    Property(
        "bridge.commit.max.events",
        INT,
        "After how many events a transaction is committed at the latest.",
        default="40000",
        low=1,
        importance=LOW,
    ),
    Property(
        "offsets.storage.topic",
        STRING,
        "A topic for this connector's positions alone.",
        importance=LOW,
    ),
    Property(
        "producer.override.*",
        STRING,
        "Any setting of Kafka's producer for this connector, such as producer.override.compression.type or "
        "producer.override.linger.ms.",
        importance=LOW,
    ),
)
