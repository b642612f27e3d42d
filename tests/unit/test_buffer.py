"""The buffer: order kept, nothing lost, full means waiting."""

import threading
import time

from hypothesis import given
from hypothesis import strategies as st

from bridge.buffer import Buffer
from bridge.event import Delivery, Unreadable


def delivery(events: int, size: int = 1) -> Delivery:
    return Delivery([], size, 0.0, [Unreadable(b"", "x", i) for i in range(events)])


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 100))))
def test_what_goes_in_comes_out_in_order_and_is_counted(sizes: list[tuple[int, int]]) -> None:
    buffer = Buffer(10, 100)
    deliveries = [delivery(events, size) for events, size in sizes]
    for one in deliveries:
        buffer.put(one)
    assert buffer.events == sum(events for events, _ in sizes)
    assert buffer.bytes == sum(size for _, size in sizes)
    assert buffer.has_room() == (buffer.events < 10 and buffer.bytes < 100)
    assert [buffer.get(0) for _ in deliveries] == deliveries
    assert buffer.get(0) is None
    assert (buffer.events, buffer.bytes) == (0, 0)


def test_full_waits_until_something_is_taken() -> None:
    buffer = Buffer(2, 1000)
    buffer.put(delivery(3))
    assert not buffer.wait_for_room(0.05)
    threading.Timer(0.05, lambda: buffer.get(0)).start()
    started = time.monotonic()
    assert buffer.wait_for_room(5)
    assert time.monotonic() - started < 2


def test_full_in_bytes_is_full() -> None:
    buffer = Buffer(1000, 10)
    buffer.put(delivery(1, size=10))
    assert not buffer.has_room()


def test_closing_wakes_both_sides_and_keeps_what_is_there() -> None:
    buffer = Buffer(1, 1)
    threading.Timer(0.05, buffer.close).start()
    assert buffer.get(5) is None
    last = delivery(1)
    buffer.put(last)
    assert not buffer.wait_for_room(5)
    assert buffer.get(5) is last
