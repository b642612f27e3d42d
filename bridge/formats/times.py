"""Dates and times between Salesforce's texts and Connect's numbers, without a limit on the year.

Salesforce writes ``2024-08-07T12:12:19.078Z`` with or without milliseconds, ``+0000`` for ``Z`` in places, and
a date as ``2024-08-09`` or as midnight UTC (Streaming API guide; recorded traffic). Connect's Timestamp is
milliseconds, its Date days since 1970-01-01, rounded down.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Final

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
MS_PER_DAY: Final = 86_400_000

_DAY = r"([+-]?\d{4,6})-(\d\d)-(\d\d)"
_DATE = re.compile(rf"{_DAY}(?:[T ].*)?", re.ASCII)
_MOMENT = re.compile(rf"{_DAY}[T ](\d\d):(\d\d)(?::(\d\d)(?:\.(\d+))?)?(Z|[+-]\d\d:?\d\d)?", re.ASCII)
_MONTH_DAYS = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


def days_from_civil(year: int, month: int, day: int) -> int:
    """Days since 1970-01-01 in the proleptic Gregorian calendar; ValueError for a day that does not exist."""
    leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    if not 1 <= month <= 12 or not 1 <= day <= _MONTH_DAYS[month - 1] or (month, day, leap) == (2, 29, False):
        raise ValueError("no such day")
    shifted = year - (month <= 2)
    era, of_era = divmod(shifted, 400)
    of_year = (153 * (month + (-3 if month > 2 else 9)) + 2) // 5 + day - 1
    return era * 146_097 + of_era * 365 + of_era // 4 - of_era // 100 + of_year - 719_468


def parse_day(text: str) -> int:
    """Days since the epoch of a date's text; the date as it stands where a time follows. ValueError."""
    match = _DATE.fullmatch(text)
    if match is None:
        raise ValueError("no date")
    return days_from_civil(int(match[1]), int(match[2]), int(match[3]))


def parse_moment(text: str) -> int:
    """Milliseconds since the epoch of a date-time's text, rounded down; no zone means UTC. ValueError."""
    match = _MOMENT.fullmatch(text)
    if match is None:
        raise ValueError("no date-time")
    year, month, day, hour, minute, second, fraction, zone = match.groups()
    if int(hour) > 23 or int(minute) > 59 or int(second or 0) > 60:
        raise ValueError("no such time")
    seconds = int(hour) * 3600 + int(minute) * 60 + int(second or 0)
    if zone and zone != "Z":
        offset = int(zone[1:3]) * 3600 + int(zone[-2:]) * 60
        seconds -= -offset if zone[0] == "-" else offset
    ms = int((fraction or "0")[:3].ljust(3, "0"))
    return days_from_civil(int(year), int(month), int(day)) * MS_PER_DAY + seconds * 1000 + ms


class Days(dict["str | None", "int | None"]):
    """Date texts seen → days. Few different dates occur together, so a lookup mostly replaces the parsing."""

    def __init__(self) -> None:
        super().__init__({None: None})

    def __missing__(self, text: str | None) -> int:
        assert text is not None
        if len(self) > 8192:
            self.clear()
            self[None] = None
        days = self[text] = parse_day(text)
        return days


def ms_of(moment: datetime) -> int:
    """Milliseconds since the epoch, rounded down. TypeError where the moment has no zone."""
    passed = moment - EPOCH
    return passed.days * MS_PER_DAY + passed.seconds * 1000 + passed.microseconds // 1000
