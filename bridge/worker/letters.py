"""A connector's dead letters, read straight from Kafka: which there are, which were replayed, what is in them.

Reads only, joins no group and asks nothing of whoever runs the connector.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from attrs import define, field

from bridge.config import Loaded
from bridge.encryption.deks import Deks
from bridge.encryption.envelope import NotDecryptedError
from bridge.errors import BadRecord, ConfigurationError, Fatal, Fault, Stage
from bridge.event import Message
from bridge.kafka.cluster import Cluster
from bridge.kafka.followed import following
from bridge.kafka.replayed import Replayed
from bridge.kafka.service_account import looking
from bridge.kafka.settings import admin_settings, consumer_settings
from bridge.reading.consumer import Reader
from bridge.reading.letters import Letter, letter_of, letters, message_of
from bridge.reading.stretch import Since, Stretch
from bridge.routing.look import deks_for_looking
from bridge.waits import READ

DEAD: Final = "errors.deadletterqueue.topic.name"
_ONE: Final = 10.0  # seconds for one record whose offset is known


def nothing(*told: object) -> None:
    """Says nothing."""


@define
class LetterBox:
    """The dead letters of one connector, whose Kafka login is made (``letter_box``)."""

    loaded: Loaded
    waiting: Callable[[str], None] = nothing
    stopped: Callable[[], bool] = lambda: False
    _deks: list[Deks] = field(factory=list)
    _ids: list[str | None] = field(factory=list)

    @property
    def name(self) -> str:
        """The connector's."""
        return self.loaded.connector.name

    @property
    def topic(self) -> str:
        """Where dead letters are. ConfigurationError where the connector has none."""
        name = str(self.loaded.connector.get(DEAD) or "")
        if not name:
            raise ConfigurationError(
                [Fault(DEAD, "is not set, so this connector puts no event aside: there are no dead letters")]
            )
        return name

    def letters(
        self,
        since: Since | None = None,
        progress: Callable[[int, int], None] = nothing,
        replayed: Replayed | None = None,
        newest: int | None = None,
    ) -> Iterator[tuple[Letter, bool]]:
        """The connector's letters up to the topic's end as of now, the oldest first, and whether each was replayed.
        ``newest``: only those in the last so many places of each partition.

        Raises Fatal for a topic that is not there or may not be read, Retriable when Kafka does not answer.
        """
        done = self.replayed() if replayed is None else replayed
        for letter in letters(Stretch(self._reader(), since, newest=newest), progress):
            if letter.belongs_to(self.name):
                yield letter, done.has(letter.partition, letter.offset)

    def one(self, partition: int, offset: int) -> tuple[Letter, bool]:
        """The letter at a place. Fatal where there is none."""
        from confluent_kafka import TopicPartition

        reader, until = self._reader(), time.monotonic() + _ONE
        record = None
        with reader.consuming({"enable.partition.eof": True, "fetch.wait.max.ms": 50}) as consumer:
            if partition not in reader.partitions(consumer):
                raise Fatal(f"the topic {self.topic} has no partition {partition}", stage=Stage.RECEIVE)
            consumer.assign([TopicPartition(self.topic, partition, offset)])
            while record is None and time.monotonic() < until:
                message = consumer.poll(0.2)
                if message is None:
                    continue
                if (error := message.error()) is None:
                    record = message
                elif reader.concerns_reading(error):
                    break
        if record is None or record.offset() != offset:
            raise Fatal(
                f"the topic {self.topic} has no committed record at {partition}:{offset}", stage=Stage.RECEIVE
            )
        return letter_of(record), self.replayed().has(partition, offset)

    def message(self, letter: Letter) -> Message:
        """A letter's event as the connector received it. BadRecord where it cannot be read or opened."""
        try:
            return message_of(letter, letter.raw(self.deks))
        except NotDecryptedError as error:
            raise BadRecord(f"it cannot be decrypted: {error}", stage=Stage.ENCRYPT) from error

    def replayed(self) -> Replayed:
        """Which were replayed, as the offsets topic says."""
        replayed, positions = Replayed(self.name, self.topic, self.topic_id()), self.offsets_topic
        with self._cluster() as cluster:
            there = cluster.is_mock() or cluster.topic(positions) is not None
        if there:
            with following(consumer_settings(self.loaded), positions) as followed:
                followed.read(replayed.take, self.name, stopped=self.stopped, waiting=self.waiting)
        return replayed

    @property
    def offsets_topic(self) -> str:
        """Where it is kept which letters were replayed."""
        return str(self.loaded.worker["offset.storage.topic"])

    def topic_id(self) -> str | None:
        """The dead-letter topic's, where the broker tells it."""
        if not self._ids:
            with self._cluster() as cluster:
                topic = None if cluster.is_mock() else cluster.topic(self.topic, verb="read")
            self._ids.append(None if topic is None else topic.id)
        return self._ids[0]

    def deks(self) -> Deks:
        """The keys that open letters of a connector that encrypts, by what the connector may ask."""
        if not self._deks:
            self._deks.append(deks_for_looking(self.loaded))
        return self._deks[0]

    def _reader(self) -> Reader:
        return Reader(consumer_settings(self.loaded), self.topic, waiting=self.waiting, stopped=self.stopped)

    def _cluster(self) -> Cluster:
        until = time.monotonic() + READ.longest
        return Cluster(
            admin_settings(self.loaded),
            waiting=self.waiting,
            stopped=lambda: self.stopped() or time.monotonic() > until,
            stage=Stage.RECEIVE,
        )


@contextmanager
def letter_box(
    loaded: Loaded,
    *,
    notice: Callable[[str], None] = nothing,
    waiting: Callable[[str], None] = nothing,
    stopped: Callable[[], bool] = lambda: False,
) -> Iterator[LetterBox]:
    """The letters of a connector; where its login is a service account's, a key is made for the look."""
    with looking(loaded, "letters", notice) as keyed:
        yield LetterBox(keyed, waiting, stopped)
