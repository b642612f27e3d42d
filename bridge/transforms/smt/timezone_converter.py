"""TimezoneConverter (Debezium): timestamps in UTC to the wall clock of another time zone.

What it takes and which rules there are: Debezium's page "Timezone Converter". The page shows a text that is converted,
and no number; that a number moves by the zone's offset is how "converts the value to the target timezone" is read here.
"""

from __future__ import annotations

import re
import zoneinfo
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from typing import Any, Final

from attrs import frozen

from bridge.config.property import HIGH, LIST, STRING
from bridge.java.exceptions import InvalidConfig, data_error, invalid
from bridge.model.schema import TIMESTAMP, Kind, Schema
from bridge.transforms.record import ConnectRecord
from bridge.transforms.spec import Key, Settings, Spec
from bridge.transforms.step import Bound, OnSide, Side, Transform

_OFFSET: Final = re.compile(r"(?:UTC|GMT|UT)?([+-])(?:(\d)|(\d\d)(?::?(\d\d))?(?::(\d\d))?)", re.ASCII)
_UTC: Final = ("Z", "UTC", "GMT", "UT")
_WIDEST: Final = timedelta(hours=18)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_DEBEZIUM: Final = "io.debezium.time."
_PER_MS: Final = {
    TIMESTAMP: 1,
    _DEBEZIUM + "Timestamp": 1,
    _DEBEZIUM + "MicroTimestamp": 1000,
    _DEBEZIUM + "NanoTimestamp": 1_000_000,
}
_ZONED: Final = _DEBEZIUM + "ZonedTimestamp"
_TEXT: Final = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(\.\d{1,9})?(Z|[+-]\d\d:\d\d)", re.ASCII)
_ENVELOPE: Final = re.compile(r"(before|after|source)[./]")
_MOST_TOPICS: Final = 256  # remembered; topics may depend on the record
_FORMS: Final = "topic:<topic>, topic:<topic>:<field> or <topic>:<field>"


@frozen
class Rule:
    """What a rule of a list names: fields of a topic; ``field`` None: all of them."""

    topic: str
    field: str | None


def _check_zone(name: str, value: Any) -> None:
    _zone(name, value)


def _check_rules(name: str, value: Any) -> None:
    for text in value or ():
        _rule(name, text)


SPEC: Final = Spec(
    "TimezoneConverter",
    "Moves timestamps from UTC to the wall clock of another time zone, by its offset at that moment. It takes "
    f"`{TIMESTAMP}` (`CreatedDate` and every date/time field of an event) and, where there are such, "
    "`io.debezium.time.Timestamp`, `MicroTimestamp`, `NanoTimestamp` and `ZonedTimestamp`. Dates and times of day "
    "by themselves stay: without the other half they have no offset. Numbers of Connect stand for UTC, so who reads "
    "the result has to know the zone. Salesforce's events have no `before`, `after` or `source`, so rules that name "
    "those are refused.",
    (
        Key(
            "converted.timezone",
            STRING,
            "A region, which follows its daylight saving time, or a fixed offset from UTC.",
            importance=HIGH,
            validator=_check_zone,
            valid="`America/New_York`, `+05:30`, …",
        ),
        Key(
            "include.list",
            LIST,
            "Rules for what is converted; without the list: every timestamp. Not together with `exclude.list`.",
            None,
            validator=_check_rules,
            valid=_FORMS,
        ),
        Key(
            "exclude.list",
            LIST,
            "Rules for what is not converted.",
            None,
            validator=_check_rules,
            valid=_FORMS,
        ),
    ),
    {"converted.timezone": "America/New_York", "exclude.list": "topic:orders:CreatedDate"},
    "`Due__c` of 2024-05-01 10:00 becomes 06:00, four hours earlier; `CreatedDate` of the topic `orders` stays",
)


def make(settings: Settings, side: Side) -> Transform:
    """A TimezoneConverter."""
    zone = _zone("converted.timezone", settings["converted.timezone"])
    included = [_rule("include.list", text) for text in settings["include.list"] or ()]
    excluded = [_rule("exclude.list", text) for text in settings["exclude.list"] or ()]
    if included and excluded:
        raise InvalidConfig("include.list and exclude.list exclude each other; set only one of them")

    def concerned(topic: str | None) -> Callable[[str], bool]:
        named = {rule.field for rule in included or excluded if rule.topic == topic}
        if included:
            return lambda name: None in named or name in named
        return lambda name: not (None in named or name in named)

    def bind(schema: Schema | None) -> Bound:
        fields = schema.fields if schema is not None and schema.kind is Kind.STRUCT else ()
        steps = {f.name: step for f in fields if (step := _converter(f.name, f.schema, zone))}
        by_topic: dict[str | None, dict[str, Callable[[Any], Any]]] = {}

        def convert(value: Any, record: ConnectRecord) -> Any:
            if not steps or value is None:
                return value
            chosen = by_topic.get(record.topic)
            if chosen is None:
                if len(by_topic) >= _MOST_TOPICS:
                    by_topic.clear()
                wanted = concerned(record.topic)
                chosen = by_topic[record.topic] = {name: step for name, step in steps.items() if wanted(name)}
            return value | {n: step(value[n]) for n, step in chosen.items() if value[n] is not None}

        return Bound(schema, convert)

    return OnSide(side, bind, passes_null=True)


def _converter(name: str, schema: Schema, zone: tzinfo) -> Callable[[Any], Any] | None:
    """None for what stays as it is."""
    per_ms = _PER_MS.get(schema.name or "")
    if per_ms is not None and schema.kind is Kind.INT64:
        return lambda value: value + _offset_ms(name, value // per_ms, zone) * per_ms
    if schema.name == _ZONED and schema.kind is Kind.STRING:
        return lambda value: _moved_text(name, value, zone)
    return None


def _offset_ms(name: str, ms: int, zone: tzinfo) -> int:
    try:
        offset = (_EPOCH + timedelta(milliseconds=ms)).astimezone(zone).utcoffset()
    except OverflowError:
        raise data_error(f"the timestamp {name} is not between the years 1 and 9999") from None
    assert offset is not None
    return offset // timedelta(milliseconds=1)


def _moved_text(name: str, value: str, zone: tzinfo) -> str:
    """The same moment with another offset; the fraction, of up to nine digits, as it is written."""
    match = _TEXT.fullmatch(value)
    try:
        moved = datetime.fromisoformat(f"{match[1]}{match[3]}").astimezone(zone) if match else None
    except (ValueError, OverflowError):
        moved = None
    if match is None or moved is None:
        raise data_error(f"the field {name} holds no timestamp with an offset")
    text = moved.isoformat()
    return f"{text[:19]}{match[2] or ''}{'Z' if text[19:] == '+00:00' else text[19:]}"


def _zone(name: str, value: Any) -> tzinfo:
    """What ``java.time.ZoneId.of`` takes, but for its three-letter short names. InvalidConfig."""
    if not value:
        raise invalid(name, value, "a region such as America/New_York or an offset such as +05:30 is needed")
    if value in _UTC:
        return UTC
    if (match := _OFFSET.fullmatch(value)) is None:
        return _region(name, value)
    sign, hour, *parts = match.groups()
    hours, minutes, seconds = (int(part or 0) for part in (hour or parts[0], *parts[1:]))
    offset = timedelta(hours=hours, minutes=minutes, seconds=seconds)
    if minutes > 59 or seconds > 59 or offset > _WIDEST:
        raise invalid(name, value, "offsets go from -18:00 to +18:00")
    return timezone(-offset if sign == "-" else offset)


def _region(name: str, value: str) -> tzinfo:
    zones = zoneinfo.available_timezones()
    if not zones:
        raise invalid(
            name,
            value,
            "this machine has no time zone database; install tzdata (the system's package or Python's), or give an "
            "offset such as +05:30",
        )
    if value not in zones:
        raise invalid(name, value, "neither a region such as America/New_York nor an offset such as +05:30")
    return zoneinfo.ZoneInfo(value)


def _rule(name: str, text: str) -> Rule:
    """InvalidConfig for what can match nothing here."""
    first, *rest = text.split(":")
    if first == "source":
        raise invalid(name, text, f"records have no source block with a table's name; use {_FORMS}")
    if first == "topic" and rest:
        first, *rest = rest
        rule = Rule(first, rest[0] if rest else None)
    else:
        rule = Rule(first, rest[0] if rest else "")
    if len(rest) > 1 or not rule.topic or rule.field == "":
        raise invalid(name, text, f"is not of the form {_FORMS}")
    if rule.field and (envelope := _ENVELOPE.match(rule.field)):
        raise invalid(name, text, f"records have no {envelope[1]}; name the field alone")
    return rule
