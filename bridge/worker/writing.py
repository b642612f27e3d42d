"""Appending to a compacted topic, with a read-back (``logs.py`` reads)."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Final

from bridge.errors import BridgeError, Fatal, Fenced, Retriable, Stage
from bridge.kafka.lasting import Lasting
from bridge.kafka.librdkafka import Settings
from bridge.kafka.takeover import take_over
from bridge.waits import WORKER_TOPIC
from bridge.worker.logs import Reader
from bridge.worker.records import Record

if TYPE_CHECKING:
    from confluent_kafka import KafkaError, Message, Producer

SECONDS: Final = WORKER_TOPIC.longest
_MUST: Final[Settings] = {
    "enable.idempotence": True,
    "acks": "all",
    "partitioner": "murmur2_random",
    "message.timeout.ms": 9_000,
    "linger.ms": 0,
    "delivery.report.only.error": False,
}


class Writer:
    """A producer, transactional where a fenced predecessor must not write any more.

    Without transactions it outlives a fatal error: what was not taken is written again, by a new client. With them
    whoever appended begins anew with another Writer, which fences.
    """

    def __init__(self, settings: Settings, reader: Reader, transactional_id: str | None) -> None:
        self._reader = reader
        self._lock = threading.Lock()
        self._transactional = transactional_id is not None
        extra: Settings = (
            {"transactional.id": transactional_id, "transaction.timeout.ms": 10_000}
            if transactional_id is not None
            else {}
        )
        self._client = Lasting({**settings, **extra, **_MUST}, stage=Stage.POSITION)
        if self._transactional:
            producer = self._client.producer
            try:
                self._call(lambda: take_over(producer, reader.topic, SECONDS), "becoming the leader")
            except BridgeError:
                self.close()
                raise

    def append(self, added: Sequence[Record]) -> None:
        """See :class:`bridge.worker.logs.Log`."""
        with self._lock:
            producer = self._client.producer
            try:
                landed = self._write(producer, added)
            except BridgeError:
                if self._transactional or not self._client.renewed(producer):
                    raise
                landed = self._write(self._client.producer, added)
        for partition, offset in landed:
            self._reader.wait_for(partition, offset)

    def _write(self, producer: Producer, added: Sequence[Record]) -> list[tuple[int, int]]:
        """Partition and offset of each record."""
        landed: list[tuple[int, int]] = []
        failed: list[KafkaError] = []

        def delivered(error: KafkaError | None, message: Message) -> None:
            if error is not None:
                failed.append(error)
            else:
                landed.append((message.partition() or 0, message.offset() or 0))

        if self._transactional:
            self._call(producer.begin_transaction, "writing")
        for key, value in added:
            self._call(partial(self._produce, producer, key, value, delivered), "writing")
        if self._transactional:
            self._call(lambda: producer.commit_transaction(SECONDS), "writing")
        self._call(lambda: producer.flush(SECONDS), "writing")
        if failed:
            raise self._client.watch.explain(failed[0], "writing", topic=self._reader.topic, seen=True)
        if len(landed) < len(added):
            raise self._late()
        return landed

    def _produce(
        self,
        producer: Producer,
        key: str,
        value: bytes | None,
        delivered: Callable[[KafkaError | None, Message], None],
    ) -> None:
        until = time.monotonic() + SECONDS
        while True:
            try:
                return producer.produce(self._reader.topic, value, key.encode(), on_delivery=delivered)
            except BufferError:  # more than librdkafka's queue holds
                if time.monotonic() > until:
                    raise self._late() from None
                producer.poll(0.05)

    def _late(self) -> Retriable:
        return Retriable(f"{self._reader.topic} did not acknowledge in time", stage=Stage.POSITION)

    def close(self) -> None:
        """See :class:`bridge.worker.logs.Log`."""
        self._client.close()

    def _call(self, function: Callable[[], object], doing: str) -> None:
        from confluent_kafka import KafkaException

        until = time.monotonic() + SECONDS
        while True:
            try:
                function()
                return
            except (KafkaException, SystemError) as error:
                cause = error if isinstance(error, KafkaException) else error.__cause__
                if not isinstance(cause, KafkaException):
                    raise Fatal(f"{doing}: {error}", stage=Stage.POSITION) from error
                reason = self._client.watch.explain(cause, doing, topic=self._reader.topic, seen=True)
                again = cause.args[0].retriable() and not cause.args[0].txn_requires_abort()
                if isinstance(reason, Fenced) or not again or time.monotonic() > until:
                    raise reason from error
                time.sleep(0.05)
