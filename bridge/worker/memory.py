"""What a connector has encrypted before, as its runs remember it beside its position: for somebody who looks at it."""

from __future__ import annotations

import time
from collections.abc import Callable

from bridge.config import Loaded
from bridge.errors import Stage
from bridge.kafka.cluster import Cluster
from bridge.kafka.committed import read_topic
from bridge.kafka.seals import Sealed
from bridge.kafka.settings import admin_settings, consumer_settings
from bridge.routing.ledger import Memory
from bridge.waits import KAFKA_REQUEST


def memory_of(
    loaded: Loaded, waiting: Callable[[str], None], stopped: Callable[[], bool] = lambda: False
) -> Memory:
    """Empty where it has never run. Raises Fatal, and Retriable where Kafka does not say in time."""
    until = time.monotonic() + KAFKA_REQUEST.longest

    def over() -> bool:
        return stopped() or time.monotonic() > until

    name, topic = loaded.connector.name, str(loaded.worker["offset.storage.topic"])
    cluster = Cluster(admin_settings(loaded), waiting=waiting, stopped=over, stage=Stage.POSITION)
    if cluster.topic(topic, verb="read") is None:
        return Memory()
    sealed = Sealed(name, topic)
    settings = consumer_settings(loaded)
    read_topic(settings, topic, f"sfbridge-looking-{name}", sealed.take, stopped=stopped, waiting=waiting)
    return Memory(*sealed.remembered())
