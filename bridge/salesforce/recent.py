"""The events seen lately, to recognise those that come twice.

Replay ids rise, so a new reply usually lies beyond everything seen: that costs one comparison. Kept are the events'
heads as they were decoded, in ascending runs; only where an id lies within a run is that run looked through.
"""

from __future__ import annotations

from collections import deque

from bridge.event import Head

_RUN = (
    400  # short runs are joined up to this length, so that a slow stream does not make a run of every event
)


class Recent:
    """At least the last ``size`` events (all, if there were fewer)."""

    def __init__(self, size: int) -> None:
        self.highest: int | None = None
        self._size = size
        self._count = 0
        self._runs: deque[list[Head]] = deque()

    def __len__(self) -> int:
        return self._count

    def add(self, heads: list[Head]) -> None:
        """Remember these, ascending by replay id; the list is kept."""
        if not heads:
            return
        last = self._runs[-1] if self._runs else None
        if last is not None and len(last) < _RUN and last[-1].replayId < heads[0].replayId:
            last += heads
        else:
            self._runs.append(heads)
        if self.highest is None or heads[-1].replayId > self.highest:
            self.highest = heads[-1].replayId
        self._count += len(heads)
        while self._count - len(self._runs[0]) >= self._size:
            self._count -= len(self._runs.popleft())

    def between(self, low: int, high: int) -> dict[int, set[str | None]]:
        """Replay id → EventUuids (or what stands for them) of what was seen, at least within these bounds."""
        seen: dict[int, set[str | None]] = {}
        for run in self._runs:
            if run[0].replayId <= high and run[-1].replayId >= low:
                for head in run:
                    if low <= head.replayId <= high:
                        seen.setdefault(head.replayId, set()).add(head.EventUuid)
        return seen

    def forget_nameless(self) -> None:
        """Forget what has no EventUuid: its replay id may mean another event from now on."""
        runs = [[head for head in run if head.EventUuid is not None] for run in self._runs]
        self._runs = deque(run for run in runs if run)
        self._count = sum(map(len, self._runs))
