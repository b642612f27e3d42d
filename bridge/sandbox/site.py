"""The whole sandbox: simulated org, registry and Kafka, and the two files that point a connector at them."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Final, TypeVar

from bridge.errors import ConfigurationError, Fault
from bridge.sandbox import samples
from bridge.sandbox.kafka import MockKafka
from bridge.sandbox.kept import Keep
from bridge.sandbox.org import Org
from bridge.sandbox.positions import Positions
from bridge.sandbox.protection import Protection
from bridge.sandbox.registry import Registry
from bridge.sandbox.running import Running

PARTS: Final = ("org", "registry", "kafka")
TOPIC: Final = "orders"
DEAD_LETTERS: Final = "orders-dead"
OFFSETS: Final = "sandbox-offsets"
GROUP: Final = "sandbox"
_SECRET: Final = "secret of the key management service"  # noqa: S105 - its name

Part = TypeVar("Part")


class Sandbox(Running):
    """The parts that are asked for, up between ``start`` and ``stop``. A context manager.

    The org listens on ``port_base``, the registry on the port after it, the org's Pub/Sub API, where it is asked for,
    on the third; 0 takes free ports. ``directory`` gets ``ca.pem`` and, where all parts are up, ``connector.json`` and
    ``worker.properties``. ``kept``: the org's events, the registry, positions and the ports that were free are kept in
    ``directory``, and are there at the next start.
    """

    def __init__(
        self,
        directory: Path,
        *,
        port_base: int = 0,
        only: Collection[str] = PARTS,
        kept: bool = False,
        pubsub: bool = False,
    ) -> None:
        if port_base and not 1 <= port_base <= 65532:
            raise ConfigurationError([Fault("--port-base", "must lie between 1 and 65532, or be 0")])
        self.directory = directory.absolute()
        self.org: Org | None = None
        self.registry: Registry | None = None
        self.kafka: MockKafka | None = None
        self.protection: Protection | None = None
        self.keep = Keep(self.directory) if kept else None
        self.positions: Positions | None = None
        self._pubsub_port: int | None = None
        if pubsub:
            self._pubsub_port = port_base + 3 if port_base else self._port_of_before("pubsub")
        self._stops: list[Callable[[], None]] = [self.keep.close] if self.keep else []
        try:
            self._build(port_base, only)
        except BaseException:
            self.stop()
            raise

    def _build(self, port_base: int, only: Collection[str]) -> None:
        if "org" in only:
            port = port_base or self._port_of_before("org")
            self.org = Org(
                (*samples.EVENTS, *samples.CHANGES), directory=self.directory, port=port, keep=self.keep
            )
            self._remember_port("org", self.org.port)
            self.org.define_channel(samples.ORDERS_CHANNEL, [event.name for event in samples.EVENTS])
            self._stops.append(self.org.stop)
        if "registry" in only:
            port = port_base + 1 if port_base else self._port_of_before("registry")
            self.registry = Registry(port=port, keep=self.keep)
            self._remember_port("registry", self.registry.port)
            self._stops.append(self.registry.stop)
        if "kafka" in only:
            self.kafka = MockKafka([TOPIC, DEAD_LETTERS, OFFSETS])
            self._stops.append(self.kafka.close)
            if self.keep is not None:
                self.positions = Positions(self.kafka.bootstrap, self.keep)
                self._stops.append(self.positions.stop)

    def _port_of_before(self, part: str) -> int:
        """Connectors that were made know the org and the registry by their ports."""
        port = self.keep.fact(f"port of {part}") if self.keep else None
        return int(port) if port else 0

    def _remember_port(self, part: str, port: int) -> None:
        if self.keep:
            self.keep.keep(f"port of {part}", b"%d" % port)

    def start(self) -> None:
        """Accept connections, and write the files."""
        if self.positions is not None:
            self.positions.start()
        for server in (self.org, self.registry):
            if server is not None:
                server.start()
        if self.org and self._pubsub_port is not None:
            self.org.serve_pubsub(self._pubsub_port)
            self._remember_port("pubsub", present(self.org.pubsub).port)
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
            if self.org.pubsub is not None:
                addresses["pubsub"] = self.org.pubsub.endpoint
        if self.registry:
            addresses["registry"] = self.registry.url
        if self.kafka:
            addresses["bootstrap_servers"] = self.kafka.bootstrap
        if self.org and self.registry and self.kafka:
            addresses |= {"connector": str(self.connector_file), "worker": str(self.worker_file)}
        return addresses

    def write_files(
        self, data_format: str = "AVRO", *, encrypt: bool = False, api: str = "streaming"
    ) -> None:
        """Write the sample connector and worker files; needs all parts. ``encrypt``: one field, with a new key."""
        self.protection = self._protection() if encrypt else None
        config = {"name": "sandbox-orders", "config": self._connector(data_format, api)}
        self.connector_file.write_text(json.dumps(config, indent=2) + "\n")
        lines = [f"{key}={value}" for key, value in self._worker().items()]
        self.worker_file.write_text("\n".join(lines) + "\n")

    def _protection(self) -> Protection:
        contract = self.directory / "orders.contract.yaml"
        secret = self.keep.fact(_SECRET) if self.keep else None
        protection = Protection(contract, secret.decode()) if secret else Protection(contract)
        if self.keep:
            self.keep.keep(_SECRET, protection.secret.encode())
        return protection

    def _connector(self, data_format: str, api: str) -> dict[str, str]:
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
            "errors.tolerance": "all",
            "errors.deadletterqueue.topic.name": DEAD_LETTERS,
            "bridge.salesforce.api": api,
            **({} if org.pubsub is None else {"bridge.pubsub.endpoint": org.pubsub.endpoint}),
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
            # ... and has no groups: sfbridge worker --worker FILE runs alone.
            "bridge.standalone.dir": str(self.directory),
            **(self.protection.worker() if self.protection else {}),
        }


def present(part: Part | None) -> Part:
    """The part, where it was asked for."""
    if part is None:
        raise ConfigurationError([Fault("--only", "this needs all parts of the sandbox")])
    return part
