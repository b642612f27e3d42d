"""Taking a transactional id over as soon as a broker answers."""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from confluent_kafka import Producer

_AT_LEAST = 0.1  # seconds for the taking over itself, however long the connection took


def take_over(producer: Producer, topic: str, seconds: float) -> None:
    """``init_transactions`` of a new client, within ``seconds``; ``topic`` is one that exists. Raises KafkaException.

    Where no broker is connected yet, librdkafka looks for the id's coordinator again after 500 ms and not before
    (``rd_kafka_txn_coord_query`` starts a timer), though the connection takes some 30 ms. So the connection comes
    first: asking for one topic waits for just that. What keeps it from coming, ``init_transactions`` says as well.
    """
    from confluent_kafka import KafkaException

    until = time.monotonic() + seconds
    try:
        with contextlib.suppress(KafkaException):
            producer.list_topics(topic, timeout=seconds / 2)
        producer.init_transactions(max(until - time.monotonic(), _AT_LEAST))
    finally:
        del producer  # whoever keeps the error keeps this frame, and must not keep the client alive by it
