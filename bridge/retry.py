"""Trying again for a bounded time: design rule 5, the same for logins and metadata."""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeVar

from bridge.errors import Retriable

T = TypeVar("T")
FIRST_WAIT = 0.25
LONGEST_WAIT = 8.0

TIMEOUT: Final = "errors.retry.timeout"

log = logging.getLogger(__name__)


def patience(config: Mapping[str, Any]) -> float:
    """``errors.retry.timeout`` of a connector in seconds; infinite where it is negative."""
    seconds = config.get(TIMEOUT, 300_000) / 1000
    return float(seconds) if seconds >= 0 else float("inf")


def patiently(
    attempt: Callable[[], T],
    *,
    seconds: float,
    limit: str,
    pause: Callable[[float], object],
    clock: Callable[[], float] = time.monotonic,
) -> T:
    """Call ``attempt`` until it does not raise Retriable, or ``seconds`` are over; then its last error is
    raised.

    ``limit`` is the property that sets ``seconds``, for the message. ``pause`` waits; a true result means
    that somebody wants us to end. A ``retry_after`` beyond the time left ends it at once: waiting that long
    is the caller's.
    """
    started = clock()
    wait = FIRST_WAIT
    while True:
        try:
            return attempt()
        except Retriable as error:
            left = started + seconds - clock()
            if left <= 0 or (error.retry_after or 0) > left:
                raise _exhausted(error, clock() - started, limit) from None
            # Jitter, so that connectors which failed together do not come back together.
            delay = min(max(random.uniform(wait / 2, wait), error.retry_after or 0), left)  # noqa: S311
            log.warning("%s; trying again in %.1f s, for %.0f s more", error.message, delay, left)
            if pause(delay):
                raise
        wait = min(wait * 2, LONGEST_WAIT)


def _exhausted(error: Retriable, tried: float, limit: str) -> Retriable:
    message = f"{error.message} (tried for {tried:.0f} s, {limit})" if tried >= 1 else error.message
    return Retriable(message, stage=error.stage, position=error.position, retry_after=error.retry_after)
