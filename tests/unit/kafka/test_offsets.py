"""What a position topic may hold: positions of ours, and whatever others have written there."""

from __future__ import annotations

import io
import time
from typing import Any

import pytest
from attrs import frozen

from bridge.counts import FOREIGN_RECORDS
from bridge.kafka.offsets import (
    HIGHEST,
    LATEST_MS,
    NoPosition,
    Position,
    Stored,
    position_headers,
    position_key,
    raw_headers,
    start_key,
)
from bridge.progress import digest

KEY = position_key("orders")
NESTED = b"[" * 3000 + b"]" * 3000


@frozen
class Message:
    """A record as the client hands it over."""

    _key: Any
    _value: Any
    _headers: Any = None
    _offset: int = 7
    _at: int = 1_700_000_000_000
    _partition: int = 0

    def key(self) -> Any:
        return self._key

    def value(self) -> Any:
        return self._value

    def headers(self) -> Any:
        return self._headers

    def offset(self) -> int:
        return self._offset

    def partition(self) -> int:
        return self._partition

    def timestamp(self) -> tuple[int, int]:
        return 1, self._at


def stored(*messages: Any) -> Position:
    holding = Stored("orders", "offsets")
    for message in messages:
        holding.take(message)
    return holding.position()


@pytest.mark.parametrize("key", [KEY, b'[ "orders" , {} ]', b'["\\u006frders",{}]'])
def test_a_position_is_read_whoever_spelled_its_key(key: bytes) -> None:
    assert stored(Message(key, b'{"replayId":4711}')).replay_id == 4711


@pytest.mark.parametrize(
    "key",
    [
        b"", b"\xff", b"[", NESTED, b'["orders",{"a":1}]', b'["orders",' + NESTED + b"]", b'["other",{}]', b"1e999",
        b'["orders",{}]' + b" " * 5000 + b"x", b'"orders"', b"null", b"[NaN]", None,
    ],
)  # fmt: skip
def test_other_keys_are_others(key: bytes | None, log_lines: io.StringIO) -> None:
    assert stored(Message(key, b"\xff")) == Position()
    assert log_lines.getvalue() == ""


@pytest.mark.parametrize(
    "value",
    [
        b"", b"{}", b"null", b"4711", b'"4711"', b"[1]", b'{"replayId":null}', b'{"replayId":1e999}',
        b'{"replayId":-3}', b'{"replayId":"-5"}', b'{"replayId":1.5}', b'{"replayId":true}', b'{"replayId":NaN}',
        b'{"replayId":9223372036854775808}', b'{"replayId":"x"}', b'{"replayId":"' + b"9" * 5000 + b'"}',
        b'{"replayId":' + b"9" * 5000 + b"}", b'{"replayId":' + NESTED + b"}", b"\xff\xfe", NESTED,
    ],
)  # fmt: skip
def test_what_is_no_position_names_the_place_and_the_remedy(value: bytes) -> None:
    with pytest.raises(NoPosition) as refused:
        stored(Message(KEY, value, offset=1234, partition=3))
    for part in ("orders", "topic offsets", "partition 3", "offset 1234", "sfbridge offsets set"):
        assert part in refused.value.message
    assert len(refused.value.message) < 500
    # What is written over it heals it, and so does a tombstone.
    assert stored(Message(KEY, value), Message(KEY, b'{"replayId":1}')).replay_id == 1
    assert stored(Message(KEY, value), Message(KEY, None)).replay_id is None


def test_a_position_as_text_is_one() -> None:
    assert stored(Message(KEY, b'{"replayId":"4711"}')).replay_id == 4711


@pytest.mark.parametrize(
    ("value", "option", "initial"), [(b"-1", -1, "latest"), (b"-2", -2, "all"), (b'"-2"', -2, "all")]
)
def test_a_replay_option_in_place_of_an_id_is_a_start(value: bytes, option: int, initial: str) -> None:
    since = Message(start_key("orders"), b'{"since":1234}')
    position = stored(since, Message(KEY, b'{"replayId":%b}' % value))
    assert (position.replay_id, position.stored, position.initial) == (None, option, initial)
    assert position.since_ms == (1234 if initial == "latest" else None)


def test_the_highest_replay_id_is_one() -> None:
    assert stored(Message(KEY, b'{"replayId":%d}' % HIGHEST)).replay_id == HIGHEST


@pytest.mark.parametrize("value", [None, b"", b"\xff", b"x", b"-1", b"1e999", b"9" * 30, b"9" * 5000])
@pytest.mark.parametrize("name", ["bridge-org-id", "bridge-event-uuid", "bridge-created"])
def test_a_broken_header_is_ignored_with_one_line(
    name: str, value: bytes | None, log_lines: io.StringIO
) -> None:
    position = stored(Message(KEY, b'{"replayId":5}', [(name, value), ("foreign", None)]))
    assert position.replay_id == 5
    assert position.created_ms is None
    texts = value not in (None, b"", b"\xff")
    broken = name == "bridge-created" or not texts
    assert log_lines.getvalue().count(name) == broken
    assert log_lines.getvalue().count("\n") == broken


def test_headers_say_more() -> None:
    headers = [("bridge-org-id", b"00D"), ("bridge-event-uuid", b"u"), ("bridge-created", b"%d" % LATEST_MS)]
    position = stored(Message(KEY, b'{"replayId":5}', headers))
    assert (position.org_id, position.event_uuid, position.created_ms) == ("00D", "u", LATEST_MS)


ONE, TWO = digest("one"), digest("two")
NOW = int(time.time() * 1000)


def resumption(*headers: tuple[str, bytes], at: int = NOW) -> tuple[int | None, tuple[bytes, ...]]:
    position = stored(Message(KEY, b'{"replayId":9}', list(headers), at=at))
    assert position.replay_id == 9
    return position.resume_after, position.done


def test_headers_say_after_which_id_to_resume_and_what_to_pass_over() -> None:
    assert resumption(*position_headers("00D", None, None, 7, [ONE, TWO])) == (7, (ONE, TWO))
    assert resumption(*position_headers("00D", None, None, 7)) == (7, ())
    assert resumption(*position_headers("00D", None, None)) == (None, ())


def test_headers_hold_ids_as_they_came_and_the_last_event_s() -> None:
    def of(*headers: tuple[str, bytes]) -> tuple[bytes | None, bytes | None, int | None]:
        position = stored(Message(KEY, b'{"replayId":9}', list(headers)))
        return position.raw, position.resume_raw, position.event_id

    assert of(*raw_headers(b"nine", b"seven", 5)) == (b"nine", b"seven", 5)
    assert of(*raw_headers(b"nine", None, None)) == (b"nine", None, None)
    assert of(("bridge-replay-bytes", b"x" * 300), ("bridge-event-id", b"-1")) == (None, None, None)


@pytest.mark.parametrize(
    "after", [b"", b"-1", b"-3", b"x", b"1e3", b"9", b"10", b" 7", b"9" * 30, b"9" * 5000, b"\xff"]
)
def test_a_broken_id_to_resume_after_is_none(after: bytes) -> None:
    assert resumption(("bridge-resume-after", after), ("bridge-done", ONE)) == (None, ())


@pytest.mark.parametrize("done", [b"", b"x", ONE + b"x", ONE[:-1]])
def test_with_a_broken_list_of_what_is_done_the_value_counts(done: bytes) -> None:
    assert resumption(("bridge-resume-after", b"7"), ("bridge-done", done)) == (None, ())


def test_all_retained_events_are_asked_for_only_while_the_position_is_retained() -> None:
    headers = [("bridge-resume-after", b"-2"), ("bridge-done", ONE)]
    assert resumption(*headers) == (-2, (ONE,))
    assert resumption(*headers, at=NOW - 73 * 3_600_000) == (None, ())


@pytest.mark.parametrize("at", [-1, -(2**63), 2**63 - 1, LATEST_MS + 1])
def test_a_record_s_own_time_may_be_nonsense(at: int) -> None:
    assert stored(Message(KEY, b'{"replayId":5}', at=at)).committed_ms is None


@pytest.mark.parametrize(
    "value", [b"", b'{"since":1e999}', b'{"since":-1}', b'{"since":"x"}', NESTED, b"\xff"]
)
def test_a_broken_start_is_passed_over_counted_and_named(value: bytes, log_lines: io.StringIO) -> None:
    before = FOREIGN_RECORDS.by_label().get("offsets", 0)
    good = Message(start_key("orders"), b'{"since":1700000000000}')
    assert stored(good, Message(start_key("orders"), value, offset=9)).since_ms == 1_700_000_000_000
    assert FOREIGN_RECORDS.by_label()["offsets"] == before + 1
    assert log_lines.getvalue().count("\n") == 1
    assert "offset 9" in log_lines.getvalue()
