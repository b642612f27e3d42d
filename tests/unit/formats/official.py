"""The official client's Protobuf serializer, and the bridge's, for the same events."""

from __future__ import annotations

import json
from typing import Any

from confluent_kafka.schema_registry import SchemaRegistryClient, topic_subject_name_strategy
from confluent_kafka.schema_registry.protobuf import ProtobufDeserializer, ProtobufSerializer
from confluent_kafka.serialization import MessageField, SerializationContext

from bridge.formats import FORMATS
from bridge.formats.protobuf.logical import civil
from bridge.formats.protobuf.read import Reader
from bridge.languages.protobuf.descriptors import load, message_class
from bridge.model.schema import Field, Kind, Schema
from tests.support.formats import compile_encoder_for_values

from .events import EVERY, ORDER, data, rows

PROTOBUF, JSON = FORMATS["PROTOBUF"], FORMATS["JSON"]
FRAME = b"\0\0\0\0\1"
LAYOUTS = {name: rows(event) for name, event in (("order", ORDER), ("every", EVERY))}
CONTEXT = SerializationContext("orders", MessageField.VALUE)


class Official:
    """A schema's text as the official client's serializer and deserializer use it."""

    def __init__(self, text: str, full_name: str) -> None:
        self.message = message_class(load(text), full_name)
        client = SchemaRegistryClient.new_client({"url": "mock://protobuf"})
        conf = {"subject.name.strategy": topic_subject_name_strategy, "use.deprecated.format": False}
        self._serialize = ProtobufSerializer(self.message, client, conf)
        self._deserialize = ProtobufDeserializer(self.message, {"use.deprecated.format": False})

    def serialize(self, value: dict[str, Any]) -> bytes:
        """The value's bytes after the schema id."""
        message = self.message()
        fill(message, value)
        return bytes(self._serialize(message, CONTEXT))[5:]

    def deserialize(self, data: bytes) -> Any:
        return self._deserialize(data, CONTEXT)


def fill(message: Any, value: dict[str, Any]) -> None:
    """Set what is not null, date-times and dates by the runtime's own helpers."""
    for field in message.DESCRIPTOR.fields:
        given = value.get(field.name)
        if given is None:
            continue
        if field.type != field.TYPE_MESSAGE:
            setattr(message, field.name, given)
            continue
        part = getattr(message, field.name)
        part.SetInParent()
        kind = field.message_type.full_name
        if kind == "google.protobuf.Timestamp":
            part.FromMilliseconds(given)
        elif kind == "google.type.Date":
            part.year, part.month, part.day = civil(given)
        elif kind.startswith("google.protobuf."):
            part.value = given
        else:
            fill(part, given)


def plain(name: str, payload: dict[str, Any]) -> dict[str, Any]:
    """The event's values, by way of JSON, which is tested by itself."""
    return json.loads(JSON.compile_fused(LAYOUTS[name], None, b"", {})(data(payload)))


def read_back(schema: Schema, value: Any, written: str | None = None, **settings: str) -> dict[str, Any]:
    """A record of one field, encoded and read again."""
    record = Schema(Kind.STRUCT, name="com.acme.R", fields=(Field("x", schema),))
    options = {key.replace("_", "."): text for key, text in settings.items()}
    encode = compile_encoder_for_values(record, PROTOBUF, written, FRAME, options)
    text = written or PROTOBUF.render(record, options)
    return Reader(text).read(encode({"x": value})[5:])
