"""The whole sandbox: simulated org, registry and Kafka, and the two files that point a connector at them."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Final, TypeVar

from bridge.errors import ConfigurationError, Fault
from bridge.sandbox import samples
from bridge.sandbox.kafka import MockKafka
from bridge.sandbox.org import Org
from bridge.sandbox.protection import Protection
from bridge.sandbox.registry import Registry
from bridge.sandbox.running import Running

PARTS: Final = ("org", "registry", "kafka")
TOPIC: Final = "orders"
OFFSETS: Final = "sandbox-offsets"
GROUP: Final = "sandbox"

Part = TypeVar("Part")


class Sandbox(Running):
    """The parts that are asked for, up between ``start`` and ``stop``. A context manager.

    The org listens on ``port_base``, the registry on the port after it; 0 takes free ports. ``directory`` gets
    ``ca.pem`` and, where all parts are up, ``connector.json`` and ``worker.properties``.
    """

    def __init__(self, directory: Path, *, port_base: int = 0, only: Collection[str] = PARTS) -> None:
        if port_base and not 1 <= port_base <= 65534:
            raise ConfigurationError([Fault("--port-base", "must lie between 1 and 65534, or be 0")])
        self.directory = directory
        self.org: Org | None = None
        self.registry: Registry | None = None
        self.kafka: MockKafka | None = None
        self.protection: Protection | None = None
        self._stops: list[Callable[[], None]] = []
        try:
            self._build(port_base, only)
        except BaseException:
            self.stop()
            raise

    def _build(self, port_base: int, only: Collection[str]) -> None:
        if "org" in only:
            self.org = Org(samples.EVENTS, directory=self.directory, port=port_base)
            self._stops.append(self.org.stop)
        if "registry" in only:
            self.registry = Registry(port=port_base + 1 if port_base else 0)
            self._stops.append(self.registry.stop)
        if "kafka" in only:
            self.kafka = MockKafka([TOPIC, OFFSETS])
            self._stops.append(self.kafka.close)

    def start(self) -> None:
        """Accept connections, and write the files."""
        for server in (self.org, self.registry):
            if server is not None:
                server.start()
        if self.org and self.registry and self.kafka:
            self.write_files()

    def stop(self) -> None:
        """Stop what was started, in reverse order."""
        while self._stops:
            self._stops.pop()()

    @property
    def connector_file(self) -> Path:
        """The sample connector's file."""
        return self.directory / "connector.json"

    @property
    def worker_file(self) -> Path:
        """The sample worker's file."""
        return self.directory / "worker.properties"

    def where(self) -> dict[str, str]:
        """Where everything is."""
        addresses: dict[str, str] = {}
        if self.org:
            addresses |= {"org": self.org.url, "ca_file": str(self.org.ca_file)}
        if self.registry:
            addresses["registry"] = self.registry.url
        if self.kafka:
            addresses["bootstrap_servers"] = self.kafka.bootstrap
        if self.org and self.registry and self.kafka:
            addresses |= {"connector": str(self.connector_file), "worker": str(self.worker_file)}
        return addresses

    def write_files(self, data_format: str = "AVRO", *, encrypt: bool = False) -> None:
        """Write the sample connector and worker files; needs all parts. ``encrypt``: one field, with a new key."""
        self.protection = Protection(self.directory / "orders.contract.yaml") if encrypt else None
        config = {"name": "sandbox-orders", "config": self._connector(data_format)}
        self.connector_file.write_text(json.dumps(config, indent=2) + "\n")
        lines = [f"{key}={value}" for key, value in self._worker().items()]
        self.worker_file.write_text("\n".join(lines) + "\n")

    def _connector(self, data_format: str) -> dict[str, str]:
        org = present(self.org)
        credentials = org.credentials
        return {
            "connector.class": "SalesforcePlatformEventSource",
            "name": "sandbox-orders",
            "tasks.max": "1",
            "kafka.topic": TOPIC,
            "output.data.format": data_format,
            "salesforce.platform.event.name": samples.ORDER_PLACED.name,
            "salesforce.initial.start": "all",
            "salesforce.instance": org.url,
            "salesforce.grant.type": "PASSWORD",
            "salesforce.username": credentials.username,
            "salesforce.password": credentials.password,
            "salesforce.password.token": credentials.security_token,
            "salesforce.consumer.key": credentials.client_id,
            "salesforce.consumer.secret": credentials.client_secret,
            "bridge.salesforce.ca.file": str(org.ca_file),
            **(self.protection.connector() if self.protection else {}),
        }

    def _worker(self) -> dict[str, str]:
        return {
            "bootstrap.servers": present(self.kafka).bootstrap,
            "security.protocol": "PLAINTEXT",
            "group.id": GROUP,
            "offset.storage.topic": OFFSETS,
            # The in-process Kafka takes transactions without keeping what they promise.
            "exactly.once.source.support": "disabled",
            "schema.registry.url": present(self.registry).url,
            **(self.protection.worker() if self.protection else {}),
        }


def present(part: Part | None) -> Part:
    """The part, where it was asked for."""
    if part is None:
        raise ConfigurationError([Fault("--only", "this needs all parts of the sandbox")])
    return part
