"""A position that is moved right after a stop: the wish decides, and the end of what ran is waited for."""

import re
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from attrs import evolve

from bridge.waits import STOPPING
from bridge.worker import herder as module
from tests.support.memory_worker import MemoryWorker
from tests.vectors.connect_stubs import StubRunning, World, stubs

EMPTY = {"connector.class": "EmptyPartitionSource", "topic": "t"}
AT = {"offsets": [{"partition": {}, "offset": {"replayId": 100}}]}
MOVED = {"message": "The offsets for this connector have been altered successfully"}


@pytest.fixture
def worker() -> Iterator[MemoryWorker]:
    worker = MemoryWorker([*stubs(World())])
    yield worker
    worker.stop()


@pytest.fixture
def ended(monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """What ran ends when this is set; until then it drains."""
    ended = threading.Event()
    monkeypatch.setattr(StubRunning, "join", lambda self, timeout=None: ended.is_set())
    return ended


@pytest.fixture
def waiting(monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """Whether somebody waits for a connector to stop."""
    waiting, wait = threading.Event(), module.Herder._wait_for_rest

    def told(self: module.Herder, name: str, seconds: float) -> None:
        waiting.set()
        wait(self, name, seconds)

    monkeypatch.setattr(module.Herder, "_wait_for_rest", told)
    return waiting


def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "STOPPING", evolve(STOPPING, seconds=0.1))


def create(worker: MemoryWorker, **more: Any) -> None:
    assert worker.ask("POST", "/connectors", {"name": "one", "config": EMPTY, **more})[0] == 201


def position(worker: MemoryWorker) -> Any:
    return worker.ask("GET", "/connectors/one/offsets")[1]["offsets"][0]["offset"]["replayId"]


@pytest.mark.parametrize("times", [1, 2])
def test_a_stop_is_waited_for(
    worker: MemoryWorker, ended: threading.Event, waiting: threading.Event, times: int
) -> None:
    create(worker)
    worker.settle()
    for _ in range(times):
        assert worker.ask("PUT", "/connectors/one/stop")[0] == 204
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(worker.ask, "PATCH", "/connectors/one/offsets", AT)
        assert waiting.wait(10)
        assert position(worker) == 3, "what still runs may write its own"
        ended.set()
        assert answer.result(10) == (200, MOVED)
    assert position(worker) == 100
    assert worker.ask("DELETE", "/connectors/one/offsets")[0] == 200


def test_one_that_was_created_stopped_can_be_moved_at_once(worker: MemoryWorker) -> None:
    create(worker, initial_state="STOPPED")
    assert worker.ask("PATCH", "/connectors/one/offsets", AT) == (200, MOVED)
    assert worker.ask("PUT", "/connectors/one/stop")[0] == 204, "once more"
    assert worker.ask("PATCH", "/connectors/one/offsets", AT) == (200, MOVED)
    assert worker.ask("PUT", "/connectors/one/resume")[0] == 202
    worker.settle()
    assert position(worker) == 103


def test_one_that_is_resumed_meanwhile_is_not_moved(
    worker: MemoryWorker, ended: threading.Event, waiting: threading.Event
) -> None:
    create(worker)
    worker.settle()
    assert worker.ask("PUT", "/connectors/one/stop")[0] == 204
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(worker.ask, "PATCH", "/connectors/one/offsets", AT)
        assert waiting.wait(10)
        assert worker.ask("PUT", "/connectors/one/resume")[0] == 202
        status, told = answer.result(10)
    assert (status, "must be in the STOPPED state" in told["message"]) == (400, True)
    assert position(worker) == 3
    ended.set()


@pytest.mark.parametrize("state", ["RUNNING", "PAUSED"])
def test_one_that_is_not_to_be_stopped_is_refused_at_once(
    worker: MemoryWorker, waiting: threading.Event, state: str
) -> None:
    create(worker, initial_state=state)
    for method, body in (("PATCH", AT), ("DELETE", None)):
        assert worker.ask(method, "/connectors/one/offsets", body)[0] == 400
    assert not waiting.is_set()


def test_what_does_not_end_in_time_is_said(
    worker: MemoryWorker, ended: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    impatient(monkeypatch)
    create(worker)
    worker.settle()
    assert worker.ask("PUT", "/connectors/one/stop")[0] == 204
    status, told = worker.ask("PATCH", "/connectors/one/offsets", AT)
    assert status == 500
    words = (
        "Request timed out. The worker is currently waiting until connector one has stopped, which began at "
        r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z\."
    )
    assert re.fullmatch(words, told["message"])
    assert position(worker) == 3
    ended.set()


def test_what_its_owner_said_before_it_was_resumed_counts_no_more(
    worker: MemoryWorker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Resumed and stopped again, it may have begun, and its owner has not said yet that it ended."""
    impatient(monkeypatch)
    create(worker, initial_state="STOPPED")
    worker.settle()
    worker.runner.stop()
    for action in ("resume", "stop"):
        assert worker.ask("PUT", f"/connectors/one/{action}")[0] < 300
    assert worker.ask("GET", "/connectors/one/status")[1]["connector"]["state"] == "STOPPED"
    assert worker.ask("PATCH", "/connectors/one/offsets", AT)[0] == 500


def test_nobody_else_moves_it_meanwhile(worker: MemoryWorker, monkeypatch: pytest.MonkeyPatch) -> None:
    impatient(monkeypatch)
    create(worker, initial_state="STOPPED")
    worker.settle()
    worker.runner.stop()
    request = "/connect/v1/environments/e/clusters/c/connectors/one/offsets/request"
    assert worker.ask("POST", request, {"type": "PATCH", **AT})[0] == 202
    assert worker.ask("PATCH", "/connectors/one/offsets", AT)[0] == 500
