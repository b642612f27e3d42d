"""Converters, in Kafka Connect's spelling. Keys and headers come from transforms only."""

from __future__ import annotations

from bridge.config.checks import urls
from bridge.config.declarations.encryption import RULE_EXECUTORS
from bridge.config.declarations.formats import CONVERTERS
from bridge.config.property import BOOLEAN, CLASS, LOW, PASSWORD, STRING, Property, Type, group

_STORAGE = "org.apache.kafka.connect.storage."
_STRATEGY = "io.confluent.kafka.serializers.subject."
_SERIALIZER = "io.confluent.kafka.serializers.schema.id."


def _short(names: tuple[str, ...]) -> dict[str, str]:
    """Kafka Connect's aliases of a class: its simple name, and that without ``Converter``."""
    simple = {name.rpartition(".")[2]: name for name in names}
    return simple | {alias.removesuffix("Converter"): name for alias, name in simple.items()}


def _option(
    name: str, default: str, doc: str, valid: tuple[str, ...] = (), *, type_: Type = BOOLEAN
) -> Property:
    return Property("value.converter." + name, type_, doc, default=default, valid=valid, importance=LOW)


def _strategies(key: str, default: str, names: tuple[str, ...], doc: str) -> Property:
    return Property(
        key,
        STRING,
        doc,
        default=default,
        valid=names,
        aliases={_STRATEGY + name: name for name in names},
        importance=LOW,
    )


_SUBJECT_STRATEGIES = ("TopicNameStrategy", "RecordNameStrategy", "TopicRecordNameStrategy")

_OPTIONS = (
    _option("auto.register.schemas", "true", "Whether a schema that the registry lacks is registered."),
    _option("use.latest.version", "false", "Whether the latest registered version is the one to write with."),
    _option(
        "latest.compatibility.strict",
        "true",
        "Whether an event's field that the latest registered schema lacks is an error; false drops the "
        "field.",
    ),
    _strategies(
        "value.converter.value.subject.name.strategy",
        "TopicNameStrategy",
        _SUBJECT_STRATEGIES,
        "How the subject is named: after the topic, the record, or both.",
    ),
    _strategies(
        "value.converter.reference.subject.name.strategy",
        "DefaultReferenceSubjectNameStrategy",
        ("DefaultReferenceSubjectNameStrategy", "QualifiedReferenceSubjectNameStrategy"),
        "How the subjects of referenced schemas are named.",
    ),
    Property(
        "value.converter.value.schema.id.serializer",
        STRING,
        "Where the schema's id goes: before the value, or into a header.",
        default="PrefixSchemaIdSerializer",
        valid=("PrefixSchemaIdSerializer", "HeaderSchemaIdSerializer"),
        aliases={_SERIALIZER + n: n for n in ("PrefixSchemaIdSerializer", "HeaderSchemaIdSerializer")},
        importance=LOW,
    ),
    _option(
        "normalize.schemas",
        "false",
        "Whether the registry normalizes schemas that are registered: one that differs in its writing only is no new "
        "version.",
    ),
    _option(
        "decimal.format",
        "BASE64",
        "How decimals stand in JSON. Platform events have none.",
        ("BASE64", "NUMERIC"),
        type_=STRING,
    ),
    _option("schemas.enable", "false", "Whether the JSON format wraps each value with its schema."),
    _option(
        "replace.null.with.default",
        "true",
        "Whether null is written as the field's default. Events have none.",
    ),
    _option("ignore.default.for.nullables", "false", "Whether defaults of nullable fields are ignored."),
    _option(
        "scrub.invalid.names", "false", "Whether characters that the format does not allow are replaced."
    ),
    _option(
        "connect.meta.data", "true", "Whether the Avro schema carries Kafka Connect's names and versions."
    ),
    _option("enhanced.avro.schema.support", "false", "Whether enums and package names survive in Avro."),
    _option("allow.optional.map.keys", "false", "Whether map keys may be optional in Avro."),
    _option(
        "discard.type.doc.default",
        "false",
        "Whether documentation of types and defaults is left out in Avro.",
    ),
    _option("flatten.singleton.unions", "false", "Whether unions of one type become that type when read."),
    _option(
        "generalized.sum.type.support",
        "false",
        "Whether unions and enums use the common form of all formats.",
    ),
    _option("object.additional.properties", "true", "Whether the JSON Schema allows further properties."),
    _option(
        "use.optional.for.nonrequired", "false", "Whether properties not required are optional when read."
    ),
    _option("json.oneof.for.nullables", "true", "Whether the JSON Schema writes nullable fields as oneOf."),
    _option("json.write.dates.iso8601", "false", "Whether JSON_SR writes dates as ISO 8601 text."),
    _option(
        "json.schema.spec.version",
        "draft_7",
        "The version of JSON Schema.",
        ("draft_4", "draft_6", "draft_7", "draft_2019_09", "draft_2020_12"),
        type_=STRING,
    ),
    _option("enhanced.protobuf.schema.support", "false", "Whether package names survive in Protobuf."),
    _option("optional.for.nullables", "false", "Whether nullable fields are 'optional' in Protobuf."),
    _option("optional.for.proto2", "true", "Whether proto2 'optional' is seen as optional when read."),
    _option("wrapper.for.nullables", "false", "Whether nullable fields use wrapper messages in Protobuf."),
    _option("wrapper.for.raw.primitives", "true", "Whether wrapper messages are read as plain values."),
    _option("flatten.unions", "false", "Whether Protobuf unions are flattened."),
    _option(
        "generate.struct.for.nulls", "false", "Whether Protobuf writes an empty message for a null struct."
    ),
    _option("generate.index.for.unions", "true", "Whether Protobuf unions get an index in their name."),
    _option("int.for.enums", "false", "Whether enums are integers in Protobuf."),
)

_REGISTRY = (
    Property(
        "value.converter.schema.registry.url",
        STRING,
        "The registry for this connector's values; goes before the worker's.",
        importance=LOW,
        check=urls,
        range_text="a URL, several separated by commas",
    ),
    Property(
        "value.converter.basic.auth.credentials.source",
        STRING,
        "Where the registry's user name and password come from.",
        default="URL",
        valid=("URL", "USER_INFO", "SASL_INHERIT"),
        importance=LOW,
    ),
    Property(
        "value.converter.basic.auth.user.info",
        PASSWORD,
        "User name and password for the registry, with a colon between them.",
        importance=LOW,
    ),
    Property(
        "value.converter.schema.registry.basic.auth.user.info",
        PASSWORD,
        "Older spelling of value.converter.basic.auth.user.info.",
        importance=LOW,
    ),
    Property(
        "value.converter.bearer.auth.*",
        STRING,
        "Bearer authentication at the registry, as the official clients name it.",
        importance=LOW,
    ),
    Property(
        "value.converter.schema.registry.ssl.*",
        STRING,
        "TLS towards the registry: truststore and keystore, as for Kafka.",
        importance=LOW,
    ),
    Property("value.converter.rule.executors.*", PASSWORD, RULE_EXECUTORS.doc, importance=LOW),
)

CONVERSION = group(
    "Converters",
    Property(
        "value.converter",
        CLASS,
        "The converter in Kafka Connect's spelling. It must not contradict output.data.format; where that "
        "is not given, it decides the format.",
        valid=tuple(CONVERTERS),
        aliases=_short(tuple(CONVERTERS)),
        importance=LOW,
    ),
    *_OPTIONS,
    *_REGISTRY,
    Property(
        "key.converter",
        CLASS,
        "The converter for keys. Keys are null unless transforms make them; null is written as null.",
        default=_STORAGE + "StringConverter",
        importance=LOW,
    ),
    _strategies(
        "key.converter.key.subject.name.strategy",
        "TopicNameStrategy",
        _SUBJECT_STRATEGIES,
        "How the subject of keys is named, with AvroConverter.",
    ),
    Property(
        "key.converter.*",
        STRING,
        "Options of the key converter: schemas.enable of JsonConverter (true by default), auto.register.schemas and "
        "normalize.schemas of AvroConverter.",
        importance=LOW,
    ),
    Property(
        "header.converter",
        CLASS,
        "The converter for headers. They come from transforms; the connector writes none of its own.",
        default=_STORAGE + "SimpleHeaderConverter",
        importance=LOW,
    ),
    Property(
        "header.converter.*",
        STRING,
        "Options of the header converter: schemas.enable of JsonConverter.",
        importance=LOW,
    ),
)
