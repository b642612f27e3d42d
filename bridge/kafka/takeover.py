"""Taking a transactional id over as soon as a broker answers."""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from confluent_kafka import Producer

_AT_LEAST: Final = 0.1  # seconds for a question, and for the taking over, however long what came before took
_QUESTIONS: Final = 3


def take_over(producer: Producer, topic: str, seconds: float) -> None:
    """``init_transactions`` of a new client, within ``seconds``; ``topic`` is one that exists. Raises KafkaException.

    Where no broker is connected, librdkafka looks for the id's coordinator again after 500 ms and not before
    (``rd_kafka_txn_coord_query`` starts a timer), though the connection takes some 30 ms. So the connection comes
    first. What keeps it from coming, ``init_transactions`` says as well.
    """
    from confluent_kafka import KafkaException

    until = time.monotonic() + seconds
    try:
        with contextlib.suppress(KafkaException):
            _connect(producer, topic, seconds / 2)
        producer.init_transactions(max(until - time.monotonic(), _AT_LEAST))
    finally:
        del producer  # whoever keeps the error keeps this frame, and must not keep the client alive by it


def _connect(producer: Producer, topic: str, seconds: float) -> None:
    """Ask about one topic until a broker answers that stays: the connection to a bootstrap server is given up as soon
    as it has said which brokers there are, and has no broker's id."""
    until = time.monotonic() + seconds
    for _ in range(_QUESTIONS):
        left = max(until - time.monotonic(), _AT_LEAST)
        if producer.list_topics(topic, timeout=left).orig_broker_id >= 0:
            return
