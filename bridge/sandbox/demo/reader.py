"""Reads the topic of the in-process Kafka as a consumer elsewhere would: decoded, and decrypted by who has the key."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from attrs import frozen

from bridge.encryption.dek_registry import DekRegistry
from bridge.encryption.deks import Deks
from bridge.reading.decode import Decoder
from bridge.reading.decrypt import Decrypter
from bridge.registry.http import http_of
from bridge.sandbox.site import TOPIC, Sandbox, present

_PATIENCE = 10.0  # seconds for a registry in the same process


@frozen
class Read:
    """A record as it was read: where it stood, its size in bytes, its schema, its value.

    ``stored`` is the decoded value as everybody sees it, ``value`` the same for who has the key.
    """

    topic: str
    partition: int
    offset: int
    size: int
    schema_id: int | None
    stored: Mapping[str, Any]
    value: Mapping[str, Any]

    @property
    def encrypted(self) -> frozenset[str]:
        """The fields that the key opened."""
        return frozenset(name for name in self.value if self.value[name] != self.stored.get(name))


class Reader:
    """Reads one topic of one partition from its beginning."""

    def __init__(self, bootstrap: str, topic: str, registry_url: str, kms: Mapping[str, str]) -> None:
        """``kms``: parameters of the key management service."""
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
        registry = http_of({"url": registry_url}, retry_seconds=_PATIENCE, longest_wait=1)
        self._decoder = Decoder(registry)
        deks = Deks(DekRegistry(registry), kms, retry_seconds=_PATIENCE)
        self._decrypter = Decrypter(registry, deks, "", topic)

    @classmethod
    def of(cls, sandbox: Sandbox) -> Reader:
        """Reads the sample connector's topic."""
        kms = sandbox.protection.params() if sandbox.protection else {}
        return cls(present(sandbox.kafka).bootstrap, TOPIC, present(sandbox.registry).url, kms)

    def poll(self, timeout: float) -> Read | None:
        """The next record, or None after ``timeout`` seconds."""
        message = self._consumer.poll(timeout)
        if message is None or message.error() is not None:
            return None
        data = message.value() or b""
        stored = self._decoder.decode(data, message.headers())
        opened = self._decrypter.decode(data, message.headers())
        partition, offset = message.partition() or 0, message.offset() or 0
        return Read(self._topic, partition, offset, len(data), stored.schema_id, stored.value, opened.value)

    def close(self) -> None:
        """Disconnect."""
        self._consumer.close()
