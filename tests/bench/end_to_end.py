"""The bridge itself: ``sfbridge run`` in a process of its own, with files as a user would write them."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from attrs import frozen
from confluent_kafka import Consumer, TopicPartition

from tests.bench import events, measure
from tests.bench.harness import Origin, PeerFailed, Topic, settle
from tests.support.kafka_broker import Broker
from tests.support.kafka_client import unique


@frozen
class Variant:
    """One way to run the bridge. ``properties`` are added to the connector's."""

    name: str
    form: str = "JSON"
    exactly_once: bool = True
    encrypted: bool = False
    properties: tuple[tuple[str, str], ...] = ()


def command(
    variant: Variant, source: Origin, topic: Topic, folder: Path, registry: str | None = None
) -> list[str]:
    """Write connector and worker file; the command that runs them."""
    name = unique("bench")
    connector = {
        "name": name,
        "connector.class": "SalesforcePlatformEventSource",
        "kafka.topic": topic.name,
        "salesforce.grant.type": "PASSWORD",
        "salesforce.instance": source.url,
        "salesforce.username": source.username,
        "salesforce.password": source.password,
        "salesforce.password.token": source.token,
        "salesforce.consumer.key": source.key,
        "salesforce.consumer.secret": source.secret,
        "salesforce.platform.event.name": events.EVENT.name,
        "salesforce.initial.start": "all",
        "bridge.salesforce.ca.file": source.ca_file,
        "output.data.format": variant.form,
        "tasks.max": "1",
        **dict(variant.properties),
    }
    worker = {
        "bootstrap.servers": topic.broker.bootstrap,
        "security.protocol": "PLAINTEXT",
        "group.id": name,
        "offset.storage.topic": f"{name}-offsets",
        "offset.storage.replication.factor": "1",
        "offset.storage.partitions": "1",
        "exactly.once.source.support": "enabled" if variant.exactly_once else "disabled",
    }
    if registry:
        worker["schema.registry.url"] = registry
    files = folder / f"{name}.json", folder / f"{name}.properties"
    files[0].write_text(json.dumps(connector, indent=2))
    files[1].write_text("".join(f"{key}={value}\n" for key, value in worker.items()))
    return [sys.executable, "-m", "bridge", "run", str(files[0]), "--worker", str(files[1])]


@frozen
class Latency:
    """From the server's socket write to a ``read_committed`` consumer, in milliseconds."""

    events: int
    p50: float
    p99: float


def latency(process: object, source: Origin, topic: Topic, *, warm: int, events_: int) -> Latency:
    """Live events, one at a time, at the server's rate; ``process`` is the running bridge."""
    settle(process, topic, warm, 60)  # type: ignore[arg-type]
    with _reader(topic.broker, topic) as consumer:
        source.post("/bench/go")
        found: list[float] = []
        until = time.monotonic() + 600
        while len(found) < events_:
            if time.monotonic() > until:
                raise PeerFailed(f"{len(found)} of {events_} live events came")
            message = consumer.poll(0.05)
            if message is not None and (sent := events.stamp(message.value() or b"")):
                found.append((time.monotonic_ns() - sent) / 1e6)
    # The first ones pay for the reader's own start.
    kept = found[min(100, len(found) // 10) :]
    return Latency(len(kept), measure.percentile(kept, 0.5), measure.percentile(kept, 0.99))


@contextmanager
def _reader(broker: Broker, topic: Topic) -> Iterator[Consumer]:
    settings = {"group.id": unique("latency"), "isolation.level": "read_committed", "fetch.wait.max.ms": 5}
    consumer = Consumer(broker.client(settings | {"fetch.error.backoff.ms": 1}))
    try:
        consumer.assign([TopicPartition(topic.name, 0, topic.end())])
        consumer.poll(1)  # connected and fetching before the first event
        yield consumer
    finally:
        consumer.close()
