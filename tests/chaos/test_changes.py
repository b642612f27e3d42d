"""Change events under kills, the API changed at each start: merged ones split by record, deletions as tombstones.

The connector gets SIGKILL at random moments, its session is forgotten, replies are cut; a ``read_committed`` consumer
sees each record of each change exactly once, in order, with its key.
"""

from __future__ import annotations

import json
import random
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from attrs import define, field, frozen

from bridge.sandbox import samples
from bridge.sandbox.org import Org
from bridge.sandbox.org.bayeux import Settings
from tests.chaos.driver import Process, seeded
from tests.support.bridge_run import Bridge, wait_until
from tests.support.kafka_broker import Broker
from tests.support.kafka_client import read

CONTACT, EMPLOYEE = "ContactChangeEvent", "Employee__ChangeEvent"
_REPLY = 7  # events in a reply: less than a group has


@frozen
class Size:
    """How much of everything."""

    events: int
    kills: int


SHORT, LONG = Size(events=500, kills=4), Size(events=8_000, kills=60)


@define
class Changes:
    """Publishes changes of one record or several, alone or up to a dozen under one replay id."""

    org: Org
    total: int
    dice: random.Random
    published: int = 0
    records: list[tuple[str, str | None]] = field(factory=list)
    """The key and the ``transactionKey`` of each record that is to come; None: a tombstone."""
    stop: threading.Event = field(factory=threading.Event)

    def run(self, pause: float) -> None:
        """Until all are published, with pauses of this length in the mean."""
        while self.published < self.total:
            for _ in range(self.dice.randint(1, 6)):
                size = min(self.total - self.published, self.dice.choice((1, 1, 2, 3, 5, 12)))
                if size:
                    self.org.publish_group([self._event() for _ in range(size)])
            self.stop.wait(self.dice.expovariate(1 / pause))

    def _event(self) -> tuple[str, dict[str, Any]]:
        self.published += 1
        transaction = f"t{self.published}"
        type_ = self.dice.choice(("CREATE", "UPDATE", "UPDATE", "DELETE", "GAP_UPDATE"))
        ids = [f"{self.published}.{number}" for number in range(self.dice.choice((1, 1, 2, 5)))]
        self.records += [(id_, None if type_ == "DELETE" else transaction) for id_ in ids]
        header = {"changeType": type_, "recordIds": ids, "transactionKey": transaction}
        more = {} if type_ in ("DELETE", "GAP_UPDATE") else {"Phone": "1"}
        if self.dice.random() < 0.5:
            return CONTACT, {"ChangeEventHeader": header} | more
        return EMPLOYEE, {"ChangeEventHeader": header}


@pytest.fixture
def org(tmp_path: Path) -> Iterator[Org]:
    with Org(samples.CHANGES, directory=tmp_path / "org", settings=Settings(max_events=_REPLY)) as org:
        yield org


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("size", [SHORT, pytest.param(LONG, marks=pytest.mark.long)], ids=["short", "long"])
def test_each_record_of_a_change_comes_once(
    tmp_path: Path, org: Org, own_broker: Callable[..., Broker], size: Size
) -> None:
    dice = seeded()
    bridge = Bridge.of(tmp_path, own_broker(), org)
    bridge.settings |= {
        "salesforce.cdc.name": "ChangeEvents",
        "kafka.topic": bridge.topic,
        "bridge.record.key": "record_id",
        "bridge.cdc.tombstone.on.delete": "true",
        "bridge.pubsub.endpoint": org.serve_pubsub(),
    }
    org.faults.arm("drop", times=-1, probability=0.05, bytes=dice.randrange(1, 2_000))
    feed = Changes(org, size.events, random.Random(dice.random()))
    process = Process(bridge, tmp_path / "bridge.log")
    publisher = threading.Thread(target=feed.run, args=(size.kills * 3 / (size.events / 12),), daemon=True)
    publisher.start()
    try:
        for number in range(size.kills):
            _start(process, ("streaming", "pubsub")[number % 2])
            for _ in range(dice.randint(0, 3)):
                time.sleep(dice.uniform(0, 0.4))
                org.forget_sessions()
            time.sleep(dice.uniform(0, 0.5))
            process.kill()
        feed.stop.set()
        publisher.join(60)
        _start(process, dice.choice(("streaming", "pubsub")))
        wait_until(lambda: len(read(bridge.broker, bridge.topic)) >= len(feed.records), 180, 0.5)
        assert process.drain() == 0, process.said()
    finally:
        feed.stop.set()
        process.end()
    seen = [
        (key.decode(), value and json.loads(value)["ChangeEventHeader"]["transactionKey"])
        for key, value in ((m.key() or b"", m.value()) for m in read(bridge.broker, bridge.topic))
    ]
    assert seen == feed.records


def _start(process: Process, api: str) -> None:
    process.bridge.settings["bridge.salesforce.api"] = api
    process.start()
    wait_until(lambda: process.running() or process.check(), 120, 0.005)
