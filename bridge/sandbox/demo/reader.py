"""Reads the topic of the in-process Kafka and decodes the records, as a consumer elsewhere would."""

from __future__ import annotations

import io
import json
import struct
import urllib.request
from collections.abc import Callable, Mapping
from typing import Any

from attrs import frozen

from bridge.sandbox.site import TOPIC, Sandbox, present


@frozen
class Read:
    """A record as it was read: where it stood, when it was written (ms), its decoded value, its size in bytes."""

    topic: str
    partition: int
    offset: int
    size: int
    schema_id: int | None
    value: Mapping[str, Any]


class Reader:
    """Reads one topic of one partition from its beginning."""

    def __init__(self, bootstrap: str, topic: str, registry_url: str) -> None:
        from confluent_kafka import Consumer, TopicPartition

        settings = {
            "bootstrap.servers": bootstrap,
            "group.id": "sandbox-reader",
            "enable.auto.commit": False,
            "auto.offset.reset": "earliest",
            "fetch.wait.max.ms": 20,
            "log_level": 0,
        }
        self._consumer = Consumer(settings)
        self._consumer.assign([TopicPartition(topic, 0, 0)])
        self._topic = topic
        self._registry_url = registry_url
        self._readers: dict[int, Callable[[bytes], Mapping[str, Any]]] = {}

    @classmethod
    def of(cls, sandbox: Sandbox) -> Reader:
        """Reads the sample connector's topic."""
        return cls(present(sandbox.kafka).bootstrap, TOPIC, present(sandbox.registry).url)

    def poll(self, timeout: float) -> Read | None:
        """The next record, or None after ``timeout`` seconds."""
        message = self._consumer.poll(timeout)
        if message is None or message.error() is not None:
            return None
        data = message.value() or b""
        schema_id, value = self._decode(data)
        partition, offset = message.partition(), message.offset()
        return Read(self._topic, partition or 0, offset or 0, len(data), schema_id, value)

    def close(self) -> None:
        """Disconnect."""
        self._consumer.close()

    def _decode(self, data: bytes) -> tuple[int | None, Mapping[str, Any]]:
        if not data.startswith(b"\x00"):
            return None, json.loads(data)
        (schema_id,) = struct.unpack_from(">I", data, 1)
        if schema_id not in self._readers:
            url = f"{self._registry_url}/schemas/ids/{schema_id}"
            with urllib.request.urlopen(url, timeout=10) as answer:  # noqa: S310 - the sandbox's own registry
                self._readers[schema_id] = _reader(json.load(answer))
        return schema_id, self._readers[schema_id](data[5:])


def _reader(found: Mapping[str, Any]) -> Callable[[bytes], Mapping[str, Any]]:
    """The function that decodes what follows the schema id."""
    kind, text = found.get("schemaType", "AVRO"), found["schema"]
    if kind == "JSON":
        return json.loads
    if kind == "PROTOBUF":
        from bridge.formats.protobuf_read import Reader

        return Reader(text).read
    from fastavro import parse_schema, schemaless_reader

    parsed: Any = parse_schema(json.loads(text))

    def read(data: bytes) -> Mapping[str, Any]:
        value: Any = schemaless_reader(io.BytesIO(data), parsed, None)
        return dict(value)

    return read
