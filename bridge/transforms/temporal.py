"""Dates, times and timestamps of Connect: between their values and ms since the epoch, and as text."""

from __future__ import annotations

from typing import Final

from bridge.java.simple_date_format import SimpleDateFormat
from bridge.model.schema import DATE, TIME, TIMESTAMP, Kind, Schema
from bridge.transforms.record import Instant

DAY_MS: Final = 86_400_000
_TIME: Final = SimpleDateFormat("HH:mm:ss.SSS'Z'")
_DATE: Final = SimpleDateFormat("yyyy-MM-dd")
_BOTH: Final = SimpleDateFormat("yyyy-MM-dd'T'HH:mm:ss.SSS'Z'")
_KINDS: Final = {DATE: Kind.INT32, TIME: Kind.INT32, TIMESTAMP: Kind.INT64}


def logical(name: str, *, optional: bool = False) -> Schema:
    """Connect's schema of a Date, Time or Timestamp."""
    return Schema(_KINDS[name], optional=optional, name=name, version=1)


def to_ms(schema: Schema, value: int) -> int:
    """The instant that a value of a temporal schema stands for; an ``Instant`` stands for itself."""
    return value * DAY_MS if schema.name == DATE and type(value) is not Instant else value


def iso_text(ms: int) -> str:
    """``Values.dateFormatFor``: by the instant, not by its type."""
    if ms < DAY_MS:
        return _TIME.format(ms)
    return (_BOTH if ms % DAY_MS else _DATE).format(ms)


def parse_iso(text: str) -> tuple[Schema, int] | None:
    """What ``Values.parseString`` takes for a time, timestamp or date, by its length; None: neither."""
    text = text.replace("\\:", ":")
    form, name = {13: (_TIME, TIME), 24: (_BOTH, TIMESTAMP), 10: (_DATE, DATE)}.get(len(text), (None, ""))
    ms = form.parse(text) if form else None
    if ms is None:
        return None
    return logical(name), ms // DAY_MS if name == DATE else ms
