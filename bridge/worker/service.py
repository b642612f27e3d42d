"""A whole worker: its topics, its view of them, its place in the group, its connectors."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from typing import Final

from bridge import log
from bridge.config import Config
from bridge.errors import BridgeError, Fatal, Retriable, Stage
from bridge.kafka.admin import check_group, ensure_offsets_topic
from bridge.kafka.cluster import Cluster
from bridge.kafka.settings import worker_settings
from bridge.metrics import Metrics
from bridge.waits import SHUTDOWN
from bridge.worker.gauges import gauges
from bridge.worker.groups import worker_group
from bridge.worker.herder import Herder
from bridge.worker.leader import Leader
from bridge.worker.loggers import LEVELS, Loggers
from bridge.worker.logs import Reader, Writer
from bridge.worker.membership import KafkaMembership
from bridge.worker.plugins import Plugin, salesforce_plugins
from bridge.worker.records import WORKER, encode
from bridge.worker.runner import Runner
from bridge.worker.state import State
from bridge.worker.topics import ensure_state_topic

LEADER_ID: Final = "bridge-leader"
STOP_SHARE: Final = (
    0.8  # of the time for a shutdown, for the connectors; the rest is for saying that they are free
)
_PAUSE: Final = 0.5  # seconds before Kafka is asked again
_OWN_WRITES: Final = 5.0  # seconds that an answer waits for what another worker wrote


class Worker:
    """One process of a group. ``worker_id`` is the address its REST API is reached at."""

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
        self.loggers = Loggers()
        self.cluster_id = ""
        self.stage = "starting up"
        self.ready = threading.Event()
        self._plugins = plugins
        self._on_fatal = on_fatal
        self._stopped = stopped
        self._failure: BridgeError | None = None
        self._log = log.for_connector("")
        self.herder: Herder | None = None

    def start(self) -> None:
        """Join the group and begin; returns when requests can be answered. Raises BridgeError."""
        config = self.config
        self.stage = "looking at Kafka"
        self._patiently(self._prepare)
        group = str(config["group.id"])
        consumer, admin = worker_settings("consumer", config), worker_settings("admin", config)
        self._producer = worker_settings("producer", config)
        self.stage = "reading the config topic"
        self._configs = Reader(consumer, config["config.storage.topic"], self.state.apply, self._failed)
        self._patiently(self._configs.start)
        self.state.on_logger = self._level  # levels of before this worker was there are old
        if self.state.session_key:
            raise Fatal(
                f"config.storage.topic {config['config.storage.topic']} belongs to a Kafka Connect cluster (it "
                "holds its session key); name another, and take connectors over one by one",
                stage=Stage.CONFIGURATION,
            )
        self.stage = "reading the status topic"
        self._statuses = Reader(consumer, config["status.storage.topic"], self.state.apply, self._failed)
        self._patiently(self._statuses.start)
        self._status_log = Writer(self._producer, self._statuses, None)
        self._patiently(lambda: self._status_log.append([(WORKER + self.worker_id, None)]))
        self.stage = "joining the group"
        self._membership = KafkaMembership(
            consumer,
            admin,
            group=worker_group(group),
            topic=config["config.storage.topic"],
            worker_id=self.worker_id,
            session_ms=config["session.timeout.ms"],
            heartbeat_ms=config["heartbeat.interval.ms"],
            fatal=self._failed,
        )
        self._membership.start()
        self._leader = Leader(
            self.worker_id,
            self.state,
            self._membership,
            self._open_log,
            self._status_log,
            self._failed,
        )
        plugins = self._plugins or salesforce_plugins(config, self.metrics)
        self.herder = Herder(self.worker_id, self.state, self._leader, self._status_log, plugins)
        self._runner = Runner(
            self.worker_id,
            self.state,
            self._status_log,
            self.herder.plugin_of,
            self.herder.apply_request,
            self._configs.catch_up,
        )
        self._patiently(self._runner.start)
        self._leader.start()
        self.state.wait(
            lambda: self.worker_id in self.state.assignment.workers or self._failure is not None, 20
        )
        if self._failure is not None:
            self.stop()
            raise self._failure
        self.ready.set()
        self.stage = "running"

    def _failed(self, error: BridgeError) -> None:
        self._failure = error
        with self.state.changed:
            self.state.changed.notify_all()
        self._on_fatal(error)

    def catch_up(self) -> None:
        """Read all that is in the config topic now. Raises Retriable when Kafka does not answer in time."""
        self._configs.catch_up(_OWN_WRITES)

    def scrape(self) -> str:
        """Everything Prometheus may know."""
        text = self.metrics.text()
        if not self.ready.is_set():
            return text
        return text + gauges(self.worker_id, self.state, self._leader, self._runner)

    def stop(self) -> None:
        """Let go of everything in order: say so, drain, hand over."""
        if self.herder is None:
            return
        self.ready.clear()
        try:
            self._status_log.append([(WORKER + self.worker_id, encode({"state": "LEAVING"}))])
        except BridgeError as error:
            self._log.warning("leaving without a word: %s", error.message)
        self._leader.stop()
        try:
            self._runner.stop(self.config[SHUTDOWN.key] / 1000 * STOP_SHARE)
        except BridgeError as error:
            self._log.warning("leaving without a word: %s", error.message)
        self._membership.stop()
        self._statuses.stop()
        self._configs.stop()
        self._status_log.close()

    def unfinished(self) -> list[tuple[str, str]]:
        """Connectors that a stop left with something undone: name, and what, in words."""
        return [] if self.herder is None else self._runner.unfinished()

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

    def _prepare(self) -> None:
        config = self.config
        cluster = Cluster(worker_settings("admin", config), waiting=self._waiting, stopped=self._stopped)
        self.cluster_id = cluster.id()
        if cluster.is_mock():
            raise Fatal(
                "a worker needs a real Kafka: an in-process mock keeps nothing", stage=Stage.CONFIGURATION
            )
        check_group(cluster, config)
        ensure_offsets_topic(cluster, config, self._log.warning)
        for kind in ("config", "status"):
            ensure_state_topic(cluster, config, kind, self._log.warning)

    def _open_log(self) -> Writer:
        writer = Writer(self._producer, self._configs, f"{self.config['group.id']}-{LEADER_ID}")
        self._configs.catch_up()
        return writer
