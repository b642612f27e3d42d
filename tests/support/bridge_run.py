"""The bridge against a simulated org and a real broker: files as a user would write them, runs, what came out."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from attrs import define, field

from bridge.inspection.configuration import load
from bridge.pipeline.attempt import Goal
from bridge.pipeline.connector import Connector
from bridge.sandbox import samples
from bridge.sandbox.definition import FieldDefinition
from bridge.sandbox.org import Org
from tests.support.kafka_broker import Broker
from tests.support.kafka_client import create_topic, read, unique

PROJECT = Path(__file__).parents[2]
EVENT = "Order_Placed__e"
# The sample event with one more field, as if an administrator had added it.
WIDER = samples.ORDER_PLACED.with_field(FieldDefinition("Coupon__c", "string", length=20))


@define
class Bridge:
    """One connector's files, and ways to run it."""

    directory: Path
    broker: Broker
    org_url: str
    ca_file: Path
    credentials: Any
    name: str = field(factory=lambda: unique("orders"))
    settings: dict[str, str] = field(factory=dict)
    worker: dict[str, str] = field(factory=dict)
    topic: str = ""

    @classmethod
    def of(cls, directory: Path, broker: Broker, org: Org, **settings: str) -> Bridge:
        """A connector for the org's sample event, from all retained events, JSON, a topic of its own."""
        bridge = cls(directory, broker, org.url, Path(org.ca_file), org.credentials)
        bridge.topic = create_topic(broker, bridge.name)
        bridge.settings |= {key.replace("__", "."): value for key, value in settings.items()}
        return bridge

    @property
    def offsets(self) -> str:
        """The offsets topic; one per test, unless the worker settings name another."""
        return self.worker.get("offset.storage.topic", f"{self.name}-offsets")

    def connector_file(self) -> Path:
        """``connector.json`` as the managed connector has it."""
        config = {
            "connector.class": "SalesforcePlatformEventSource",
            "name": self.name,
            "kafka.topic": self.topic,
            "salesforce.grant.type": "PASSWORD",
            "salesforce.instance": self.org_url,
            "salesforce.username": self.credentials.username,
            "salesforce.password": self.credentials.password,
            "salesforce.password.token": self.credentials.security_token,
            "salesforce.consumer.key": self.credentials.client_id,
            "salesforce.consumer.secret": self.credentials.client_secret,
            "salesforce.platform.event.name": EVENT,
            "salesforce.initial.start": "all",
            "bridge.salesforce.ca.file": str(self.ca_file),
            "output.data.format": "JSON",
            "tasks.max": "1",
            **self.settings,
        }
        if "salesforce.cdc.name" in config:  # a connector of change events
            config = {"connector.class": "SalesforceCdcSource"} | {
                key: value
                for key, value in config.items()
                if not key.startswith(("salesforce.platform.", "connector."))
            }
        path = self.directory / f"{self.name}.json"
        path.write_text(json.dumps(config))
        return path

    def worker_file(self) -> Path:
        """``worker.properties``."""
        given = {
            **self.broker.worker(),
            "group.id": "tests",
            "offset.storage.topic": self.offsets,
            "offset.storage.replication.factor": "1",
            "offset.storage.partitions": "1",
            "security.protocol": self.broker.worker().get("security.protocol", "PLAINTEXT"),
            **self.worker,
        }
        path = self.directory / f"{self.name}.properties"
        path.write_text("".join(f"{key}={value}\n" for key, value in given.items()))
        return path

    def start(self, **goal: Any) -> Connector:
        """The connector in this process, started."""
        connector = Connector(load(self.connector_file(), self.worker_file()), Goal(**goal))
        connector.start()
        return connector

    def run(self, timeout: float = 60, **goal: Any) -> Connector:
        """The connector in this process, from start to its goal."""
        connector = self.start(**goal)
        try:
            assert connector.join(timeout), f"{self.name} is {connector.state} after {timeout} s"
        finally:
            connector.stop()
        return connector

    def command(self, *arguments: str) -> list[str]:
        """``sfbridge run`` with the files."""
        files = [str(self.connector_file()), "--worker", str(self.worker_file())]
        return [sys.executable, "-m", "bridge", "run", *files, *arguments]

    def spawn(
        self,
        *arguments: str,
        log: Path | None = None,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
    ) -> Any:
        """``sfbridge run`` as a process; what it says goes to ``log``, else into pipes. ``cwd``: where its contracts
        are, if not in the project's folder."""
        out = log.open("ab") if log else subprocess.PIPE
        return subprocess.Popen(
            self.command(*arguments),
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT if log else subprocess.PIPE,
            env={**os.environ, **({"PYTHONPATH": str(PROJECT)} if cwd else {}), **(env or {})},
            cwd=cwd,
            text=not log,
        )

    def values(self, count: int | None = None, topic: str | None = None, timeout: float = 30) -> list[Any]:
        """The committed values of the topic, parsed as JSON."""
        messages = read(self.broker, topic or self.topic, count, timeout=timeout)
        return [json.loads(message.value() or b"null") for message in messages]

    def replay_ids(self, count: int | None = None, timeout: float = 30) -> list[int]:
        """The replay ids of the committed records, in order."""
        return [int(value["ReplayId"]) for value in self.values(count, timeout=timeout)]

    def position(self) -> Any:
        """The newest committed position record of the connector: its value, parsed."""
        key = json.dumps([self.name, {}], separators=(",", ":")).encode()
        found = [m for m in read(self.broker, self.offsets) if m.key() == key]
        return json.loads(found[-1].value() or b"null") if found else None


def wait_until(what: Callable[[], object], timeout: float = 20, every: float = 0.02) -> None:
    """Wait until ``what()`` is true; fails after ``timeout`` seconds."""
    until = time.monotonic() + timeout
    while not what():
        assert time.monotonic() < until, f"not within {timeout} s"
        time.sleep(every)


@contextmanager
def running(bridge: Bridge, **goal: Any) -> Iterator[Connector]:
    """The connector, RUNNING; stopped and drained at the end."""
    connector = bridge.start(**goal)
    try:
        wait_until(lambda: connector.state == "RUNNING" or connector.join(0), 30)
        assert connector.error is None, connector.error
        yield connector
    finally:
        connector.stop()
        assert connector.join(30)
