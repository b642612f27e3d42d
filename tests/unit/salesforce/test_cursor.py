"""The cursor against a model: every event once, wherever sessions are cut and whatever comes again."""

from __future__ import annotations

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.event import Data, Head, Message, Unreadable
from bridge.salesforce.cursor import Cursor, Start


def message(replay_id: int, uuid: str | None = None, created: str | None = None) -> Message:
    payload = msgspec.json.encode({"CreatedDate": created} if created else {})
    return Message("/event/X__e", Data(msgspec.Raw(payload), Head(replay_id, uuid)))


def taken(cursor: Cursor, *events: Message, unreadable: list[Unreadable] | None = None) -> list[int]:
    accepted, _ = cursor.accept(list(events), unreadable or [])
    return [m.data.event.replayId for m in accepted if m.data is not None]


@settings(max_examples=300, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 30), st.integers(1, 12), st.randoms()), max_size=20))
def test_every_event_once_in_order_within_a_reply(sessions: list[tuple[int, int, object]]) -> None:
    """A log of ids 0…59; each session begins after the cursor or a little before, and is cut somewhere."""
    cursor = Cursor(Start(initial="all"), recent=100)
    got: list[int] = []
    for back, count, random in sessions:
        begin = max(0, (cursor.after if cursor.after is not None else -1) + 1 - back)
        reply = [message(n, f"u{n}") for n in range(begin, min(60, begin + count))]
        random.shuffle(reply)  # type: ignore[attr-defined]
        new = taken(cursor, *reply)
        assert new == sorted(new)
        got += new
    assert got == list(range(len(got)))
    assert cursor.subscribe_from() == (got[-1] if got else -2)


def test_only_recent_ids_are_remembered() -> None:
    cursor = Cursor(Start(initial="all"), recent=10)
    for n in range(0, 1000, 5):
        assert len(taken(cursor, *[message(m) for m in range(n, n + 5)])) == 5
    assert 10 <= len(cursor._recent) < 10 + 400 + 5
    assert taken(cursor, *[message(n) for n in range(990, 1000)]) == []
    assert taken(cursor, message(3)) == [3], "too long ago to know: better twice than never"
    assert cursor.after == 999


def test_equal_ids_with_different_uuids_are_different_events() -> None:
    cursor = Cursor(Start(initial="all"))
    assert taken(cursor, message(1, "a"), message(1, "b"), message(1, "b")) == [1, 1]
    assert taken(cursor, message(1, "b"), message(1)) == []
    assert taken(cursor, message(2)) == [2]
    assert taken(cursor, message(2, "x")) == []
    assert cursor.duplicates == 4


def test_unreadable_messages_count_by_their_id() -> None:
    cursor = Cursor(Start(initial="all"))
    bad = Unreadable(b"x", "y", 5)
    events, unreadable = cursor.accept([message(4)], [bad])
    assert (len(events), unreadable, cursor.after) == (1, [bad], 5)
    assert cursor.accept([], [bad]) == ([], [])
    nameless = Unreadable(b"x", "y")
    assert cursor.accept([], [nameless]) == ([], [nameless])
    assert cursor.after == 5


def test_an_event_without_a_date_is_not_passed_over() -> None:
    cursor = Cursor(Start(since_ms=1_000_000_000_000))
    assert cursor.subscribe_from() == -2
    old, new = "2001-09-09T01:46:39Z", "2001-09-09T01:46:40Z"
    assert taken(cursor, message(2, created=old), message(1, created=old)) == []
    early = Unreadable(b"x", "y", 3)
    late = Unreadable(b"x", "y", 6)
    events, unreadable = cursor.accept([message(4, created=old), message(5, created=new)], [early, late])
    assert ([m.data.event.replayId for m in events if m.data], unreadable) == ([5], [late])
    assert taken(cursor, message(7, created=old)) == [7], "behind one that is new enough"
    assert cursor.skipped == 4
    other = Cursor(Start(since_ms=1_000_000_000_000))
    other.subscribe_from()
    assert taken(other, message(1, created=old), message(2), message(3, created=old)) == [2, 3]
