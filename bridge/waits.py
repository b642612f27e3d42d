"""Every wait has an end and a name: what is waited for, how long at most, what is said, which property sets it.

The code takes its limits from here, and ``docs/operations.md`` its table of waits.
"""

from __future__ import annotations

import logging
import time
from email.utils import parsedate_to_datetime
from typing import Final

from attrs import frozen

log = logging.getLogger(__name__)


@frozen
class Wait:
    """``seconds``: the longest, None where only ``key``, the property that sets it, or ``limit`` says how long."""

    what: str
    said: str
    seconds: float | None = None
    key: str = ""
    limit: str = ""


ASKED: Final = Wait(
    "what the other side asks for (`Retry-After`, `advice.interval`)",
    "`… asks for a pause of … s; it is asked again after 300 s`",
    seconds=300.0,
)
REFUSED_LOGIN: Final = Wait(
    "a login that was refused, with `auto.restart.on.user.error=true`, until it is tried again",
    "`… it is tried again in an hour at the earliest …; starts again from the committed position in 3600 s`",
    seconds=3600.0,
)
PROBE: Final = Wait(
    "Salesforce, while a connector waits to start again: one unauthenticated question each time, once for each address "
    "and process",
    "`… answers again after … s`",
    seconds=5.0,
)
RESTART: Final = Wait(
    "the next attempt of a connector that failed for what may pass: 5 s, 10 s, … or until Salesforce answers again",
    "`…; starts again from the committed position in … s`; state RESTARTING",
    seconds=300.0,
)
SHUTDOWN: Final = Wait(
    "a stopped connector, until what it received is committed",
    "the last line on stderr: `… not committed: N events after replay id …`, exit 1",
    key="bridge.shutdown.timeout.ms",
)
#: Of the time for a shutdown, for waiting that Kafka takes what is under way; the rest is for letting go.
DRAIN_SHARE: Final = 0.6


def as_asked(seconds: float, who: str) -> float:
    """How long a pause that ``who`` asked for lasts: at most 5 minutes, and said where it is less than asked."""
    longest = ASKED.seconds or 0.0
    if seconds <= longest:
        return seconds
    log.warning("%s asks for a pause of %.0f s; it is asked again after %.0f s", who, seconds, longest)
    return longest


def retry_after(text: str | None, who: str) -> float | None:
    """Seconds from a ``Retry-After`` header, a number or a date (RFC 9110), as :func:`as_asked`; None without one."""
    text = (text or "").strip()
    if text.isascii() and text.isdigit():
        return as_asked(float(text[:12]), who)
    date = http_date_ms(text)
    return None if date is None else as_asked(max(0.0, date / 1000 - time.time()), who)


def http_date_ms(text: str | None) -> int | None:
    """Unix milliseconds of an HTTP date, None for what is none."""
    try:
        return int(parsedate_to_datetime(text).timestamp() * 1000) if text else None
    except (ValueError, OverflowError, TypeError):
        return None
