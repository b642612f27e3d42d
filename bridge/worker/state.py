"""What every worker knows: the config and status topics, read from their beginning and followed ever after.

What is none of ours, or broken, changes nothing: ``apply`` raises ``Broken``, and the reader (``worker/logs.py``)
counts and names it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import msgspec
from attrs import define, field, frozen

from bridge.documents import Broken, read
from bridge.worker import records, shapes
from bridge.worker.assignment import Assignment


@frozen
class Status:
    """What a connector or its task was last said to be."""

    state: str
    worker_id: str
    generation: int = 0
    trace: str | None = None
    version: str | None = None
    sealed: tuple[Mapping[str, Any], ...] | None = None
    """Of a task that encrypts: for each event and subject the fields whose values are encrypted."""
    count: int = field(default=0, eq=False)
    """How many records this process had read with it."""


@define(eq=False)
class Changes:
    """What one reader of the state has not looked at yet."""

    state: State
    _names: set[str] = field(factory=set)
    _all: bool = True

    def take(self) -> set[str] | None:
        """The connectors of which something was said since the last call; None: look at all, as at first."""
        with self.state.changed:
            names = None if self._all else self._names
            self._names, self._all = set(), False
        return names

    def again(self) -> None:
        """What was taken could not be dealt with: the next call says None."""
        with self.state.changed:
            self._names.clear()
            self._all = True

    def add(self, names: Iterable[str]) -> None:
        """Said by the state, within its lock."""
        if not self._all:
            self._names.update(names)


@define(eq=False)
class State:
    """All of it, behind one lock; ``changed`` is notified after every record."""

    configs: dict[str, dict[str, str]] = field(factory=dict)
    revisions: dict[str, int] = field(factory=dict)
    targets: dict[str, str] = field(factory=dict)
    wishes: dict[str, int] = field(factory=dict)
    """How many records this process had read with the last target."""
    restarts: dict[str, tuple[int, bool, bool]] = field(factory=dict)
    loggers: dict[str, str] = field(factory=dict)
    assignment: Assignment = field(factory=Assignment)
    requests: dict[str, dict[str, object]] = field(factory=dict)
    connectors: dict[str, Status] = field(factory=dict)
    tasks: dict[str, Status] = field(factory=dict)
    topics: dict[str, dict[str, int]] = field(factory=dict)
    outcomes: dict[str, dict[str, object]] = field(factory=dict)
    positions: dict[str, shapes.Stands] = field(factory=dict)
    leaving: set[str] = field(factory=set)
    session_key: bool = False
    sign_in_key: bytes | None = field(default=None, repr=False)
    signed_out: dict[str, int] = field(factory=dict)
    changed: threading.Condition = field(factory=lambda: threading.Condition(threading.RLock()))
    on_logger: Callable[[str, str], None] = lambda name, level: None
    _count: int = 0
    _readers: list[Changes] = field(factory=list)

    def changes(self) -> Changes:
        """What is new, for a reader that looks at that alone."""
        reader = Changes(self)
        with self.changed:
            self._readers.append(reader)
        return reader

    def _touch(self, *names: str) -> None:
        for reader in self._readers:
            reader.add(names)

    def apply(self, key: str, value: bytes | None) -> None:
        """Take one record in. Raises Broken for one that is none of ours, or is not what its key promises."""
        with self.changed:
            self._count += 1
            prefix = next((prefix for prefix in _TAKERS if key.startswith(prefix)), None)
            try:
                if prefix is not None:
                    _TAKERS[prefix](self, key[len(prefix) :], value)
                elif not key.startswith(_CONNECTS_OWN):
                    raise Broken("is under a key that nobody here writes")
            finally:
                self.changed.notify_all()

    def connector(self, name: str, value: bytes | None) -> None:
        if not name:
            raise Broken("names no connector")
        if value is None:
            self.configs.pop(name, None)
            self.restarts.pop(name, None)
            self.revisions.pop(name, None)
        else:
            self.configs[name] = read(value, shapes.Configuration).texts()
            self.revisions[name] = self._count
        self._touch(name)

    def target(self, name: str, value: bytes | None) -> None:
        if value is None:
            self.targets.pop(name, None)
            self.wishes.pop(name, None)
        else:
            self.wishes[name] = self._count
            self.targets[name] = read(value, shapes.Target).wanted()
        self._touch(name)

    def restart(self, name: str, value: bytes | None) -> None:
        if value is not None:
            wish = read(value, shapes.Restart)
            self.restarts[name] = (self._count, wish.include_tasks, wish.only_failed)
            self._touch(name)

    def logger(self, name: str, value: bytes | None) -> None:
        if value is not None:
            level = read(value, shapes.Level).level
            self.loggers[name] = level
            self.on_logger(name, level)

    def assigned(self, _: str, value: bytes | None) -> None:
        if value is None:
            return
        said, now = read(value, shapes.Assigned), self.assignment.epoch
        if said.epoch > max(shapes.MOST, now + 1):
            raise Broken(f"has the epoch {said.epoch}, which no leader reaches")
        if said.epoch > now:
            self._touch(*self.assignment.advance(said))

    def owned(self, name: str, value: bytes | None) -> None:
        said = None if value is None else read(value, shapes.Owned)
        epoch, worker = (0, None) if said is None else (said.epoch, said.worker)
        if self.assignment.told(name, epoch, worker):
            self._touch(name)

    def request(self, name: str, value: bytes | None) -> None:
        _put(self.requests, name, value, shapes.Request)
        self._touch(name)

    def outcome(self, name: str, value: bytes | None) -> None:
        _put(self.outcomes, name, value, shapes.Outcome)
        self._touch(name)

    def connector_status(self, name: str, value: bytes | None) -> None:
        self._put_status(self.connectors, name, value)

    def task_status(self, key: str, value: bytes | None) -> None:
        name, _, number = key.rpartition("-")
        if number == "0":
            self._put_status(self.tasks, name, value)

    def _put_status(self, where: dict[str, Status], name: str, value: bytes | None) -> None:
        """A worker that slept through a failover must not talk over its successor: earlier generations lose.

        A generation that the epoch has not reached is forged, or left over from a config topic of before: it shuts
        nobody up.
        """
        self._touch(name)
        if value is None:
            where.pop(name, None)
            return
        said, epoch = read(value, shapes.Said), self.assignment.epoch
        generation = said.generation or 0
        if generation > epoch + shapes.AHEAD:
            raise Broken(f"is of generation {generation}, and the epoch is {epoch}")
        stored = where.get(name)
        if stored is not None and stored.worker_id != said.worker_id and generation < stored.generation:
            believed = epoch == 0 or stored.generation <= epoch
            if believed:
                return
        sealed = None if said.sealed is None else tuple(said.sealed)
        where[name] = Status(
            said.state, said.worker_id, generation, said.trace, said.version, sealed, self._count
        )

    def topic(self, key: str, value: bytes | None) -> None:
        topic, _, name = key.partition(":connector-")
        self._touch(name)
        if value is None:
            self.topics.get(name, {}).pop(topic, None)
            if not self.topics.get(name, True):
                del self.topics[name]
        else:
            discovered = read(value, shapes.WrittenTo).topic.discoverTimestamp
            self.topics.setdefault(name, {})[topic] = discovered

    def worker(self, name: str, value: bytes | None) -> None:
        if value is not None and read(value, shapes.Presence).state == "LEAVING":
            self.leaving.add(name)
        else:
            self.leaving.discard(name)

    def connect_key(self, _: str, value: bytes | None) -> None:
        self.session_key = value is not None

    def position(self, name: str, value: bytes | None) -> None:
        if value is None:
            self.positions.pop(name, None)
        else:
            self.positions[name] = read(value, shapes.Stands)

    def sign_in(self, _: str, value: bytes | None) -> None:
        self.sign_in_key = None if value is None else read(value, shapes.SignInKey).key

    def sign_out(self, digest: str, value: bytes | None) -> None:
        if value is None:
            self.signed_out.pop(digest, None)
        else:
            self.signed_out[digest] = read(value, shapes.SignedOut).until

    def target_of(self, name: str) -> str:
        """What the connector is wanted to be."""
        return self.targets.get(name, "RUNNING")

    def has_failed(self, name: str) -> bool:
        """Whether the connector last said so."""
        said = self.connectors.get(name)
        return said is not None and said.state == "FAILED"

    def is_at_rest(self, name: str) -> bool:
        """Whether nothing of it runs: its owner has said so since it was last asked to stop it."""
        said = self.connectors.get(name)
        stopped = said is not None and said.state == "STOPPED" and said.count > self.wishes.get(name, 0)
        return stopped and self.target_of(name) == "STOPPED" and self.pending(name) is None

    def pending(self, name: str) -> dict[str, object] | None:
        """The offsets request of a connector that has no outcome yet."""
        request = self.requests.get(name)
        if request is None or (self.outcomes.get(name) or {}).get("id") == request.get("id"):
            return None
        return request

    def wait(self, done: Callable[[], bool], seconds: float) -> bool:
        """Wait until records have made ``done()`` true."""
        with self.changed:
            return self.changed.wait_for(done, seconds)


def _put(
    where: dict[str, dict[str, object]],
    name: str,
    value: bytes | None,
    shape: type[shapes.Request] | type[shapes.Outcome],
) -> None:
    if value is None:
        where.pop(name, None)
    else:
        where[name] = msgspec.to_builtins(read(value, shape))


# The longer prefix first where one begins with another.
_TAKERS: dict[str, Callable[[State, str, bytes | None], None]] = {
    records.CONNECTOR: State.connector,
    records.TARGET: State.target,
    records.RESTART: State.restart,
    records.LOGGER: State.logger,
    records.ASSIGNMENT: State.assigned,
    records.OWNER: State.owned,
    records.REQUEST: State.request,
    records.OUTCOME: State.outcome,
    records.WORKER: State.worker,
    records.POSITION: State.position,
    records.SIGN_IN_KEY: State.sign_in,
    records.SIGNED_OUT: State.sign_out,
    records.STATUS: State.connector_status,
    records.TASK_STATUS: State.task_status,
    records.TOPIC_STATUS: State.topic,
    records.SESSION_KEY: State.connect_key,
}

# What a Kafka Connect of before has left there; its session key is what is looked at.
_CONNECTS_OWN = ("task-", "commit-", "tasks-fencing-")
