"""Connectors of an operator's files behind the REST API, in a process without a group: ``run --listen``, ``try``.

A connector that is as its file says runs by that file, which may name what REST may not (files, variables). Once
somebody changes it by REST it is a configuration that came by REST. What was changed ends with the process.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from attrs import define, field, frozen

from bridge.config import Config, Loaded, files
from bridge.errors import BridgeError
from bridge.metrics import Metrics
from bridge.pipeline.attempt import Goal
from bridge.pipeline.connector import Connector
from bridge.worker import records
from bridge.worker.lease import Leased
from bridge.worker.plugins import Plugin, Running, SalesforcePlugin, SalesforceRunning, salesforce_plugins
from bridge.worker.standalone import Standalone


@frozen
class OfFile:
    """A connector as its file has it: what the file says, untouched, and what that means."""

    given: Mapping[str, str]
    loaded: Loaded

    @classmethod
    def read(cls, path: Path, loaded: Loaded) -> OfFile:
        """Raises ConfigurationError."""
        given = {**files.read(path, wrapped=True).values}
        return cls({**given, "name": loaded.connector.name}, loaded)


@define
class _Begun:
    """A connector that was begun here, and whether it was asked to end."""

    connector: Connector
    stopping: threading.Event


@define(eq=False)
class _Stage:
    """What plug-ins of one process share."""

    every: Mapping[str, OfFile]
    goal: Goal
    leases: bool
    begun: dict[str, _Begun] = field(factory=dict)


@frozen
class FilePlugin(SalesforcePlugin):
    """The connector of a file, or of REST where it was changed there."""

    stage: _Stage = field(kw_only=True)

    def loaded(self, name: str, given: Mapping[str, str]) -> Loaded:
        """As in the class above, but for a configuration that is still the file's. Raises ConfigurationError."""
        of_file = self.stage.every.get(name)
        if of_file is not None and {**given, "name": name} == of_file.given:
            return of_file.loaded
        return super().loaded(name, given)

    def run(self, name: str, given: Mapping[str, str], worker: str) -> Running:
        loaded = self.loaded(name, given)
        connector, stopping = Connector(loaded, self.stage.goal), threading.Event()
        self.stage.begun[name] = _Begun(connector, stopping)
        leased = Leased(loaded, connector, stopping) if self.stage.leases else None
        return SalesforceRunning(connector, loaded, self.metrics, stopping, leased)


class Hosting(Standalone):
    """The process of ``run --listen``: ``every`` connector is begun with it.

    ``leases``: whether another process may run the same ones, as those of a sandbox of one's own never are.
    """

    def __init__(
        self,
        config: Config,
        worker_id: str,
        plugins: Sequence[Plugin] | None = None,
        on_fatal: Callable[[BridgeError], None] = lambda error: None,
        stopped: Callable[[], bool] = lambda: False,
        *,
        every: Sequence[OfFile],
        goal: Goal | None = None,
        leases: bool = True,
    ) -> None:
        by_name = {one.loaded.connector.name: one for one in every}
        self._stage = _Stage(by_name, goal or Goal(), leases)
        self.files = frozenset(by_name)
        super().__init__(config, worker_id, plugins, on_fatal, stopped)
        self._plugins = plugins or [_hosted(one, self._stage) for one in _plain(config, self.metrics)]

    @property
    def called(self) -> str:
        return f"{len(self._stage.every)} connectors"

    def start(self) -> None:
        super().start()
        assert self.leader is not None
        self.leader.write(
            [records.connector(name, dict(one.given)) for name, one in self._stage.every.items()]
        )

    def look_at_kafka(self) -> None:
        """Each connector waits for its own Kafka; what is shown of it must not wait."""

    def connectors(self) -> list[Connector]:
        """Those of the files as they were begun last, in the order of the files."""
        begun = (self._stage.begun.get(name) for name in self._stage.every)
        return [one.connector for one in begun if one is not None]

    def over(self) -> bool:
        """Whether all of them have ended by themselves: reached their goal, or failed."""
        begun = [self._stage.begun.get(name) for name in self._stage.every]
        return all(one is not None and one.connector.join(0) and not one.stopping.is_set() for one in begun)


def _plain(config: Config, metrics: Metrics) -> list[SalesforcePlugin]:
    return [one for one in salesforce_plugins(config, metrics) if isinstance(one, SalesforcePlugin)]


def _hosted(plugin: SalesforcePlugin, stage: _Stage) -> Plugin:
    return FilePlugin(
        plugin.worker, plugin.metrics, stage.leases, plugin.name, plugin.version, plugin.type, stage=stage
    )
