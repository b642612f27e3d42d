"""When routes are looked up again, what serves meanwhile, and what is kept."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from functools import partial

import msgspec
import pytest
from attrs import define, field

from bridge.errors import Fatal, Retriable, Stage
from bridge.event import Data, Head
from bridge.routing.routes import Renewed, Route, Routes
from tests.support.bridge_run import wait_until

TTL = 0.4


def event(schema: str | None = "a") -> Data:
    return Data(msgspec.Raw(b"{}"), Head(1), schema)


def route(name: str) -> Route:
    return Route(name, lambda data: b"")


@define
class Answers:
    """A resolver: each route's topic says how many were made before."""

    asked: list[tuple[str, str | None]] = field(factory=list)
    forgotten: list[str | None] = field(factory=list)
    gate: threading.Event = field(factory=threading.Event)
    entered: threading.Event = field(factory=threading.Event)
    failure: Exception | None = None
    settled: list[str] = field(factory=list)
    settles: bool = False

    def resolve(self, schema_id: str | None, sample: Data, channel: str | None = None) -> Route:
        self.asked.append(("here", schema_id))
        return route(str(len(self.asked)))

    def look_up(self, schema_id: str | None, sample: Data, channel: str | None = None) -> Renewed:
        self.asked.append(("beside", schema_id))
        name = str(len(self.asked))
        self.entered.set()
        assert self.gate.wait(30)
        if self.failure is not None:
            raise self.failure
        return Renewed(route(name), partial(self.settled.append, name) if self.settles else None)

    def forget(self, schema_id: str | None) -> None:
        self.forgotten.append(schema_id)


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr("bridge.routing.routes.time.monotonic", clock)
    return clock


@pytest.fixture
def answers() -> Iterator[Answers]:
    answers = Answers()
    yield answers
    answers.gate.set()


def used(routes: Routes, schema: str | None = "a") -> Route:
    """As the data path uses it."""
    return routes.by_schema.get(schema) or routes.serving(event(schema)) or routes.resolve(event(schema))


def ended(routes: Routes) -> Callable[[], bool]:
    return lambda: bool(routes._looks.ended)


def test_the_old_route_serves_while_it_is_looked_up_beside(answers: Answers, clock: Clock) -> None:
    routes = Routes(answers, 300)
    first = used(routes)
    clock.now += 250
    routes.tend()
    assert used(routes) is first
    assert answers.asked == [("here", "a")]
    clock.now += 35  # nineteen twentieths of its time
    routes.tend()
    assert used(routes) is first
    assert answers.entered.wait(30)
    assert used(routes) is first
    answers.gate.set()
    wait_until(ended(routes), 30)
    routes.tend()
    assert used(routes).topic == "2"
    assert answers.asked == [("here", "a"), ("beside", "a")]


def test_a_route_that_nobody_uses_is_not_looked_up(answers: Answers, clock: Clock) -> None:
    routes = Routes(answers, 300)
    used(routes)
    for _ in range(20):
        clock.now += 60
        routes.tend()
    assert answers.asked == [("here", "a")]
    assert used(routes).topic == "2"  # its time is over: nobody may use what the registry said long ago
    assert answers.asked == [("here", "a"), ("here", "a")]


def test_a_slow_look_up_has_a_minute_more_and_then_is_waited_for(answers: Answers, clock: Clock) -> None:
    routes = Routes(answers, 300)
    first = used(routes)
    clock.now += 285
    routes.tend()
    assert used(routes) is first
    assert answers.entered.wait(30)
    clock.now += 74  # 359 s old
    routes.tend()
    assert used(routes) is first
    clock.now += 2
    routes.tend()
    assert routes.serving(event()) is None
    threading.Timer(0.05, answers.gate.set).start()
    assert used(routes).topic == "2"
    assert answers.asked == [("here", "a"), ("beside", "a")]


def test_a_look_up_that_fails_takes_the_route_away(answers: Answers, clock: Clock) -> None:
    routes = Routes(answers, 300)
    used(routes)
    clock.now += 285
    routes.tend()
    answers.failure = Fatal("was encrypted before", stage=Stage.ENCRYPT)
    answers.gate.set()
    used(routes)
    wait_until(ended(routes), 30)
    routes.tend()
    assert routes.serving(event()) is None
    assert used(routes).topic == "3"  # asked here, where the failure can be dealt with


def test_who_waits_for_a_look_up_gets_its_failure(answers: Answers, clock: Clock) -> None:
    routes = Routes(answers, 300)
    used(routes)
    clock.now += 285
    routes.tend()
    used(routes)
    assert answers.entered.wait(30)
    clock.now += 500
    routes.tend()
    answers.failure = Retriable("away", stage=Stage.SCHEMA)
    threading.Timer(0.05, answers.gate.set).start()
    with pytest.raises(Retriable, match="away"):
        used(routes)
    assert used(routes).topic == "3"


def test_what_must_be_stored_is_stored_before_the_route_is_used(answers: Answers, clock: Clock) -> None:
    routes, answers.settles = Routes(answers, 300), True
    first = used(routes)
    clock.now += 285
    routes.tend()
    used(routes)
    answers.gate.set()
    wait_until(ended(routes), 30)
    assert used(routes) is first
    routes.tend(lambda: answers.settled.append("committed"))
    assert answers.settled == ["committed", "2"]
    assert used(routes).topic == "2"


def test_a_look_up_that_waits_is_taken_back_by_who_needs_it_now(answers: Answers, clock: Clock) -> None:
    routes = Routes(answers, 300)
    used(routes, "a")
    used(routes, "b")
    clock.now += 285
    routes.tend()
    used(routes, "a")
    assert answers.entered.wait(30)
    used(routes, "b")  # waits for its turn
    clock.now += 500
    routes.tend()
    assert used(routes, "b").topic == "4"
    answers.gate.set()
    wait_until(ended(routes), 30)
    assert answers.asked == [("here", "a"), ("here", "b"), ("beside", "a"), ("here", "b")]


def test_what_is_forgotten_is_asked_for_anew_and_a_look_up_under_way_counts_for_nothing(
    answers: Answers, clock: Clock
) -> None:
    routes = Routes(answers, 300)
    used(routes)
    clock.now += 285
    routes.tend()
    used(routes)
    assert answers.entered.wait(30)
    routes.forget()
    answers.gate.set()
    wait_until(ended(routes), 30)
    routes.tend()
    assert used(routes).topic == "3"
    assert answers.asked[-1] == ("here", "a")


def test_so_many_schemas_are_kept_and_the_oldest_go(answers: Answers) -> None:
    routes = Routes(answers, 300, most=3)
    for schema in ("a", "b", "c", "d", "e"):
        used(routes, schema)
    assert list(routes.by_schema) == ["c", "d", "e"]
    assert answers.forgotten == ["a", "b"]
    assert routes.serving(event("a")) is None


def test_without_time_every_delivery_asks_anew(answers: Answers) -> None:
    routes = Routes(answers, 0)
    for number in range(1, 4):
        routes.tend()
        assert used(routes).topic == str(number)


def test_a_closed_one_looks_nothing_up(answers: Answers, clock: Clock) -> None:
    routes = Routes(answers, 300)
    first = used(routes)
    routes.close()
    clock.now += 285
    routes.tend()
    assert used(routes) is first
    time.sleep(0.02)
    assert answers.asked == [("here", "a")]
    clock.now += 500
    routes.tend()
    assert used(routes).topic == "2"
