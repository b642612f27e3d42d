"""The lifecycle around an attempt: what is restarted, what ends, what a stop interrupts."""

import re
import socket
import threading
import time
from pathlib import Path

import pytest

from bridge.errors import Fatal, Fenced, Retriable, Stage
from bridge.inspection.configuration import load
from bridge.pipeline import connector as lifecycle
from bridge.pipeline.connector import Connector
from tests.support.bridge_run import wait_until
from tests.support.faulty_line import FaultyLine
from tests.support.web_server import Answer, web_server

WORKER = "bootstrap.servers=127.0.0.1:1\nsecurity.protocol=PLAINTEXT\n"


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Connector:
    """A connector whose Salesforce is a port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    (tmp_path / "c.properties").write_text(properties(f"http://127.0.0.1:{port}"))
    (tmp_path / "w.properties").write_text(WORKER)
    monkeypatch.setattr(lifecycle, "FIRST_WAIT", 0.05)
    return Connector(load(tmp_path / "c.properties", tmp_path / "w.properties"))


def properties(instance: str) -> str:
    return f"""name=orders
connector.class=SalesforcePlatformEventSource
kafka.topic=orders
salesforce.instance={instance}
salesforce.username=u@example.com
salesforce.password=secret-password
salesforce.password.token=t
salesforce.consumer.key=key
salesforce.consumer.secret=consumer-secret
salesforce.platform.event.name=X__e
request.max.retries.time.ms=1000
salesforce.auth.retries.time.ms=200
tasks.max=1
"""


def test_what_may_pass_is_tried_again_and_a_stop_ends_the_wait(
    made: Connector, caplog: pytest.LogCaptureFixture
) -> None:
    made.start()
    until = time.monotonic() + 20
    while made.stats.restarts < 2:
        assert time.monotonic() < until
        time.sleep(0.01)
    made.stop()
    assert made.join(5)
    assert made.state == "STOPPED"
    assert made.error is None
    assert "starts again from the committed position" in caplog.text
    assert "secret" not in caplog.text


@pytest.mark.parametrize("error", [Fatal("no", stage=Stage.LOGIN), Fenced("taken over", stage=Stage.PRODUCE)])
def test_what_cannot_pass_ends_it(made: Connector, monkeypatch: pytest.MonkeyPatch, error: Fatal) -> None:
    def run(ending: object) -> None:
        raise error

    monkeypatch.setattr(made._attempt, "run", run)
    made.start()
    assert made.join(5)
    assert made.state == "FAILED"
    assert made.error is error


def test_fatal_errors_are_restarted_where_the_configuration_asks_for_it(
    tmp_path: Path, made: Connector, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = tmp_path / "c.properties"
    config.write_text(config.read_text() + "auto.restart.on.user.error=true\n")
    stubborn = Connector(load(config, tmp_path / "w.properties"))

    def run(ending: object) -> None:
        raise Fatal("no such event", stage=Stage.SUBSCRIBE)

    monkeypatch.setattr(stubborn._attempt, "run", run)
    waits: list[float] = []
    waiting = stubborn._wake.wait

    def wait(seconds: float | None = None) -> bool:
        waits.append(seconds or 0)
        return waiting(0.001)

    monkeypatch.setattr(stubborn._wake, "wait", wait)
    stubborn.start()
    until = time.monotonic() + 10
    while stubborn.stats.restarts < 20:
        assert time.monotonic() < until
        time.sleep(0.01)
    assert stubborn.passing is not None
    assert stubborn.passing.message == "no such event"
    stubborn.stop()
    assert stubborn.join(5)
    doubled = [min(0.05 * 2**n, lifecycle.LONGEST_WAIT) for n in range(len(waits))]
    assert waits == pytest.approx(doubled, rel=0.21)
    assert max(waits) <= 1.2 * lifecycle.LONGEST_WAIT


def test_a_refused_login_is_tried_once_an_hour_where_the_configuration_asks_for_it(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    refusal = Answer({"error": "invalid_grant", "error_description": "no"}, 400)
    with web_server(lambda request: refusal) as web:
        (tmp_path / "c.properties").write_text(properties(web.url) + "auto.restart.on.user.error=true\n")
        (tmp_path / "w.properties").write_text(WORKER)
        stubborn = Connector(load(tmp_path / "c.properties", tmp_path / "w.properties"))
        stubborn.start()
        wait_until(lambda: stubborn.state == "RESTARTING")
        stubborn.stop()
        assert stubborn.join(5)
        assert len(web.requests) == 1
    (said,) = [record.getMessage() for record in caplog.records if "refuses the login" in record.getMessage()]
    assert "tried again in an hour at the earliest (auto.restart.on.user.error)" in said
    waits = re.search(r"starts again from the committed position in (\d+) s$", said)
    assert waits is not None
    assert 3600 <= int(waits[1]) <= 4320


def test_waits_grow_and_shrink_again_after_a_commit(made: Connector, monkeypatch: pytest.MonkeyPatch) -> None:
    waits: list[float] = []
    attempts = 0

    def run(ending: object) -> None:
        nonlocal attempts
        attempts += 1
        if attempts == 4:
            made.stats.transactions += 1
        if attempts == 6:
            raise Fatal("enough", stage=Stage.PRODUCE)
        raise Retriable("away", stage=Stage.PRODUCE)

    monkeypatch.setattr(made._attempt, "run", run)
    monkeypatch.setattr(made, "_wait_to_restart", lambda error, wait: waits.append(wait))
    made.start()
    assert made.join(5)
    assert waits == pytest.approx([0.05, 0.1, 0.2, 0.05, 0.1])


def test_a_fault_of_the_bridge_itself_fails_the_connector(
    made: Connector, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(made._attempt, "run", lambda ending: {}["missing"])
    made.start()
    assert made.join(5)
    assert made.state == "FAILED"
    assert made.error is not None
    assert "KeyError" in made.error.message
    assert "fault of the bridge" in caplog.text


def test_pausing_while_an_attempt_runs_keeps_it_paused_until_resumed(
    made: Connector, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = threading.Semaphore(0)
    ended = threading.Event()

    def run(ending: object) -> None:
        runs.release()
        ended.wait(5)

    monkeypatch.setattr(made._attempt, "run", run)
    monkeypatch.setattr(made._attempt, "end", ended.set)
    made.start()
    assert runs.acquire(timeout=5)
    made.pause()
    until = time.monotonic() + 5
    while made.state != "PAUSED":
        assert time.monotonic() < until
        time.sleep(0.01)
    assert not runs.acquire(timeout=0.2)
    ended.clear()
    made.resume()
    assert runs.acquire(timeout=5)
    made.stop()
    assert made.join(5)


def test_a_pause_that_is_over_before_the_attempt_has_ended_ends_nothing(
    made: Connector, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs, ended, drained = threading.Semaphore(0), threading.Event(), threading.Event()

    def run(ending: object) -> None:
        runs.release()
        ended.wait(5)
        drained.wait(5)

    monkeypatch.setattr(made._attempt, "run", run)
    monkeypatch.setattr(made._attempt, "end", ended.set)
    made.start()
    assert runs.acquire(timeout=5)
    made.pause()
    made.resume()
    ended.clear()
    drained.set()
    assert runs.acquire(timeout=5), f"it is {made.state}"
    made.stop()
    assert made.join(5)


def test_a_pause_ends_the_wait_for_a_restart(made: Connector, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lifecycle, "FIRST_WAIT", 300.0)
    made.start()
    wait_until(lambda: made.state == "RESTARTING", 30)
    made.pause()
    wait_until(lambda: made.state == "PAUSED", 30)
    made.resume()
    wait_until(lambda: made.stats.restarts == 2, 30)
    made.pause()
    wait_until(lambda: made.state == "PAUSED", 30)
    made.stop()
    assert made.join(5)
    assert made.state == "STOPPED"


def test_an_org_that_is_back_is_not_left_waiting(made: Connector, monkeypatch: pytest.MonkeyPatch) -> None:
    """However long the wait has become: a probe finds it within seconds, and logs in by no more than an attempt."""
    monkeypatch.setattr(lifecycle, "FIRST_WAIT", 300.0)
    port = int(str(made._loaded.connector["salesforce.instance"]).rpartition(":")[2])
    made.start()
    wait_until(lambda: made.stats.restarts == 1, 30)
    with web_server(lambda _: Answer([], 200)) as web, FaultyLine(f"127.0.0.1:{web.port}", port):
        began = time.monotonic()
        wait_until(lambda: any("oauth2" in one.path for one in web.requests), 30)
        assert time.monotonic() - began < 10
        assert web.requests[0].path == "/services/data"
        made.stop()
        assert made.join(10)
