"""How a sample is shared among partitions."""

from hypothesis import given
from hypothesis import strategies as st

from bridge.reading.stretch import Part, _share


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
