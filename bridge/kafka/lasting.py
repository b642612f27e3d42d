"""A producer without transactions that outlives fatal errors of its client.

After a fatal error (a sequence number that the broker does not expect, say) a client of librdkafka takes and writes
nothing any more. It is dropped then, and another one takes its place.
"""

from __future__ import annotations

import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from bridge.errors import Stage
from bridge.kafka.errors import ErrorWatch
from bridge.kafka.librdkafka import Settings

if TYPE_CHECKING:
    from confluent_kafka import Producer

_PAUSE: Final = 1.0  # seconds that a client lasts at least: a lacking right is fatal to each of them


class Lasting:
    """``producer`` is the client of now, ``watch`` what it reported."""

    producer: Producer
    watch: ErrorWatch

    def __init__(self, settings: Settings, *, stage: Stage = Stage.PRODUCE) -> None:
        """Raises KafkaException for settings that librdkafka does not take."""
        self._settings, self._stage = settings, stage
        self._lock = threading.Lock()
        self._open()

    def renewed(self, failed: Producer) -> bool:
        """Whether another client stands where ``failed`` stood, so that what it did not take can be said again.

        Only a fatal error ends a client, and not in its first second.
        """
        with self._lock:
            if self.producer is not failed:
                return True
            self.watch.hear()
            if self.watch.fatal is None or time.monotonic() - self._since < _PAUSE:
                return False
            self._drop()
            self._open()
            return True

    def close(self) -> None:
        """Give up what is not acknowledged. May be called again."""
        with self._lock:
            self._drop()

    def _open(self) -> None:
        from confluent_kafka import Producer

        watch = ErrorWatch(stage=self._stage)
        self.producer = Producer({**self._settings, "error_cb": watch})
        watch.serve = self.producer.poll
        self.watch, self._since = watch, time.monotonic()

    def _drop(self) -> None:
        from confluent_kafka import KafkaException

        with suppress(KafkaException, SystemError):
            self.producer.purge()
        self.watch.hear()
        self.watch.serve = None  # client and watch refer to each other
