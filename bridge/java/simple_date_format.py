"""Java's SimpleDateFormat: English, UTC, lenient (Java 17, ``java.text.SimpleDateFormat``)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from bridge.java.calendar import Moment, weekday
from bridge.java.simple_date_parser import parse
from bridge.java.simple_date_pattern import ERAS, HALVES, MONTHS, WEEKDAYS, Part, compile_pattern
from bridge.java.zones import Zone


class SimpleDateFormat:
    """Formats and parses instants (ms since the epoch). ValueError, in Java's words, for a bad pattern.

    As in Java 17 a zone that was parsed by its name is the format's own afterwards, so that a text that is read and
    written by one format keeps its zone; here until the next text, there until the next name.
    """

    def __init__(self, pattern: str) -> None:
        self.pattern = pattern
        self._parts = compile_pattern(pattern)
        self._zone: Zone | None = None

    def format(self, instant: int) -> str:
        """The instant as text."""
        if self._zone is not None:
            return _shown_in(self._zone, self._parts, instant)
        moment = Moment.of(instant)
        return "".join(_shown(part, moment) for part in self._parts)

    def parse(self, text: str) -> int | None:
        """The instant at the start of the text, None if it does not match."""
        parsed = parse(self._parts, text)
        if parsed is None:
            return None
        instant, self._zone = parsed
        return instant


def _shown_in(zone: Zone, parts: tuple[Part, ...], instant: int) -> str:
    offset, daylight = zone.offset_at(instant)
    moment, hhmm = Moment.of(instant + offset), divmod(abs(offset) // 60_000, 60)
    sign = "-" if offset < 0 else "+"

    def shown(part: Part) -> str:
        if part.letter == "z":
            return zone.name(daylight=daylight, long=part.count >= 4)
        if part.letter == "Z" or (part.letter == "X" and offset and part.count == 2):
            return f"{sign}{hhmm[0]:02}{hhmm[1]:02}"
        if part.letter == "X" and offset:
            return f"{sign}{hhmm[0]:02}" if part.count == 1 else f"{sign}{hhmm[0]:02}:{hhmm[1]:02}"
        return _shown(part, moment)

    return "".join(map(shown, parts))


def _shown(part: Part, moment: Moment) -> str:
    if not part.letter:
        return part.text
    if part.letter in _TEXTS:
        return _TEXTS[part.letter](moment, part.count)
    if part.letter == "y":
        year = moment.year if moment.year > 0 else 1 - moment.year
        return f"{year % 100:02}" if part.count == 2 else f"{year:0{part.count}}"
    if part.letter == "Y":  # of no era: below 1 it is 0, -1, …
        year, minus = abs(moment.week[0]), "-" if moment.week[0] < 0 else ""
        return f"{minus}{year % 100:02}" if part.count == 2 else f"{minus}{year:0{part.count}}"
    return f"{_NUMBERS[part.letter](moment):0{part.count}}"


def _month(moment: Moment, count: int) -> str:
    if count <= 2:
        return f"{moment.month:0{count}}"
    name = MONTHS[moment.month - 1]
    return name if count >= 4 else name[:3]


def _weekday(moment: Moment, count: int) -> str:
    name = WEEKDAYS[weekday(moment.days) - 1]
    return name if count >= 4 else name[:3]


_TEXTS: Final[dict[str, Callable[[Moment, int], str]]] = {
    "G": lambda moment, count: ERAS[moment.year > 0],
    "M": _month,
    "L": _month,
    "E": _weekday,
    "a": lambda moment, count: HALVES[moment.ms >= 43_200_000],
    "z": lambda moment, count: "Coordinated Universal Time" if count >= 4 else "UTC",
    "Z": lambda moment, count: "+0000",
    "X": lambda moment, count: "Z",
}
_NUMBERS: Final[dict[str, Callable[[Moment], int]]] = {
    "w": lambda moment: moment.week[1],
    "W": lambda moment: moment.week_of_month,
    "D": lambda moment: moment.day_of_year,
    "d": lambda moment: moment.day,
    "F": lambda moment: (moment.day - 1) // 7 + 1,
    "u": lambda moment: (weekday(moment.days) + 5) % 7 + 1,
    "H": lambda moment: moment.ms // 3_600_000,
    "k": lambda moment: moment.ms // 3_600_000 or 24,
    "K": lambda moment: moment.ms // 3_600_000 % 12,
    "h": lambda moment: moment.ms // 3_600_000 % 12 or 12,
    "m": lambda moment: moment.ms // 60_000 % 60,
    "s": lambda moment: moment.ms // 1000 % 60,
    "S": lambda moment: moment.ms % 1000,
}
