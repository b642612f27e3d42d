"""A compacted topic as a log: read from its beginning, followed, and appended to with a read-back.

What others wrote there, or what is broken, stops nobody (``foreign.py``). The thread that follows cannot die in
silence: whatever ends it is handed to ``on_death``, and whoever waits for a record is told.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, Protocol

from bridge.documents import Broken
from bridge.errors import BridgeError, Fatal, Retriable, Stage
from bridge.foreign import Foreign
from bridge.kafka.errors import ErrorWatch
from bridge.log import for_connector
from bridge.waits import WORKER_TOPIC
from bridge.worker.records import Record

if TYPE_CHECKING:
    from confluent_kafka import Message

Apply = Callable[[str, bytes | None], None]
"""Takes one record in. Raises Broken for what it passes over."""
SECONDS: Final = WORKER_TOPIC.longest
FETCH_WAIT_MS: Final = 500  # how long the broker may hold a fetch while nothing is written
_LOOK: Final = 0.5  # seconds for a look at what is left …
_MARKS: Final = 10  # … when that is so little that it may be marks alone
STALLED: Final = 3.0  # seconds of silence before it is looked whether there is more


class Log(Protocol):
    """What the herder needs of a topic."""

    def append(self, added: Sequence[Record]) -> None:
        """Write all or nothing; returns when this worker has read them back. Raises BridgeError."""

    def close(self) -> None:
        """Give up what is not acknowledged; nothing is written afterwards."""


class Reader:
    """The reading side of one topic, in a thread of its own."""

    def __init__(
        self,
        settings: Mapping[str, Any],
        topic: str,
        apply: Apply,
        on_death: Callable[[BridgeError], None] = lambda error: None,
    ) -> None:
        from confluent_kafka import Consumer

        self.topic = topic
        self._apply = apply
        self._on_death = on_death
        self._death: BridgeError | None = None
        self._foreign = Foreign(topic)
        self._watch = ErrorWatch(stage=Stage.POSITION)
        self._settings = dict(settings)
        self._consumer = self._client()
        # A client of its own: while one thread polls, another one's questions to the same consumer starve.
        self._asker = Consumer(
            {
                **settings,
                "group.id": f"sfbridge-{topic}",
                "isolation.level": "read_uncommitted",
                "enable.auto.commit": False,
                "enable.auto.offset.store": False,
                "enable.partition.eof": True,
                "auto.offset.reset": "earliest",
                "fetch.wait.max.ms": 10,
                "queued.min.messages": 1_000,
                "fetch.queue.backoff.ms": 1,
                "max.partition.fetch.bytes": 65_536,
            }
        )
        self._looking = threading.Lock()
        self._partitions: list[int] = []
        self._reached: dict[int, int] = {}
        self._moved = threading.Condition()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._follow, name=f"log-{topic}", daemon=True)

    def start(self) -> None:
        """Read everything that is there, then follow. Raises BridgeError; after Retriable it may be called again."""
        from confluent_kafka import KafkaException, TopicPartition

        try:
            metadata = self._asker.list_topics(self.topic, timeout=SECONDS).topics[self.topic]
            if metadata.error is not None:
                raise KafkaException(metadata.error)
        except KafkaException as error:
            raise self._refusal(error) from error
        if self._thread.ident is None:
            self._partitions = list(metadata.partitions)
            self._consumer.assign([TopicPartition(self.topic, one, 0) for one in self._partitions])
            self._thread.start()
        self.catch_up()

    def catch_up(self, seconds: float = SECONDS) -> None:
        """Wait until everything that is there now has been taken in. Raises Retriable after so many seconds."""
        from confluent_kafka import KafkaException, TopicPartition

        until = time.monotonic() + seconds
        ends = {}
        try:
            for partition in self._partitions:
                where = TopicPartition(self.topic, partition)
                low, high = self._asker.get_watermark_offsets(where, timeout=seconds)
                if high > low:
                    ends[partition] = high
        except KafkaException as error:
            raise self._refusal(error) from error
        for partition, end in ends.items():
            self.wait_for(partition, end - 1 - _MARKS, until - time.monotonic())
            while (record := self._pass_marks(partition, end)) is not None:
                self.wait_for(partition, record, until - time.monotonic())
            self.wait_for(partition, end - 1, until - time.monotonic())

    def _pass_marks(self, partition: int, end: int) -> int | None:
        """The last thing in the topic is, as a rule, the mark of a transaction's end, which no client is given: that
        nothing else is left is seen by a look, not by waiting until a fetch comes back empty. Returns the offset of
        a record that is left: behind it there may be marks again."""
        from confluent_kafka import KafkaError, TopicPartition

        with self._looking:
            with self._moved:
                reached = self._reached.get(partition, 0)
            if reached >= end:
                return None
            self._asker.assign([TopicPartition(self.topic, partition, reached)])
            message = self._asker.poll(_LOOK)
            self._asker.unassign()
        if message is None:
            return None
        error, offset = message.error(), message.offset() or 0
        if error is None:
            return offset
        if error.code() == KafkaError._PARTITION_EOF:
            with self._moved:
                self._reached[partition] = max(offset, self._reached.get(partition, 0))
                self._moved.notify_all()
        return None

    def wait_for(self, partition: int, offset: int, seconds: float = SECONDS) -> None:
        """Wait until the record at that offset has been taken in. Raises Retriable; Fatal once nobody follows."""

        def over() -> bool:
            return self._reached.get(partition, 0) > offset or self._death is not None

        with self._moved:
            in_time = self._moved.wait_for(over, seconds)
            if self._death is not None:
                raise self._death
            if not in_time:
                raise Retriable(f"{self.topic} was not read to its end in time", stage=Stage.POSITION)

    def stop(self) -> None:
        """End the thread and close."""
        self._stop.set()
        if self._thread.ident is not None:
            self._thread.join(5)
        self._watch.serve = None  # client and watch refer to each other
        self._consumer.close()
        self._asker.close()

    def _refusal(self, error: Any) -> BridgeError:
        doing = f"reading {self.topic}"
        return self._watch.explain(error, doing, topic=self.topic, verb="read", seen=True)

    def _client(self) -> Any:
        from confluent_kafka import Consumer

        consumer = Consumer(
            {
                **self._settings,
                "group.id": f"sfbridge-{self.topic}",
                "isolation.level": "read_committed",
                "enable.auto.commit": False,
                "enable.auto.offset.store": False,
                "enable.partition.eof": True,
                "auto.offset.reset": "earliest",
                "fetch.wait.max.ms": FETCH_WAIT_MS,
                "error_cb": self._watch,
            }
        )
        self._watch.serve = consumer.poll
        return consumer

    def _is_behind(self) -> bool:
        """Whether there is more than was read, although nothing came for a while."""
        from confluent_kafka import KafkaException, TopicPartition

        for partition in self._partitions:
            try:
                where = TopicPartition(self.topic, partition)
                low, high = self._asker.get_watermark_offsets(where, timeout=1.0)
            except KafkaException:
                return False
            if high > max(low, self._reached.get(partition, 0)):
                return True
        return False

    def _renew(self) -> None:
        """A new consumer where the old one stands: after a broker's restart one may never fetch again."""
        from confluent_kafka import TopicPartition

        self._consumer.close()
        self._consumer = self._client()
        self._consumer.assign(
            [TopicPartition(self.topic, one, self._reached.get(one, 0)) for one in self._partitions]
        )

    def _follow(self) -> None:
        try:
            self._take_in()
        except Exception as error:
            for_connector("").exception("unexpected error: this is a fault of the bridge")
            what = f"following {self.topic} ended by an unexpected {type(error).__name__}: {error}"
            with self._moved:
                self._death = Fatal(what, stage=Stage.POSITION)
                self._moved.notify_all()
            self._on_death(self._death)

    def _take_in(self) -> None:
        from confluent_kafka import KafkaError

        heard, behind = time.monotonic(), 0
        while not self._stop.is_set():
            message = self._consumer.poll(0.1)
            if message is None:
                if time.monotonic() - heard > STALLED:
                    heard = time.monotonic()
                    behind = behind + 1 if self._is_behind() else 0
                    if behind == 2:
                        behind = 0
                        self._renew()
                continue
            error, partition, offset = message.error(), message.partition() or 0, message.offset() or 0
            if error is None:
                heard, behind = time.monotonic(), 0
                self._taken(message)
                offset += 1
            elif error.code() != KafkaError._PARTITION_EOF:
                continue
            with self._moved:
                self._reached[partition] = max(offset, self._reached.get(partition, 0))
                self._moved.notify_all()

    def _taken(self, message: Message) -> None:
        key = message.key()
        try:
            if key is None:
                raise Broken("has no key")
            self._apply(_text(key), message.value())
        except Broken as broken:
            self._foreign.passed_over(message, f"it {broken}")
        except Exception as error:
            for_connector("").exception("unexpected error: this is a fault of the bridge")
            self._foreign.passed_over(message, f"an unexpected {type(error).__name__}")


def _text(key: bytes | str) -> str:
    return key if isinstance(key, str) else key.decode("utf-8", "replace")
