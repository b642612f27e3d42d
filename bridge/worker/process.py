"""One process that runs connectors, as a REST API sees it: of a group (``service``) or alone (``standalone``)."""

from __future__ import annotations

import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Container, Sequence
from typing import Final

from bridge import log
from bridge.config import Config
from bridge.errors import BridgeError, Retriable
from bridge.kafka.cluster import Cluster
from bridge.kafka.followed import Followed, follow
from bridge.kafka.settings import worker_settings
from bridge.metrics import Metrics
from bridge.waits import SHUTDOWN
from bridge.worker.gauges import gauges
from bridge.worker.herder import Herder
from bridge.worker.leader import Leader
from bridge.worker.lifecycle import Lifecycle, lifecycle
from bridge.worker.loggers import LEVELS, Loggers
from bridge.worker.logs import Log
from bridge.worker.places import Places
from bridge.worker.plugins import Plugin
from bridge.worker.runner import Runner
from bridge.worker.state import State
from bridge.worker.telling import ToldLog
from bridge.worker.watch import Watch

STOP_SHARE: Final = (
    0.8  # of the time for a shutdown, for the connectors; the rest is for saying that they are free
)
_PAUSE: Final = 0.5  # seconds before Kafka is asked again


class Process(ABC):
    """What stands behind the REST API. ``worker_id`` is the address that the API is reached at.

    ``start`` sets ``herder``, ``leader`` and ``runner``, and ``ready`` at its end; until then ``stage`` says what it is
    at. ``plugins`` None: the connectors of this package.
    """

    def __init__(
        self,
        config: Config,
        worker_id: str,
        plugins: Sequence[Plugin] | None = None,
        on_fatal: Callable[[BridgeError], None] = lambda error: None,
        stopped: Callable[[], bool] = lambda: False,
    ) -> None:
        self.config = config
        self.worker_id = worker_id
        self.metrics = Metrics()
        self.state = State()
        self.watch = Watch(self.metrics, self._connectors)
        self.places = Places(self.state, self.metrics)
        self.started_at = time.time()
        self.loggers = Loggers()
        self.cluster_id = ""
        self.stage = "starting up"
        self.ready = threading.Event()
        self.herder: Herder | None = None
        self.leader: Leader | None = None
        self.runner: Runner | None = None
        self._plugins = plugins
        self._on_fatal = on_fatal
        self._stopped = stopped
        self._failure: BridgeError | None = None
        self._kafka: Cluster | None = None
        """Kept while the process runs: its connectors ask by the same connection."""
        self._offsets: Followed | None = None
        self._lifecycle: Lifecycle | None = None
        self._lifecycle_opened = False
        """Whether it was tried: once, when somebody needs to know."""
        self._log = log.for_connector("")

    @property
    @abstractmethod
    def called(self) -> str:
        """What the process is, in words."""

    @abstractmethod
    def start(self) -> None:
        """Begin; returns when requests can be answered. Raises BridgeError."""

    @abstractmethod
    def stop(self) -> None:
        """Let go of everything in order: drain, say so, end."""

    @abstractmethod
    def catch_up(self) -> None:
        """Take in what another process of the group has written. Raises Retriable where that takes too long."""

    def scrape(self) -> str:
        """Everything Prometheus may know."""
        text = self.metrics.text()
        if not self.ready.is_set() or self.leader is None or self.runner is None:
            return text
        return text + gauges(self.worker_id, self.state, self.leader, self.runner)

    def unfinished(self) -> list[tuple[str, str]]:
        """Connectors that a stop left with something undone: name, and what, in words."""
        return [] if self.runner is None else self.runner.unfinished()

    def _connectors(self) -> frozenset[str]:
        with self.state.changed:
            return frozenset(self.state.configs)

    # ---- for those who are one -------------------------------------------------------------------------

    def _failed(self, error: BridgeError) -> None:
        self._failure = error
        with self.state.changed:
            self.state.changed.notify_all()
        self._on_fatal(error)

    def _stop_connectors(self, runner: Runner) -> None:
        """Drain within the time for it; that they are free is said where that can still be written."""
        try:
            runner.stop(self.config[SHUTDOWN.key] / 1000 * STOP_SHARE)
        except BridgeError as error:
            self._log.warning("leaving without a word: %s", error.message)

    def _level(self, name: str, level: str) -> None:
        if level.upper() in LEVELS:
            self.loggers.change(name, level)

    def _patiently(self, work: Callable[[], None]) -> None:
        """Kafka is waited for without a limit: a worker that starts while brokers restart must not give up."""
        while True:
            try:
                return work()
            except Retriable as error:
                if self._stopped():
                    raise
                self._waiting(error.message)
                time.sleep(_PAUSE)

    def _waiting(self, reason: str) -> None:
        self._log.warning("waiting for Kafka: %s", reason)

    def _cluster(self) -> Cluster:
        """The cluster of the worker's own settings, which has answered; open until the worker stops."""
        if self._kafka is None:
            settings = worker_settings("admin", self.config)
            self._kafka = Cluster(settings, waiting=self._waiting, stopped=self._stopped)
        self.cluster_id = self._kafka.id()
        return self._kafka

    def _follow_offsets(self) -> None:
        """What is read of positions is kept while the process runs, for connectors that ask with its settings."""
        if self._offsets is None:
            topic = str(self.config["offset.storage.topic"])
            self._offsets = follow(worker_settings("consumer", self.config), topic)

    def _told(self, log: Log, files: Container[str] = ()) -> Log:
        """The log as connectors are written of in it: what that changes is told, where the operator wants it."""
        if not self._lifecycle_opened:
            self._lifecycle_opened = True
            self._lifecycle = lifecycle(self.config, self.worker_id)
        return log if self._lifecycle is None else ToldLog(log, self.state, self._lifecycle.tell, files)

    def _let_go_of_kafka(self) -> None:
        if self._lifecycle is not None:
            self._lifecycle.close()
            self._lifecycle = None
        if self._kafka is not None:
            self._kafka.close()
            self._kafka = None
        if self._offsets is not None:
            self._offsets.release()
            self._offsets = None
