"""Unreadable messages and dead letters: they end the connector or are committed, and their ids move no position."""

from collections.abc import Sequence
from typing import Any

import pytest

from bridge.errors import BadRecord, Fatal
from bridge.event import Delivery, Header, Message, Unreadable
from bridge.kafka.dead_letter import DeadLetters
from tests.support.loop_run import carry, event


@pytest.mark.parametrize("kind", ["bad", "unreadable"])
def test_a_dead_letter_that_its_topic_cannot_take_ends_it_before_the_position_moves(kind: str) -> None:
    bad = [event(2, "bad")] if kind == "bad" else []
    unreadable = [Unreadable(b"{...}", "no data", 2)] if kind == "unreadable" else []
    deliveries = [
        Delivery([event(1)], 1, 0.0, []),
        Delivery(bad, 1, 0.0, unreadable),
        Delivery([event(3)], 1, 0.0, []),
    ]
    pipeline, notes, _ = carry(deliveries, tolerate=True)
    pipeline.policy.dead_letters = DeadLetters("dead", "x", "out", max_bytes=4)
    with pytest.raises(Fatal, match="does not fit into the dead-letter topic dead"):
        pipeline.run()
    assert notes.values() == [1]
    assert notes.positions() == [1]
    assert notes.open == []


@pytest.mark.parametrize("events", [[], [event(5)]])
def test_an_unreadable_message_ends_it_before_anything_of_its_reply_moves_the_position(
    events: list[Message],
) -> None:
    deliveries = [Delivery(events, 1, 0.0, [Unreadable(b"{}", "no data", 4)])]
    pipeline, notes, _ = carry(deliveries)
    with pytest.raises(Fatal, match="event 4"):
        pipeline.run()
    assert notes.positions() == []


def test_the_id_of_an_unreadable_message_moves_nothing() -> None:
    """It may be damaged: an id of 10⁹ once made the position jump, and all that came after it was lost."""
    deliveries = [
        Delivery([event(5)], 1, 0.0, [Unreadable(b"{}", "no data", 10**9)]),
        Delivery([event(11)], 1, 0.0, []),
    ]
    pipeline, notes, _ = carry(deliveries, tolerate=True, max_pending=1)
    pipeline.run()
    assert notes.values() == [5, 11]
    assert notes.positions() == [5, 11]


class Letters:
    """A dead-letter topic."""

    def record(self, raw: bytes, error: BadRecord, came: Sequence[Header] = ()) -> tuple[Any, ...]:
        return ("dead", raw)


def lone(replay_id: int | None) -> Delivery:
    return Delivery([], 1, 0.0, [Unreadable(b"lone", "no data", replay_id)])


@pytest.mark.parametrize("replay_id", [None, 3, 10**9])
def test_an_unreadable_message_alone_in_its_reply_is_committed(replay_id: int | None) -> None:
    pipeline, notes, stats = carry(
        [Delivery([event(5)], 1, 0.0, []), lone(replay_id)], tolerate=True, max_pending=1
    )
    pipeline.policy.dead_letters = Letters()
    pipeline.run()
    assert [[args[0] for args in one] for one in notes.transactions] == [
        ["out", "offsets"],
        ["dead", "offsets"],
    ]
    assert notes.positions() == [5, 5]
    assert stats.events_delivered == 2


def test_an_unreadable_message_before_the_first_event_is_committed_without_a_position() -> None:
    pipeline, notes, _ = carry([lone(7)], tolerate=True)
    pipeline.policy.dead_letters = Letters()
    pipeline.run()
    assert notes.transactions == [[("dead", b"lone"), None]]
