"""A custom channel under kills: several events, interleaved, many under one replay id, ids spread over replies.

The connector gets SIGKILL at random moments, its session is forgotten, replies are cut; a ``read_committed`` consumer
sees every event exactly once, in order, in the topic of its kind; encrypted Avro, too.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from attrs import define, field, frozen
from confluent_kafka import Message

from bridge.encryption.dek_registry import DekRegistry
from bridge.encryption.deks import Deks
from bridge.reading.decrypt import Decrypter
from bridge.registry.http import http_of
from bridge.sandbox import samples
from bridge.sandbox.org import Org
from bridge.sandbox.org.bayeux import Settings
from bridge.sandbox.registry import Registry
from tests.chaos.driver import Process, seeded
from tests.support.bridge_run import Bridge, wait_until
from tests.support.encryption import EVENT, SECRET, contract
from tests.support.kafka_broker import Broker
from tests.support.kafka_client import create_topic, read

ORDERS, SHIPMENTS = "Order_Placed__e", "Shipment_Updated__e"
SERIAL = {ORDERS: "Order_Number__c", SHIPMENTS: "Tracking_Number__c"}
SECRETS = {ORDERS: "Customer_Email__c", SHIPMENTS: "Carrier__c"}
CHANNEL = "Sales__chn"
PLAIN = "ada@example.org"
_REPLY = 7  # events in a reply: less than a group has


@frozen
class Size:
    """How much of everything."""

    events: int
    kills: int


SHORT, LONG = Size(events=800, kills=4), Size(events=12_000, kills=60)


@define
class Mixed:
    """Publishes both events, interleaved: alone, or up to a dozen under one replay id."""

    org: Org
    total: int
    dice: random.Random
    serials: dict[str, list[str]] = field(factory=lambda: {ORDERS: [], SHIPMENTS: []})
    stop: threading.Event = field(factory=threading.Event)

    @property
    def published(self) -> int:
        return sum(map(len, self.serials.values()))

    def run(self, pause: float) -> None:
        """Until all are published, with pauses of this length in the mean."""
        while self.published < self.total:
            for _ in range(self.dice.randint(1, 6)):
                self._publish(min(self.total - self.published, self.dice.choice((1, 1, 2, 3, 5, 12))))
            self.stop.wait(self.dice.expovariate(1 / pause))

    def _publish(self, size: int) -> None:
        if size:
            self.org.publish_group([self._event() for _ in range(size)])

    def _event(self) -> tuple[str, dict[str, Any]]:
        kind = self.dice.choice((ORDERS, SHIPMENTS))
        serial = f"{len(self.serials[kind])}"
        self.serials[kind].append(serial)
        return kind, {SERIAL[kind]: serial, SECRETS[kind]: PLAIN}


@pytest.fixture
def org(tmp_path: Path) -> Iterator[Org]:
    with Org(samples.EVENTS, directory=tmp_path / "org", settings=Settings(max_events=_REPLY)) as org:
        org.define_channel(CHANNEL, SERIAL)
        yield org


def encrypted(bridge: Bridge, registry: Registry, directory: Path) -> None:
    bridge.worker |= {
        "schema.registry.url": registry.url,
        "rule.executors._default_.param.secret": SECRET,
    }
    bridge.settings |= {
        "output.data.format": "AVRO",
        "csfle.enabled": "true",
    }
    (directory / "schemas").mkdir()
    for kind, name in SECRETS.items():
        text = contract(directory, f"{name}: {{tags: [PII]}}").read_text()
        (directory / "schemas" / f"{kind}.contract.yaml").write_text(text.replace(EVENT, kind))


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("size", [SHORT, pytest.param(LONG, marks=pytest.mark.long)], ids=["short", "long"])
@pytest.mark.parametrize("form", ["JSON", "AVRO, encrypted"])
def test_each_event_of_a_channel_comes_once(
    tmp_path: Path, org: Org, registry: Registry, own_broker: Callable[..., Broker], size: Size, form: str
) -> None:
    dice = seeded()
    bridge = Bridge.of(tmp_path, own_broker(), org)
    bridge.settings |= {
        "salesforce.platform.event.name": "",
        "salesforce.platform.subscription.type": "CUSTOM_CHANNEL",
        "salesforce.platform.custom.channel.name": CHANNEL,
        "salesforce.platform.channel.entities": ",".join(SERIAL),
        "kafka.topic": f"{bridge.topic}-${{_ObjectType}}",
    }
    topics = {kind: create_topic(bridge.broker, f"{bridge.topic}-{kind.lower()}") for kind in SERIAL}
    if form != "JSON":
        encrypted(bridge, registry, tmp_path)
    org.faults.arm("drop", times=-1, probability=0.05, bytes=dice.randrange(1, 2_000))
    feed = Mixed(org, size.events, random.Random(dice.random()))
    process = Process(bridge, tmp_path / "bridge.log", cwd=tmp_path)
    publisher = threading.Thread(target=feed.run, args=(size.kills * 3 / (size.events / 12),), daemon=True)
    publisher.start()
    try:
        for _ in range(size.kills):
            process.start()
            wait_until(lambda: process.running() or process.check(), 120, 0.005)
            for _ in range(dice.randint(0, 3)):
                time.sleep(dice.uniform(0, 0.4))
                org.forget_sessions()
            time.sleep(dice.uniform(0, 0.5))
            process.kill()
        feed.stop.set()
        publisher.join(60)
        process.start()
        wait_until(lambda: process.running() or process.check(), 120, 0.05)
        wait_until(lambda: _count(bridge, topics) >= size.events, 180, 0.5)
        assert process.drain() == 0, process.said()
    finally:
        feed.stop.set()
        process.end()
    for kind, topic in topics.items():
        messages = read(bridge.broker, topic)
        values = bridge.values(topic=topic) if form == "JSON" else opened(registry, topic, messages)
        assert [value[SERIAL[kind]] for value in values] == feed.serials[kind]
        assert {value[SECRETS[kind]] for value in values} == {PLAIN}
        assert {PLAIN.encode() in (message.value() or b"") for message in messages} == {form == "JSON"}


def opened(registry: Registry, topic: str, messages: list[Message]) -> list[Any]:
    """What the records hold once they are decrypted."""
    http = http_of({"url": registry.url}, retry_seconds=1, longest_wait=1)
    values = Decrypter(http, Deks(DekRegistry(http), {"secret": SECRET}), "", topic)
    return [values.opened(message.value(), message.headers()).value for message in messages]


def _count(bridge: Bridge, topics: dict[str, str]) -> int:
    return sum(len(read(bridge.broker, topic)) for topic in topics.values())
