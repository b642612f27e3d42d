"""Where records of a topic are read, and by what they are decoded; and a record as one JSON object."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import TYPE_CHECKING, TypedDict

from attrs import frozen

from bridge.config import Loaded, registry_settings
from bridge.encryption.deks import Deks
from bridge.errors import ConfigurationError, Fault
from bridge.kafka.librdkafka import Settings
from bridge.kafka.settings import consumer_settings
from bridge.model.framing import KEY_HEADER
from bridge.model.subjects import prefix
from bridge.reading.contexts import Contexts, Located, Reads
from bridge.reading.decode import Decoder
from bridge.reading.decrypt import Decrypter
from bridge.registry.http import Http
from bridge.routing.look import deks_for_looking, registry_of

if TYPE_CHECKING:
    from confluent_kafka import Message


@frozen
class Source:
    """A topic and what its records need. ``context``: the registry's, by its name; None: it is looked for."""

    kafka: Settings
    topic: str
    registry: Http | None
    context: str | None
    deks: Callable[[str], Deks]
    """The keys of a context, by its name."""

    def decoder(self, part: str = "value", *, decrypt: bool = False) -> Reads:
        """What decodes values, or keys. ConfigurationError where keys are needed and no registry is named."""
        registry = self.registry
        if registry is None:
            if decrypt:
                why = "is needed for --decrypt: keys are kept there"
                raise ConfigurationError([Fault("schema.registry.url", why)])
            return Decoder()

        def of_context(context: str) -> Reads:
            if not decrypt:
                return Decoder(registry, context)
            return Decrypter(registry, self.deks(context), context, self.topic)

        if self.context is None:
            return Located(Contexts(registry, self.topic, part), of_context)
        return of_context(prefix(self.context))


def source_of(loaded: Loaded, topic: str) -> Source:
    """A topic that a connector writes, read and decoded with what the connector has."""
    connector = loaded.connector
    registry = registry_of(loaded) if registry_settings(connector, loaded.worker) else None
    context = str(connector.get("schema.context.name") or "")
    return Source(consumer_settings(loaded), topic, registry, context, lambda _: deks_for_looking(loaded))


class Bare(TypedDict):
    """Key or value that is nothing but bytes here."""

    why: str | None
    base64: str


class Document(TypedDict, total=False):
    """A record for people and JSON. ``undecoded``: key and value that could not be decoded."""

    topic: str | None
    partition: int | None
    offset: int | None
    timestamp: int | None
    key: object
    value: object
    headers: dict[str, str | None]
    schema_id: int | None
    note: str
    undecoded: dict[str, Bare]


def document(message: Message, keys: Reads, values: Reads) -> Document:
    """A record as one JSON object. Raises as the decoders do."""
    headers = message.headers()
    key = keys.decode(_bytes(message.key()), headers, KEY_HEADER)
    value = values.decode(_bytes(message.value()), headers)
    kind, at = message.timestamp()
    whole: Document = {
        "topic": message.topic(),
        "partition": message.partition(),
        "offset": message.offset(),
        "timestamp": at if kind else None,
        "key": key.value,
        "value": value.value,
    }
    if texts := {str(name): _text(content) for name, content in dict(message.headers() or ()).items()}:
        whole["headers"] = texts
    if value.schema_id is not None:
        whole["schema_id"] = value.schema_id
    if notes := [note for note in (key.note, value.note) if note]:
        whole["note"] = "; ".join(notes)
    parts = (("key", key), ("value", value))
    if bare := {
        name: Bare(why=one.note, base64=base64.b64encode(one.raw).decode())
        for name, one in parts
        if one.raw is not None
    }:
        whole["undecoded"] = bare
    return whole


def _bytes(content: object) -> bytes | None:
    return content if isinstance(content, bytes) else content.encode() if isinstance(content, str) else None


def _text(content: object) -> str | None:
    if content is None:
        return None
    return content.decode("utf-8", "replace") if isinstance(content, bytes) else str(content)
