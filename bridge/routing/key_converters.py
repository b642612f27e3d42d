"""Keys and headers to bytes: ``key.converter`` and ``header.converter`` in Kafka Connect's spelling.

Keys exist only where transforms make them. A null is always written as null.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping
from typing import NoReturn

from bridge.encryption.rules import PAYLOAD, meet, runs
from bridge.errors import BadRecord, Fatal, Stage
from bridge.formats import avro, json
from bridge.formats.avro.write import nullable, target
from bridge.formats.options import flag
from bridge.languages.avro.types import parse
from bridge.languages.tagging import tags_in
from bridge.model.converter_classes import (
    AVRO,
    BYTES,
    HEADER_CONVERTERS,
    JSON,
    KEY_CONVERTERS,
    NUMBERS,
    STRING,
    class_of,
)
from bridge.model.framing import KEY_HEADER, Framing
from bridge.model.registered import Registered
from bridge.model.schema import Kind, Schema
from bridge.model.subjects import qualified
from bridge.registry.client import Registry
from bridge.routing.java_text import header_text, text_encoder
from bridge.transforms.record import Value

Encoder = Callable[[Value], bytes | None]
Prepare = Callable[[Schema | None, str], Encoder]
"""From a schema and the topic to the encoder of its values; may ask the registry.
Raises BadRecord where the converter cannot write such values."""


def key_converter(
    name: str,
    settings: Mapping[str, str],
    context: str,
    registry: Callable[[], Registry],
    *,
    acknowledged: bool = False,
) -> Prepare:
    """The converter of a class. ``settings``: without ``key.converter.``; the registry is asked for Avro only.

    ``acknowledged``: keys that registered rules would encrypt may be written as they are.
    """
    converter = class_of(name, KEY_CONVERTERS)
    if converter == JSON:
        enabled = flag(settings, "schemas.enable", True, converter="key.converter")
        return lambda schema, topic: _json(schema, enabled=enabled)
    if converter == AVRO:
        return _Avro(registry(), settings, context, acknowledged=acknowledged)
    if converter == BYTES:
        return lambda schema, topic: _of_kind(schema, Kind.BYTES, bytes)
    if converter in NUMBERS:
        kind, layout = NUMBERS[converter]
        return lambda schema, topic: _of_kind(schema, kind, struct.Struct(layout).pack)
    if converter == STRING:
        return lambda schema, topic: _unless_null(text_encoder(schema))
    raise Fatal(f"key.converter {name} is not supported", stage=Stage.CONFIGURATION)


def writes_avro(name: str) -> bool:
    """Whether a key converter's class registers schemas."""
    return class_of(name, KEY_CONVERTERS) == AVRO


def header_encoder(name: str, settings: Mapping[str, str]) -> Callable[[Schema | None, Value], bytes | None]:
    """A header's value to bytes."""
    converter = class_of(name, HEADER_CONVERTERS)
    if converter == JSON:
        enabled = flag(settings, "schemas.enable", True, converter="header.converter")
        return lambda schema, value: _json(schema, enabled=enabled)(value)
    if converter == STRING:
        return lambda schema, value: None if value is None else text_encoder(schema)(value)
    return lambda schema, value: None if value is None else header_text(value, schema).encode()


def _unless_null(encode: Callable[[Value], bytes]) -> Encoder:
    return lambda value: None if value is None else encode(value)


def _json(schema: Schema | None, *, enabled: bool) -> Encoder:
    if schema is None:
        return lambda value: None if value is None else _refuse("has no schema, which JSON keys need here")
    encode = json.compile_values(schema, None, b"", {"schemas.enable": "true" if enabled else "false"})
    return encode if enabled else _unless_null(encode)


def _of_kind(schema: Schema | None, kind: Kind, encode: Callable[[Value], bytes]) -> Encoder:
    if schema is not None and schema.kind is not kind:
        _refuse(f"is {schema.kind}, and its converter writes {kind} only")
    return _unless_null(encode)


def _refuse(what: str) -> NoReturn:
    raise BadRecord(f"the key {what}; see key.converter", stage=Stage.ENCODE)


class _Avro:
    """AvroConverter: the subject of keys is ``<topic>-key``."""

    def __init__(
        self, registry: Registry, settings: Mapping[str, str], context: str, *, acknowledged: bool
    ) -> None:
        self._registry, self._settings, self._context = registry, settings, context
        self._acknowledged = acknowledged
        self._framing = Framing.of(settings, KEY_HEADER)
        self._auto = flag(settings, "auto.register.schemas", True, converter="key.converter")
        self._normalize = flag(settings, "normalize.schemas", False, converter="key.converter")
        self._strategy = (
            settings.get("key.subject.name.strategy", "").rpartition(".")[2] or "TopicNameStrategy"
        )

    def __call__(self, schema: Schema | None, topic: str) -> Encoder:
        if schema is None:
            return lambda value: None if value is None else _refuse("has no schema, which Avro needs")
        registered = self._registered(schema, topic)
        frame = self._framing.frame(registered)
        if schema.kind is Kind.STRUCT:
            return _unless_null(avro.compile_values(schema, registered.text, frame, self._settings))
        write = nullable(schema, target(schema, parse(registered.text), "key"), "the key")
        return _unless_null(lambda value: frame + write(value))

    def _registered(self, schema: Schema, topic: str) -> Registered:
        subject, text = self._subject(schema, topic), avro.render(schema, self._settings)
        if not self._auto:
            latest = self._registry.latest(subject)
            if latest is None:
                raise Fatal(
                    f"the subject {subject} has no schema, and key.converter.auto.register.schemas is false",
                    stage=Stage.SCHEMA,
                )
            return self._unprotected(latest)
        if (latest := self._registry.latest(subject)) is not None:
            self._unprotected(latest)
        registered = self._registry.lookup(subject, text, normalize=self._normalize)
        return self._unprotected(
            registered or self._registry.register(subject, text, normalize=self._normalize)
        )

    def _unprotected(self, registered: Registered) -> Registered:
        """Fail closed: keys are not encrypted, so that rules which would do it are refused."""
        rules = [rule for rule in registered.rules() if runs(rule)]
        if not rules or self._acknowledged:
            return registered
        tags = tags_in(registered.text, registered.type, registered.metadata).origins.values()
        for rule in rules:
            wanted = rule.get("tags") or ()
            if rule.get("type") == PAYLOAD or any(meet(wanted, its) for its in tags):
                raise Fatal(
                    f"the rule {rule.get('name')} of {registered.subject} encrypts keys, and the bridge writes keys as "
                    "they are: take the rule or the tag out of it, give records another key, or acknowledge with "
                    "bridge.csfle.allow.plaintext=true that they are plaintext",
                    stage=Stage.ENCRYPT,
                )
        return registered

    def _subject(self, schema: Schema, topic: str) -> str:
        names = {"RecordNameStrategy": schema.name, "TopicRecordNameStrategy": f"{topic}-{schema.name}"}
        name = names.get(self._strategy) if schema.name else None
        return qualified(name or f"{topic}-key", self._context)
