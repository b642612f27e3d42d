"""Where a connector stands, kept beside its status: so that its position's time is known while nothing runs.

The position itself is in the offsets topic, in the records' transaction; this is only what can be told of it without
reading that. It is said when a connector has ended, and every five minutes while it moves.
"""

from __future__ import annotations

import time
from typing import Final

from attrs import define, field, frozen

from bridge.metrics import Metrics, Stats
from bridge.worker.records import POSITION, Record, encode
from bridge.worker.state import State

_EVERY: Final = 300.0
_LOOK_EVERY: Final = 5.0


@frozen
class Place:
    """The position, and when its event was created and it was committed (ms since the epoch); None: not known."""

    replay_id: int
    created_ms: int | None = None
    committed_ms: int | None = None

    @classmethod
    def of(cls, stats: Stats | None) -> Place | None:
        """Where a connector of this process stands."""
        if stats is None or stats.last_replay_id < 0:
            return None
        committed = int(stats.last_committed_at * 1000) or None
        return cls(stats.last_replay_id, stats.last_created_ms or stats.resumed_created_ms or None, committed)

    @classmethod
    def said(cls, state: State, connector: str) -> Place | None:
        """As it was last said."""
        told = state.positions.get(connector)
        return None if told is None else cls(told.replay_id, told.created_ms, told.committed_ms)

    def record(self, connector: str) -> Record:
        """For the status topic."""
        value = {"replayId": self.replay_id, "created": self.created_ms, "committed": self.committed_ms}
        return POSITION + connector, encode(value)


def moved(connector: str, offsets: list[tuple[object, object]] | None) -> Record:
    """What is told once somebody has moved the position: of the one that was set no time is known; None resets it."""
    offset = offsets[-1][1] if offsets else None
    replay_id = offset.get("replayId") if isinstance(offset, dict) else None
    if isinstance(replay_id, str) and replay_id.isascii() and replay_id.isdigit():
        replay_id = int(replay_id[:19])
    if not isinstance(replay_id, int) or isinstance(replay_id, bool) or replay_id < 0:
        return POSITION + connector, None
    return Place(replay_id).record(connector)


@define
class _Told:
    stats: Stats
    place: Place | None
    at: float = -_EVERY
    looked: float = -_LOOK_EVERY


@define(eq=False)
class Places:
    """What of the places of a process's connectors is news."""

    state: State
    metrics: Metrics
    _told: dict[str, _Told] = field(factory=dict)

    def news(self, connector: str, running: bool) -> list[Record]:
        """The record that is due, if any. ``running`` False: it has ended, and stands where it stood at last."""
        now, stats, told = time.monotonic(), self.metrics.of(connector), self._told.get(connector)
        if stats is not None and (told is None or told.stats is not stats):
            told = self._told[connector] = _Told(stats, Place.said(self.state, connector))
        if told is None or (running and now - told.looked < _LOOK_EVERY):
            return []
        told.looked = now
        place = Place.of(told.stats)
        if not running:
            del self._told[connector]
        if place is None or place == told.place or (running and now - told.at < _EVERY):
            return []
        told.place, told.at = place, now
        return [place.record(connector)]
