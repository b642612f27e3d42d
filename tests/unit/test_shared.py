"""Answers that several need are asked for once, and a failure is everybody's who waited."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import pytest

from bridge.errors import Retriable, Stage
from bridge.shared import Shared

NEVER = float("-inf")


def all_at_once(count: int, ask: Callable[[int], object]) -> list[object]:
    """What each of so many threads got or raised."""
    outcomes: list[object] = [None] * count
    gate = threading.Barrier(count)

    def work(number: int) -> None:
        gate.wait()
        try:
            outcomes[number] = ask(number)
        except Retriable as error:
            outcomes[number] = error

    threads = [threading.Thread(target=work, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
        assert not thread.is_alive()
    return outcomes


def test_who_asks_at_the_same_time_gets_one_answer() -> None:
    shared, asked = Shared[str, str](), list[str]()

    def answer() -> str:
        asked.append("asked")
        time.sleep(0.05)
        return "answer"

    since = time.monotonic()
    values = all_at_once(20, lambda number: shared.get("event", since, answer).value)
    assert values == ["answer"] * 20
    assert len(asked) == 1


def test_an_answer_is_as_new_as_it_has_to_be() -> None:
    shared, numbers = Shared[str, int](), iter(range(10))
    first = shared.get("event", NEVER, lambda: next(numbers))
    assert shared.get("event", NEVER, lambda: next(numbers)) is first
    assert shared.get("event", first.asked, lambda: next(numbers)).value == 1
    assert shared.get("other", NEVER, lambda: next(numbers)).value == 2


def test_one_that_was_asked_before_counts_for_nobody_who_needs_a_newer_one() -> None:
    shared, entered, go = Shared[str, str](), threading.Event(), threading.Event()

    def slow() -> str:
        entered.set()
        assert go.wait(30)
        return "of before"

    first: list[str] = []
    thread = threading.Thread(target=lambda: first.append(shared.get("event", NEVER, slow).value))
    thread.start()
    assert entered.wait(30)
    assert shared.get("event", time.monotonic(), lambda: "of now").value == "of now"
    go.set()
    thread.join(30)
    assert first == ["of before"]


def test_a_failure_is_everybody_s_who_waited_and_nobody_s_after() -> None:
    shared, asked = Shared[str, str](), list[str]()

    def fail() -> str:
        asked.append("asked")
        time.sleep(0.05)
        raise Retriable("away", stage=Stage.METADATA)

    since = time.monotonic()
    outcomes = all_at_once(10, lambda number: shared.get("event", since, fail))
    assert [str(one) for one in outcomes] == ["away"] * 10
    assert len(asked) == 1
    assert shared.get("event", NEVER, lambda: "there again").value == "there again"


def test_who_asks_and_is_stopped_leaves_the_question_to_another() -> None:
    shared, entered, stopped = Shared[str, str](), threading.Event(), threading.Event()

    def given_up() -> str:
        entered.set()
        assert stopped.wait(30)
        raise Retriable("the connector stops", stage=Stage.METADATA)

    raised: list[Retriable] = []

    def lead() -> None:
        try:
            shared.get("event", NEVER, given_up, stopped.is_set)
        except Retriable as error:
            raised.append(error)

    thread = threading.Thread(target=lead)
    thread.start()
    assert entered.wait(30)
    values: list[str] = []
    follower = threading.Thread(
        target=lambda: values.append(shared.get("event", NEVER, lambda: "mine").value)
    )
    follower.start()
    stopped.set()
    thread.join(30)
    follower.join(30)
    assert values == ["mine"]
    assert len(raised) == 1


def test_who_waits_and_is_stopped_waits_no_longer() -> None:
    shared, entered, go = Shared[str, str](), threading.Event(), threading.Event()

    def slow() -> str:
        entered.set()
        assert go.wait(30)
        return "late"

    thread = threading.Thread(target=lambda: shared.get("event", NEVER, slow))
    thread.start()
    assert entered.wait(30)
    with pytest.raises(Retriable, match="the connector stops"):
        shared.get("event", NEVER, lambda: "never asked", lambda: True)
    go.set()
    thread.join(30)


def test_the_oldest_answers_go() -> None:
    shared = Shared[int, int](most=3)
    for number in range(5):
        shared.get(number, NEVER, lambda: 7)
    assert list(shared._answers) == [2, 3, 4]
