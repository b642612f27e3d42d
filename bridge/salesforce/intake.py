"""What arrives → the buffer: only this channel's events, each once, in order; and waiting for room."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from threading import Event
from typing import Any

from attrs import define, field

from bridge.buffer import Buffer
from bridge.deadline import Interrupted
from bridge.event import Delivery, Message
from bridge.metrics import Stats
from bridge.salesforce.cursor import Cursor
from bridge.salesforce.replies import Reply

_TICK = 0.25


@define(eq=False)
class Intake:
    """Belongs to the receiver's thread. ``progress`` is called when new events came."""

    channel: str
    accept_any: bool
    cursor: Cursor
    buffer: Buffer
    stats: Stats
    log: Any
    progress: Callable[[], None]
    stop: Event = field(factory=Event)
    foreign: int = 0
    _said_skipped: int = 0

    def receive(self, reply: Reply, more: bool) -> None:
        """Accept a reply, or a slice of one: what was not seen before goes into the buffer. Where ``more``
        slices follow, waits for room; raises Interrupted if that is cut short by a stop."""
        stats, cursor = self.stats, self.cursor
        stats.replies += not more
        stats.bytes_received += reply.size
        stats.surrogates_replaced += bool(reply.repaired)
        events, unreadable, skipped = reply.events, reply.unreadable, cursor.skipped
        if events and not self.accept_any:
            events = self._of_this_channel(events)
        if events or unreadable:
            events, unreadable = cursor.accept(events, unreadable)
            stats.duplicates_dropped, stats.skipped_before_start = cursor.duplicates, cursor.skipped
            if events or unreadable:
                now = time.time()
                self.buffer.put(Delivery(events, reply.size, now, unreadable))
                stats.events_received += len(events) + len(unreadable)
                stats.unreadable += len(unreadable)
                stats.last_received_at = now
                self.progress()
        if self._said_skipped != cursor.skipped and (cursor.skipped == skipped or not cursor.passing_over):
            self.say_passed_over()
        if more and not self.room_before(float("inf")):
            raise Interrupted

    def say_passed_over(self) -> None:
        """One line for all that lay before the start: when nothing more of that comes, or the session is over."""
        cursor = self.cursor
        count, self._said_skipped = cursor.skipped - self._said_skipped, cursor.skipped
        if not count:
            return
        if cursor.since_ms is None:
            self.log.info(
                "%d events were passed over: they lie before the first one that was delivered", count
            )
        else:
            self.log.info(
                "%d events were passed over: they were created before %s, when the connector started at latest",
                count,
                datetime.fromtimestamp(cursor.since_ms / 1000, UTC).isoformat(timespec="seconds"),
            )

    def room_before(self, deadline: float) -> bool:
        """Wait for room in the buffer until ``deadline`` (monotonic seconds); False also when stopped."""
        if self.buffer.has_room():
            return not self.stop.is_set()
        began = time.monotonic()
        try:
            while not self.stop.is_set():
                turn = time.monotonic()
                if turn >= deadline:
                    return False
                if self.buffer.wait_for_room(min(deadline - turn, _TICK)):
                    return not self.stop.is_set()
                if time.monotonic() - turn < 0.01:  # a closed buffer answers at once
                    self.stop.wait(_TICK)
            return False
        finally:
            self.stats.backpressure_seconds += time.monotonic() - began

    def _of_this_channel(self, events: list[Message]) -> list[Message]:
        channel = self.channel
        if all([message.channel == channel for message in events]):  # noqa: C419 - twice as fast
            return events
        wanted = channel.lower()
        others = [message.channel for message in events if message.channel.lower() != wanted]
        if others and not self.foreign:
            self.log.warning(
                "messages of %.100s are ignored: the subscription is to %s (said once)", others[0], channel
            )
        self.foreign += len(others)
        return [message for message in events if message.channel.lower() == wanted]
