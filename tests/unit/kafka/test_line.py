"""How many bytes a transaction may hold, simulated: lines of any speed, events of any size."""

from __future__ import annotations

import pytest
from attrs import define
from hypothesis import given
from hypothesis import strategies as st

from bridge.errors import Retriable, Stage
from bridge.event import Delivery, Message, Unreadable
from bridge.kafka.line import FIRST, MOST, MOST_OF_ALL, QUICK, Line

WHY = Retriable("producing: Kafka did not acknowledge records in time", stage=Stage.PRODUCE)
KEY = "producer.transaction.timeout.ms"


@define
class Simulated:
    """A line that takes ``rate`` bytes a second, and events of ``event`` bytes; counts its failures in a row."""

    line: Line
    rate: float
    event: int
    failures: int = 0
    committed: int = 0

    def run(self, transactions: int) -> list[int]:
        sizes = []
        for _ in range(transactions):
            records = max(1, self.line.open_bytes // self.event)
            size = records * self.event
            seconds = size / self.rate
            if seconds <= self.line.timeout_in_force:
                self.line.passed(size, seconds)
                self.committed += records
            else:
                taken = int(self.line.timeout_in_force * self.rate / self.event)
                self.line.failed(WHY, size, records, taken, self.line.timeout_in_force)
                self.failures += 1
            sizes.append(size)
        return sizes


@pytest.mark.parametrize(
    ("rate", "most"), [(20e6, MOST), (60e6, 60e6 * QUICK), (100e6, 100e6 * QUICK), (1e9, MOST_OF_ALL)]
)
def test_a_fast_line_is_soon_used_in_full(rate: float, most: float) -> None:
    run = Simulated(Line(9.0, KEY), rate, 600)
    sizes = run.run(8)
    assert sizes[0] <= FIRST
    assert sizes[-1] >= 0.99 * MOST
    assert run.run(40)[-1] == pytest.approx(most, rel=0.01)
    assert run.failures == 0


@given(st.floats(2e3, 1e9), st.integers(200, 1_000_000))
def test_whatever_the_line_takes_gets_through(rate: float, event: int) -> None:
    """Ten failures at most, and nine of ten transactions pass in the end."""
    run = Simulated(Line(9.0, KEY), rate, event)
    run.run(60)
    failures = run.failures
    assert failures <= 10
    before = run.committed
    run.run(20)
    assert run.failures - failures <= 2
    assert run.committed - before >= 18


def test_a_line_that_gets_slower_is_noticed_before_a_transaction_fails() -> None:
    run = Simulated(Line(9.0, KEY), 50e6, 20_000)
    run.run(10)
    run.rate = 2e6
    run.run(10)
    assert run.failures == 0
    assert run.line.open_bytes <= 4e6


def test_a_time_that_somebody_set_is_not_raised() -> None:
    line = Line(9.0, KEY, fixed=True)
    said = line.failed(WHY, 1_000_000, 1, 0, 9.0).message
    assert line.timeout_in_force == 9.0
    assert said.endswith(f"in the 9 s that {KEY} allows; they are one record: raise it")


def test_a_broker_that_allows_no_longer_transaction_is_believed() -> None:
    line = Line(9.0, KEY, longest=12.0)
    assert "one record gets 12 s next time" in line.failed(WHY, 1_000_000, 1, 0, 9.0).message
    assert line.failed(WHY, 1_000_000, 1, 0, 12.0).message.endswith("they are one record: raise it")


def test_a_single_record_gets_more_time_until_it_is_quick_again() -> None:
    line = Line(9.0, KEY)
    assert "one record gets 18 s next time" in line.failed(WHY, 1_000_000, 1, 0, 9.0).message
    assert line.timeout_in_force == 18.0
    line.passed(1_000_000, 12.0)
    assert line.timeout_in_force == 18.0
    line.passed(1_000_000, 1.0)
    assert line.timeout_in_force == 9.0


def test_the_sentence_names_what_failed_what_bounds_it_and_what_comes_next() -> None:
    said = Line(9.0, KEY).failed(WHY, 30_000_000, 1_500, 450, 9.0).message
    assert said == (
        "producing: Kafka did not acknowledge records in time: 1500 records of 30.00 MB did not get through in the 9 s "
        f"that {KEY} allows; the next transactions hold 0.26 MB, or one record"
    )


@given(st.integers(0, 50), st.integers(0, 10_000), st.integers(1, 20_000), st.integers(0, 2))
def test_a_delivery_splits_into_all_of_its_events_in_order(
    events: int, size: int, most: int, bad: int
) -> None:
    whole = Delivery([Message(str(n)) for n in range(events)], size, 1.0, [Unreadable(b"", "x")] * bad)
    rest: Delivery | None = whole
    parts = []
    while rest is not None:
        part, rest = rest.split(most)
        parts.append(part)
    assert [m.channel for part in parts for m in part.events] == [m.channel for m in whole.events]
    assert sum(part.size for part in parts) == size
    assert [len(part.unreadable) for part in parts] == [0] * (len(parts) - 1) + [bad]
