"""A worker alone: no group, no topics but that of positions. What it must remember is in a directory, or nowhere.

As Kafka Connect's standalone mode, but that its REST API writes. Positions stay in the offsets topic, in the
records' transaction; each connector has its lease as in ``sfbridge run`` (``lease.py``), so that a second process of
the same ``group.id`` stands by. The directory belongs to one process at a time.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO, Final

from bridge.config import Config
from bridge.errors import BridgeError, ConfigurationError, Fatal, Fault, Stage
from bridge.kafka.admin import check_group, ensure_offsets_topic
from bridge.worker.herder import Herder
from bridge.worker.kept import FileLog, MemoryLog
from bridge.worker.leader import Leader
from bridge.worker.logs import Log
from bridge.worker.plugins import Plugin, salesforce_plugins
from bridge.worker.process import Process
from bridge.worker.runner import Runner

DIRECTORY: Final = "bridge.standalone.dir"
CONFIGS: Final = "connectors.jsonl"
STATUSES: Final = "status.jsonl"
_LOCK: Final = "lock"


class Alone:
    """The group of one worker: it leads, and nobody else lives. A ``Membership``."""

    def __init__(self, worker_id: str) -> None:
        self._workers = frozenset({worker_id})

    def leads(self) -> bool:
        return True

    def workers(self) -> frozenset[str]:
        return self._workers


class Standalone(Process):
    """One process without a group. ``directory`` None: what is made by REST ends with the process.

    Where ``plugins`` are given, they see to leases themselves.
    """

    files: frozenset[str] = frozenset()
    """Connectors of an operator's files."""

    def __init__(
        self,
        config: Config,
        worker_id: str,
        plugins: Sequence[Plugin] | None = None,
        on_fatal: Callable[[BridgeError], None] = lambda error: None,
        stopped: Callable[[], bool] = lambda: False,
        *,
        directory: Path | None = None,
    ) -> None:
        super().__init__(config, worker_id, plugins, on_fatal, stopped)
        self.directory = directory
        self._lock: IO[str] | None = None
        self._configs: Log = MemoryLog(self.state.apply)
        self._statuses: Log = MemoryLog(self.state.apply)

    @property
    def called(self) -> str:
        where = "in memory" if self.directory is None else f"in {self.directory}"
        return f"worker {self.worker_id} without a group, state {where},"

    def start(self) -> None:
        if self.directory is not None:
            self._open(self.directory)
        self.stage = "looking at Kafka"
        self._patiently(self.look_at_kafka)
        self._configs, self._statuses = self._told(self._configs, self.files), self._told(self._statuses)
        self.state.on_logger = self._level
        self.leader = Leader(
            self.worker_id,
            self.state,
            Alone(self.worker_id),
            lambda: self._configs,
            self._statuses,
            self._failed,
        )
        plugins = self._plugins or salesforce_plugins(self.config, self.metrics, leases=True)
        self.herder = Herder(self.worker_id, self.state, self.leader, self._statuses, plugins)
        self.runner = Runner(
            self.worker_id,
            self.state,
            self._statuses,
            self.herder.plugin_of,
            self.herder.apply_request,
            places=self.places.news,
            again_after_fenced=False,
        )
        self.leader.tend()
        self.runner.start()
        self.leader.start()
        self.ready.set()
        self.stage = "running"

    def catch_up(self) -> None:
        """There is no other process."""

    def look_at_kafka(self) -> None:
        """What must be there before the first connector. An in-process mock answers no such question."""
        cluster = self._cluster()
        if not cluster.is_mock():
            check_group(cluster, self.config)
            ensure_offsets_topic(cluster, self.config, self._log.warning)
        self._follow_offsets()

    def stop(self) -> None:
        self.ready.clear()
        if self.leader is not None:
            self.leader.stop()
        if self.runner is not None:
            self._stop_connectors(self.runner)
        self._configs.close()
        self._statuses.close()
        self._let_go_of_kafka()
        if self._lock is not None:
            self._lock.close()

    def _open(self, directory: Path) -> None:
        """Take the directory, and read what is in it. Raises ConfigurationError, or Fatal where another has it."""
        try:
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            lock = (directory / _LOCK).open("a+")
        except OSError as error:
            why = f"cannot keep state in {directory}: {error.strerror}"
            raise ConfigurationError([Fault(DIRECTORY, why)]) from None
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            lock.seek(0)
            holder = lock.read(20).strip()
            lock.close()
            raise Fatal(
                f"the state in {directory} belongs to a worker that is running (process {holder}): stop that one, or "
                "name another directory",
                stage=Stage.CONFIGURATION,
            ) from None
        lock.truncate(0)
        lock.write(f"{os.getpid()}\n")
        lock.flush()
        self._lock = lock
        self.stage = f"reading {directory}"
        self._configs = FileLog(directory / CONFIGS, self.state.apply)
        self._statuses = FileLog(directory / STATUSES, self.state.apply)
