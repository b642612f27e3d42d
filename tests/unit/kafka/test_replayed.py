"""Which letters were replayed, as one record says it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from attrs import frozen
from hypothesis import given
from hypothesis import strategies as st

from bridge.kafka.replayed import Replayed, replayed_key


@frozen
class Stored:
    """A record of the offsets topic."""

    content: bytes | None
    name: bytes = replayed_key("c")
    at: int = 1
    part: int = 0

    def key(self) -> bytes:
        return self.name

    def value(self) -> bytes | None:
        return self.content

    def timestamp(self) -> tuple[int, int]:
        return 1, self.at

    def partition(self) -> int:
        return self.part

    def offset(self) -> int:
        return 0

    def topic(self) -> str:
        return "offsets"


def told(*records: Any, topic_id: str | None = "t1") -> Replayed:
    found = Replayed("c", "dead", topic_id)
    for record in records:
        found.take(record)
    return found


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 60))), st.randoms())
def test_what_is_marked_is_known_and_nothing_else(places: list[tuple[int, int]], order: Any) -> None:
    found = told()
    for partition, offset in places:
        found.mark(partition, offset, offset)
    again = told(Stored(found.value()))
    for partition in range(3):
        for offset in range(62):
            assert again.has(partition, offset) is ((partition, offset) in places)


def test_letters_in_a_row_are_one_range_over_the_marks_of_transactions() -> None:
    found = told()
    for before, offset in ((-1, 0), (0, 1), (1, 5), (5, 7)):
        found.mark(0, before + 1, offset)
    assert json.loads(found.value())["topics"] == [{"topic": "dead", "id": "t1", "done": {"0": [[0, 7]]}}]


def test_another_topic_is_kept_and_a_topic_made_anew_begins_anew() -> None:
    old = told()
    old.mark(0, 3, 3)
    anew = told(Stored(old.value()), topic_id="t2")
    assert not anew.has(0, 3)
    other = Replayed("c", "elsewhere", "t9")
    other.take(Stored(old.value()))
    other.mark(0, 1, 1)
    assert [one["topic"] for one in json.loads(other.value())["topics"]] == ["dead", "elsewhere"]
    assert told(Stored(other.value())).has(0, 3)


def test_a_broker_that_tells_no_id_takes_nothing_away() -> None:
    old = told()
    old.mark(0, 3, 3)
    assert told(Stored(old.value()), topic_id=None).has(0, 3)


@pytest.mark.parametrize(
    "content", [b"no json", b'{"topics":[{"topic":"dead","done":{"x":[[0,1]]}}]}', b"[]"]
)
def test_a_value_that_is_none_marks_nothing_and_is_named(
    content: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    assert not told(Stored(content)).has(0, 0)
    assert "bridge-letters-c" in caplog.text


def test_the_record_that_was_written_last_counts() -> None:
    one, two = told(), told()
    one.mark(0, 1, 1)
    two.mark(0, 2, 2)
    found = told(Stored(two.value(), at=9, part=1), Stored(one.value(), at=5, part=0))
    assert (found.has(0, 1), found.has(0, 2)) == (False, True)
    assert not told(Stored(one.value()), Stored(None, at=2)).has(0, 1)
    assert not told(Stored(one.value(), name=replayed_key("other"))).has(0, 1)
