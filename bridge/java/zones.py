"""Named time zones as ``SimpleDateFormat`` reads and writes them: English, Java 17."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, tzinfo
from functools import cache
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from attrs import frozen

from bridge.java.zone_names import TABLE

_EPOCH: Final = datetime(1970, 1, 1)
_CYCLE_MS: Final = 400 * 365_2425 * 8640  # the calendar's years repeat; Python has no others than 1 to 9999
_LEAST_MS: Final = -62_000_000_000_000
_MOST_MS: Final = 253_000_000_000_000
_IRISH: Final = "Europe/Dublin"  # whose winter time the data call a saving of minus one hour
_DAYLIGHT: Final = 3  # the first of the names of daylight saving time


@frozen
class Zone:
    """A zone, its four names (standard long and short, daylight long and short), and the minutes that are saved."""

    id: str
    names: tuple[str, str, str, str]
    savings: int

    def offset_at(self, ms: int) -> tuple[int, bool]:
        """Of an instant: ms to the east, and whether it is daylight saving time."""
        moment = (_EPOCH + timedelta(milliseconds=_within(ms))).replace(tzinfo=UTC).astimezone(_info(self.id))
        standard, saved = self._parts(moment)
        return standard + saved, saved > 0

    def offset_of(self, wall: int, name: int) -> int:
        """Of a local time, by the name that stands beside it: ms to the east.

        A zone whose two names are alike, or that saves nothing today, decides by the time.
        """
        moment = (_EPOCH + timedelta(milliseconds=_within(wall))).replace(tzinfo=_info(self.id))
        # what occurs twice, or not at all, is taken for standard time
        moment = min(moment, moment.replace(fold=1), key=lambda one: _ms(one.utcoffset()))
        alike = name < _DAYLIGHT and self.names[name - 1].lower() == self.names[name + 1].lower()
        if alike or (name >= _DAYLIGHT and not self.savings):
            return _ms(moment.utcoffset())
        return self._parts(moment)[0] + (self.savings * 60_000 if name >= _DAYLIGHT else 0)

    def _parts(self, moment: datetime) -> tuple[int, int]:
        """Standard offset and what is saved; where the time zone data have it the other way round, as Java has it."""
        total, saved = _ms(moment.utcoffset()), _ms(moment.dst())
        if self.id == _IRISH:
            return total - (saved := self.savings * 60_000 if total > 0 else 0), saved
        return (total - saved, saved) if saved > 0 else (total, 0)

    def name(self, *, daylight: bool, long: bool) -> str:
        """One of the four."""
        return self.names[2 * daylight + (not long)]


def zone_at(text: str, place: int) -> tuple[Zone, int] | None:
    """The zone of which a name stands there, and which name, from 1 on; None for none."""
    rest = text[place:].lower()
    for name, zone, number in _by_letter().get(rest[:1], ()):
        if rest.startswith(name):
            return zone, number
    return None


@cache
def _by_letter() -> dict[str, list[tuple[str, Zone, int]]]:
    names: dict[str, list[tuple[str, Zone, int]]] = {}
    for line in TABLE.splitlines():
        id_, *four, savings = line.split("\t")
        zone = Zone(id_, (four[0], four[1], four[2], four[3]), int(savings))
        for number, name in enumerate(four, start=1):
            if name:
                names.setdefault(name[0].lower(), []).append((name.lower(), zone, number))
    return names


@cache
def _info(id_: str) -> tzinfo:
    try:
        return ZoneInfo(id_)
    except ZoneInfoNotFoundError:
        return UTC


def _within(ms: int) -> int:
    if _LEAST_MS < ms < _MOST_MS:
        return ms
    return (ms - _LEAST_MS) % _CYCLE_MS + _LEAST_MS + 20 * _CYCLE_MS


def _ms(delta: timedelta | None) -> int:
    return 0 if delta is None else delta // timedelta(milliseconds=1)
