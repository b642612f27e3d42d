"""TimezoneConverter, by what Debezium's documentation says of it."""

import zoneinfo
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.errors import ConfigurationError
from bridge.java.exceptions import InvalidConfig, JavaError
from bridge.model.schema import DATE, TIME, TIMESTAMP, Field, Kind, Schema
from bridge.transforms.configuration import chain_of
from bridge.transforms.record import ConnectRecord
from bridge.transforms.table import TRANSFORMS

NAME = "io.debezium.transforms.TimezoneConverter"
HOUR = 3_600_000


def typed(kind: Kind, name: str | None = None) -> Schema:
    return Schema(kind, optional=True, name=name, version=1 if name else None)


STAMP = typed(Kind.INT64, TIMESTAMP)
SCHEMA = Schema(
    Kind.STRUCT,
    fields=(
        Field("CreatedDate", STAMP, frozenset({"PII"})),
        Field("Due__c", STAMP),
        Field("day", typed(Kind.INT32, DATE)),
        Field("time", typed(Kind.INT32, TIME)),
        Field("number", typed(Kind.INT64)),
        Field("text", typed(Kind.STRING)),
    ),
)


def ms(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)


WINTER, SUMMER = ms("2024-01-15T12:00:00"), ms("2024-07-15T12:00:00")
VALUE = {"CreatedDate": WINTER, "Due__c": SUMMER, "day": 19844, "time": 7, "number": WINTER, "text": "2024"}


def converted(value: Any = None, schema: Schema | None = SCHEMA, topic: str = "orders", **config: str) -> Any:
    entry = TRANSFORMS[NAME]
    settings = {key.replace("__", "."): text for key, text in config.items()}
    record = ConnectRecord(topic, schema, VALUE if value is None else value)
    assert entry.make(entry.spec.parse(settings), entry.side).apply(record)
    assert record.value_schema is schema
    return record.value


def moved(**config: str) -> tuple[float, float]:
    """By how many hours the two timestamps move; nothing else does."""
    result = converted(**config)
    assert {**result, "CreatedDate": WINTER, "Due__c": SUMMER} == VALUE
    return (result["CreatedDate"] - WINTER) / HOUR, (result["Due__c"] - SUMMER) / HOUR


@pytest.mark.parametrize(
    ("zone", "hours"),
    [
        ("America/New_York", (-5, -4)),
        ("Asia/Kolkata", (5.5, 5.5)),
        ("Australia/Lord_Howe", (11, 10.5)),
        ("UTC", (0, 0)),
        ("Z", (0, 0)),
        ("+05:30", (5.5, 5.5)),
        ("-0330", (-3.5, -3.5)),
        ("+2", (2, 2)),
        ("+02", (2, 2)),
        ("UTC+02:00", (2, 2)),
        ("-18:00", (-18, -18)),
    ],
)
def test_zones(zone: str, hours: tuple[float, float]) -> None:
    assert moved(converted__timezone=zone) == hours


def test_the_hour_that_summer_time_leaves_out_and_the_one_it_repeats() -> None:
    for utc, local in (
        ("2024-03-10T06:59:59", "2024-03-10T01:59:59"),
        ("2024-03-10T07:00:00", "2024-03-10T03:00:00"),
        ("2024-11-03T05:59:59", "2024-11-03T01:59:59"),
        ("2024-11-03T06:00:00", "2024-11-03T01:00:00"),
    ):
        result = converted(VALUE | {"Due__c": ms(utc)}, converted__timezone="America/New_York")
        assert result["Due__c"] == ms(local)


@given(st.integers(-62_000_000_000_000, 253_000_000_000_000), st.integers(-18 * 60, 18 * 60))
def test_a_fixed_offset_moves_every_moment_alike(moment: int, minutes: int) -> None:
    offset = f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02}:{abs(minutes) % 60:02}"
    result = converted(VALUE | {"Due__c": moment}, converted__timezone=offset)
    assert result["Due__c"] == moment + minutes * 60_000


@pytest.mark.parametrize(
    ("key", "rules", "hours"),
    [
        ("include.list", "", (2, 2)),
        ("include.list", "topic:orders", (2, 2)),
        ("include.list", "topic:orders:Due__c", (0, 2)),
        ("include.list", "orders:CreatedDate", (2, 0)),
        ("include.list", "orders:CreatedDate, topic:orders:Due__c", (2, 2)),
        ("include.list", "topic:other", (0, 0)),
        ("include.list", "orders:number", (0, 0)),
        ("exclude.list", "topic:orders", (0, 0)),
        ("exclude.list", "topic:orders:Due__c", (2, 0)),
        ("exclude.list", "orders:CreatedDate,orders:Due__c", (0, 0)),
        ("exclude.list", "topic:other,other:Due__c", (2, 2)),
    ],
)
def test_lists(key: str, rules: str, hours: tuple[float, float]) -> None:
    assert moved(**{"converted.timezone": "+02:00", key: rules}) == hours


def test_rules_go_by_each_records_topic() -> None:
    entry = TRANSFORMS[NAME]
    config = {"converted.timezone": "+02:00", "include.list": "topic:a,b:Due__c"}
    transform = entry.make(entry.spec.parse(config), entry.side)
    found = []
    for topic in ("a", "b", "c", "a"):
        record = ConnectRecord(topic, SCHEMA, VALUE)
        transform.apply(record)
        found.append((record.value["CreatedDate"] != WINTER, record.value["Due__c"] != SUMMER))
    assert found == [(True, True), (False, True), (False, False), (True, True)]


@pytest.mark.parametrize(
    ("kind", "name", "value", "result"),
    [
        (Kind.INT64, "Timestamp", WINTER, WINTER - 5 * HOUR),
        (Kind.INT64, "MicroTimestamp", WINTER * 1000 + 7, (WINTER - 5 * HOUR) * 1000 + 7),
        (Kind.INT64, "NanoTimestamp", WINTER * 10**6 + 7, (WINTER - 5 * HOUR) * 10**6 + 7),
        # the example of the documentation, with the offset of Pacific/Easter at the time
        (Kind.STRING, "ZonedTimestamp", "2011-01-11T16:40:30.123456789+00:00",
         "2011-01-11T11:40:30.123456789-05:00"),
        (Kind.STRING, "ZonedTimestamp", "2011-01-11T16:40:30Z", "2011-01-11T11:40:30-05:00"),
        (Kind.INT32, "Date", 19844, 19844),
        (Kind.INT64, "MicroTime", 7, 7),
        (Kind.STRING, "ZonedTime", "10:00:00Z", "10:00:00Z"),
        (Kind.INT64, "Timestamp", None, None),
    ],
)  # fmt: skip
def test_debeziums_own_types(kind: Kind, name: str, value: Any, result: Any) -> None:
    schema = Schema(Kind.STRUCT, fields=(Field("at", typed(kind, f"io.debezium.time.{name}")),))
    assert converted({"at": value}, schema, converted__timezone="America/Bogota") == {"at": result}


def test_utc_is_written_z() -> None:
    schema = Schema(Kind.STRUCT, fields=(Field("at", typed(Kind.STRING, "io.debezium.time.ZonedTimestamp")),))
    assert converted({"at": "2011-01-11T16:40:30.5+02:00"}, schema, converted__timezone="UTC") == {
        "at": "2011-01-11T14:40:30.5Z"
    }
    with pytest.raises(JavaError, match="at holds no timestamp") as caught:
        converted({"at": "secret"}, schema, converted__timezone="UTC")
    assert "secret" not in str(caught.value)


def test_what_has_no_fields_stays() -> None:
    assert converted({"a": WINTER}, None, converted__timezone="+02:00") == {"a": WINTER}
    assert converted(WINTER, STAMP, converted__timezone="+02:00") == WINTER
    with pytest.raises(JavaError, match="CreatedDate is not between the years"):
        converted(VALUE | {"CreatedDate": 1 << 62}, converted__timezone="+02:00")


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("converted.timezone", "", "is needed"),
        ("converted.timezone", "Mars/Olympus", "neither a region"),
        ("converted.timezone", "america/new_york", "neither a region"),
        ("converted.timezone", "../etc/passwd", "neither a region"),
        ("converted.timezone", "+530", "neither a region"),
        ("converted.timezone", "+18:01", "from -18:00 to"),
        ("converted.timezone", "+05:60", "from -18:00 to"),
        ("include.list", "source:customers", "no source block"),
        ("exclude.list", "source:customers:created_at", "no source block"),
        ("include.list", "topic:orders:before.Due__c", "records have no before"),
        ("include.list", "orders:source.ts_ms", "records have no source"),
        ("include.list", "Due__c", "not of the form"),
        ("include.list", "topic:", "not of the form"),
        ("include.list", "topic:a:b:c", "not of the form"),
        ("include.list", "a:", "not of the form"),
    ],
)
def test_mistakes_stand_with_their_property(key: str, value: str, words: str) -> None:
    given = {"transforms": "z", "transforms.z.type": NAME, "transforms.z.converted.timezone": "UTC"}
    with pytest.raises(ConfigurationError) as caught:
        chain_of({**given, f"transforms.z.{key}": value})
    (fault,) = caught.value.faults
    assert fault.key == f"transforms.z.{key}"
    assert words in fault.message


def test_the_zone_is_required_and_only_one_list_is_taken() -> None:
    with pytest.raises(InvalidConfig, match=r"Missing required configuration .converted\.timezone"):
        converted()
    with pytest.raises(InvalidConfig, match="exclude each other"):
        converted(converted__timezone="UTC", include__list="a:b", exclude__list="a:c")


def test_a_machine_without_zones_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(zoneinfo, "available_timezones", set)
    with pytest.raises(InvalidConfig, match="no time zone database; install tzdata"):
        converted(converted__timezone="America/New_York")
    assert moved(converted__timezone="+02:00") == (2, 2)
