"""What is declared and not supported yet: the one table to shorten when a feature lands.

A whole property is refused unless it stands at its default; a value is refused wherever it is given.
``CONVERTER_OPTIONS`` says which output formats an option of the value converter touches and which of those
honour it: an option that is not honoured by the format in use is refused unless at its default, one that does
not touch the format at all is accepted and named in a notice, as it has no effect in Kafka Connect either.
"""

from __future__ import annotations

from typing import Final

from bridge.config.declarations.formats import NAMES, REGISTRY_TYPES

REFUSED_VALUES: Final[dict[str, dict[str, str]]] = {
    "transaction.boundary": {
        "interval": "the bridge commits when its buffer is empty, at the latest after "
        "bridge.commit.interval.ms; set that property instead",
        "connector": "the connector defines no boundaries of its own; leave it at poll",
    },
    "http.proxy.auth.scheme": {"NTLM": "NTLM is not supported; use BASIC or a proxy without authentication"},
}

REFUSED_PROPERTIES: Final[dict[str, str]] = {
    "topic.creation.groups": "only the default group is supported (topic.creation.default.*)",
    "offsets.storage.topic": "a connector cannot have an offsets topic of its own yet; "
    "positions are kept in the worker's offset.storage.topic",
}

_ALL, _REGISTRY = frozenset(NAMES), frozenset(REGISTRY_TYPES)
_AVRO, _JSON_SR, _PROTOBUF = frozenset({"AVRO"}), frozenset({"JSON_SR"}), frozenset({"PROTOBUF"})
_NONE: frozenset[str] = frozenset()

CONVERTER_OPTIONS: Final[dict[str, tuple[frozenset[str], frozenset[str]]]] = {
    # option: (formats it touches, formats that honour any value of it)
    "auto.register.schemas": (_REGISTRY, _REGISTRY),
    "use.latest.version": (_REGISTRY, _REGISTRY),
    "latest.compatibility.strict": (_REGISTRY, _REGISTRY),
    "value.subject.name.strategy": (_REGISTRY, _REGISTRY),
    "connect.meta.data": (_AVRO, _AVRO),
    "enhanced.avro.schema.support": (_AVRO, _AVRO),
    # Salesforce's API names are valid Avro names, so there is nothing to scrub; JSON Schema takes any name
    "scrub.invalid.names": (_AVRO | _PROTOBUF, _AVRO | _PROTOBUF),
    "ignore.default.for.nullables": (_REGISTRY, _REGISTRY),
    "replace.null.with.default": (_ALL, _ALL),
    "decimal.format": (_JSON_SR | {"JSON"}, _JSON_SR | {"JSON"}),
    "schemas.enable": (frozenset({"JSON"}), frozenset({"JSON"})),
    "value.schema.id.serializer": (_REGISTRY, _REGISTRY),
    "normalize.schemas": (_REGISTRY, _REGISTRY),
    "allow.optional.map.keys": (_AVRO, _AVRO),
    "discard.type.doc.default": (_AVRO, _AVRO),
    "flatten.singleton.unions": (_REGISTRY, _REGISTRY),
    "generalized.sum.type.support": (_REGISTRY, _REGISTRY),
    "object.additional.properties": (_JSON_SR, _JSON_SR),
    "optional.for.nullables": (_PROTOBUF, _PROTOBUF),
    "wrapper.for.nullables": (_PROTOBUF, _PROTOBUF),
    # about reading, enums, unions or references to other subjects: they change nothing that Connect writes of an event
    "reference.subject.name.strategy": (_NONE, _NONE),
    "use.optional.for.nonrequired": (_NONE, _NONE),
    "json.oneof.for.nullables": (_NONE, _NONE),
    "json.write.dates.iso8601": (_NONE, _NONE),
    "json.schema.spec.version": (_NONE, _NONE),
    "enhanced.protobuf.schema.support": (_NONE, _NONE),
    "optional.for.proto2": (_NONE, _NONE),
    "wrapper.for.raw.primitives": (_NONE, _NONE),
    "flatten.unions": (_NONE, _NONE),
    "generate.struct.for.nulls": (_NONE, _NONE),
    "generate.index.for.unions": (_NONE, _NONE),
    "int.for.enums": (_NONE, _NONE),
}
