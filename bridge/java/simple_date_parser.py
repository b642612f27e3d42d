"""SimpleDateFormat's lenient parser."""

from __future__ import annotations

import math
import re
import time
from collections.abc import Sequence
from decimal import MAX_EMAX, MAX_PREC, MIN_EMIN, Context, Decimal
from typing import Final

from bridge.java.calendar import DAY_MS, Moment, instant_of, week_date
from bridge.java.numbers import saturate, wrap
from bridge.java.simple_date_pattern import ERAS, HALVES, LONG_ERAS, MONTHS, WEEKDAYS, Part
from bridge.java.zones import Zone, zone_at

_DIGIT: Final = "[^\\D\\U00010000-\\U0010ffff]"  # of any script, but one char of Java's
_NUMBER: Final = re.compile(rf"-?{_DIGIT}+(?:E-?{_DIGIT}{{1,18}}(?!{_DIGIT}))?")
_MINUTE: Final = 60_000
_CENTURY_BEGINS: Final = -80  # years from now: two digits mean the hundred years from there
_NAMES: Final = {
    "d": "day", "D": "doy", "F": "dowim", "w": "week", "W": "wom", "H": "hour", "K": "hour12", "m": "minute",
    "s": "second", "S": "ms",
}  # fmt: skip


class _Mismatch(Exception):
    """The text does not match the pattern."""


class _Parsing:
    def __init__(self, text: str) -> None:
        self.text = text
        self.place = 0
        self.fields: dict[str, int] = {}
        self.order = 0
        self.week_year: tuple[int, int] | None = None  # the year, and when it was set
        self.year_set = 0
        self.ambiguous = False
        self.zone: tuple[Zone, int] | None = None  # that counts, and which of its names
        self.named: Zone | None = None  # the last, even where an offset behind it counts

    def set(self, name: str, value: int) -> None:
        if name == "zone":
            self.zone = None
        self.fields.pop(name, None)
        self.fields[name] = value
        self.order += 1
        if name == "year":
            self.year_set = self.order


def parse(parts: Sequence[Part], text: str) -> tuple[int, Zone | None] | None:
    """The instant at the start of the text and the zone that is named there, None if it does not match."""
    state = _Parsing(text)
    try:
        for index, part in enumerate(parts):
            if part.letter:
                following = parts[index + 1] if index + 1 < len(parts) else None
                _field(state, part, counted=following is not None and _is_number(following))
            elif state.text[state.place : state.place + 1] == part.text:
                state.place += 1
            else:
                return None
    except (_Mismatch, IndexError):
        return None
    if not state.place:
        return None
    return wrap(_result(state), 64), state.named


def _is_number(part: Part) -> bool:
    """Whether digits may follow without anything between."""
    if part.letter in ("M", "L"):
        return part.count <= 2
    return part.letter != "" and part.letter in "ydkHmsSDFwWhKYu"


def _result(state: _Parsing) -> int:
    fields = state.fields
    if state.week_year is not None and state.week_year[1] > state.year_set:
        week, dow = fields.get("week", 1), fields.get("dow", 1)
        if not 1 <= dow <= 7:
            week, dow = _wrapped(week, dow)
        timed = {k: v for k, v in fields.items() if k in _TIME_FIELDS}
        timed |= {"year": 1970, "month": 0, "day": 1}
        return _in_zone(state, week_date(state.week_year[0], week, dow) * DAY_MS + instant_of(timed))
    instant = _in_zone(state, instant_of(fields))
    if state.ambiguous and instant < _century_start():
        instant = _in_zone(state, instant_of(fields | {"year": fields["year"] + 100}))
    return instant


def _wrapped(week: int, dow: int) -> tuple[int, int]:
    """A week date whose weekday is none, counted from Monday (``CalendarBuilder.establish``)."""
    weeks, rest = divmod(dow - 1, 7)
    return week + weeks, 1 if rest == 6 else rest + 2


def _in_zone(state: _Parsing, wall: int) -> int:
    return wall - state.zone[0].offset_of(wall, state.zone[1]) if state.zone else wall


_TIME_FIELDS: Final = ("ampm", "hour", "hour12", "minute", "second", "ms", "zone")


def _century_start() -> int:
    now = Moment.of(int(time.time() * 1000))
    fields = {"year": now.year + _CENTURY_BEGINS, "month": now.month - 1, "day": now.day, "ms": now.ms}
    return instant_of(fields)


def _field(state: _Parsing, part: Part, *, counted: bool) -> None:
    start = state.place
    while state.text[state.place] in " \t":
        state.place += 1
    letter, count = part.letter, part.count
    if letter in ("M", "L") and count > 2:
        state.set("month", _word(state, start, MONTHS))
    elif letter == "E":
        state.set("dow", _word(state, start, WEEKDAYS) + 1)
    elif letter == "G":
        state.set("era", _word(state, start, LONG_ERAS, ERAS))
    elif letter == "a":
        state.set("ampm", _word(state, start, HALVES))
    elif letter in "zZ":
        _zone(state)
    elif letter == "X":
        _iso_zone(state, count)
    else:
        begins = state.place
        _numeric(state, letter, _number(state, start + count if counted else None), count, begins)


def _numeric(state: _Parsing, letter: str, value: int, count: int, begins: int) -> None:
    if letter in "yY":
        digits = state.text[begins : state.place]
        if count <= 2 and len(digits) == 2 and digits.isdecimal():
            first = Moment.of(_century_start()).year
            state.ambiguous = value == first % 100
            value += first // 100 * 100 + (100 if value < first % 100 else 0)
        if letter == "Y":
            state.order += 1
            state.week_year = (value, state.order)
        else:
            state.set("year", value)
    elif letter in "ML":
        state.set("month", value - 1)
    elif letter == "k":
        state.set("hour", 0 if value == 24 else value)
    elif letter == "h":
        state.set("hour12", 0 if value == 12 else value)
    elif letter == "u":
        state.set("dow", (1 if value == 7 else value + 1) if 1 <= value <= 7 else value)
    else:
        state.set(_NAMES[letter], value)


def _number(state: _Parsing, end: int | None) -> int:
    if end is not None and end > len(state.text):
        raise _Mismatch
    match = _NUMBER.match(state.text, state.place, len(state.text) if end is None else end)
    if match is None:
        raise _Mismatch
    state.place = match.end()
    digits, _, exponent = match.group().partition("E")
    return _int_value(Decimal(digits), wrap(int(exponent or 0), 32))


def _int_value(digits: Decimal, exponent: int) -> int:
    """``Number.intValue`` of what a ``DecimalFormat`` makes of a number: a Long is cut, a Double (beyond 64 bits, or
    with a fraction) is the nearest int."""
    if not digits:
        return 0
    highest = digits.adjusted() + exponent
    if not -1 < highest < 20:
        return 0 if highest < 0 else saturate(math.copysign(math.inf, digits), 32)
    exact = digits.scaleb(exponent, Context(prec=MAX_PREC, Emin=MIN_EMIN, Emax=MAX_EMAX))
    if exact == exact.to_integral_value() and -(1 << 63) <= exact < 1 << 63:
        return wrap(int(exact), 32)
    return saturate(float(exact), 32)


def _word(state: _Parsing, start: int, words: Sequence[str], short: Sequence[str] = ()) -> int:
    """Which word stands there. ``short``: the same in short, else the first three letters."""
    text = state.text[start:].lower()
    best = (0, -1)
    for index, word in enumerate(words):
        for form in (word, short[index] if short else word[:3]):
            if len(form) > best[0] and text.startswith(form.lower()):
                best = (len(form), index)
    if not best[0]:
        raise _Mismatch
    state.place = start + best[0]
    return best[1]


def _zone(state: _Parsing) -> None:
    text, sign = state.text, {"+": 1, "-": -1}
    if (direction := sign.get(text[state.place])) is not None:
        state.place += 1
        _offset(state, direction, 0, colon=False)
        return
    if text[state.place : state.place + 3].lower() == "gmt":
        state.place += 3
        direction = sign.get(text[state.place : state.place + 1])
        if direction is None:
            state.set("zone", 0)
            return
        state.place += 1
        _offset(state, direction, 0, colon=True)
        return
    named = zone_at(text, state.place)
    if named is None:
        raise _Mismatch
    zone, number = named
    state.place += len(zone.names[number - 1])
    state.fields.pop("zone", None)
    state.zone, state.named = named, zone


def _iso_zone(state: _Parsing, count: int) -> None:
    char = state.text[state.place]
    state.place += 1
    if char == "Z":
        state.set("zone", 0)
    elif char in "+-":
        _offset(state, 1 if char == "+" else -1, count, colon=count == 3)
    else:
        raise _Mismatch


def _offset(state: _Parsing, sign: int, count: int, *, colon: bool) -> None:
    """Hours and minutes: ``hhmm``, or ``hh:mm`` with a colon, ``hh`` alone where ``count`` is 1."""
    if count == 1:
        form = r"(\d\d)()"
    elif colon:
        form = r"(\d\d?):(\d\d)" if count == 0 else r"(\d\d):(\d\d)"
    else:
        form = r"(\d\d)(\d\d)"
    match = re.compile(form, re.ASCII).match(state.text, state.place)
    if match is None:
        raise _Mismatch
    hours, minutes = int(match[1]), int(match[2] or 0)
    if hours > 23 or minutes > 59:
        raise _Mismatch
    state.place = match.end()
    state.set("zone", sign * (hours * 60 + minutes) * _MINUTE)
