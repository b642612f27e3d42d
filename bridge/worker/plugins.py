"""What a worker can run. There is one connector, under its two names; tests bring others."""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping
from typing import Any, Protocol

from attrs import define, field, frozen

from bridge import __version__
from bridge.config import Config, Loaded, files
from bridge.config.catalogue import Catalogue
from bridge.config.classes import CHANGE_CLASSES, CLASSES, MANAGED, SIMPLE_NAMES
from bridge.config.declarations import catalogue_of
from bridge.config.examine import Examined
from bridge.config.external import Origin
from bridge.config.infos import ConfigInfos, Definition, definitions
from bridge.config.loading import resolver_of
from bridge.errors import BridgeError, ConfigurationError
from bridge.inspection.configuration import config_infos, examine_connector
from bridge.kafka.admin import output_topic
from bridge.kafka.offsets import replay_id_of
from bridge.log import for_connector, register_secrets
from bridge.metrics import Metrics, Stats
from bridge.pipeline.connector import Connector
from bridge.worker.lease import Leased, holder
from bridge.worker.positions import Positions
from bridge.worker.probe import remark


@frozen
class View:
    """What a running connector looks like. ``task`` is None while it has no task."""

    connector: str
    task: str | None
    trace: str | None = None
    task_trace: str | None = None
    sealed: tuple[Mapping[str, Any], ...] | None = None
    """Of a connector that encrypts: for each event and subject the fields whose values are encrypted."""


class Numbers(Protocol):
    """What a connector counts. They outlive it: one that has failed is still looked at."""

    def show(self, visible: bool) -> None:
        """Whether they are shown to those who look at this process."""


class Running(Protocol):
    """One connector that was started. Nothing here may block but ``join``."""

    def start(self) -> None: ...
    def stop(self) -> None: ...
    def join(self, timeout: float | None = None) -> bool: ...
    def view(self) -> View: ...
    def unfinished(self) -> str | None:
        """What was received and is not committed, in words; None where that is nothing."""

    def topics(self) -> tuple[str, ...]:
        """What was written to since the last question."""

    @property
    def error(self) -> BridgeError | None: ...
    @property
    def numbers(self) -> Numbers:
        """What is shown of it from its start on, until somebody says otherwise."""


class Plugin(Protocol):
    """One kind of connector."""

    @property
    def name(self) -> str: ...
    @property
    def version(self) -> str: ...
    @property
    def type(self) -> str: ...
    @property
    def task_class(self) -> str: ...
    def answers_to(self, name: str) -> bool: ...
    def definitions(self) -> list[Definition]: ...
    def validate(self, given: Mapping[str, str]) -> ConfigInfos: ...
    def shown(self, given: Mapping[str, str]) -> dict[str, str]: ...
    def run(self, name: str, given: Mapping[str, str], worker: str) -> Running: ...
    def offsets(self, name: str, given: Mapping[str, str]) -> list[dict[str, object]]: ...
    def check_offsets(self, offsets: list[tuple[object, object]]) -> None: ...
    def alter(
        self, name: str, given: Mapping[str, str], offsets: list[tuple[object, object]] | None
    ) -> str | None: ...


def seen(connector: Connector) -> tuple[str, str | None]:
    """A connector's state in Kafka Connect's words, and its reason: no value of an event, but maybe a secret's."""
    state = connector.state
    shown = state if state in ("RUNNING", "PAUSED", "FAILED", "RESTARTING") else "UNASSIGNED"
    reason = connector.passing if shown == "RESTARTING" else connector.error
    return shown, reason.message if reason else None


@frozen
class StatsShown:
    """A connector's numbers among the metrics of its process."""

    metrics: Metrics
    stats: Stats

    def show(self, visible: bool) -> None:
        if visible:
            self.metrics.register(self.stats)
        else:
            self.metrics.remove(self.stats)


@define(eq=False)
class SalesforceRunning:
    """A connector of ours, as a worker sees it."""

    _connector: Connector
    _loaded: Loaded
    _metrics: Metrics
    _stopping: threading.Event = field(factory=threading.Event)
    _leased: Leased | None = None
    """Where no group says who runs it: the connector with its lease."""
    _told: int = 0

    def start(self) -> None:
        self.numbers.show(True)
        if self._leased is not None:
            self._leased.start()
            return
        name = f"{self._connector.name}-start"
        threading.Thread(target=self._start, name=name, daemon=True).start()

    def _start(self) -> None:
        """Not while ``sfbridge run`` has it; asked in a thread of its own, because neighbours must not wait."""
        told = False
        while not self._stopping.is_set():
            try:
                owner = holder(self._loaded)
            except BridgeError:  # without the right to look, the transactional id alone decides
                break
            if owner is None:
                break
            if not told:
                told = True
                for_connector(self._connector.name).warning("%s runs it: standing by", owner)
            self._stopping.wait(1)
        self._connector.start()

    def stop(self) -> None:
        self._stopping.set()
        self._connector.stop()

    def join(self, timeout: float | None = None) -> bool:
        return self._connector.join(timeout) and (self._leased is None or self._leased.join(timeout))

    @property
    def error(self) -> BridgeError | None:
        return self._connector.error

    @property
    def numbers(self) -> Numbers:
        return StatsShown(self._metrics, self._connector.stats)

    def unfinished(self) -> str | None:
        return self._connector.unfinished()

    def view(self) -> View:
        shown, trace = seen(self._connector)
        encrypts = bool(self._loaded.connector.get("csfle.enabled"))
        return View(shown, shown, trace, trace, self._connector.stats.sealed if encrypts else None)

    def topics(self) -> tuple[str, ...]:
        written = self._connector.stats.events_delivered
        if written == self._told:
            return ()
        self._told = written
        output = output_topic(self._loaded.connector)
        return () if output is None else (output,)


@frozen
class SalesforcePlugin:
    """The connector of platform events, or that of change events, under one of their names."""

    worker: Config
    metrics: Metrics = field(factory=Metrics)
    leases: bool = False
    """Whether a connector needs its lease, because no group says who runs it."""
    name: str = MANAGED
    version: str = ""
    type: str = "source"

    @property
    def task_class(self) -> str:
        kind = "Cdc" if self.name in CHANGE_CLASSES else "PlatformEvent"
        return f"io.confluent.salesforce.Salesforce{kind}SourceTask"

    @property
    def catalogue(self) -> Catalogue:
        """Its properties."""
        return catalogue_of({"connector.class": self.name})

    def answers_to(self, name: str) -> bool:
        return self.name in (name, SIMPLE_NAMES.get(name))

    def definitions(self) -> list[Definition]:
        return definitions(self.catalogue)

    def validate(self, given: Mapping[str, str]) -> ConfigInfos:
        return config_infos(given, self.worker, unknown="warn")

    def shown(self, given: Mapping[str, str]) -> dict[str, str]:
        examined = Examined(self.catalogue, given)
        return {key: examined.shown(key) or "" for key in given}

    def run(self, name: str, given: Mapping[str, str], worker: str) -> Running:
        loaded = self.loaded(name, given)
        connector, stopping = Connector(loaded), threading.Event()
        leased = Leased(loaded, connector, stopping) if self.leases else None
        return SalesforceRunning(connector, loaded, self.metrics, stopping, leased)

    def offsets(self, name: str, given: Mapping[str, str]) -> list[dict[str, object]]:
        with Positions(self.loaded(name, given)) as positions:
            stored = positions.read().stored
        return [] if stored is None else [{"partition": {}, "offset": {"replayId": stored}}]

    def check_offsets(self, offsets: list[tuple[object, object]]) -> None:
        """Raises ValueError with a sentence for what no position can be."""
        for partition, offset in offsets:
            if partition != {}:
                raise ValueError("the partition must be {}: a channel has one stream")
            if offset is None:
                continue
            if not isinstance(offset, dict) or "replayId" not in offset:
                raise ValueError("the offset must hold a replayId")
            try:
                replay_id_of(offset["replayId"])
            except ValueError as wrong:
                raise ValueError(f"the replayId {wrong}") from None
            if len(offset) > 1:
                more = next(key for key in offset if key != "replayId")
                raise ValueError(f"the offset holds {more}, which no position of this connector has")

    def alter(
        self, name: str, given: Mapping[str, str], offsets: list[tuple[object, object]] | None
    ) -> str | None:
        """Move the position. What the org says of it, where that is not simply that it knows it."""
        wanted = offsets[-1][1] if offsets else None
        replay_id = replay_id_of(wanted["replayId"]) if isinstance(wanted, dict) else None
        loaded = self.loaded(name, given)
        with Positions(loaded) as positions:
            positions.write(replay_id)
        return None if replay_id is None or replay_id < 0 else remark(loaded, replay_id)

    def loaded(self, name: str, given: Mapping[str, str]) -> Loaded:
        """A configuration that came by REST, ready to be used. Raises ConfigurationError."""
        resolver = resolver_of(self.worker, os.environ, Origin.REST)
        examined = examine_connector(
            files.Given({**given, "name": name}), self.worker, resolver, unknown="warn"
        )
        if examined.faults:
            raise ConfigurationError(examined.faults)
        loaded = Loaded(examined.config(), self.worker, tuple(examined.notices))
        register_secrets(loaded.secrets())
        return loaded


def salesforce_plugins(worker: Config, metrics: Metrics, *, leases: bool = False) -> list[Plugin]:
    """The connectors under all their names."""
    return [SalesforcePlugin(worker, metrics, leases, name, __version__) for name in CLASSES]
