"""The question whether Salesforce is there again: how often, what is asked, and whom the answer wakes."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from attrs import evolve

from bridge.salesforce import presence
from bridge.salesforce.http_settings import HttpSettings
from bridge.salesforce.presence import wait_for
from tests.support.web_server import Answer, Web, web_server

EVERY = 0.2


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(presence, "PROBE", evolve(presence.PROBE, seconds=EVERY))
    monkeypatch.setattr(presence, "_SPREAD", 0.05)
    monkeypatch.setattr(presence, "_TURN", 0.05)


@pytest.fixture
def web() -> Iterator[Web]:
    with web_server() as web:
        yield web


def _wait(web: Web, seconds: float = 30.0, asked: float = 0.0, again: bool = False) -> tuple[bool, float]:
    began = time.monotonic()
    here = wait_for(web.url, HttpSettings(), threading.Event(), seconds, asked=asked, again=again)
    return here, time.monotonic() - began


def test_an_answer_ends_the_wait_whatever_it_says_and_carries_no_credentials(web: Web) -> None:
    web.script = lambda _: Answer(status=401)
    here, took = _wait(web)
    assert here
    assert took < 10
    assert [(one.method, one.path) for one in web.requests] == [("GET", "/services/data")]
    assert "authorization" not in web.requests[0].headers
    assert "cookie" not in web.requests[0].headers


@pytest.mark.parametrize("status", [500, 503, 429, 408])
def test_an_overload_or_a_fault_is_no_return(web: Web, status: int) -> None:
    web.script = lambda _: Answer(status=status)
    assert _wait(web, 1.0) == (False, pytest.approx(1.0, abs=1.0))
    assert len(web.requests) >= 2


def test_the_return_of_an_org_is_noticed(web: Web) -> None:
    away = True
    web.script = lambda _: Answer(status=503 if away else 200)
    with ThreadPoolExecutor() as pool:
        waiting = pool.submit(_wait, web, 60.0)
        until = time.monotonic() + 20
        while len(web.requests) < 3:
            assert time.monotonic() < until
            time.sleep(0.01)
        away = False
        assert waiting.result(20)[0]


def test_many_that_wait_ask_once(web: Web) -> None:
    web.script = lambda _: Answer(status=503)
    with ThreadPoolExecutor(30) as pool:
        waits = [pool.submit(_wait, web, 2.0) for _ in range(30)]
        assert not any(one.result()[0] for one in waits)
    assert 2 <= len(web.requests) <= 12
    asked = len(web.requests)
    time.sleep(3 * EVERY)
    assert len(web.requests) <= asked + 1, "nobody waits any more"


def test_nothing_is_asked_before_the_time_that_the_other_side_named(web: Web) -> None:
    web.script = lambda _: Answer(status=200)
    here, took = _wait(web, asked=1.5)
    assert here
    assert took >= 1.5


def test_an_answer_that_asks_for_a_pause_gets_it(web: Web) -> None:
    web.script = lambda _: Answer(status=503, headers={"Retry-After": "60"})
    assert not _wait(web, 1.5)[0]
    assert len(web.requests) == 1


def test_who_was_woken_in_vain_is_woken_again_only_after_an_absence(web: Web) -> None:
    web.script = lambda _: Answer(status=200)
    assert not _wait(web, 1.0, again=True)[0]
    answers = iter([503, *[200] * 1000])
    web.script = lambda _: Answer(status=next(answers))
    assert _wait(web, 30.0, again=True)[0]


def test_a_stop_ends_it_at_once(web: Web) -> None:
    web.script = lambda _: Answer(status=503)
    stop = threading.Event()
    threading.Timer(0.3, stop.set).start()
    began = time.monotonic()
    assert not wait_for(web.url, HttpSettings(), stop, 60.0, asked=0.0, again=False)
    assert time.monotonic() - began < 5
