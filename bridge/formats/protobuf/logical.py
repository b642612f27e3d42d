"""Connect's logical types as Protobuf's well-known messages: Timestamp, Date, TimeOfDay, Decimal."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from bridge.formats.times import MS_PER_DAY
from bridge.java.calendar import CUTOVER, date_of
from bridge.model.connect_json import decimal_to_bytes, scale_of
from bridge.model.schema import DATE, DECIMAL, TIME, TIMESTAMP, Schema

FIRST_MS: Final = -62_135_596_800_000
LAST_MS: Final = 253_402_300_799_999
"""What a google.protobuf.Timestamp may be: 0001-01-01T00:00:00Z to 9999-12-31T23:59:59.999Z."""
LOGICAL: Final[Mapping[str, str]] = {
    TIMESTAMP: "google.protobuf.Timestamp",
    DATE: "google.type.Date",
    TIME: "google.type.TimeOfDay",
    DECIMAL: "confluent.type.Decimal",
}


def logical(schema: Schema, cls: Any) -> Callable[[Any], Any]:
    """What makes a message of ``cls`` of a logical value. ValueError for one that the message cannot hold."""
    if schema.name == TIMESTAMP:

        def instant(ms: int) -> Any:
            if not FIRST_MS <= ms <= LAST_MS:
                raise ValueError("out of Protobuf's range, the years 1 to 9999")
            return cls(seconds=ms // 1000, nanos=ms % 1000 * 1_000_000)

        return instant
    if schema.name == DATE:

        def date(days: int) -> Any:
            year, month, day = civil(days)
            return cls(year=year, month=month, day=day)

        return date
    if schema.name == TIME:

        def time(ms: int) -> Any:
            if not 0 <= ms < MS_PER_DAY:
                raise ValueError("out of a day's range")
            seconds = ms // 1000
            nanos = ms % 1000 * 1_000_000
            return cls(hours=seconds // 3600, minutes=seconds // 60 % 60, seconds=seconds % 60, nanos=nanos)

        return time
    scale = scale_of(schema)

    def decimal(value: Any) -> Any:
        raw = decimal_to_bytes(value, scale)
        digits = len(str(abs(int.from_bytes(raw, "big", signed=True))))
        return cls(value=raw, precision=digits, scale=scale)

    return decimal


def civil(days: int) -> tuple[int, int, int]:
    """Year, month and day of days since 1970-01-01 in Java's calendar, which is Julian before 1582-10-15 and counts
    years before Christ as 1, 2, … (Kafka Connect's Protobuf converter fills a Date by ``java.util.Calendar``)."""
    if days < CUTOVER:
        year, month, day = date_of(days)
        return (year if year > 0 else 1 - year), month, day
    shifted = days + 719_468
    era, of_era = divmod(shifted, 146_097)
    year_of_era = (of_era - of_era // 1460 + of_era // 36_524 - of_era // 146_096) // 365
    of_year = of_era - (365 * year_of_era + year_of_era // 4 - year_of_era // 100)
    month = (5 * of_year + 2) // 153
    day = of_year - (153 * month + 2) // 5 + 1
    month += 3 if month < 10 else -9
    return year_of_era + era * 400 + (month <= 2), month, day
