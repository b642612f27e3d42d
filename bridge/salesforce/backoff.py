"""How long to wait before the next attempt, and when to give up.

``request.max.retries.time.ms`` bounds an outage: the time from the first failure until a subscription works
again. The waits grow, and only real progress makes them short again, so that a session which
can be opened but dies at once is not opened in a tight loop.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable

from attrs import define, field

from bridge.retry import Backoff, spread
from bridge.waits import QUOTA

HEALTHY_AFTER = 10.0  # seconds a subscription must have lived for its loss to be a new outage


@define
class Outage:
    """The failures since things last worked. Times in seconds."""

    budget: float
    clock: Callable[[], float] = time.monotonic
    since: float | None = None
    failures: int = 0
    _waits: Backoff = field(factory=lambda: Backoff(0.2, 10.0))

    def failed(self, lived: float = 0.0) -> None:
        """Something failed; ``lived`` is how long a subscription had existed before."""
        if self.since is None or lived >= HEALTHY_AFTER:
            self.since = self.clock()
        self.failures += 1

    def progress(self) -> None:
        """A poll was answered, or events came."""
        self.failures = 0
        self._waits.reset()
        self.since = None

    def elapsed(self) -> float:
        """Seconds since the first failure of this outage."""
        return 0.0 if self.since is None else self.clock() - self.since

    def left(self) -> float:
        """Seconds until it is given up."""
        return max(0.0, self.budget - self.elapsed())

    def delay(self, at_least: float = 0.0) -> float | None:
        """Seconds to wait before the next attempt (never more than are left); None: give up."""
        left = self.left()
        if left <= 0 or at_least > left:
            return None
        return min(max(self._waits.next(), spread(at_least)), left)


def long_wait(times: int, first: float = 60.0, longest: float = QUOTA.longest) -> float:
    """Seconds to wait the ``times``-th time (from 1) for a quota: one minute, doubling to a quarter of an
    hour."""
    wait: float = min(longest, first * 2.0 ** min(times - 1, 20))
    return wait * random.uniform(0.9, 1.1)  # noqa: S311
