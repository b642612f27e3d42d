"""Trying again for a bounded time, with waits that grow: design rule 5, the same for whoever is asked."""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable, Mapping
from typing import Final, TypeVar

from attrs import define

from bridge.errors import Retriable
from bridge.waits import SERVICES

T = TypeVar("T")
FIRST_WAIT: Final = 0.25
LONGEST_WAIT: Final = 8.0

TIMEOUT: Final = SERVICES.key

log = logging.getLogger(__name__)


def patience(config: Mapping[str, object]) -> float:
    """``errors.retry.timeout`` of a connector in seconds; infinite where it is negative."""
    milliseconds = config.get(TIMEOUT, 300_000)
    assert isinstance(milliseconds, int | float), "as it is declared"
    return milliseconds / 1000 if milliseconds >= 0 else float("inf")


@define
class Backoff:
    """Waits in seconds: the first up to ``first``, each up to twice the one before, none above ``longest``."""

    first: float = FIRST_WAIT
    longest: float = LONGEST_WAIT
    failures: int = 0

    def next(self) -> float:
        """After one more failure. With jitter, so that those who failed together do not come back together."""
        most = min(self.longest, self.first * 2.0 ** min(self.failures, 30))
        self.failures += 1
        return random.uniform(most / 2, most)  # noqa: S311 - jitter

    def reset(self) -> None:
        """It works."""
        self.failures = 0


def spread(seconds: float) -> float:
    """A wait of at least so long, by which those who were told the same do not all come back at once."""
    return seconds * random.uniform(1.0, 1.2)  # noqa: S311 - jitter


def patiently(
    attempt: Callable[[], T],
    *,
    seconds: float,
    limit: str,
    pause: Callable[[float], object],
    longest: float = LONGEST_WAIT,
    clock: Callable[[], float] = time.monotonic,
) -> T:
    """Call ``attempt`` until it does not raise Retriable, or ``seconds`` are over; then its last error is
    raised.

    ``limit`` is the property that sets ``seconds``, for the message. ``pause`` waits; a true result means
    that somebody wants us to end. A ``retry_after`` beyond the time left ends it at once: waiting that long
    is the caller's.
    """
    started = clock()
    waits = Backoff(longest=longest)
    while True:
        try:
            return attempt()
        except Retriable as error:
            left = started + seconds - clock()
            if left <= 0 or (error.retry_after or 0) > left:
                raise _exhausted(error, clock() - started, limit) from None
            delay = min(max(waits.next(), spread(error.retry_after or 0.0)), left)
            more = "as long as it takes" if left == float("inf") else f"for {left:.0f} s more"
            log.warning("%s; trying again in %.1f s, %s", error.message, delay, more)
            if pause(delay):
                raise


def _exhausted(error: Retriable, tried: float, limit: str) -> Retriable:
    message = f"{error.message} (tried for {tried:.0f} s, {limit})" if tried >= 1 else error.message
    return Retriable(message, stage=error.stage, position=error.position, retry_after=error.retry_after)
