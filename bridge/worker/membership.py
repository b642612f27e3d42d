"""Who the workers are and who leads them: a consumer group on the config topic, whose one partition makes the leader.

Classic protocol with static membership: a worker that was killed and is started again on the same address is
its old self at once; one that is gone is missed after the session timeout. The partition stays with its owner
when others come (cooperative-sticky).
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from typing import Any, Final, Protocol

from bridge.errors import BridgeError, Fatal, Stage
from bridge.kafka.errors import classify
from bridge.log import for_connector
from bridge.worker.groups import members

LOOK: Final = 1.0  # seconds between two looks at the group


class Membership(Protocol):
    """What the leader's work rests on."""

    def leads(self) -> bool:
        """Whether this worker owns the deciding partition."""

    def workers(self) -> frozenset[str]:
        """The ids of all living workers."""


class KafkaMembership:
    """The group as the broker sees it. ``on_lost`` is called when the partition was taken away without asking."""

    def __init__(
        self,
        consumer: Mapping[str, Any],
        admin: Mapping[str, Any],
        *,
        group: str,
        topic: str,
        worker_id: str,
        session_ms: int,
        heartbeat_ms: int,
        fatal: Callable[[BridgeError], None] = lambda error: None,
    ) -> None:
        from confluent_kafka import Consumer

        self._admin, self._group, self._topic = admin, group, topic
        self._owner = threading.Event()
        self._joined = threading.Event()
        self._stop = threading.Event()
        self._fatal = fatal
        self._members: frozenset[str] = frozenset()
        self._looked = 0.0
        self._log = for_connector("")
        self._consumer = Consumer(
            {
                **consumer,
                "group.id": group,
                "client.id": worker_id,
                "group.instance.id": worker_id,
                "partition.assignment.strategy": "cooperative-sticky",
                "session.timeout.ms": session_ms,
                "heartbeat.interval.ms": heartbeat_ms,
                "max.poll.interval.ms": max(session_ms, 300_000),
                "enable.auto.commit": False,
                "auto.offset.reset": "latest",
            }
        )
        self._thread = threading.Thread(target=self._poll, name="membership", daemon=True)

    def start(self) -> None:
        """Join; returns at once."""
        self._consumer.subscribe(
            [self._topic], on_assign=self._assigned, on_revoke=self._revoked, on_lost=self._revoked
        )
        self._thread.start()

    def stop(self) -> None:
        """Leave. A static member's place is kept for it until its session ends."""
        self._stop.set()
        if self._thread.ident is not None:
            self._thread.join(10)
        self._owner.clear()
        self._consumer.close()

    def leads(self) -> bool:
        return self._owner.is_set()

    def joined(self) -> bool:
        """Whether the group has taken this worker in."""
        return self._joined.is_set()

    def workers(self) -> frozenset[str]:
        if time.monotonic() - self._looked > LOOK:
            self._looked = time.monotonic()
            try:
                self._members = frozenset(member.name for member in members(self._admin, self._group))
            except BridgeError as error:
                self._log.warning("%s", error.message)
        return self._members

    def _poll(self) -> None:
        try:
            self._stay()
        except Exception as error:
            self._log.exception("unexpected error: this is a fault of the bridge")
            self._owner.clear()
            what = f"being in group {self._group} ended by an unexpected {type(error).__name__}: {error}"
            self._fatal(Fatal(what, stage=Stage.POSITION))

    def _stay(self) -> None:
        while not self._stop.is_set():
            message = self._consumer.poll(0.1)
            error = None if message is None else message.error()
            if error is None:
                continue
            if error.fatal() or error.name() in ("GROUP_AUTHORIZATION_FAILED", "TOPIC_AUTHORIZATION_FAILED"):
                self._owner.clear()
                self._fatal(classify(error, f"being in group {self._group}", topic=self._topic, verb="read"))
                return

    def _assigned(self, consumer: Any, partitions: list[Any]) -> None:
        self._joined.set()
        consumer.incremental_assign(partitions)
        consumer.pause(partitions)
        if partitions:
            self._looked = 0.0
            self._owner.set()

    def _revoked(self, consumer: Any, partitions: list[Any]) -> None:
        if partitions:
            self._owner.clear()
            consumer.incremental_unassign(partitions)
