"""The cursor against a model: every event once, wherever sessions are cut and whatever comes again."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.event import Data, Head, Message, Unreadable
from bridge.progress import Progress
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
        cursor.subscribe_from()
        reply = [message(n, f"u{n}") for n in range(begin, min(60, begin + count))]
        random.shuffle(reply)  # type: ignore[attr-defined]
        new = taken(cursor, *reply)
        assert new == sorted(new)
        got += new
    assert got == list(range(len(got)))
    assert cursor.subscribe_from() == (got[-2] if len(got) > 1 else -2)


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


def test_an_unreadable_message_comes_once_and_its_id_moves_nothing() -> None:
    cursor = Cursor(Start(initial="all"))
    bad = Unreadable(b"x", "y", 5)
    events, unreadable = cursor.accept([message(4)], [bad])
    assert (len(events), unreadable, cursor.after) == (1, [bad], 4)
    assert cursor.accept([], [bad]) == ([], [])
    other = Unreadable(b"another", "y", 5)
    assert cursor.accept([], [other]) == ([], [other])
    nameless = Unreadable(b"nameless", "y")
    assert cursor.accept([], [nameless]) == ([], [nameless])
    assert cursor.accept([], [nameless]) == ([], [nameless]), "nothing says that it is the same"
    assert cursor.accept([message(8, "c")], []) != ([], [])
    cursor.subscribe_from()
    assert cursor.accept([message(8, "c")], [nameless]) == ([], []), "it comes again with the newest"
    assert cursor.accept([message(9, "d")], [nameless])[1] == []
    assert cursor.accept([], [nameless]) == ([], [nameless])
    assert taken(cursor, message(5, "a")) == [5], "its id does not hide the event that really has it"


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


@pytest.mark.parametrize("start", [Start(5), Start(5, resume_after=4), Start(initial="all")])
def test_an_event_without_a_name_that_comes_after_a_gap_is_another_one(start: Start) -> None:
    cursor = Cursor(start)
    assert taken(cursor, message(5), message(6)) == ([6] if start.replay_id else [5, 6])
    cursor.expired(start_at="all")
    assert taken(cursor, message(5), message(6), message(7)) == [5, 6, 7]
    assert taken(cursor, message(6)) == []


def test_an_event_with_a_name_is_recognised_after_a_gap() -> None:
    cursor = Cursor(Start(initial="all"))
    assert taken(cursor, message(5, "a"), message(6, "b")) == [5, 6]
    cursor.expired(start_at="all")
    assert taken(cursor, message(5, "a"), message(6, "another")) == [6]


# ---- several events under one replay id ---------------------------------------------------------------------


def change(replay_id: int, record: str, number: int = 1, **fields: object) -> Message:
    """A change event without EventUuid."""
    header = {"transactionKey": "t", "sequenceNumber": number, "entityName": "Account", "recordIds": [record]}
    payload = msgspec.json.encode({"ChangeEventHeader": header, **fields})
    return Message("/data/X__chn", Data(msgspec.Raw(payload), Head(replay_id)))


def resumed(progress: Progress) -> Cursor:
    """After a restart, with what a position record keeps."""
    cursor = Cursor(Start(progress.newest, resume_after=progress.before, done=tuple(progress.done())))
    cursor.subscribe_from()
    return cursor


def log_of(sizes: list[int], named: bool) -> list[Message]:
    """Groups of these sizes, ids 0, 2, 4…"""
    return [
        message(2 * at, f"{at}-{n}") if named else change(2 * at, f"{at}-{n}")
        for at, size in enumerate(sizes)
        for n in range(size)
    ]


def identity(one: Message) -> object:
    assert one.data is not None
    return one.data.event.replayId, one.data.name()


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.integers(1, 5), min_size=1, max_size=12),
    st.lists(st.tuples(st.integers(0, 7), st.integers(0, 7), st.booleans()), max_size=30),
    st.booleans(),
)
def test_groups_of_one_id_come_once_wherever_replies_sessions_and_processes_end(
    sizes: list[int], steps: list[tuple[int, int, bool]], named: bool
) -> None:
    """Each session receives so many events in one reply; so many of those are delivered before the process ends,
    or all of them before only the session does."""
    log, got = log_of(sizes, named), list[object]()
    cursor, delivered = Cursor(Start(initial="all")), Progress()
    for count, until, restart in [*steps, *[(10**6, 10**6, False)] * 2]:
        after = cursor.subscribe_from()
        at = next((n for n, one in enumerate(log) if identity(one)[0] > after), len(log))  # type: ignore[index]
        for begin in (at, at + count):
            new, _ = cursor.accept(log[begin : begin + count], [])
            done = min(until, len(new)) if restart else len(new)
            delivered.advance(new, 0, done)
            got += [identity(one) for one in new[:done]]
            if done < len(new):
                break
        if restart:
            delivered = Progress.resumed(
                None if delivered.newest < 0 else delivered.newest, delivered.before, delivered.done()
            )
            cursor = resumed(delivered) if delivered.newest >= 0 else Cursor(Start(initial="all"))
    assert got == [identity(one) for one in log]


def test_a_group_of_250_is_resumed_from_4_kilobytes() -> None:
    log = [message(1, "first"), *[message(2, f"u{n}") for n in range(250)]]
    progress = Progress()
    progress.advance(log, 0, 201)
    assert (progress.newest, progress.before, len(b"".join(progress.done()))) == (2, 1, 200 * 16)
    cursor = resumed(progress)
    assert cursor.subscribe_from() == 1
    assert len(taken(cursor, *log[1:])) == 50
    assert cursor.duplicates == 200


def test_the_enriched_payload_is_no_part_of_an_event_s_name() -> None:
    cursor = Cursor(Start(initial="all"))
    assert taken(cursor, change(5, "001A", Name="old"), change(5, "001B")) == [5, 5]
    assert taken(cursor, change(5, "001A", Name="new"), change(5, "001B"), change(5, "001C")) == [5]


def test_a_late_event_with_a_lower_id_comes_once_across_a_restart() -> None:
    progress, late = Progress(), message(6, "late")
    log = [message(5, "a"), message(8, "b")]
    progress.advance(log, 0, 2)
    progress.advance([late], 0, 1)
    assert (progress.newest, progress.before, progress.lower) == (8, 5, 1)
    assert taken(resumed(progress), log[1], late, message(9, "c")) == [9]
    progress.advance([message(9, "c")], 0, 1)
    assert taken(resumed(progress), late, message(9, "c"), message(6, "another"), message(10, "d")) == [6, 10]


def test_a_position_on_the_first_event_ever_is_resumed_without_what_lies_before_it() -> None:
    progress = Progress()
    progress.advance([message(7, "a")], 0, 1)
    cursor = resumed(progress)
    assert cursor.subscribe_from() == -2
    old = [message(n, f"old{n}") for n in range(5)]
    assert taken(cursor, *old) == []
    assert taken(cursor, *old, message(7, "a"), message(7, "b"), message(8, "c")) == [7, 8]
    assert taken(cursor, message(3, "late")) == [3], "only what came before the start is passed over"


def test_a_position_without_the_headers_is_resumed_after_its_value() -> None:
    cursor = Cursor(Start(7))
    assert cursor.subscribe_from() == 7
    assert taken(cursor, message(7, "a"), message(8, "b")) == [8]
    assert cursor.subscribe_from() == 7


def test_of_a_committed_event_that_nothing_identifies_only_the_id_is_known() -> None:
    progress = Progress()
    progress.advance([message(5), message(6)], 0, 2)
    assert taken(resumed(progress), message(6), message(7)) == [7]


def test_an_unreadable_message_that_was_put_aside_is_not_put_aside_again_after_a_restart() -> None:
    progress, bad = Progress(), Unreadable(b"x", "y", 10**9)
    progress.advance([message(5, "a"), message(6, "b")], 0, 2)
    progress.pass_by(bad)
    other = Unreadable(b"z", "y", 7)
    assert resumed(progress).accept([message(6, "b")], [bad, other]) == ([], [other])


def test_the_id_before_may_be_gone_while_the_newest_is_not() -> None:
    progress = Progress()
    progress.advance([message(5, "a"), message(6, "b")], 0, 2)
    cursor = resumed(progress)
    assert cursor.subscribe_from() == 5
    assert cursor.stand_on_newest()
    assert cursor.subscribe_from() == 6
    assert not cursor.stand_on_newest(), "now it is the position itself that is refused"


def test_a_start_at_latest_goes_by_the_commit_of_a_change_not_by_its_records_creation() -> None:
    def committed(replay_id: int, ms: int, created: str | None = None) -> Message:
        header = {"transactionKey": "t", "sequenceNumber": replay_id, "commitTimestamp": ms}
        payload = msgspec.json.encode({"ChangeEventHeader": header, "CreatedDate": created})
        return Message("/data/XChangeEvent", Data(msgspec.Raw(payload), Head(replay_id)))

    start = 1_767_600_000_000
    cursor = Cursor(Start(initial="latest"))
    cursor.subscribe_from()
    cursor.subscribed_new_only(start)
    assert cursor.subscribe_from() == -2, "all retained, to pass over what is older"
    old = committed(1, start - 60_000, "2099-01-01T00:00:00Z")
    new = [committed(2, start + 60_000, "2001-01-01T00:00:00Z"), committed(3, start + 60_000)]
    assert taken(cursor, old, *new) == [2, 3]
