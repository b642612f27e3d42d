"""One measurement: a fresh server and topic, a peer in a process of its own, marks while nothing is under way."""

from __future__ import annotations

import http.client
import json
import os
import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from attrs import define, frozen
from confluent_kafka import Consumer, TopicPartition

from tests.bench import measure
from tests.bench.measure import Cost
from tests.support.java import ROOT
from tests.support.kafka_broker import Broker
from tests.support.kafka_client import create_topic, unique

_QUIET = 0.3  # seconds without a new record: what was sent is committed


class PeerFailed(RuntimeError):
    """The measured process ended or made no progress; the end of what it said is in the message."""


@frozen
class Origin:
    """Where the events come from, as the server told it."""

    url: str
    ca_file: str
    schema_id: str
    event: str
    username: str
    password: str
    token: str
    key: str
    secret: str
    pubsub: str = ""
    """Where it serves the Pub/Sub API, if it does."""

    def post(self, path: str) -> bytes:
        """Talk to the server's own end point (``/bench/go/<count>``)."""
        context = ssl.create_default_context(cafile=self.ca_file)
        connection = http.client.HTTPSConnection(self.url.removeprefix("https://"), context=context)
        connection.request("POST", path)
        answer = connection.getresponse().read()
        connection.close()
        return answer


@contextmanager
def origin(server: str = "server", **options: Any) -> Iterator[Origin]:
    """A server of the benchmarks, by its module's name; ``options`` are its command line's."""
    arguments = [word for key, value in options.items() for word in (f"--{key}", str(value))]
    command = [sys.executable, "-m", f"tests.bench.{server}", *arguments]
    with subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout
        try:
            yield Origin(**json.loads(process.stdout.readline()))
        finally:
            process.kill()


@define
class Topic:
    """A fresh topic of one partition, and how far it is written."""

    broker: Broker
    name: str
    _consumer: Any

    @classmethod
    @contextmanager
    def fresh(cls, broker: Broker) -> Iterator[Topic]:
        """Created now; the consumer is closed at the end."""
        settings = {"group.id": unique("bench"), "isolation.level": "read_uncommitted"}
        consumer = Consumer(broker.client(settings))
        try:
            yield cls(broker, create_topic(broker, unique("bench")), consumer)
        finally:
            consumer.close()

    def end(self) -> int:
        """The high watermark; control records of transactions count."""
        return int(self._consumer.get_watermark_offsets(TopicPartition(self.name, 0), timeout=10)[1])


@contextmanager
def peer(
    command: list[str], log: Path, env: Mapping[str, str] | None = None, *, core: int | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """The measured process, on one ``core`` where one is given; killed at the end. What it says is in ``log``."""
    with log.open("ab") as out:
        whole = {**os.environ, "PYTHONPATH": str(ROOT), **(env or {})}
        process = subprocess.Popen(
            command,
            cwd=log.parent,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            env=whole,
            preexec_fn=None if core is None else lambda: os.sched_setaffinity(0, {core}),
        )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


@define
class Lane:
    """A peer with a server and a topic of its own, which carries events when it is its turn."""

    name: str
    process: subprocess.Popen[bytes]
    source: Origin
    topic: Topic
    log: Path

    def carry(self, events: int, timeout: float = 300, look: Callable[[], None] = lambda: None) -> Cost:
        """Carry so many events; what that cost. ``look`` is called all the while."""
        before, first = self.topic.end(), measure.mark(self.process.pid)
        self.source.post(f"/bench/go/{events}")
        ended = self.settle(before + events, timeout, look)
        return measure.between(first, measure.mark(self.process.pid), self.process.pid, events, ended)

    def settle(self, end: int, timeout: float = 60, look: Callable[[], None] = lambda: None) -> float:
        """Wait until the topic's end is there and nothing more comes; the moment of the last record."""
        seen, at = self.topic.end(), time.monotonic()
        until = at + timeout
        while seen < end or time.monotonic() - at < _QUIET:
            time.sleep(0.02)
            look()
            now = self.topic.end()
            if now != seen:
                seen, at = now, time.monotonic()
            if self.process.poll() is not None or time.monotonic() > until:
                said = self.log.read_text(errors="replace")[-2000:]
                raise PeerFailed(
                    f"{self.name}: {seen} of {end} records came; exit code {self.process.poll()}\n{said}"
                )
        return at


@contextmanager
def committed(topic: Topic) -> Iterator[Consumer]:
    """A consumer of what is committed from now on, as quick as one can be."""
    settings = {"group.id": unique("latency"), "isolation.level": "read_committed", "fetch.wait.max.ms": 5}
    consumer = Consumer(topic.broker.client(settings | {"fetch.error.backoff.ms": 1}))
    try:
        consumer.assign([TopicPartition(topic.name, 0, topic.end())])
        consumer.poll(1)  # connected and fetching before the first event
        yield consumer
    finally:
        consumer.close()
