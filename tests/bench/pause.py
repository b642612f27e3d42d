"""The longest time without a record while a channel's routes are looked up again, with a slow registry."""

from __future__ import annotations

import asyncio
import threading
import time
from typing import Final

from attrs import define, field
from confluent_kafka import Consumer, TopicPartition

from bridge.sandbox.definition import EventDefinition, FieldDefinition
from bridge.sandbox.org import Org
from bridge.sandbox.registry import Registry
from bridge.sandbox.server import App, Receive, Scope, Send, Server
from tests.bench.measure import wait_for
from tests.bench.setting import Bench
from tests.bench.starts import everywhere
from tests.bench.table import Row
from tests.support.bridge_run import Bridge
from tests.support.kafka_client import unique

_EVENTS: Final = 50
_SLOW: Final = 0.1  # seconds for each request to the registry
_TTL: Final = 20.0  # seconds after which routes are looked up again; five minutes unless it is set
_NEVER: Final = 3600.0
_LASTS: Final = 50.0
_EVERY: Final = 0.005  # seconds between two events
_PROMISED: Final = 0.05  # seconds
_CHANNEL: Final = "Many__chn"


@define(slots=False)
class Slow:
    """An application that takes its time for each request, several at once."""

    inner: App
    requests: int = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.requests += 1
        await asyncio.sleep(_SLOW)
        await self.inner(scope, receive, send)


class SlowRegistry(Registry):
    """A registry at so many milliseconds a request."""

    def __init__(self) -> None:
        super().__init__()
        self._server.stop()
        self.slow = Slow(self._server._server.config.app)  # type: ignore[arg-type]  # uvicorn also takes a name
        self._server = Server(self.slow, name="slow registry")
        self.url, self.port = self._server.url, self._server.port


@define
class Gaps:
    """When records came, as a reader of committed ones sees it."""

    bench: Bench
    topic: str
    stop: threading.Event = field(factory=threading.Event)
    count: int = 0
    longest: float = 0.0
    since: float = 0.0
    _last: float = 0.0

    def run(self) -> None:
        """Until it is stopped."""
        settings = {
            "group.id": unique("pause"),
            "isolation.level": "read_committed",
            "fetch.wait.max.ms": 5,
            "socket.nagle.disable": True,
        }
        consumer = Consumer(self.bench.broker.client(settings | {"fetch.error.backoff.ms": 1}))
        consumer.assign([TopicPartition(self.topic, 0, 0)])
        while not self.stop.is_set():
            message = consumer.poll(0.02)
            if message is not None and message.error() is None:
                self._came()
        consumer.close()

    def _came(self) -> None:
        now = time.monotonic()
        if self.since and self._last >= self.since:
            self.longest = max(self.longest, now - self._last)
        self._last = now
        self.count += 1


def pause(bench: Bench) -> list[Row]:
    """The longest pause over two rounds of looking up; and of as long a time without, which is Kafka's and the
    machine's own."""
    with_, requests = _longest(bench, _TTL)
    without, _ = _longest(bench, _NEVER)
    name = f"longest pause, {_EVENTS} events, registry at {_SLOW * 1000:.0f} ms"
    text = f"{with_ * 1000:.0f} ms; {requests} requests to the registry"
    return [
        Row(name, value=text, promise="≤ 50 ms", ok=with_ <= _PROMISED),
        Row("the same, nothing looked up again", value=f"{without * 1000:.0f} ms"),
    ]


def _longest(bench: Bench, ttl: float) -> tuple[float, int]:
    """Seconds, and how often the registry was asked."""
    names = [f"Kind_{number:02}__e" for number in range(_EVENTS)]
    fields = (FieldDefinition("Text__c", "string", length=80), FieldDefinition("Count__c", "double"))
    definitions = [EventDefinition(name, label=name, fields=fields) for name in names]
    with (
        everywhere(bench),
        Org(definitions, directory=bench.folder / "pause-org") as org,
        SlowRegistry() as registry,
    ):
        org.define_channel(_CHANNEL, names)
        bridge = Bridge.of(bench.folder, bench.broker, org)
        bridge.worker["schema.registry.url"] = registry.url
        bridge.settings |= {
            "output.data.format": "AVRO",
            "salesforce.platform.event.name": "",
            "salesforce.platform.subscription.type": "CUSTOM_CHANNEL",
            "salesforce.platform.custom.channel.name": _CHANNEL,
            "salesforce.platform.channel.entities": ",".join(names),
            "value.converter.value.subject.name.strategy": "RecordNameStrategy",
            "bridge.schema.latest.ttl.ms": str(int(ttl * 1000)),
        }
        gaps = Gaps(bench, bridge.topic)
        reader = threading.Thread(target=gaps.run, daemon=True)
        reader.start()
        process = bridge.spawn(log=bench.folder / "pause.log")
        try:
            for name in names:
                org.publish(name, {"Text__c": "first", "Count__c": 1.0})
            wait_for(lambda: gaps.count == _EVENTS, 120)
            requests, gaps.since = registry.slow.requests, time.monotonic()
            until, number = time.monotonic() + _LASTS, 0
            while time.monotonic() < until:
                org.publish(names[number % _EVENTS], {"Text__c": f"text {number}", "Count__c": float(number)})
                number += 1
                time.sleep(max(0.0, gaps.since + number * _EVERY - time.monotonic()))
        finally:
            process.terminate()
            process.wait(60)
            gaps.stop.set()
            reader.join(30)
    return gaps.longest, registry.slow.requests - requests
