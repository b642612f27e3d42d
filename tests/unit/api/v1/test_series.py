"""Series and log lines over REST: here, and at another worker."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from bridge.api.exchange import Answer
from bridge.log import for_connector
from tests.support.crowd import carry, crowd
from tests.support.memory_worker import JSON, WORKER, MemoryWorker
from tests.vectors.connect_stubs import World, stubs

PATH = "/bridge/v1/connectors"
NAME = "orders-0000"


@pytest.fixture
def worker() -> Iterator[MemoryWorker]:
    worker = MemoryWorker(stubs(World()))
    worker.stop()
    worker.watch.lines.install()
    yield worker
    worker.watch.lines.remove()


def ask(worker: MemoryWorker, path: str) -> Any:
    answer = worker.site.answer("GET", path, JSON, b"", f"http://{WORKER}")
    return json.loads(answer.content()) if answer.status == 200 else answer.status


def elsewhere(worker: MemoryWorker, body: dict[str, Any] | None) -> list[tuple[str, str]]:
    asked: list[tuple[str, str]] = []

    def forward(
        to: str, method: str, target: str, headers: Mapping[str, str], body_: bytes, seconds: float = 1
    ) -> Any:
        asked.append((to, target))
        return None if body is None else Answer(200, body)

    worker.site.forward = forward
    return asked


def test_what_a_connector_did_by_the_minute(worker: MemoryWorker) -> None:
    (stats,) = crowd(worker, 1)
    for second in range(0, 125, 5):
        worker.watch.sampler.tick(worker.state.configs, 1_000_000.0 + second)
        carry([stats], 50)
        stats.bad_records += 1
    quarter = ask(worker, f"{PATH}/{NAME}/series")
    assert (quarter["step"], quarter["since"], quarter["starts"]) == (5.0, 1_000_000_000, [1_000_000_000])
    assert quarter["at"][-2:] == [1_000_115_000, 1_000_120_000]
    assert quarter["events"][-1] == 10.0
    assert quarter["errors"][-1] == 1.0
    assert quarter["commit"][-1] == 0.02
    assert quarter["message"] is None
    hours = ask(worker, f"{PATH}/{NAME}/series?window=6h")
    assert hours["step"] == 60.0
    assert (hours["events"][1], hours["errors"][1]) == (10.0, 12.0)
    assert ask(worker, f"{PATH}/{NAME}/series?window=1y") == 400


def test_nothing_is_said_to_be_nothing(worker: MemoryWorker) -> None:
    crowd(worker, 1)
    told = ask(worker, f"{PATH}/{NAME}/series")
    assert (told["at"], told["since"]) == ([], None)
    assert told["message"] == f"{NAME} has not run in this process"


def test_the_owner_is_asked_and_its_silence_is_said(worker: MemoryWorker) -> None:
    crowd(worker, 1, owner="w2")
    asked = elsewhere(worker, {"at": [1]})
    assert ask(worker, f"{PATH}/{NAME}/series?window=6h") == {"at": [1]}
    assert asked == [("w2", f"{PATH}/{NAME}/series?window=6h")]
    elsewhere(worker, None)
    told = ask(worker, f"{PATH}/{NAME}/series")
    assert "w2, which runs orders-0000, does not answer" in told["message"]
    assert "does not answer" in ask(worker, f"{PATH}/{NAME}/logs")["message"]
    assert "does not answer" in ask(worker, "/bridge/v1/workers/w2/logs")["message"]
    assert ask(worker, "/bridge/v1/workers/w9/logs") == 404


def test_lines_of_a_connector_by_level_and_cursor(
    worker: MemoryWorker, caplog: pytest.LogCaptureFixture
) -> None:
    crowd(worker, 1)
    log = for_connector(NAME)
    with caplog.at_level(logging.DEBUG):
        log.info("first", extra={"replay_id": 7})
        log.debug("low")
        for_connector("another").error("of somebody else")
        log.warning("second\nline \x1b[31m")
        page = ask(worker, f"{PATH}/{NAME}/logs")
        assert [(line["level"], line["message"]) for line in page["lines"]] == [
            ("INFO", "first"),
            ("WARNING", "second | line  [31m"),
        ]
        assert page["lines"][0]["more"] == "replay_id=7"
        assert not page["gap"]
        assert [line["message"] for line in ask(worker, f"{PATH}/{NAME}/logs?level=WARNING")["lines"]] == [
            "second | line  [31m"
        ]
        log.error("third")
        after = ask(worker, f"{PATH}/{NAME}/logs?after={page['cursor']}")
        assert [line["message"] for line in after["lines"]] == ["third"]
        every = ask(worker, "/bridge/v1/workers/here/logs?level=ERROR")["lines"]
        assert [line["connector"] for line in every] == ["another", NAME]
        for number in range(600):
            log.info("line %s", number)
        late = ask(worker, f"{PATH}/{NAME}/logs?after={page['cursor']}&limit=100")
        assert late["gap"], "lines in between have fallen out"
        assert len(late["lines"]) == 100
        rest = ask(worker, f"{PATH}/{NAME}/logs?after={late['cursor']}&limit=500")
        assert rest["lines"][-1]["message"] == "line 599"
        assert not rest["gap"]
    assert ask(worker, f"{PATH}/{NAME}/logs?level=LOUD") == 400
