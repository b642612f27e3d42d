"""A worker of a group: its topics, its view of them, its place in the group, its connectors."""

from __future__ import annotations

from typing import Final

from bridge.errors import BridgeError, Fatal, Stage
from bridge.kafka.admin import check_group, ensure_offsets_topic
from bridge.kafka.settings import worker_settings
from bridge.worker.groups import worker_group
from bridge.worker.herder import Herder
from bridge.worker.leader import Leader
from bridge.worker.logs import Log, Reader
from bridge.worker.membership import KafkaMembership
from bridge.worker.plugins import salesforce_plugins
from bridge.worker.process import Process
from bridge.worker.records import WORKER, encode
from bridge.worker.runner import Runner
from bridge.worker.topics import ensure_state_topic
from bridge.worker.writing import Writer

LEADER_ID: Final = "bridge-leader"
_OWN_WRITES: Final = 5.0  # seconds that an answer waits for what another worker wrote


class Worker(Process):
    """One process of a group."""

    @property
    def called(self) -> str:
        return f"worker {self.worker_id} of group {self.config['group.id']}"

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
        self._status_log = self._told(Writer(self._producer, self._statuses, None))
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
        self.leader = Leader(
            self.worker_id,
            self.state,
            self._membership,
            self._open_log,
            self._status_log,
            self._failed,
            lambda: self._log.info("%s leads the group now", self.worker_id),
        )
        plugins = self._plugins or salesforce_plugins(config, self.metrics)
        self.herder = Herder(self.worker_id, self.state, self.leader, self._status_log, plugins)
        self.runner = Runner(
            self.worker_id,
            self.state,
            self._status_log,
            self.herder.plugin_of,
            self.herder.apply_request,
            self._configs.catch_up,
            self.places.news,
        )
        self._patiently(self.runner.start)
        self.leader.start()
        self.state.wait(
            lambda: self.worker_id in self.state.assignment.workers or self._failure is not None, 20
        )
        if self._failure is not None:
            self.stop()
            raise self._failure
        self.ready.set()
        self.stage = "running"

    def catch_up(self) -> None:
        """Read all that is in the config topic now. Raises Retriable when Kafka does not answer in time."""
        self._configs.catch_up(_OWN_WRITES)

    def stop(self) -> None:
        """Let go of everything in order: say so, drain, hand over."""
        if self.leader is None or self.runner is None:
            return
        self.ready.clear()
        try:
            self._status_log.append([(WORKER + self.worker_id, encode({"state": "LEAVING"}))])
        except BridgeError as error:
            self._log.warning("leaving without a word: %s", error.message)
        self.leader.stop()
        self._stop_connectors(self.runner)
        self._membership.stop()
        self._statuses.stop()
        self._configs.stop()
        self._status_log.close()
        self._let_go_of_kafka()

    def _prepare(self) -> None:
        config = self.config
        cluster = self._cluster()
        if cluster.is_mock():
            raise Fatal(
                "a worker of a group needs a real Kafka, and this is an in-process mock, which has no groups: run "
                "'sfbridge worker --standalone DIR'",
                stage=Stage.CONFIGURATION,
            )
        check_group(cluster, config)
        ensure_offsets_topic(cluster, config, self._log.warning)
        for kind in ("config", "status"):
            ensure_state_topic(cluster, config, kind, self._log.warning)
        self._follow_offsets()

    def _open_log(self) -> Log:
        writer = Writer(self._producer, self._configs, f"{self.config['group.id']}-{LEADER_ID}")
        self._configs.catch_up()
        return self._told(writer)
