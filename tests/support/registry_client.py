"""What the tests ask a registry, past the clients that they test."""

from __future__ import annotations

import json
import urllib.request
from typing import Any

from confluent_kafka.schema_registry import SchemaRegistryClient
from confluent_kafka.schema_registry.avro import AvroDeserializer
from confluent_kafka.serialization import MessageField, SerializationContext

from bridge.sandbox.registry import Registry
from tests.support.bridge_run import Bridge
from tests.support.kafka_client import read

_CONTENT = {"Content-Type": "application/vnd.schemaregistry.v1+json"}


def asked(registry: Registry, path: str, body: Any = None, *, method: str | None = None) -> Any:
    """The answer's document; with a body, it is a POST unless said otherwise."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(f"{registry.url}{path}", data, _CONTENT, method=method)
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.load(answer)


def decoded(bridge: Bridge, registry: Registry, topic: str | None = None) -> list[Any]:
    """The Avro records of the bridge's topic, or of another, read with the official client's deserializer."""
    topic = topic or bridge.topic
    deserialize = AvroDeserializer(SchemaRegistryClient({"url": registry.url, "timeout": 10}))
    context = SerializationContext(topic, MessageField.VALUE)
    return [deserialize(message.value(), context) for message in read(bridge.broker, topic)]
