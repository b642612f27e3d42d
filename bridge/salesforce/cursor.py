"""Where a subscription begins, and which events are new.

Positions are replay ids: they rise within a channel, have gaps, and mean nothing in another org. After a new
handshake a subscription starts after the highest id *accepted into the buffer*, because what lies there will
still be delivered; after a restart of the process at the committed one, which the caller passes as
``Start.replay_id``.
"""

from __future__ import annotations

from attrs import frozen

from bridge.event import Head, Message, Unreadable, created_ms
from bridge.salesforce.bayeux import ALL_RETAINED, NEW_ONLY
from bridge.salesforce.recent import Recent

RECENT = 25_000


@frozen
class Start:
    """Where a connector begins: the committed replay id, or else ``initial`` (``latest`` or ``all``).

    ``since_ms`` (Unix milliseconds, Salesforce's clock) is when a connector that started at ``latest``
    subscribed for the first time, if that was remembered: until an event is committed, that moment is its
    position.
    """

    replay_id: int | None = None
    initial: str = "latest"
    since_ms: int | None = None


class Cursor:
    """The position of one connector's source, and the events it has seen lately."""

    def __init__(self, start: Start, recent: int = RECENT) -> None:
        self.after = start.replay_id
        self.since_ms = None if start.replay_id is not None else start.since_ms
        self.duplicates = 0
        self.skipped = 0
        self._initial = start.initial
        self._filtering = False
        self._recent = Recent(recent)
        if start.replay_id is not None:
            self._recent.add([Head(start.replay_id)])

    def subscribe_from(self) -> int:
        """The replay id for the next subscription. Asking for all retained events instead of only new ones,
        as soon as the moment of the first subscription is known, is what makes a start at ``latest`` lose
        nothing."""
        self._filtering = False
        if self.after is not None:
            return self.after
        if self._initial == "all" or self.since_ms is not None:
            self._filtering = self._initial != "all"
            return ALL_RETAINED
        return NEW_ONLY

    def subscribed_new_only(self, server_ms: int) -> None:
        """A subscription to new events only took effect, at this time by Salesforce's clock."""
        self.since_ms = server_ms

    def expired(self, *, start_at: str) -> None:
        """The position is not known to Salesforce: start over at ``all`` or ``latest``.

        Ids of before can mean other events now, so only those are still recognised that have an EventUuid.
        """
        self.after = self.since_ms = None
        self._initial = start_at
        self._recent.forget_nameless()

    def accept(
        self, events: list[Message], unreadable: list[Unreadable]
    ) -> tuple[list[Message], list[Unreadable]]:
        """Those that are new, ascending by replay id; they count as accepted from now on.

        Equal ids with different EventUuids are different events. Unreadable messages without an id are always
        new.
        """
        if self._filtering and events:
            events, unreadable = self._created_since(sorted(events, key=_replay_id), unreadable)
        heads = [message.data.event for message in events]  # type: ignore[union-attr]
        ids = [head.replayId for head in heads]
        if sorted(ids) != ids:
            events = sorted(events, key=_replay_id)
            heads = [message.data.event for message in events]  # type: ignore[union-attr]
            ids.sort()
        highest = self._recent.highest
        if unreadable or len(set(ids)) != len(ids) or (ids and highest is not None and ids[0] <= highest):
            events, unreadable, heads = self._without_seen(events, unreadable)
        if heads:
            self._recent.add(heads)
            if self.after is None or heads[-1].replayId > self.after:
                self.after = heads[-1].replayId
        return events, unreadable

    def _without_seen(
        self, events: list[Message], unreadable: list[Unreadable]
    ) -> tuple[list[Message], list[Unreadable], list[Head]]:
        """What is new, and the heads of all that, ascending."""
        everything = [_replay_id(message) for message in events]
        everything += [item.replay_id for item in unreadable if item.replay_id is not None]
        seen = self._recent.between(min(everything), max(everything)) if everything else {}
        heads: list[Head] = []

        def is_new(head: Head) -> bool:
            uuid = seen.get(head.replayId, "")
            if head.replayId in seen and (None in (uuid, head.EventUuid) or uuid == head.EventUuid):
                self.duplicates += 1
                return False
            seen[head.replayId] = head.EventUuid
            heads.append(head)
            return True

        events = [message for message in events if is_new(message.data.event)]  # type: ignore[union-attr]
        unreadable = [item for item in unreadable if item.replay_id is None or is_new(Head(item.replay_id))]
        return events, unreadable, sorted(heads, key=lambda head: head.replayId)

    def _created_since(
        self, events: list[Message], unreadable: list[Unreadable]
    ) -> tuple[list[Message], list[Unreadable]]:
        """Pass over what was created before the first subscription. Everything behind the first event that
        was created later is later in the channel, too, whatever its own date (a publisher's transaction can
        be long); a message without a readable date goes with its neighbours."""
        since = self.since_ms or 0
        for index, message in enumerate(events):
            created = _created_ms(message)
            if created is None or created >= since:
                self._filtering = False
                first, kept = _replay_id(message), events[index:]
                break
        else:
            index, first, kept = len(events), _replay_id(events[-1]), []
        later = [item for item in unreadable if item.replay_id is None or item.replay_id >= first]
        self.skipped += index + len(unreadable) - len(later)
        return kept, later


def _replay_id(message: Message) -> int:
    return message.data.event.replayId  # type: ignore[union-attr]


def _created_ms(message: Message) -> int | None:
    try:
        return created_ms(message.data) if message.data is not None else None
    except RecursionError:
        return None
