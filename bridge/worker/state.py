"""What every worker knows: the config and status topics, read from their beginning and followed ever after."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import Any

from attrs import define, field, frozen

from bridge.log import for_connector
from bridge.worker import records


@frozen
class Status:
    """What a connector or its task was last said to be."""

    state: str
    worker_id: str
    generation: int = 0
    trace: str | None = None
    version: str | None = None


@frozen
class Assignment:
    """Which worker runs which connectors, by the word of the leader; later epochs replace earlier ones."""

    epoch: int = 0
    leader: str = ""
    workers: Mapping[str, tuple[str, ...]] = field(factory=dict)

    def owner(self, connector: str) -> str | None:
        """The worker a connector belongs to."""
        return next((worker for worker, names in self.workers.items() if connector in names), None)


@define(eq=False)
class State:
    """All of it, behind one lock; ``changed`` is notified after every record."""

    configs: dict[str, dict[str, str]] = field(factory=dict)
    revisions: dict[str, int] = field(factory=dict)
    targets: dict[str, str] = field(factory=dict)
    restarts: dict[str, tuple[int, bool, bool]] = field(factory=dict)
    loggers: dict[str, str] = field(factory=dict)
    assignment: Assignment = field(factory=Assignment)
    requests: dict[str, dict[str, Any]] = field(factory=dict)
    connectors: dict[str, Status] = field(factory=dict)
    tasks: dict[str, Status] = field(factory=dict)
    topics: dict[str, dict[str, int]] = field(factory=dict)
    outcomes: dict[str, dict[str, Any]] = field(factory=dict)
    leaving: set[str] = field(factory=set)
    session_key: bool = False
    changed: threading.Condition = field(factory=lambda: threading.Condition(threading.RLock()))
    on_logger: Callable[[str, str], None] = lambda name, level: None
    _count: int = 0

    def apply(self, key: str, value: bytes | None) -> None:
        """Take one record in."""
        with self.changed:
            self._count += 1
            for prefix, take in _TAKERS.items():
                if key.startswith(prefix):
                    try:
                        take(self, key[len(prefix) :], records.decode(value))
                    except (ValueError, TypeError, AttributeError):
                        for_connector("").warning("the record %s is none of ours and is passed over", key)
                    break
            self.changed.notify_all()

    def connector(self, name: str, value: dict[str, Any] | None) -> None:
        properties = (value or {}).get("properties")
        if not isinstance(properties, dict):
            self.configs.pop(name, None)
            self.restarts.pop(name, None)
            return
        self.configs[name] = {key: str(text) for key, text in properties.items()}
        self.revisions[name] = self._count

    def target(self, name: str, value: dict[str, Any] | None) -> None:
        if value is None:
            self.targets.pop(name, None)
        else:
            self.targets[name] = records.target_of(value)

    def restart(self, name: str, value: dict[str, Any] | None) -> None:
        if value is not None:
            self.restarts[name] = (
                self._count,
                bool(value.get("include-tasks")),
                bool(value.get("only-failed")),
            )

    def logger(self, name: str, value: dict[str, Any] | None) -> None:
        level = (value or {}).get("level")
        if level:
            self.loggers[name] = str(level)
            self.on_logger(name, str(level))

    def assigned(self, _: str, value: dict[str, Any] | None) -> None:
        if value is None or int(value.get("epoch", 0)) <= self.assignment.epoch:
            return
        workers = {worker: tuple(names) for worker, names in dict(value.get("workers") or {}).items()}
        self.assignment = Assignment(int(value["epoch"]), str(value.get("leader", "")), workers)

    def request(self, name: str, value: dict[str, Any] | None) -> None:
        _put(self.requests, name, value)

    def outcome(self, name: str, value: dict[str, Any] | None) -> None:
        _put(self.outcomes, name, value)

    def connector_status(self, name: str, value: dict[str, Any] | None) -> None:
        _put_status(self.connectors, name, value)

    def task_status(self, key: str, value: dict[str, Any] | None) -> None:
        name, _, number = key.rpartition("-")
        if number == "0":
            _put_status(self.tasks, name, value)

    def topic(self, key: str, value: dict[str, Any] | None) -> None:
        topic, _, name = key.partition(":connector-")
        if value is None:
            self.topics.get(name, {}).pop(topic, None)
        else:
            inner = value.get("topic") or {}
            self.topics.setdefault(name, {})[topic] = int(inner.get("discoverTimestamp", 0))

    def worker(self, name: str, value: dict[str, Any] | None) -> None:
        if value is not None and value.get("state") == "LEAVING":
            self.leaving.add(name)
        else:
            self.leaving.discard(name)

    def connect_key(self, _: str, value: dict[str, Any] | None) -> None:
        self.session_key = value is not None

    def target_of(self, name: str) -> str:
        """What the connector is wanted to be."""
        return self.targets.get(name, "RUNNING")

    def pending(self, name: str) -> dict[str, Any] | None:
        """The offsets request of a connector that has no outcome yet."""
        request = self.requests.get(name)
        if request is None or (self.outcomes.get(name) or {}).get("id") == request.get("id"):
            return None
        return request

    def wait(self, done: Callable[[], bool], seconds: float) -> bool:
        """Wait until records have made ``done()`` true."""
        with self.changed:
            return self.changed.wait_for(done, seconds)


def _put(where: dict[str, dict[str, Any]], name: str, value: dict[str, Any] | None) -> None:
    if value is None:
        where.pop(name, None)
    else:
        where[name] = value


def _put_status(where: dict[str, Status], name: str, value: dict[str, Any] | None) -> None:
    """A worker that slept through a failover must not talk over its successor: earlier generations lose."""
    if value is None:
        where.pop(name, None)
        return
    generation, worker = int(value.get("generation") or 0), str(value.get("worker_id", ""))
    known = where.get(name)
    if known is not None and known.worker_id != worker and generation < known.generation:
        return
    where[name] = Status(
        str(value.get("state", "UNASSIGNED")), worker, generation, value.get("trace"), value.get("version")
    )


# The longer prefix first where one begins with another.
_TAKERS: dict[str, Callable[[State, str, dict[str, Any] | None], None]] = {
    records.CONNECTOR: State.connector,
    records.TARGET: State.target,
    records.RESTART: State.restart,
    records.LOGGER: State.logger,
    records.ASSIGNMENT: State.assigned,
    records.REQUEST: State.request,
    records.OUTCOME: State.outcome,
    records.WORKER: State.worker,
    records.STATUS: State.connector_status,
    records.TASK_STATUS: State.task_status,
    records.TOPIC_STATUS: State.topic,
    records.SESSION_KEY: State.connect_key,
}
