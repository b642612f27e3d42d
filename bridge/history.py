"""What connectors did lately: the counters of ``metrics``, looked at every five seconds and kept within a fixed bound.

A connector has two rings: the last 15 minutes by 5 s, the last 6 hours by 60 s; 13 kB together. Times are absolute, so
that a gap, while the connector was not here, stays one. A value that nobody knows is NaN.
"""

from __future__ import annotations

import math
import time
from array import array
from collections import deque
from collections.abc import Collection
from typing import Final

from attrs import define, field, frozen

from bridge.metrics import Metrics, Stats

NAMES: Final = ("events", "lag", "commit", "errors")
"""Events committed a second · seconds behind Salesforce · seconds for a commit · what went wrong in the interval."""
STEP: Final = 5.0
_IN_A_MINUTE: Final = 12
_SHORT: Final = 180
_LONG: Final = 360
_STARTS: Final = 50
SPARK: Final = 60
_OF_SPARK: Final = 3  # samples of one number of a sparkline
_UNKNOWN: Final = math.nan
Sample = tuple[float, float, float, float]


class Ring:
    """The last ``size`` samples, each with its time (seconds since the epoch)."""

    __slots__ = ("_next", "at", "count", "size", "values")

    def __init__(self, size: int) -> None:
        self.size, self.count, self._next = size, 0, 0
        self.at = array("d", bytes(8 * size))
        self.values = tuple(array("f", bytes(4 * size)) for _ in NAMES)

    def add(self, at: float, sample: Sample) -> None:
        """One more, in place of the oldest."""
        self.at[self._next] = at
        for series, value in zip(self.values, sample, strict=True):
            series[self._next] = value
        self._next = (self._next + 1) % self.size
        self.count = min(self.count + 1, self.size)

    def last(self, number: int) -> list[tuple[float, Sample]]:
        """The newest samples, the oldest of them first."""
        places = ((self._next - back) % self.size for back in range(min(number, self.count), 0, -1))
        return [(self.at[one], tuple(series[one] for series in self.values)) for one in places]  # type: ignore[misc]  # as many as NAMES


@frozen
class _Seen:
    """The counters as they were looked at."""

    at: float
    delivered: int
    commits: int
    commit_seconds: float
    errors: int

    @classmethod
    def of(cls, stats: Stats, now: float) -> _Seen:
        errors = stats.bad_records + stats.receive_errors + stats.restarts
        return cls(now, stats.events_delivered, stats.transactions, stats.commit_seconds, errors)


@define(eq=False)
class History:
    """One connector in this process."""

    since: float
    """When this process first looked at it (seconds since the epoch)."""
    starts: deque[float] = field(factory=lambda: deque(maxlen=_STARTS))
    short: Ring = field(factory=lambda: Ring(_SHORT))
    long: Ring = field(factory=lambda: Ring(_LONG))
    spark: deque[float] = field(factory=lambda: deque(maxlen=SPARK))
    """Events a second of the last 15 minutes, of 15 s each."""
    rate: float | None = None
    """Events a second of the last minute."""
    _stats: Stats | None = None
    _seen: _Seen | None = None
    _minute: list[tuple[Sample, int]] = field(factory=list)
    _recent: deque[float] = field(factory=lambda: deque(maxlen=_IN_A_MINUTE))
    _looks: int = 0

    def look(self, stats: Stats, now: float) -> None:
        """One sample. Another ``Stats`` is another start."""
        if stats is not self._stats:
            self._stats, self._seen = stats, _Seen(now, 0, 0, 0.0, 0)
            self.starts.append(now)
            if not stats.events_delivered and not stats.transactions:
                return
        before, seen = self._seen, _Seen.of(stats, now)
        self._seen = seen
        assert before is not None
        seconds = max(seen.at - before.at, 0.001) if seen.at > before.at else STEP
        commits = max(0, seen.commits - before.commits)
        sample = (
            max(0, seen.delivered - before.delivered) / seconds,
            _or_unknown(stats.lag_seconds(now)),
            (seen.commit_seconds - before.commit_seconds) / commits if commits else _UNKNOWN,
            float(max(0, seen.errors - before.errors)),
        )
        self.short.add(now, sample)
        self._digest(sample[0])
        self._minute.append((sample, commits))

    def _digest(self, events: float) -> None:
        """For lists, which show many connectors at once: made here, not for each who looks."""
        self._recent.append(events)
        self.rate = sum(self._recent) / len(self._recent)
        self._looks += 1
        if self._looks % _OF_SPARK == 0:
            last = list(self._recent)[-_OF_SPARK:]
            self.spark.append(round(sum(last) / len(last), 1))

    def minute(self, now: float) -> None:
        """Make one long sample of the short ones since the last."""
        if not self._minute:
            return
        samples, commits = [one for one, _ in self._minute], sum(count for _, count in self._minute)
        lags = [lag for _, lag, _, _ in samples if not math.isnan(lag)]
        spent = sum(one[2] * count for one, count in self._minute if count)
        self.long.add(
            now,
            (
                sum(one[0] for one in samples) / len(samples),
                max(lags, default=_UNKNOWN),
                spent / commits if commits else _UNKNOWN,
                sum(one[3] for one in samples),
            ),
        )
        self._minute.clear()


@define(eq=False)
class Sampler:
    """The histories of a process's connectors; whoever owns it calls ``tick`` every ``STEP`` seconds."""

    metrics: Metrics
    _histories: dict[str, History] = field(factory=dict)
    _ticks: int = 0

    def of(self, connector: str) -> History | None:
        """What is known of a connector here."""
        return self._histories.get(connector)

    def tick(self, living: Collection[str], now: float | None = None) -> None:
        """One look at all of them; the histories of those that are not ``living`` go."""
        now = time.time() if now is None else now
        self._ticks += 1
        for stats in self.metrics.everyone():
            if stats.connector in living:
                history = self._histories.get(stats.connector)
                if history is None:
                    history = self._histories[stats.connector] = History(now)
                history.look(stats, now)
        if self._ticks % _IN_A_MINUTE == 0:
            for history in self._histories.values():
                history.minute(now)
        for name in self._histories.keys() - set(living):
            del self._histories[name]


def _or_unknown(value: float | None) -> float:
    return _UNKNOWN if value is None else value
