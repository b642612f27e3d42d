"""How far a channel has come: the newest replay id, and what tells its events from those that may come again.

Replay ids rise, have gaps, and mean nothing in another org. Several events may share one (merged change events that
Salesforce split again: *Change Data Capture guide*, enriched events), and a reply may end between them. A position is
therefore more than the newest id: who goes on subscribes after the id *before* it, and passes over what is done.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from hashlib import blake2b
from typing import Final

from attrs import define, field

from bridge.event import Message, Unreadable

NEW_ONLY: Final = -1  # replay options of a subscription that are no ids
ALL_RETAINED: Final = -2

DIGEST: Final = 16  # bytes that stand for an event's name, however long that is
MOST: Final = 2048  # so many are remembered beside a position (32 kB): groups of a few hundred occur

Done = str | bytes | None  # an event's name, or its digest as a position record holds it


def digest(name: str | bytes) -> bytes:
    """What stands for an event's name, or for an unreadable message's bytes, in a position record."""
    return blake2b(name if isinstance(name, bytes) else name.encode(), digest_size=DIGEST).digest()


@define
class Progress:
    """Grows by ascending runs of events that are dealt with; costs per run, not per event."""

    newest: int = -1
    before: int | None = None
    """The id before the newest; ``ALL_RETAINED`` where the newest is the first ever, None where it is not known."""
    last: Message | None = None
    """An event of the newest id."""
    raw: bytes | None = None
    """The newest id as it came, where a transport has more of it than its number; ``before_raw`` likewise."""
    before_raw: bytes | None = None
    event: int | None = None
    """The last event's id, where the newest is no event's but an idle stream's."""
    lower: int = 0
    """How many events had a lower id than one that came before them."""
    moved: bool = False
    """Something has changed since the position was written."""
    _group: list[Done] = field(factory=list)  # of the newest id
    _late: list[Done] = field(factory=list)  # of lower ids, since the newest came first
    _earlier: list[Done] = field(factory=list)  # of lower ids, since the id before came first

    @classmethod
    def resumed(
        cls,
        newest: int | None,
        before: int | None = None,
        done: Sequence[bytes] = (),
        *,
        raw: bytes | None = None,
        before_raw: bytes | None = None,
        event: int | None = None,
    ) -> Progress:
        """As a position record says it."""
        if newest is None:
            return cls()
        return cls(newest, before, raw=raw, before_raw=before_raw, event=event, late=list(done))

    def advance(self, events: Sequence[Message], begin: int, end: int) -> None:
        """``events[begin:end]``, ascending by replay id, are done."""
        if begin >= end:
            return
        self.moved = True
        first = begin
        if _replay_id(events[begin]) < self.newest:
            first = bisect_left(events, self.newest, begin, end, key=_replay_id)
            self.lower += first - begin
        if first < end:
            self._advance(events, first, end)
        if first > begin:
            self._late = (self._late + [_name(event) for event in events[begin:first]])[-MOST:]

    def pass_by(self, unreadable: Unreadable) -> None:
        """A message that could not be read is put aside, together with the events done last. Its id, if any, may be
        damaged: it moves nothing."""
        key = digest(unreadable.raw)
        if key not in self._late:
            self._late = [*self._late, key][-MOST:]
            self.moved = True

    def stand_on(self, replay_id: int, raw: bytes | None = None) -> None:
        """Nothing up to this id is under way any more: what comes later has a higher one."""
        if replay_id > self.newest:
            if self.event is None and self.newest >= 0:
                self.event = self.newest
            self.newest, self.before, self.last = replay_id, None, None
            self.raw, self.before_raw = raw, None
            self._group, self._late, self._earlier = [], [], []

    def done(self) -> list[bytes]:
        """Digests of what may come again after a subscription after ``before``, newest last."""
        names = [name for name in (*self._earlier, *self._late, *self._group) if name is not None]
        return [name if isinstance(name, bytes) else digest(name) for name in names[-MOST:]]

    def _advance(self, events: Sequence[Message], first: int, end: int) -> None:
        newest, group = _replay_id(events[end - 1]), end - 1
        while group > first and _replay_id(events[group - 1]) == newest:
            group -= 1
        if newest > self.newest:
            previous, raw = self.newest, self.raw
            if group > first:
                previous, raw = _replay_id(events[group - 1]), _raw(events[group - 1])
            # What came before the event after which one would subscribe does not come again.
            self._earlier = self._late if previous == self.newest else []
            self._late, self._group = [], []
            self.before, self.before_raw = (previous, raw) if previous >= 0 else (ALL_RETAINED, None)
            self.newest, self.event = newest, None
        self._group = (self._group + [_name(event) for event in events[group:end]])[-MOST:]
        self.last = events[end - 1]
        self.raw = _raw(events[end - 1])


def _replay_id(message: Message) -> int:
    return message.data.event.replayId  # type: ignore[union-attr]  # an event


def _raw(message: Message) -> bytes | None:
    return message.data.event.as_it_came() if message.data is not None else None


def _name(message: Message) -> str | None:
    return message.data.name() if message.data is not None else None
