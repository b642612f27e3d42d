"""What operators do with a connector: its first state, pause, restart, and the same in the cloud's words."""

import logging
from collections.abc import Iterator
from typing import Any

import pytest

from bridge.cli.main import main
from bridge.config import config_of
from bridge.config.declarations import WORKER as WORKER_PROPERTIES
from bridge.metrics import Metrics
from bridge.worker.plugins import salesforce_plugins
from tests.support.bridge_run import wait_until
from tests.support.memory_worker import MemoryWorker
from tests.vectors.connect_stubs import World, stubs

CONNECTORS = "/connect/v1/environments/env-1/clusters/lkc-1/connectors"
EMPTY = {"connector.class": "EmptyPartitionSource", "topic": "t"}
POSITION = [{"partition": {}, "offset": {"replayId": 5}}]
FAILED_TASK = {**EMPTY, "fail": "task"}


@pytest.fixture
def worker() -> Iterator[MemoryWorker]:
    given = {"bootstrap.servers": "127.0.0.1:1", "security.protocol": "PLAINTEXT"}
    plugins = salesforce_plugins(config_of(given, WORKER_PROPERTIES), Metrics())
    worker = MemoryWorker([*stubs(World()), *plugins])
    yield worker
    worker.stop()


def create(worker: MemoryWorker, config: dict[str, str] = EMPTY, **more: Any) -> tuple[int, Any]:
    answer = worker.ask("POST", "/connectors", {"name": "one", "config": config, **more})
    if answer[0] == 201:
        worker.settle()
    return answer


def becomes(worker: MemoryWorker, connector: str, tasks: list[str], base: str = "/connectors") -> None:
    def is_so() -> bool:
        status, told = worker.ask("GET", f"{base}/one/status")
        assert status == 200, told
        return bool(told["connector"]["state"] == connector and [t["state"] for t in told["tasks"]] == tasks)

    wait_until(is_so, 10)
    worker.settle()


@pytest.mark.parametrize(
    ("given", "connector", "tasks"),
    [
        ("RUNNING", "RUNNING", ["RUNNING"]),
        ("paused", "PAUSED", []),
        ("STOPPED", "STOPPED", []),
        (None, "RUNNING", ["RUNNING"]),
    ],
)
def test_a_connector_begins_in_the_state_that_was_asked_for(
    worker: MemoryWorker, given: str | None, connector: str, tasks: list[str]
) -> None:
    assert create(worker, initial_state=given)[0] == 201
    becomes(worker, connector, tasks)
    assert worker.ask("PUT", "/connectors/one/resume")[0] == 202
    becomes(worker, "RUNNING", ["RUNNING"])


@pytest.mark.parametrize("given", ["RUNING", "", 7, ["PAUSED"]])
def test_another_first_state_is_refused(worker: MemoryWorker, given: Any) -> None:
    status, told = create(worker, initial_state=given)
    assert (status, worker.ask("GET", "/connectors")[1]) == (400, [])
    assert "STOPPED" in told["message"]


def starts(worker: MemoryWorker) -> int:
    """How often it was started: the stub goes on by three each time."""
    (found,) = worker.ask("GET", "/connectors/one/offsets")[1]["offsets"]
    return int(found["offset"]["replayId"]) // 3


@pytest.mark.parametrize(
    ("query", "status", "again"),
    [
        ("", 204, True),
        ("?includeTasks=true", 202, True),
        ("?onlyFailed=true", 202, False),
        ("?includeTasks=true&onlyFailed=true", 202, False),
    ],
)
def test_a_restart_of_what_runs(worker: MemoryWorker, query: str, status: int, again: bool) -> None:
    create(worker)
    answer, told = worker.ask("POST", f"/connectors/one/restart{query}")
    assert answer == status
    if told:
        tasks = "RESTARTING" if again and "includeTasks" in query else "RUNNING"
        assert told["tasks"][0]["state"] == tasks
        assert told["connector"]["state"] == ("RESTARTING" if again else "RUNNING")
    becomes(worker, "RUNNING", ["RUNNING"])
    wait_until(lambda: starts(worker) == (2 if again else 1), 10)


def test_a_restart_of_what_failed(worker: MemoryWorker) -> None:
    create(worker, FAILED_TASK)
    becomes(worker, "RUNNING", ["FAILED"])
    status, told = worker.ask("POST", "/connectors/one/restart?includeTasks=true&onlyFailed=true")
    assert (status, told["connector"]["state"], told["tasks"][0]["state"]) == (202, "RUNNING", "RESTARTING")
    becomes(worker, "RUNNING", ["FAILED"])
    assert worker.ask("PUT", "/connectors/one/config", EMPTY)[0] == 200
    assert worker.ask("POST", "/connectors/one/tasks/0/restart")[0] == 204
    becomes(worker, "RUNNING", ["RUNNING"])


@pytest.mark.parametrize("body", [{"type": "DELETE"}, {"type": "PATCH", "offsets": POSITION}])
def test_an_offsets_request_leaves_what_has_failed_as_it_is(worker: MemoryWorker, body: Any) -> None:
    create(worker, {**EMPTY, "fail": "connector"})
    becomes(worker, "FAILED", [])
    begun = worker.runner.starts
    assert worker.ask("POST", f"{CONNECTORS}/one/offsets/request", body)[0] == 202
    asked = f"{CONNECTORS}/one/offsets/request/status"
    wait_until(lambda: worker.ask("GET", asked)[1]["status"]["phase"] == "APPLIED", 10)
    becomes(worker, "FAILED", [])
    assert worker.runner.starts == begun
    message = worker.ask("GET", asked)[1]["status"]["message"]
    assert message.endswith(
        "The connector has FAILED and was not started: restart it once the reason is mended."
    )


def test_the_command_says_that_what_failed_was_not_started(
    worker: MemoryWorker, capsys: pytest.CaptureFixture[str]
) -> None:
    create(worker, {**EMPTY, "fail": "connector"})
    becomes(worker, "FAILED", [])
    with worker.served() as url:
        assert main(["offsets", "set", "one", "5", "--url", url, "--yes"]) == 0
    told = capsys.readouterr()
    assert "position is replay id 5 now" in told.out
    assert "note: one has FAILED and was not started; 'sfbridge connectors restart one' starts it" in told.err


def test_the_cloud_expands_what_is_asked_for(worker: MemoryWorker) -> None:
    create(worker)
    assert worker.ask("GET", CONNECTORS) == (200, ["one"])
    _, told = worker.ask("GET", f"{CONNECTORS}?expand=info,status,id")
    (one,) = told.values()
    assert set(one) == {"info", "status", "id"}
    assert one["id"]["id"].startswith("lcc-")
    assert one["id"]["id_type"] == "ID"
    assert set(one["info"]) == {"name", "config", "tasks", "type"}
    assert (one["status"]["connector"]["state"], one["status"]["connector"]["trace"]) == ("RUNNING", "")
    assert one["status"]["tasks"][0]["msg"] == ""
    assert one["status"]["errors_from_trace"] == []
    for asked in ("expand=id&expand=info", "expand=info,id"):
        assert set(worker.ask("GET", f"{CONNECTORS}?{asked}")[1]["one"]) == {"id", "info"}


def test_the_cloud_pauses_resumes_and_restarts(worker: MemoryWorker) -> None:
    create(worker)
    assert worker.ask("PUT", f"{CONNECTORS}/one/pause") == (202, None)
    becomes(worker, "PAUSED", ["PAUSED"], CONNECTORS)
    assert worker.ask("PUT", f"{CONNECTORS}/one/resume") == (202, None)
    becomes(worker, "RUNNING", ["RUNNING"], CONNECTORS)
    before = starts(worker)
    assert worker.ask("POST", f"{CONNECTORS}/one/restart") == (202, None)
    becomes(worker, "RUNNING", ["RUNNING"], CONNECTORS)
    wait_until(lambda: starts(worker) == before + 1, 10)
    for method, path in (("PUT", "pause"), ("PUT", "resume"), ("POST", "restart")):
        status, told = worker.ask(method, f"{CONNECTORS}/nope/{path}")
        assert (status, told["error"]["code"]) == (404, 404)


def test_the_cloud_validates_with_metadata_and_alias(worker: MemoryWorker) -> None:
    kind = "SalesforcePlatformEventSource"
    path = CONNECTORS.replace("/connectors", f"/connector-plugins/{kind}/config/validate")
    status, infos = worker.ask("PUT", path, {"name": "x"})
    assert (status, infos["name"]) == (200, kind)
    for one in infos["configs"]:
        assert one["metadata"] == {}
        assert one["definition"]["alias"] == ""
        assert isinstance(one["definition"]["order"], int)
    assert infos["error_count"] == sum(len(one["value"]["errors"]) for one in infos["configs"]) > 0


def test_no_request_makes_a_library_write_keys(worker: MemoryWorker) -> None:
    levels = {name: logging.getLogger(name).level for name in ("", "bridge", "botocore")}
    logging.getLogger("botocore").setLevel(logging.WARNING)  # as the log's configuration does
    try:
        for name in ("botocore", "botocore.parsers", "azure.core.pipeline.policies", "urllib3"):
            status, told = worker.ask("PUT", f"/admin/loggers/{name}", {"level": "TRACE"})
            assert (status, told["message"].partition(":")[0]) == (400, f"Logger {name} stays at WARN")
            assert worker.ask("PUT", f"/admin/loggers/{name}?scope=cluster", {"level": "DEBUG"})[0] == 400
        status, changed = worker.ask("PUT", "/admin/loggers/root", {"level": "TRACE"})
        assert status == 200
        assert "root" in changed
        assert not [name for name in changed if name.startswith(("boto", "azure", "urllib3"))]
        assert not logging.getLogger("botocore.parsers").isEnabledFor(logging.INFO)
    finally:
        for name, level in levels.items():
            logging.getLogger(name).setLevel(level)
