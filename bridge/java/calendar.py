"""Java's GregorianCalendar: Julian before 1582-10-15, lenient, weeks begin on Sunday, zone UTC.

Days are counted since 1970-01-01. Weekdays are Java's: Sunday 1 … Saturday 7.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from attrs import frozen

DAY_MS: Final = 86_400_000
CUTOVER: Final = -141_427  # 1582-10-15
_CUTOVER_YEAR: Final = 1582
_LENGTHS: Final = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


def day_number(year: int, month: int, day: int, *, julian: bool = False) -> int:
    """Days since the epoch of a date; ``month`` 1…12, years may be zero or negative."""
    y, m = (year - 1, month + 12) if month <= 2 else (year, month)
    leap = y // 4 - 2 if julian else y // 4 - y // 100 + y // 400
    return 365 * y + leap + (153 * (m - 3) + 2) // 5 + day - 719_469


def date_of(day: int) -> tuple[int, int, int]:
    """Year, month, day of the month."""
    julian = day < CUTOVER
    year = (day * 4 // 1461 if julian else day * 400 // 146_097) + 1970 + 1
    while day_number(year, 1, 1, julian=julian) > day:
        year -= 1
    month = 12
    while day_number(year, month, 1, julian=julian) > day:
        month -= 1
    return year, month, day - day_number(year, month, 1, julian=julian) + 1


def weekday(day: int) -> int:
    """Sunday 1 … Saturday 7."""
    return (day + 4) % 7 + 1


def _first_day(year: int) -> int:
    return day_number(year, 1, 1, julian=year <= _CUTOVER_YEAR)


@frozen
class Moment:
    """An instant's fields."""

    year: int
    month: int
    day: int
    days: int
    ms: int  # of the day

    @classmethod
    def of(cls, instant: int) -> Moment:
        """From ms since the epoch."""
        days, ms = divmod(instant, DAY_MS)
        return cls(*date_of(days), days, ms)

    @property
    def day_of_year(self) -> int:
        """1…366."""
        return self.days - _first_day(self.year) + 1

    @property
    def week(self) -> tuple[int, int]:
        """Week year and week of the year; week 1 is the one with 1 January in it."""
        following = _first_day(self.year + 1)
        if self.days >= following - (weekday(following) - 1):
            return self.year + 1, 1
        first = _first_day(self.year)
        return self.year, (self.days - first + weekday(first) - 1) // 7 + 1

    @property
    def week_of_month(self) -> int:
        """1…6."""
        first = weekday(self.days - self.day + 1)
        return (self.day + first - 2) // 7 + 1


Fields = Mapping[str, int]
"""What was parsed, in that order: era year month day doy week wom dow dowim ampm hour hour12 minute second ms zone.
``month`` from 0, ``dow`` Java's, ``era`` 0 is BC."""


def instant_of(fields: Fields) -> int:
    """The instant that fields stand for, by Java's rules of which fields win; ms since the epoch."""
    stamps = {name: order for order, name in enumerate(fields, start=2)}
    year = fields.get("year", 1970)
    if fields.get("era") == 0:
        year = 1 - year
    ms = _time_of_day(fields, stamps)
    chosen = _choose(stamps)
    return _days(year, fields, chosen) * DAY_MS + ms - fields.get("zone", 0)


def _time_of_day(fields: Fields, stamps: Mapping[str, int]) -> int:
    both = max(stamps["hour12"], stamps["ampm"]) if {"hour12", "ampm"} <= stamps.keys() else 0
    whole = stamps.get("hour", 0)
    best = max(both, whole) or max(stamps.get("hour12", 0), stamps.get("ampm", 0))
    if best and best == whole:
        hours = fields["hour"]
    elif best:
        hours = fields.get("hour12", 0) + 12 * fields.get("ampm", 0)
    else:
        hours = 0
    minutes = hours * 60 + fields.get("minute", 0)
    return (minutes * 60 + fields.get("second", 0)) * 1000 + fields.get("ms", 0)


def _choose(stamps: Mapping[str, int]) -> frozenset[str]:
    """The date fields that count: the most recently set complete combination."""
    get = stamps.get
    dow = get("dow", 0)

    def with_weekday(name: str) -> int:
        return max(get(name, 0), dow) if get(name) and dow else 0

    day, wom, dowim = get("day", 0), with_weekday("wom"), with_weekday("dowim")
    doy, week = get("doy", 0), with_weekday("week")
    best = max(day, wom, dowim, doy, week)
    if not best:
        wom, dowim, week = get("wom", 0), max(get("dowim", 0), dow), get("week", 0)
        best = max(wom, dowim, week)
        if not best:
            best = day = get("month", 0)
    if best == day:
        return frozenset({"month", "day"})
    weekly = {"dow"} if dow else set()
    if (best == wom and get("wom", 0) >= get("week", 0)) or (
        best == dowim and get("dowim", 0) >= get("week", 0)
    ):
        if wom == dowim:
            weekly.add("wom" if get("wom", 0) >= get("dowim", 0) else "dowim")
        elif best == wom:
            weekly.add("wom")
        elif get("dowim"):
            weekly.add("dowim")
        return frozenset({"month", *weekly})
    return frozenset({"doy"}) if best == doy else frozenset({"week", *weekly})


def _days(year: int, fields: Fields, chosen: frozenset[str]) -> int:
    julian = _fixed(year, fields, chosen, julian=True)
    gregorian = _fixed(year, fields, chosen, julian=False)
    if year > _CUTOVER_YEAR:
        return gregorian if gregorian >= CUTOVER else julian
    if year < _CUTOVER_YEAR:
        return julian if julian < CUTOVER else gregorian
    if chosen & {"doy", "week"}:
        return julian
    return gregorian if gregorian >= CUTOVER and julian >= CUTOVER else julian


def _fixed(year: int, fields: Fields, chosen: frozenset[str], *, julian: bool) -> int:
    month = fields.get("month", 0) if "month" in chosen else 0
    year, month = year + month // 12, month % 12
    day = day_number(year, month + 1, 1, julian=julian)
    if "month" not in chosen:
        if "doy" in chosen:
            return day + fields["doy"] - 1
        return _in_week(day, fields.get("week", 1), fields.get("dow") if "dow" in chosen else None)
    if "day" in chosen:
        return day + fields.get("day", 1) - 1
    if "wom" in chosen:
        return _in_week(day, fields["wom"], fields.get("dow") if "dow" in chosen else None)
    dow = fields["dow"] if "dow" in chosen else 1
    count = fields["dowim"] if "dowim" in chosen else 1
    if count >= 0:
        return _on_or_before(day + 7 * count - 1, dow)
    leap = day_number(year, 3, 1, julian=julian) - day_number(year, 2, 1, julian=julian) - 28
    length = _LENGTHS[month] + (leap if month == 1 else 0)
    return _on_or_before(day + length + 7 * (count + 1) - 1, dow)


def _in_week(first: int, week: int, dow: int | None) -> int:
    start = _on_or_before(first + 6, 1)
    if start - first >= 1:
        start -= 7
    if dow is not None and dow != 1:
        start = _on_or_before(start + 6, dow)
    return start + 7 * (week - 1)


def week_date(week_year: int, week: int, dow: int) -> int:
    """The day of a week date (``setWeekDate``)."""
    return _in_week(_first_day(week_year), week, None) + (dow - 1)


def _on_or_before(day: int, dow: int) -> int:
    return day - (weekday(day) - dow) % 7
