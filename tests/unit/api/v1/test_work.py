"""Jobs: bounded in number, time and size; seen by whoever asked for them; nothing is quoted where they dial."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from bridge.api.exchange import Answer
from bridge.api.guard import Visitor
from bridge.api.users import Role, User, hash_password
from bridge.api.v1 import work as module
from bridge.api.v1.work import AT_ONCE, Job, Jobs, prefix_of
from bridge.config import config_of
from bridge.config.declarations import WORKER as WORKER_PROPERTIES
from bridge.errors import Fatal, Stage
from bridge.errors.words import UNSAID, words
from bridge.log import forget_secrets, register_secrets
from bridge.metrics import Metrics
from bridge.worker.plugins import salesforce_plugins
from bridge.worker.refusals import Refused
from tests.support.bridge_run import wait_until
from tests.support.memory_worker import GOOD, JSON, WORKER, MemoryWorker
from tests.unit.api.test_guard import basic

ANN = Visitor("ann", Role.RECORDS)
HASHED = hash_password("x")
MARKER = "Inner-Secret-9431"


def submit(jobs: Jobs, task: module.Task, **more: Any) -> Job:
    return jobs.submit("records", "orders", ANN, Role.RECORDS, task, **more)


def test_a_job_tells_how_far_it_is_and_what_it_found() -> None:
    jobs, go = Jobs("w"), threading.Event()

    def task(job: Job) -> Mapping[str, object]:
        job.say("reading")
        job.add({"n": 1})
        job.progress(1, 2)
        assert go.wait(20)
        job.add({"n": 2})
        return {"count": 2}

    job = submit(jobs, task)
    wait_until(lambda: job.done == 1)
    told = job.document()
    assert (told["state"], told["progress"]) == ("RUNNING", {"doing": "reading", "done": 1, "of": 2})
    assert (told["items"], told["next"], told["result"]) == ([{"n": 1}], 1, None)
    go.set()
    assert job.ended.wait(20)
    told = job.document(1)
    assert (told["state"], told["items"], told["result"]) == ("DONE", [{"n": 2}], {"count": 2})


def test_few_run_at_once_and_not_many_wait() -> None:
    jobs, go, running = Jobs("w"), threading.Event(), []

    def task(job: Job) -> None:
        running.append(job)
        assert go.wait(20)

    made = [submit(jobs, task) for _ in range(16)]
    wait_until(lambda: len(running) == AT_ONCE)
    with pytest.raises(Refused) as refused:
        submit(jobs, task)
    assert (refused.value.status, refused.value.headers["Retry-After"]) == (429, "5")
    made[-1].cancel()
    submit(jobs, task)
    go.set()
    for job in made:
        assert job.ended.wait(20)
    assert made[-1].state == "CANCELLED"
    assert made[-1] not in running


def test_one_that_takes_too_long_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_GRACE", 0.05)
    jobs, go = Jobs("w"), threading.Event()

    def polite(job: Job) -> None:
        while not job.stopped():
            time.sleep(0.01)

    def stubborn(job: Job) -> None:
        job.say("waiting for Kafka")
        go.wait(20)

    first, second = submit(jobs, polite, seconds=0.05), submit(jobs, stubborn, seconds=0.05)
    assert first.ended.wait(20)
    assert first.document()["error"] == "it took longer than 0 s"
    wait_until(lambda: second.document()["state"] == "FAILED")
    assert "waits for waiting for Kafka" in str(second.document()["error"])
    go.set()


def test_what_goes_wrong_is_one_sentence_without_secrets(caplog: pytest.LogCaptureFixture) -> None:
    jobs = Jobs("w")
    register_secrets(["hush-hush"])
    try:
        job = submit(jobs, lambda job: (_ for _ in ()).throw(Fatal("no hush-hush", stage=Stage.LOGIN)))
        assert job.ended.wait(20)
        assert (job.state, job.error) == ("FAILED", "no ****")
        job = submit(jobs, lambda job: {"n": 1 / 0})
        assert job.ended.wait(20)
        assert job.error == "an unexpected ZeroDivisionError: see the worker's log"
        assert "fault of the bridge" in caplog.text
    finally:
        forget_secrets()


def test_it_holds_only_so_much(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_ROOM", 1_000)
    monkeypatch.setattr(module, "_ALL_ROOM", 3_000)
    monkeypatch.setattr(module, "_KEPT", 10)
    jobs = Jobs("w")

    def task(job: Job) -> None:
        for number in range(10_000):
            job.add({"number": number, "text": "x" * 50})

    made = [submit(jobs, task) for _ in range(6)]
    for job in made:
        assert job.ended.wait(20)
        assert job.state == "DONE"
        assert len(job.items) < 20
        assert job.notes == ["there is more than one job may hold; ask for less"]
    assert len(jobs.every()) <= 3
    assert jobs.get(made[-1].id) is made[-1]
    assert jobs.get(made[0].id) is None


def test_where_nothing_may_be_quoted_nothing_is(caplog: pytest.LogCaptureFixture) -> None:
    jobs = Jobs("w")
    job = submit(jobs, lambda job: {"said": words(MARKER), "none": words(" ")}, quotes=False)
    assert job.ended.wait(20)
    assert job.document()["result"] == {"said": UNSAID, "none": ""}
    assert words(MARKER) == MARKER


# ---- over REST -----------------------------------------------------------------------------------------------


class _Inner(BaseHTTPRequestHandler):
    """A service of the network inside that whoever types an address would like to read."""

    status, kind = 200, "application/json"
    body = json.dumps(
        [{"errorCode": MARKER, "message": MARKER, "error": MARKER, "error_description": MARKER}]
    )

    def do_GET(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        self.rfile.read(length)
        raw = type(self).body.encode()
        self.send_response(type(self).status, MARKER)
        self.send_header("Content-Type", type(self).kind)
        self.send_header("Location", f"http://{MARKER}.example/")
        self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)

    do_POST = do_GET

    def log_message(self, *args: object) -> None: ...


@pytest.fixture
def inner() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Inner)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.fixture
def worker(tmp_path: Path) -> Iterator[MemoryWorker]:
    given = {"bootstrap.servers": "127.0.0.1:1", "security.protocol": "PLAINTEXT"}
    roles = {"look": Role.READ, "records": Role.RECORDS, "other": Role.RECORDS, "write": Role.WRITE}
    users = {name: User(HASHED, role) for name, role in roles.items()}
    worker = MemoryWorker(salesforce_plugins(config_of(given, WORKER_PROPERTIES), Metrics()), users)
    made = {"name": "sf", "config": GOOD, "initial_state": "STOPPED"}
    assert worker.ask("POST", "/connectors", made, **basic("write", "x"))[0] == 201
    yield worker
    worker.stop()


def ask(worker: MemoryWorker, who: str, method: str, path: str, body: Any = None) -> Answer:
    raw = b"" if body is None else json.dumps(body).encode()
    return worker.site.answer(method, path, {**JSON, **basic(who, "x")}, raw, f"http://{WORKER}")


def ended(worker: MemoryWorker, who: str, path: str, body: Any = None) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(ask(worker, who, "POST", f"/bridge/v1{path}", body).content())
    assert "id" in told, told

    def over() -> bool:
        told.update(json.loads(ask(worker, who, "GET", f"/bridge/v1/jobs/{told['id']}").content()))
        return told["state"] not in ("WAITING", "RUNNING")

    wait_until(over, 60, 0.05)
    return told


@pytest.mark.parametrize(
    ("status", "kind", "body"),
    [
        (200, "application/json", json.dumps({"access_token": "t", "instance_url": f"http://127.0.0.1:1/{MARKER}",
                                              "id": f"https://x/id/{MARKER}/u"})),
        (200, "text/html", f"<html><title>{MARKER}</title>"),
    ],
)  # fmt: skip
def test_checks_quote_no_answer(
    status: int, kind: str, body: str, worker: MemoryWorker, inner: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_Inner, "status", status)
    monkeypatch.setattr(_Inner, "kind", kind)
    monkeypatch.setattr(_Inner, "body", body)
    config = {
        **GOOD,
        "output.data.format": "AVRO",
        "salesforce.instance": inner,
        "value.converter.schema.registry.url": inner,
        "salesforce.auth.retries.time.ms": "0",
        "request.max.retries.time.ms": "1000",
    }
    told = ended(worker, "write", "/checks", {"config": config})
    assert told["items"], told["error"]
    assert MARKER not in json.dumps(told), told
    assert MARKER.lower() not in json.dumps(told).lower()
    previewed = ended(worker, "write", "/preview", {"config": config, "max_events": 1, "until_idle": 1})
    assert MARKER.lower() not in json.dumps(previewed).lower()
    for secret in ("pass-word-1", "consumer-secret-1", "token-1"):
        assert secret not in json.dumps(told)


def test_each_kind_takes_its_role_and_its_own_user(worker: MemoryWorker) -> None:
    one = "/bridge/v1/connectors/sf"
    for path, needed in (
        ("records", Role.RECORDS), ("letters", Role.RECORDS), ("preview", Role.RECORDS), ("checks", Role.WRITE),
        ("keys/verify", Role.WRITE), ("moment", Role.WRITE),
    ):  # fmt: skip
        for who, role in (("look", Role.READ), ("records", Role.RECORDS)):
            answer = ask(worker, who, "POST", f"{one}/{path}", {"limit": "no"} if role >= needed else None)
            assert (answer.status == 403) is (role < needed), (path, who, answer)
    told = json.loads(ask(worker, "records", "POST", f"{one}/letters", {}).content())
    path = f"/bridge/v1/jobs/{told['id']}"
    assert ask(worker, "records", "GET", path).status == 200
    for who in ("look", "other", "write"):
        assert ask(worker, who, "GET", path).status == 403, who
        assert json.loads(ask(worker, who, "GET", "/bridge/v1/jobs").content()) == []
    assert [job["id"] for job in json.loads(ask(worker, "records", "GET", "/bridge/v1/jobs").content())] == [
        told["id"]
    ]
    assert ask(worker, "look", "DELETE", path).status == 403, "cancelling is a change"
    assert ask(worker, "write", "DELETE", path).status == 403, "and another's job is another's"


@pytest.mark.parametrize(
    "body", [{}, {"at": ""}, {"at": "yesterday"}, {"at": "12"}, {"at": 5}, {"at": "9e9d"}]
)
def test_a_moment_that_is_no_time_is_said(worker: MemoryWorker, body: dict[str, Any]) -> None:
    answer = ask(worker, "write", "POST", "/bridge/v1/connectors/sf/moment", body)
    assert answer.status == 400
    assert b"at must be" in answer.content()


def test_a_time_that_is_still_to_come_is_said(worker: MemoryWorker) -> None:
    for path, body in (
        ("moment", {"at": "2100-01-01"}),
        ("records", {"start": "time", "time": "2100-01-01"}),
    ):
        answer = ask(worker, "write", "POST", f"/bridge/v1/connectors/sf/{path}", body)
        assert answer.status == 400
        assert b"2100-01-01 is later than now" in answer.content()


def test_no_address_is_asked_because_a_client_names_it(worker: MemoryWorker) -> None:
    asked: list[str] = []
    worker.site.forward = lambda to, *more: asked.append(to)  # type: ignore[assignment, func-returns-value]
    for job_id in (f"{prefix_of('evil.example:80')}.00", "x", "é.1", "%2e%2e", f"{prefix_of(WORKER)}.00"):
        assert ask(worker, "look", "GET", f"/bridge/v1/jobs/{job_id}").status == 404, job_id
    assert ask(worker, "records", "GET", "/bridge/v1/workers/evil.example:80/logs").status == 404
    assert asked == []


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("records", {"limit": 0}), ("records", {"limit": True}), ("records", {"start": "offset"}),
        ("records", {"start": "time"}), ("records", {"start": "time", "time": "5"}), ("records", {"topic": 5}),
        ("records", {"odd": 1}), ("records", []), ("letters", {"limit": 9999}), ("preview", {"explain": "yes"}),
        ("preview", {"start": "now"}), ("schemas", {"versions": -1}), ("keys", {"x": 1}),
    ],
)  # fmt: skip
def test_a_wish_that_is_none_is_refused_at_once(path: str, body: Any, worker: MemoryWorker) -> None:
    answer = ask(worker, "records", "POST", f"/bridge/v1/connectors/sf/{path}", body)
    assert answer.status == 400, answer
