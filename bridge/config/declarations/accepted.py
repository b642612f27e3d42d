"""How unknown properties are treated, and properties of a configuration's origin that mean nothing here."""

from __future__ import annotations

from bridge.config.property import BOOLEAN, LOW, PASSWORD, STRING, Property, Type, group

UNKNOWN = Property(
    "bridge.config.unknown",
    STRING,
    "What an unknown property is: 'fail' makes it an error, 'warn' a notice.",
    default="fail",
    valid=("fail", "warn"),
    importance=LOW,
)

_CLOUD = "it describes the managed service"
_LICENSE = "no licence is needed"
_CONNECT = "it concerns Kafka Connect's own runtime"
_CACHE = "the bridge keeps the schemas that it uses"


def _ignored(key: str, why: str, doc: str, type_: Type = STRING) -> Property:
    return Property(key, type_, doc, ignored=why, importance=LOW)


ACCEPTED = group(
    "Accepted and not needed",
    UNKNOWN,
    _ignored("cloud.environment", _CLOUD, "Written by the managed service."),
    _ignored("cloud.provider", _CLOUD, "Written by the managed service."),
    _ignored("kafka.region", _CLOUD, "Written by the managed service."),
    _ignored("kafka.dedicated", _CLOUD, "Written by the managed service.", BOOLEAN),
    _ignored("confluent.connector.type", _CLOUD, "Written by the managed service."),
    _ignored("connector.crn", _CLOUD, "Written by the managed service."),
    _ignored("config.internal.*", _CLOUD, "Written by the managed service."),
    _ignored("kafka.deployment.type", _CLOUD, "Written by the managed service."),
    _ignored("kafka.max.partition.validation", _CLOUD, "Written by the managed service."),
    _ignored("kafka.max.partition.validation.*", _CLOUD, "Written by the managed service."),
    _ignored("valid.kafka.api.key", _CLOUD, "Written by the managed service.", BOOLEAN),
    _ignored("confluent.license", _LICENSE, "The self-managed connector's licence.", PASSWORD),
    _ignored("confluent.license.*", _LICENSE, "Where the self-managed connector finds its licence."),
    _ignored("confluent.topic.*", _LICENSE, "Where the self-managed connector keeps its licence."),
    _ignored(
        "curl.logging",
        "requests are logged at the level DEBUG",
        "The self-managed connector's log of requests.",
        BOOLEAN,
    ),
    _ignored("value.converter.schemas.cache.size", _CACHE, "How many schemas the converter keeps."),
    _ignored("value.converter.schemas.cache.config", _CACHE, "How many schemas the converter keeps."),
    _ignored("value.converter.max.schemas.per.subject", _CACHE, "How many schemas the converter keeps."),
    _ignored(
        "value.converter.schema.content", "it is about reading", "The schema that JsonConverter reads with."
    ),
    _ignored("value.converter.converter.type", "it is the value's converter", "Set by Kafka Connect itself."),
    Property(
        "config.action.reload",
        STRING,
        "What Kafka Connect does when an external value changes.",
        default="restart",
        valid=("none", "restart"),
        case_counts=True,
        ignored=_CONNECT,
        importance=LOW,
    ),
    _ignored("connector.plugin.version", _CONNECT, "Which version of the plugin Kafka Connect loads."),
    _ignored("key.converter.plugin.version", _CONNECT, "Which version of the converter Kafka Connect loads."),
    _ignored(
        "value.converter.plugin.version", _CONNECT, "Which version of the converter Kafka Connect loads."
    ),
    _ignored(
        "header.converter.plugin.version", _CONNECT, "Which version of the converter Kafka Connect loads."
    ),
)
