"""What the event bus retains: per channel the replay ids and the messages' finished bytes.

Messages are kept as they go over the wire, so that a reply is a join. Positions are absolute (they do not
move when old events expire). Every method may be called from any thread.
"""

from __future__ import annotations

import threading
from bisect import bisect_left, bisect_right
from collections.abc import Sequence

NEW_ONLY = -1
ALL_RETAINED = -2


class InvalidReplayId(Exception):
    """The replay id is outside what is retained: the org cannot say what came after it."""


class ChannelLog:
    """The retained events of one channel, ascending by replay id."""

    def __init__(self, channel: str, last_id: int) -> None:
        self.channel = channel
        self._lock = threading.Lock()
        self._ids: list[int] = []
        self._messages: list[bytes] = []
        self._created: list[float] = []
        self._expired = 0
        self._expired_id = last_id
        self._last_id = last_id

    def append(self, ids: Sequence[int], messages: Sequence[bytes], created: float) -> None:
        """Add events published at ``created`` (seconds since the epoch)."""
        with self._lock:
            self._ids.extend(ids)
            self._messages.extend(messages)
            self._created.extend([created] * len(ids))
            self._last_id = ids[-1] if ids else self._last_id

    @property
    def expired_id(self) -> int:
        """The highest replay id that is not retained any more."""
        return self._expired_id

    @property
    def last_id(self) -> int:
        """The highest replay id that the channel has had."""
        return self._last_id

    def start(self, replay: int, newest: int | None = None) -> int:
        """The position at which a subscription with this replay option begins. Raises ``InvalidReplayId``.

        ``newest``: the bus's newest id, where an id that is none of this channel's events will do.
        """
        with self._lock:
            if replay == NEW_ONLY:
                return self._expired + len(self._ids)
            if replay == ALL_RETAINED:
                return self._expired
            if not self._expired_id < replay <= max(self._last_id, newest or 0):
                raise InvalidReplayId
            return self._expired + bisect_right(self._ids, replay)

    def read(self, position: int, max_events: int, max_bytes: int) -> tuple[list[bytes], int]:
        """Messages from ``position`` on, at least one if there is any, and the position after them."""
        with self._lock:
            begin = max(position - self._expired, 0)
            chosen = self._messages[begin : begin + max_events]
        size = 0
        for count, message in enumerate(chosen):
            size += len(message)
            if size > max_bytes and count:
                chosen = chosen[:count]
                break
        return chosen, self._expired + begin + len(chosen)

    def has_after(self, position: int) -> bool:
        """Whether an event waits at this position."""
        return position < self._expired + len(self._messages)

    def expire(self, before: float) -> int:
        """Forget what was published before this moment (seconds since the epoch); how many that were."""
        with self._lock:
            count = bisect_left(self._created, before)
            if count:
                self._expired_id = self._ids[count - 1]
                self._expired += count
                del self._ids[:count], self._messages[:count], self._created[:count]
            return count

    def state(self) -> dict[str, int | None]:
        """How many events were published and are retained, and the first and last retained replay id."""
        with self._lock:
            return {
                "published": self._expired + len(self._ids),
                "retained": len(self._ids),
                "first": self._ids[0] if self._ids else None,
                "last": self._ids[-1] if self._ids else None,
            }
