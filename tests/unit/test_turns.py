"""So many at a time, in order, and what hangs holds nobody up."""

from __future__ import annotations

import threading
import time

import pytest

from bridge import turns as turns_of
from bridge.turns import Turns


def test_never_more_than_so_many_at_a_time_and_all_get_their_turn() -> None:
    turns, inside, most, lock = Turns("begin", longest=60, most=3), [0], [0], threading.Lock()

    def work() -> None:
        with turns.turn("org", lambda: False):
            with lock:
                inside[0] += 1
                most[0] = max(most[0], inside[0])
            time.sleep(0.01)
            with lock:
                inside[0] -= 1

    threads = [threading.Thread(target=work) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
        assert not thread.is_alive()
    assert most[0] == 3


def test_each_key_has_its_own() -> None:
    turns = Turns("begin", longest=60, most=1)
    first = turns.enter("one org", lambda: False)
    second = turns.enter("another", lambda: False)
    assert first.given.is_set()
    assert second.given.is_set()


def test_they_come_in_the_order_of_their_coming() -> None:
    turns, order = Turns("begin", longest=60, most=1), list[int]()
    held = turns.enter("org", lambda: False)

    def work(number: int) -> None:
        turn = turns.enter("org", lambda: False)
        order.append(number)
        turn.end()

    threads = []
    for number in range(5):
        threads.append(threading.Thread(target=work, args=(number,)))
        threads[-1].start()
        while len(turns._queues["org"].waiting) <= number:
            time.sleep(0.001)
    held.end()
    for thread in threads:
        thread.join(30)
    assert order == [0, 1, 2, 3, 4]


def test_one_that_takes_too_long_is_no_longer_counted() -> None:
    turns = Turns("begin", longest=0.05, most=1)
    hangs = turns.enter("org", lambda: False)
    began = time.monotonic()
    after = turns.enter("org", lambda: False)
    assert after.given.is_set()
    assert time.monotonic() - began >= 0.04
    hangs.end()
    assert turns._queues["org"].holding == {after}


def test_who_is_stopped_waits_no_longer_and_takes_nobody_s_turn() -> None:
    turns = Turns("begin", longest=60, most=1)
    held = turns.enter("org", lambda: False)
    given_up = turns.enter("org", lambda: True)
    assert not given_up.given.is_set()
    given_up.end()
    held.end()
    assert turns.enter("org", lambda: False).given.is_set()


def test_a_longer_wait_is_said_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns_of, "SILENT", 0.0)
    monkeypatch.setattr(turns_of, "_LOOK", 0.01)
    turns, said, looks = Turns("begin", longest=60, most=1), list[str](), iter(range(5))
    held = [turns.enter("org", lambda: False), turns.enter("org", lambda: True)]
    turns.enter("org", lambda: next(looks, None) is None, said.append).end()
    assert said == [
        "waiting for its turn: 2 connectors begin before it, 1 at a time; each is waited for 60 s at most"
    ]
    for turn in held:
        turn.end()


def test_nothing_is_left_of_a_key_whose_turns_are_over() -> None:
    turns = Turns("begin", most=1)
    held, waits = turns.enter("org", lambda: False), turns.enter("org", lambda: True)
    waits.end()
    held.end()
    held.end()
    assert turns._queues == {}
