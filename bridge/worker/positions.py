"""A connector's position, read and moved straight on the offsets topic while nobody runs the connector.

Who moves it fences first, so that a run that is dying cannot write its own position afterwards, and writes in
a transaction; the record is read back before anything is said to be done.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import ExitStack
from typing import TypeVar

from attrs import field, frozen

from bridge.config import Config, Loaded
from bridge.errors import Fatal, Retriable, Stage
from bridge.kafka.admin import check_group, existing_offsets_topic, offsets_topic
from bridge.kafka.cluster import Cluster, Topic
from bridge.kafka.committed import NotRead
from bridge.kafka.offsets import (
    NoPosition,
    Position,
    position_key,
    position_value,
    read_position,
    start_key,
)
from bridge.kafka.producer import Producer
from bridge.kafka.service_account import looking, needs_keys
from bridge.kafka.settings import (
    admin_settings,
    consumer_settings,
    exactly_once,
    producer_settings,
    transactional_id,
)
from bridge.waits import READ
from bridge.worker.lease import holder
from bridge.worker.living import worker_of

Found = TypeVar("Found", Topic, Topic | None)


@frozen
class Positions:
    """The position of one connector."""

    loaded: Loaded
    notice: Callable[[str], None] = lambda text: None
    patience: float = READ.longest
    _until: list[float] = field(factory=list, init=False)
    _keyed: list[Loaded] = field(factory=list, init=False)
    _keys: ExitStack = field(factory=ExitStack, init=False, eq=False)

    def __enter__(self) -> Positions:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Delete keys that were made for this look."""
        self._keys.close()
        self._keyed.clear()

    @property
    def keyed(self) -> Loaded:
        """The configuration with a login; made when it is first needed, of the service account where it is one's."""
        if not self._keyed:
            loaded = self.loaded
            if needs_keys(loaded):
                loaded = self._keys.enter_context(looking(loaded, "offsets", self.notice, registry=False))
            self._keyed.append(loaded)
        return self._keyed[0]

    def read(self) -> Position:
        """What is committed; nothing where there is no topic of positions yet, which reading does not make. Raises
        Retriable when Kafka does not answer in time."""
        topic = self._topic(existing_offsets_topic)
        if topic is None:
            return Position()
        try:
            return read_position(
                consumer_settings(self.keyed),
                topic.name,
                self.loaded.connector.name,
                identity=topic.id,
                stopped=self._out_of_time,
                waiting=self._waiting,
            )
        except NotRead:
            raise Retriable(
                f"topic {topic.name} was not read to its end within {self.patience:.0f} s",
                stage=Stage.POSITION,
            ) from None

    def write(self, replay_id: int | None) -> Position:
        """Fence whoever may still write, store the position (None: as if it had never run), read it back.

        Returns the position of before.
        """
        topic, name = self._topic(offsets_topic).name, self.loaded.connector.name
        producer = self._producer()
        try:
            producer.fence(topic)
            before = self._before()
            producer.begin()
            producer.send((topic, None, start_key(name), -1, None, None, 0, []))
            value = None if replay_id is None else position_value(replay_id)
            producer.commit((topic, value, position_key(name), -1, None, None, 0, []))
            producer.flush()
        finally:
            producer.close()
        stored = self.read().replay_id
        if stored != replay_id:
            raise Fatal(
                f"the position is {stored} instead of {replay_id}: somebody else has just written it",
                stage=Stage.POSITION,
            )
        return before

    def _before(self) -> Position:
        """What is replaced; where that is no position, it is replaced all the same."""
        try:
            return self.read()
        except NoPosition as error:
            self.notice(error.message)
            return Position()

    def runner(self) -> str | None:
        """Who runs the connector by ``sfbridge run`` right now, in words; None if nobody holds its lease."""
        return None if self._is_mock() else holder(self.keyed)

    def worker(self) -> str | None:
        """The living worker that the connector belongs to, None if there is none."""
        return None if self._is_mock() else worker_of(self.keyed)

    def _is_mock(self) -> bool:
        """An in-process mock has no groups, so no lease either."""
        self._until[:] = [time.monotonic() + self.patience]
        with self._cluster() as cluster:
            return cluster.is_mock()

    def _topic(self, find: Callable[[Cluster, Config, Callable[[str], None]], Found]) -> Found:
        self._until[:] = [time.monotonic() + self.patience]
        with self._cluster() as cluster:
            if cluster.is_mock():
                name = str(self.loaded.worker["offset.storage.topic"])
                cluster.create_in_mock(name)
                return Topic(name, 1, 1)
            check_group(cluster, self.loaded.worker)
            return find(cluster, self.loaded.worker, self.notice)

    def _cluster(self) -> Cluster:
        return Cluster(
            admin_settings(self.keyed),
            waiting=self._waiting,
            stopped=self._out_of_time,
            stage=Stage.POSITION,
        )

    def _producer(self) -> Producer:
        return Producer(
            producer_settings(self.keyed),
            transactional_id=transactional_id(self.loaded) if exactly_once(self.loaded) else None,
            stopped=self._out_of_time,
            waiting=self._waiting,
        )

    def _out_of_time(self) -> bool:
        return time.monotonic() > self._until[0]

    def _waiting(self, reason: str) -> None:
        if self._out_of_time():
            raise Retriable(
                f"Kafka did not answer within {self.patience:.0f} s: {reason}", stage=Stage.POSITION
            )
