from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.formats.times import EPOCH, Days, ms_of, parse_day, parse_moment

MILLISECOND = timedelta(milliseconds=1)


@settings(deadline=None)
@given(st.dates())
def test_a_day_is_what_the_standard_library_says(day: date) -> None:
    assert parse_day(day.isoformat()) == (day - date(1970, 1, 1)).days


@settings(deadline=None)
@given(st.datetimes(timezones=st.just(UTC)), st.integers(-720, 720))
def test_a_moment_is_what_the_standard_library_says(moment: datetime, minutes: int) -> None:
    sign = "-" if minutes < 0 else "+"
    zone = f"{sign}{abs(minutes) // 60:02d}{abs(minutes) % 60:02d}"
    text = moment.replace(tzinfo=None).isoformat(timespec="milliseconds") + zone
    exact = (moment - EPOCH) // MILLISECOND
    assert parse_moment(text) == exact - minutes * 60_000


@pytest.mark.parametrize(
    ("text", "ms"),
    [
        ("1970-01-01T00:00:00Z", 0),
        ("1969-12-31T23:59:59.999Z", -1),
        ("2024-08-07T12:12:19", 1723032739000),
        ("2024-08-07T12:12:19.0789Z", 1723032739078),
        ("10000-01-01T00:00:00.000Z", 253402300800000),
        ("0001-01-01T00:00:00Z", -62135596800000),
    ],
)
def test_moments_at_the_edges(text: str, ms: int) -> None:
    assert parse_moment(text) == ms


@pytest.mark.parametrize(
    "text",
    ["", "2024-08", "2024-02-30T00:00:00Z", "2024-08-07T24:00:00Z", "2024-08-07", "now", "2024-08-07T1:2:3Z"],
)
def test_what_is_no_moment_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        parse_moment(text)


@pytest.mark.parametrize("text", ["", "2024-13-01", "2023-02-29", "24-01-01", "2024-08-09 or so "])
def test_what_is_no_day_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        parse_day(text if text != "2024-08-09 or so " else "2024-08-09or")


def test_days_forgets_before_it_grows_without_end() -> None:
    days = Days()
    start = date(1, 1, 1)
    for n in range(10_000):
        assert days[(start + timedelta(days=n)).isoformat()] == n - 719162
    assert len(days) < 9_000
    assert days[None] is None


@settings(deadline=None)
@given(st.datetimes(timezones=st.just(UTC)))
def test_a_datetime_is_its_milliseconds_rounded_down(moment: datetime) -> None:
    assert ms_of(moment) == (moment - EPOCH) // MILLISECOND
