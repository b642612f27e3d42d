"""Java's SimpleDateFormat: English, UTC, lenient (Java 17, ``java.text.SimpleDateFormat``)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from bridge.java.calendar import Moment, weekday
from bridge.java.simple_date_parser import parse
from bridge.java.simple_date_pattern import ERAS, HALVES, MONTHS, WEEKDAYS, Part, compile_pattern


class SimpleDateFormat:
    """Formats and parses instants (ms since the epoch). ValueError, in Java's words, for a bad pattern."""

    def __init__(self, pattern: str) -> None:
        self.pattern = pattern
        self._parts = compile_pattern(pattern)

    def format(self, instant: int) -> str:
        """The instant as text."""
        moment = Moment.of(instant)
        return "".join(_shown(part, moment) for part in self._parts)

    def parse(self, text: str) -> int | None:
        """The instant at the start of the text, None if it does not match."""
        return parse(self._parts, text)


def _shown(part: Part, moment: Moment) -> str:
    if not part.letter:
        return part.text
    if part.letter in _TEXTS:
        return _TEXTS[part.letter](moment, part.count)
    if part.letter in "yY":
        year = moment.year if part.letter == "y" else moment.week[0]
        year = year if year > 0 else 1 - year
        return f"{year % 100:02}" if part.count == 2 else f"{year:0{part.count}}"
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
