"""From the server's socket write to a ``read_committed`` consumer, at 100 events a second."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from attrs import frozen
from confluent_kafka import Consumer, TopicPartition

from tests.bench import events, measure
from tests.bench.contest import AVRO
from tests.bench.harness import Lane, PeerFailed, Topic
from tests.bench.setting import Bench
from tests.bench.table import Row
from tests.support.kafka_client import unique

_RATE = 100
_WARM = 400


@frozen
class Latency:
    """In milliseconds."""

    events: int
    p50: float
    p99: float


def latency(bench: Bench) -> list[Row]:
    """One event every 10 ms."""
    with bench.bridge(AVRO, warm=_WARM, rate=_RATE) as lane:
        found = measured(lane, 2_000)
    return rows_of(found, "", (5, 20))


def rows_of(found: Latency, of: str, promised: tuple[float | None, float | None]) -> list[Row]:
    """A row for each, with what was promised of it, in ms."""
    rows = []
    for name, value, limit in zip(("p50", "p99"), (found.p50, found.p99), promised, strict=True):
        promise, ok = ("", None) if limit is None else (f"≤ {limit} ms", value <= limit)
        rows.append(Row(f"latency at 100/s, {name}{of}", value=f"{value:.1f} ms", promise=promise, ok=ok))
    return rows


def measured(lane: Lane, count: int) -> Latency:
    """Live events, one at a time, at the server's rate."""
    with _reader(lane.topic) as consumer:
        lane.source.post(f"/bench/go/{count}")
        found: list[float] = []
        until = time.monotonic() + 600
        while len(found) < count:
            if time.monotonic() > until:
                raise PeerFailed(f"{len(found)} of {count} live events came")
            message = consumer.poll(0.05)
            if message is not None and (sent := events.stamp(message.value() or b"")):
                found.append((time.monotonic_ns() - sent) / 1e6)
    # The first ones pay for the reader's own start.
    kept = found[min(100, len(found) // 10) :]
    return Latency(len(kept), measure.percentile(kept, 0.5), measure.percentile(kept, 0.99))


@contextmanager
def _reader(topic: Topic) -> Iterator[Consumer]:
    settings = {"group.id": unique("latency"), "isolation.level": "read_committed", "fetch.wait.max.ms": 5}
    consumer = Consumer(topic.broker.client(settings | {"fetch.error.backoff.ms": 1}))
    try:
        consumer.assign([TopicPartition(topic.name, 0, topic.end())])
        consumer.poll(1)  # connected and fetching before the first event
        yield consumer
    finally:
        consumer.close()
