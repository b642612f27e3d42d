"""Where a subscription begins, and which events are new.

Positions are replay ids: they rise within a channel, have gaps, and mean nothing in another org; several events may
share one. A subscription therefore begins after the id *before* the newest, and passes over what is known of the
newest: after a new handshake that is what was *accepted into the buffer*, because what lies there will still be
delivered; after a restart of the process what was committed, which the caller passes as ``Start``.
"""

from __future__ import annotations

from collections import deque

from attrs import frozen

from bridge.event import Head, Message, Unreadable
from bridge.progress import ALL_RETAINED, NEW_ONLY, Progress, digest
from bridge.salesforce.recent import Recent

RECENT = 25_000
_UNREADABLE = 1_000


@frozen
class Start:
    """Where a connector begins: the committed replay id, or else ``initial`` (``latest`` or ``all``).

    ``since_ms`` (Unix milliseconds, Salesforce's clock) is when a connector that started at ``latest``
    subscribed for the first time, if that was remembered: until an event is committed, that moment is its
    position. ``resume_after`` is the id before the committed one, where that is known, and ``done`` the digests of
    the events after it that are delivered (see ``bridge.progress``).
    """

    replay_id: int | None = None
    initial: str = "latest"
    since_ms: int | None = None
    resume_after: int | None = None
    done: tuple[bytes, ...] = ()
    raw: bytes | None = None
    resume_raw: bytes | None = None
    event_id: int | None = None
    """The last event's id, where ``replay_id`` is no event's; ``raw`` and ``resume_raw`` are ids as they came."""

    def progress(self) -> Progress:
        """The same, as it goes on from there."""
        return Progress.resumed(
            self.replay_id,
            self.resume_after,
            self.done,
            raw=self.raw,
            before_raw=self.resume_raw,
            event=self.event_id,
        )


class Cursor:
    """The position of one connector's source, and the events it has seen lately."""

    def __init__(self, start: Start, recent: int = RECENT) -> None:
        self.since_ms = None if start.replay_id is not None else start.since_ms
        self.duplicates = 0
        self.skipped = 0
        self._progress = start.progress()
        self._initial = start.initial
        self._filtering = False
        self._floor: int | None = None
        self._recent = Recent(recent)
        self._unreadable: deque[bytes] = deque(maxlen=_UNREADABLE)
        self._again: frozenset[bytes] = frozenset()
        self._committed = start.replay_id if start.resume_after is not None else None
        self._done = frozenset(start.done) if start.resume_after is not None else frozenset()
        if self._committed is not None:
            self._recent.highest = self._committed
        elif start.replay_id is not None:
            self._recent.add([Head(start.replay_id)])

    @property
    def passing_over(self) -> bool:
        """Whether what comes next may still lie before the start."""
        return self._filtering or self._floor is not None

    @property
    def after(self) -> int | None:
        """The highest replay id accepted, None before the first."""
        return self._progress.newest if self._progress.newest >= 0 else None

    def subscribe_from(self) -> int:
        """The replay id for the next subscription. Asking for all retained events instead of only new ones,
        as soon as the moment of the first subscription is known, is what makes a start at ``latest`` lose
        nothing."""
        self._filtering, self._floor = False, None
        progress = self._progress
        self._again = frozenset(progress.done())
        if progress.newest >= 0:
            if progress.before == ALL_RETAINED:  # the newest was the first: nothing before it is wanted
                self._floor = progress.newest
            return progress.newest if progress.before is None else progress.before
        if self.since_ms is not None:  # it began at latest, whatever the configuration says by now
            self._filtering = True
            return ALL_RETAINED
        return ALL_RETAINED if self._initial == "all" else NEW_ONLY

    def subscribed_new_only(self, server_ms: int) -> None:
        """A subscription to new events only took effect, at this time by Salesforce's clock."""
        self.since_ms = server_ms

    def stand_on_newest(self) -> bool:
        """Salesforce does not know the id before the newest any more: subscribe after the newest itself from now on.
        False where that is what was asked for already."""
        if self._progress.before is None or self._progress.newest < 0:
            return False
        self._progress.before = None
        return True

    def raw_of(self, replay_id: int) -> bytes | None:
        """The id after which a subscription begins, as it came, where that is known."""
        progress = self._progress
        if replay_id == progress.before:
            return progress.before_raw
        return progress.raw if replay_id == progress.newest else None

    def stand_on_event(self) -> int | None:
        """Salesforce does not know the newest id, which is no event's: subscribe after that of the last event from now
        on. None where the newest is an event's; else the id that was given up."""
        progress = self._progress
        if progress.event is None:
            return None
        given_up, progress.newest = progress.newest, progress.event
        progress.event = progress.before = progress.raw = progress.before_raw = None
        return given_up

    def stand_on(self, replay_id: int, raw: bytes | None = None) -> bool:
        """Salesforce has sent everything up to this id, and the next subscription may begin after it. False for one
        that is no further."""
        if replay_id <= self._progress.newest:
            return False
        self._progress.stand_on(replay_id, raw)
        return True

    def expired(self, *, start_at: str) -> None:
        """The position is not known to Salesforce: start over at ``all`` or ``latest``.

        Ids of before can mean other events now, so only those are still recognised that have a name.
        """
        self._progress = Progress()
        self.since_ms = self._committed = None
        self._initial = start_at
        self._recent.forget_nameless()

    def accept(
        self, events: list[Message], unreadable: list[Unreadable]
    ) -> tuple[list[Message], list[Unreadable]]:
        """Those that are new, ascending by replay id; they count as accepted from now on.

        Equal ids with different names are different events. An unreadable message is one that came before if its bytes
        are the same and it has an id, or another subscription has just begun; its id, which may be damaged, moves
        nothing.
        """
        if (self._filtering or self._floor is not None) and events:
            events, unreadable = self._from_start(sorted(events, key=_replay_id), unreadable)
        heads = [message.data.event for message in events]  # type: ignore[union-attr]
        ids = [head.replayId for head in heads]
        if sorted(ids) != ids:
            events = sorted(events, key=_replay_id)
            heads = [message.data.event for message in events]  # type: ignore[union-attr]
            ids.sort()
        highest = self._recent.highest
        if len(set(ids)) != len(ids) or (ids and highest is not None and ids[0] <= highest):
            events, heads = self._without_seen(events)
        elif heads and heads[-1].EventUuid is None:
            heads[-1] = _named(events[-1])  # more of its id may come with the next reply
        if heads:
            self._recent.add(heads)
            self._progress.advance(events, 0, len(events))
        if unreadable:
            unreadable = [item for item in unreadable if self._is_new(item)]
        if heads:
            self._again = frozenset()  # what came again has come
        return events, unreadable

    def _without_seen(self, events: list[Message]) -> tuple[list[Message], list[Head]]:
        """What is new, and its heads."""
        seen = self._recent.between(_replay_id(events[0]), _replay_id(events[-1]))
        fresh: list[Message] = []
        heads: list[Head] = []
        following = [*map(_replay_id, events[1:]), None]
        committed = -1 if self._committed is None else self._committed
        for message, next_id in zip(events, following, strict=True):
            head: Head = message.data.event  # type: ignore[union-attr]  # an event
            replay_id = head.replayId
            # Naming what has no uuid costs as much as all the rest, and is of use only where an id may come again.
            if replay_id in seen or next_id in (None, replay_id) or replay_id <= committed:
                head = _named(message)
            names = seen.setdefault(replay_id, set())
            if self._was_committed(head) or (
                names and (head.EventUuid in names or head.EventUuid is None or None in names)
            ):
                self.duplicates += 1
                continue
            names.add(head.EventUuid)
            fresh.append(message)
            heads.append(head)
        return fresh, heads

    def _was_committed(self, head: Head) -> bool:
        """Delivered before the restart; of events that nothing tells apart one at most has the committed id."""
        if self._committed is None or head.replayId > self._committed:
            return False
        if head.EventUuid is None:
            return head.replayId == self._committed
        return digest(head.EventUuid) in self._done

    def _is_new(self, item: Unreadable) -> bool:
        key = digest(item.raw)
        if key in self._again or (item.replay_id is not None and key in self._unreadable):
            self.duplicates += 1
            return False
        self._unreadable.append(key)
        self._progress.pass_by(item)
        return True

    def _from_start(
        self, events: list[Message], unreadable: list[Unreadable]
    ) -> tuple[list[Message], list[Unreadable]]:
        """Pass over what lies before the start: below the first event ever accepted, or created before the first
        subscription. Everything behind the first event that was created later is later in the channel, too, whatever
        its own date (a publisher's transaction can be long); a message without a readable date goes with its
        neighbours."""
        for index, message in enumerate(events):
            if self._is_wanted(message):
                self._filtering, self._floor = False, None
                first, kept = _replay_id(message), events[index:]
                break
        else:
            index, first, kept = len(events), _replay_id(events[-1]), []
        later = [item for item in unreadable if item.replay_id is None or item.replay_id >= first]
        self.skipped += index + len(unreadable) - len(later)
        return kept, later

    def _is_wanted(self, message: Message) -> bool:
        if self._floor is not None:
            return _replay_id(message) >= self._floor
        created = message.data.created_ms()  # type: ignore[union-attr]  # an event
        return created is None or created >= (self.since_ms or 0)


def _replay_id(message: Message) -> int:
    return message.data.event.replayId  # type: ignore[union-attr]  # an event


def _named(message: Message) -> Head:
    """The head with the event's name, whatever that is."""
    head: Head = message.data.event  # type: ignore[union-attr]  # an event
    return head if head.EventUuid else Head(head.replayId, message.data.name())  # type: ignore[union-attr]
