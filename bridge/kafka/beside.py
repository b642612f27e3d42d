"""Records beside the data path: Kafka takes them or they are dropped, and nobody who has something to say waits.

One idempotent producer with a queue that is bounded in records and bytes, and a thread that looks after it. After a
fatal error of its client the next record goes to a new one.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from bridge.errors import BridgeError
from bridge.event import Header
from bridge.kafka.cluster import Cluster
from bridge.kafka.errors import classify
from bridge.kafka.lasting import Lasting
from bridge.kafka.librdkafka import Settings
from bridge.log import for_connector
from bridge.waits import LIFECYCLE

if TYPE_CHECKING:
    from confluent_kafka import KafkaError, Message, Producer

_LOOK: Final = 0.5  # seconds for which the thread waits for reports
_LAST: Final = 2.0  # seconds at the end, for what is still queued
_RECORDS: Final = 10_000
_KILOBYTES: Final = 16_384
_MUST: Final[Settings] = {
    "enable.idempotence": True,
    "acks": "all",
    "partitioner": "murmur2_random",
    "delivery.report.only.error": True,
    "queue.buffering.max.messages": _RECORDS,
    "queue.buffering.max.kbytes": _KILOBYTES,
    "message.timeout.ms": int(LIFECYCLE.longest * 1000),
    "linger.ms": 5,
}


class Beside:
    """A topic that is written so. ``lost`` is called for each record that was dropped, with its key and the reason.

    Raises KafkaException for settings that librdkafka does not take.
    """

    def __init__(
        self, settings: Settings, admin: Settings, topic: str, lost: Callable[[bytes, str], None]
    ) -> None:
        self.topic = topic
        self._admin, self._lost = admin, lost
        self._client = Lasting({**settings, **_MUST})
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._serve, name=f"beside-{topic}", daemon=True)
        self._thread.start()

    def send(self, key: bytes, value: bytes, headers: list[Header]) -> None:
        """Queue a record, or drop it where the queue is full; returns at once. Not after ``close``."""
        producer = self._client.producer
        why = self._taken(producer, key, value, headers)
        if why is not None and self._client.renewed(producer):
            why = self._taken(self._client.producer, key, value, headers)
        if why is not None:
            self._lost(key, why)

    def _taken(self, producer: Producer, key: bytes, value: bytes, headers: list[Header]) -> str | None:
        """Why a record was not taken, None where it was."""
        from confluent_kafka import KafkaException

        try:
            producer.produce(self.topic, value, key, on_delivery=self._delivered, headers=list(headers))
        except BufferError:
            return "more of them are queued than Kafka takes"
        except KafkaException as error:
            return self._client.watch.explain(error, "writing", topic=self.topic).message
        return None

    def close(self) -> None:
        """Give what is queued two seconds; the rest is dropped."""
        self._ending.set()
        self._flush()
        self._client.producer.purge()
        self._flush()  # only the reports
        self._client.close()
        self._thread.join(2 * _LOOK)  # it may still ask Kafka, and then ends by itself

    def _flush(self) -> None:
        from confluent_kafka import KafkaException

        with suppress(KafkaException, SystemError):  # a fatal error: what was queued is reported all the same
            self._client.producer.flush(_LAST)

    def _delivered(self, error: KafkaError | None, message: Message) -> None:
        if error is not None:
            key = message.key() or b""
            self._lost(key.encode() if isinstance(key, str) else key, self._why(error))

    def _why(self, error: KafkaError) -> str:
        if error.name() in ("_MSG_TIMED_OUT", "_PURGE_QUEUE", "_PURGE_INFLIGHT"):
            return self._client.watch.reason() or "Kafka did not take it in time"
        return classify(error, "writing", topic=self.topic).message

    def _serve(self) -> None:
        try:
            self._create()
        except BridgeError as error:
            if not self._ending.is_set():
                for_connector("").warning("topic %s is not created: %s", self.topic, error.message)
        while not self._ending.is_set():
            self._client.watch.hear(_LOOK)

    def _create(self) -> None:
        """The topic, with one partition, where it is not there. An in-process mock makes topics by itself."""
        with Cluster(self._admin, waiting=self._meanwhile, stopped=self._ending.is_set) as cluster:
            if not cluster.is_mock() and cluster.topic(self.topic) is None:
                cluster.create(self.topic, 1, -1, {})

    def _meanwhile(self, reason: str) -> None:
        """Kafka is away: what was dropped is said all the same."""
        self._client.watch.hear()


def opened(
    settings: Callable[[str], Settings], topic: str, lost: Callable[[bytes, str], None]
) -> Beside | None:
    """``settings``: those of a ``producer`` and an ``admin``. None, and one warning, where there can be none."""
    from confluent_kafka import KafkaException

    try:
        return Beside(settings("producer"), settings("admin"), topic, lost)
    except (BridgeError, KafkaException) as error:
        why = error.message if isinstance(error, BridgeError) else str(error)
        for_connector("").warning("nothing is written to topic %s: %s", topic, why)
        return None
