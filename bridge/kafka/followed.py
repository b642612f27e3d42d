"""The offsets topic, read once by a process: what is stored for each connector, up to the end as of each question.

A pass over the topic costs what its history costs, which is a week of commits between two cleanings. So the first
question reads all of it, and every later one, of whichever connector, what has come since. A question begins with the
topic's end as it is *then*, and is answered when everything before that end has been read: whoever fences first and
asks afterwards knows the last position that the fenced one can have committed. Questions that come at the same time
share a pass.

Clients live only while somebody asks. So that little is left to read, a topic that is followed is read every few
minutes without a question, too.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from attrs import define, field

from bridge.errors import BridgeError, Fatal, Stage, without_frames
from bridge.errors.words import exception_words
from bridge.kafka.committed import NotRead, Take, Topic, never, nothing
from bridge.kafka.kept import Kept
from bridge.kafka.librdkafka import Settings
from bridge.kafka.shared import digest_of
from bridge.log import for_connector

if TYPE_CHECKING:
    from confluent_kafka import Message

LINGER: Final = 1.0  # seconds that clients wait for another question
EVERY: Final = 300.0  # seconds after which a followed topic is read without a question
OLD: Final = 3600.0  # seconds after which all is read anew: in a day, compaction takes tombstones away
_LOOK: Final = 0.2

_lock: Final = threading.Lock()
_followed: Final[dict[tuple[bytes, str], Followed]] = {}


@contextmanager
def following(settings: Settings, topic: str) -> Iterator[Followed]:
    """The one for these settings and this topic, kept as long as somebody has it."""
    followed = follow(settings, topic)
    try:
        yield followed
    finally:
        followed.release()


def follow(settings: Settings, topic: str) -> Followed:
    """The same, to be given back by ``release``."""
    key = digest_of({name: value for name, value in settings.items() if name != "group.id"}), topic
    with _lock:
        followed = _followed.get(key) or Followed(settings, topic)
        followed.key = key
        followed.users += 1
        _followed[key] = followed
    return followed


@define(eq=False)
class _Tickets:
    """Questions that share answers: each draws a number, and an answer is for all numbers drawn before it began."""

    drawn: int = 0
    answered: int = 0
    failed: int = 0
    waiting: int = 0
    failure: BridgeError | None = None

    @property
    def over(self) -> int:
        """The highest number that was answered, or could not be."""
        return max(self.answered, self.failed)


@define(eq=False)
class Followed:
    """One topic by one login."""

    _settings: Settings
    topic: str
    key: tuple[bytes, str] = (b"", "")
    users: int = 0
    _moved: threading.Condition = field(factory=lambda: threading.Condition(threading.RLock()))
    _kept: Kept = field(init=False)
    _identity: str | None = None
    _complete: int = -1
    """The version of what is kept that was read to its end."""
    _read_at: float = 0.0
    _asked: bool = False
    """Whether somebody has asked for what is being read now."""
    _reason: tuple[float, str] | None = None
    _tickets: _Tickets = field(factory=_Tickets)
    _thread: threading.Thread | None = None
    _undecided: _Tickets = field(factory=_Tickets)
    _reading: threading.Lock = field(factory=threading.Lock)
    _beyond: Kept = field(factory=Kept)

    def __attrs_post_init__(self) -> None:
        self._kept = Kept(lock=self._moved)

    def release(self) -> None:
        """What was read is forgotten when nobody is left."""
        with _lock:
            self.users -= 1
            if not self.users and _followed.get(self.key) is self:
                del _followed[self.key]
        with self._moved:
            self._moved.notify_all()

    def read(
        self,
        take: Take,
        connector: str | None = None,
        *,
        identity: str | None = None,
        stopped: Callable[[], bool] = never,
        waiting: Callable[[str], None] = nothing,
        undecided: bool = False,
    ) -> dict[int, int]:
        """Give ``take`` the last record under each key of a connector, or how often keys were used by all; later
        offsets of a partition come later. ``identity``: the topic's id, where the broker told it; the rest as for
        ``read_topic``.

        Returns, by partition, the offset before which everything was read. Raises NotRead where ``stopped`` said so
        before, Retriable when Kafka does not answer, or the topic is gone.
        """
        with self._moved:
            if identity is not None and self._identity not in (None, identity):
                self._kept.clear()  # it was deleted and made anew
            self._identity = identity or self._identity
            self._kept.want(connector)
        answer = self._read_undecided(connector, stopped, waiting) if undecided else None
        while answer is None:
            self._ask(stopped, waiting)
            with self._moved:
                if self._complete == self._kept.version:  # else it was cleared since, for somebody else
                    answer = self._kept.of(connector), dict(self._kept.reached)
        records, read_to = answer
        for record in records:
            take(record)
        return read_to

    # ---- questions -------------------------------------------------------------------------------------

    def _ask(self, stopped: Callable[[], bool], waiting: Callable[[str], None]) -> None:
        tickets, told = self._tickets, 0.0
        with self._moved:
            tickets.drawn += 1
            tickets.waiting += 1
            mine = tickets.drawn
            if self._thread is None:
                self._thread = threading.Thread(target=self._serve, name=f"follow-{self.topic}", daemon=True)
                self._thread.start()
            self._moved.notify_all()
        try:
            while not stopped():
                with self._moved:
                    self._moved.wait_for(lambda: tickets.over >= mine, _LOOK)
                    if tickets.over >= mine:
                        break
                    reason = self._reason
                if reason is not None and reason[0] > told:
                    told = reason[0]
                    waiting(reason[1])
        finally:
            with self._moved:
                tickets.waiting -= 1
        if tickets.answered >= mine:
            return
        if tickets.failed >= mine and tickets.failure is not None:
            raise tickets.failure.with_traceback(None)
        raise self._not_read()

    def _not_read(self) -> NotRead:
        return NotRead(f"topic {self.topic} was not read to its end before the stop", stage=Stage.POSITION)

    def _read_undecided(
        self, connector: str | None, stopped: Callable[[], bool], waiting: Callable[[str], None]
    ) -> tuple[list[Message], dict[int, int]]:
        """What was committed, and after that whatever stands there. One reads for all who wait."""
        with self._moved:
            self._undecided.drawn += 1
            mine = self._undecided.drawn
        while not self._reading.acquire(timeout=_LOOK):
            if stopped():
                raise self._not_read()
        try:
            if self._undecided.answered < mine:
                with self._moved:
                    drawn, beyond = self._undecided.drawn, self._kept.copy()
                topic = Topic(self._settings, self.topic, undecided=True, stopped=stopped, waiting=waiting)
                try:
                    if topic.catch_up(beyond) is None:
                        raise self._not_read()
                finally:
                    topic.close()
                self._beyond, self._undecided.answered = beyond, drawn
            return self._beyond.of(connector), dict(self._beyond.reached)
        finally:
            self._reading.release()

    # ---- the thread ------------------------------------------------------------------------------------

    def _serve(self) -> None:
        topic: Topic | None = None
        while True:
            with self._moved:
                asked = self._moved.wait_for(self._is_due, EVERY if topic is None else LINGER)
                if not self.users:
                    self._thread = None
                    break
                drawn, self._asked = self._tickets.drawn, asked
            if not asked and topic is not None:
                topic.close()
                topic = None
                continue
            try:
                topic = topic or Topic(
                    self._settings, self.topic, stopped=self._is_left, waiting=self._explain
                )
                self._read(topic, drawn)
            except BridgeError as error:
                self._fail(drawn, error)
            except Exception as error:  # a bug must not leave anybody waiting
                for_connector("").exception("unexpected error: this is a fault of the bridge")
                what = f"reading {self.topic} ended by an unexpected {exception_words(error)}"
                self._fail(drawn, Fatal(what, stage=Stage.POSITION))
            else:
                continue
            if topic is not None:
                topic.close()
                topic = None
        if topic is not None:
            topic.close()

    def _is_due(self) -> bool:
        return not self.users or (self._tickets.drawn > self._tickets.over and self._tickets.waiting > 0)

    def _is_left(self) -> bool:
        """Whether there is nobody any more who wants to know."""
        return not self.users or (self._asked and not self._tickets.waiting)

    def _read(self, topic: Topic, drawn: int) -> None:
        with self._moved:
            if time.monotonic() - self._read_at > OLD:
                self._kept.clear()
        complete = topic.catch_up(self._kept)
        if complete is None:
            return
        with self._moved:
            self._complete, self._read_at = complete, time.monotonic()
            self._tickets.answered, self._reason = drawn, None
            self._moved.notify_all()

    def _fail(self, drawn: int, error: BridgeError) -> None:
        with self._moved:
            self._kept.clear()  # who knows what the topic is by the time it is there again
            self._tickets.failed, self._tickets.failure = drawn, without_frames(error)
            self._moved.notify_all()

    def _explain(self, reason: str) -> None:
        with self._moved:
            self._reason = time.monotonic(), reason
            self._moved.notify_all()
