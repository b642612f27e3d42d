"""How a sample is shared among partitions, and where a stretch begins and ends."""

import re
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.reading.stretch import Part, StillToComeError, _share, since_of, time_of, until_of

NOW = datetime(2026, 1, 31, 10, tzinfo=UTC)
NOW_MS = int(NOW.timestamp() * 1000)


def test_what_something_happened_since_is_not_still_to_come() -> None:
    for at in (since_of("2026-01-31T11:00:00+01:00", NOW).time_ms, time_of("0s", NOW)):
        assert at == NOW_MS
    for text in ("2026-01-31T10:00:01Z", "2026-01-31T10:00:00-01:00", "9999-12-31"):
        with pytest.raises(StillToComeError, match="is later than now, 2026-01-31T10:00:00Z"):
            since_of(text, NOW)
        with pytest.raises(StillToComeError):
            time_of(text, NOW)
    assert until_of("2026-01-31T11:00:00Z", NOW).time_ms == NOW_MS + 3_600_000
    assert since_of("1200", NOW).offset == 1200
    for text in ("999999999999d", "yesterday", "0001-01-01T00:00:00+14:00"):
        for read in (since_of, until_of):
            with pytest.raises(ValueError, match=re.escape(text)):
                read(text, NOW)
    with pytest.raises(ValueError, match="1200"):
        until_of("1200", NOW)


@given(st.lists(st.integers(1, 50), min_size=1, max_size=8), st.integers(1, 120))
def test_a_sample_is_as_large_as_the_topic_allows_and_alike_for_each_partition(
    sizes: list[int], sample: int
) -> None:
    parts = [Part(partition, 100, 100 + size) for partition, size in enumerate(sizes)]
    _share(parts, sample)
    rooms = [part.room or 0 for part in parts]
    assert sum(rooms) == min(sample, sum(sizes))
    cut = [room for room, size in zip(rooms, sizes, strict=True) if room < size]
    assert not cut or max(rooms) - min(cut) <= 1
