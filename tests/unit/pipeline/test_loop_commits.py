"""When the pipeline commits: a single event at once, a stream when it pauses or is due."""

import threading
import time
from collections.abc import Callable

from bridge.buffer import Buffer
from bridge.event import Delivery
from bridge.pipeline.loop import Limits
from bridge.source import Ended
from tests.support.bridge_run import wait_until
from tests.support.loop_run import Notes, carry, event

After = Callable[[int, Notes], None]  # what is done after so many deliveries


def sizes_of_transactions(sizes: list[int], after: After, interval: float = 60) -> list[int]:
    """How many records each transaction had, when deliveries of these sizes came one after the other."""
    pipeline, notes, _ = carry([])
    pipeline.buffer = Buffer(10**6, 10**9)
    pipeline.limits = Limits(interval=interval)
    thread = threading.Thread(target=pipeline.run, daemon=True)
    thread.start()
    for number, size in enumerate(sizes):
        first = 1 + sum(sizes[:number])
        pipeline.buffer.put(Delivery([event(first + n) for n in range(size)], 1, 0.0, []))
        after(number + 1, notes)
    pipeline.buffer.put(Ended())
    thread.join(30)
    return [len(one) - 1 for one in notes.transactions]


def a_commit_each(count: int, notes: Notes) -> None:
    wait_until(lambda: len(notes.transactions) == count, 30)


def a_moment(count: int, notes: Notes) -> None:
    time.sleep(0.001)


def test_a_single_event_is_committed_at_once() -> None:
    assert sizes_of_transactions([1] * 5, a_commit_each) == [1] * 5


def test_a_transaction_begins_when_the_one_before_is_over() -> None:
    """A single event waits for that; a reply of a stream, and at least once, do not."""
    pipeline, notes, _ = carry([Delivery([event(1)], 1, 0.0, [])])
    notes.transactional_id = "t"
    over = pipeline._committed_at = time.monotonic() + 0.2
    pipeline.run()
    assert time.monotonic() >= over
    assert len(notes.transactions) == 1
    for size, transactional in ((400, "t"), (1, None)):
        pipeline, notes, _ = carry([Delivery([event(n) for n in range(size)], 1, 0.0, [])])
        notes.transactional_id = transactional
        pipeline._committed_at = time.monotonic() + 600  # it would wait for minutes
        pipeline.run()
        assert len(notes.transactions) == 1


def test_a_stream_that_pauses_is_committed_in_the_pause() -> None:
    assert sizes_of_transactions([400] * 3, a_commit_each) == [400] * 3


def test_a_stream_is_not_committed_between_any_two_replies() -> None:
    found = sizes_of_transactions([400] * 40, a_moment)
    assert sum(found) == 400 * 40
    assert len(found) < 20


def test_a_stream_is_committed_when_it_is_due() -> None:
    assert sizes_of_transactions([400] * 3, a_moment, interval=0) == [400] * 3
