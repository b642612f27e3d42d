"""What all calls have in common; random requests; secrets; who may ask."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bridge.api import describe
from bridge.api.guard import Guard
from bridge.config import config_of
from bridge.config.declarations import WORKER as WORKER_PROPERTIES
from bridge.java.numbers import double_text
from bridge.metrics import Metrics
from bridge.worker.plugins import Plugin, salesforce_plugins
from tests.support.memory_worker import JSON, WORKER, MemoryWorker
from tests.vectors.connect_stubs import World, stubs

EMPTY = {"connector.class": "EmptyPartitionSource", "topic": "t"}
CLOUD = "/connect/v1/environments/e/clusters/c/connectors"
SALESFORCE = {
    "connector.class": "SalesforcePlatformEventSource",
    "kafka.topic": "t",
    "salesforce.username": "u@example.com",
    "salesforce.password": "pass-word-1",
    "salesforce.password.token": "token-1",
    "salesforce.consumer.key": "consumer-key-1",
    "salesforce.consumer.secret": "${env:CONSUMER_SECRET}",
    "salesforce.platform.event.name": "X__e",
    "my.own.password": "other-secret",
    "tasks.max": "1",
}


def plugins() -> list[Plugin]:
    given = {
        "bootstrap.servers": "127.0.0.1:1",
        "security.protocol": "PLAINTEXT",
        "config.providers": "env",
        "config.providers.env.class": "org.apache.kafka.common.config.provider.EnvVarConfigProvider",
    }
    return [*stubs(World()), *salesforce_plugins(config_of(given, WORKER_PROPERTIES), Metrics())]


@pytest.fixture(scope="module")
def worker() -> Iterator[MemoryWorker]:
    worker = MemoryWorker(plugins())
    yield worker
    worker.stop()


def ask(worker: MemoryWorker, method: str, path: str, body: Any = None) -> tuple[int, Any]:
    return worker.ask(method, path, body)


def test_secrets_are_masked_references_are_not_and_masks_keep_what_is_stored(
    worker: MemoryWorker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CONSUMER_SECRET", "consumer-secret-1")
    body = {"name": "sf", "config": SALESFORCE, "initial_state": "STOPPED"}
    status, made = ask(worker, "POST", "/connectors", body)
    assert status == 201, made
    said = [made]
    for path in (
        "/connectors/sf",
        "/connectors/sf/config",
        "/connectors?expand=info",
        f"{CLOUD}?expand=info",
    ):
        said.append(ask(worker, "GET", path)[1])
    said.append(ask(worker, "PUT", "/connectors/sf/config", made["config"])[1])
    said.append(ask(worker, "PATCH", "/connectors/sf/config", {"salesforce.password.token": "token-2"})[1])
    validate = "/connector-plugins/SalesforcePlatformEventSource/config/validate"
    said.append(ask(worker, "PUT", validate, {**SALESFORCE, "name": "sf", "tasks.max": "7"})[1])
    text = json.dumps(said)
    for secret in (
        "pass-word-1",
        "token-1",
        "token-2",
        "consumer-key-1",
        "consumer-secret-1",
        "other-secret",
    ):
        assert secret not in text
    assert made["config"]["salesforce.consumer.secret"] == "${env:CONSUMER_SECRET}"
    stored = worker.state.configs["sf"]
    assert stored == {**SALESFORCE, "name": "sf", "salesforce.password.token": "token-2"}


def test_validation_has_what_every_source_connector_must_have(worker: MemoryWorker) -> None:
    path = "/connector-plugins/SalesforcePlatformEventSource/config/validate"
    _, infos = ask(worker, "PUT", path, {"connector.class": "SalesforcePlatformEventSource"})
    names = {one["definition"]["name"] for one in infos["configs"]}
    assert {
        "name",
        "connector.class",
        "tasks.max",
        "errors.tolerance",
        "transforms",
        "exactly.once.support",
    } <= names
    assert all({"order", "order_in_group"} <= set(one["definition"]) for one in infos["configs"])


def test_one_request_at_a_time_and_the_state_of_before(worker: MemoryWorker) -> None:
    ask(worker, "POST", "/connectors", {"name": "one", "config": EMPTY})
    worker.settle()
    gate = worker.runner.alter
    import threading

    go = threading.Event()
    worker.runner.alter = lambda name, request: (go.wait(5), gate(name, request))[1]
    wanted = {"type": "PATCH", "offsets": [{"partition": {}, "offset": {"replayId": 7}}]}
    try:
        assert ask(worker, "POST", f"{CLOUD}/one/offsets/request", wanted)[0] == 202
        status, refused = ask(worker, "POST", f"{CLOUD}/one/offsets/request", {"type": "DELETE"})
        assert (status, refused["error"]["code"]) == (409, 409)
        assert ask(worker, "GET", f"{CLOUD}/one/offsets/request/status")[1]["status"] == {"phase": "PENDING"}
    finally:
        go.set()
        worker.settle()
        worker.runner.alter = gate
    told = ask(worker, "GET", f"{CLOUD}/one/offsets/request/status")[1]
    assert told["status"]["phase"] == "APPLIED"
    assert told["previous_offsets"] == [{"partition": {}, "offset": {"replayId": 3}}]
    assert ask(worker, "GET", "/connectors/one/status")[1]["connector"]["state"] == "RUNNING"
    # The stub emits three more each time it starts.
    assert ask(worker, "GET", f"{CLOUD}/one/offsets")[1]["offsets"][0]["offset"] == {"replayId": 10}


def test_cloud_states(worker: MemoryWorker) -> None:
    ask(worker, "POST", "/connectors", {"name": "state", "config": EMPTY, "initial_state": "STOPPED"})
    worker.settle()
    status, told = ask(worker, "GET", f"{CLOUD}/state/status")
    assert (status, told["connector"]["state"]) == (200, "PAUSED")
    assert ask(worker, "GET", f"{CLOUD}/nope")[1] == {
        "error": {"code": 404, "message": "Connector nope not found"}
    }


def test_the_description_is_the_one_in_the_documentation_and_names_every_call(worker: MemoryWorker) -> None:
    assert (Path(__file__).parents[3] / "docs" / "openapi.yaml").read_text() == describe.text()
    described = {
        (re.sub(r"\{\w+\}", "*", path).strip("/"), method.upper())
        for path, calls in describe.document()["paths"].items()
        for method in calls
    }
    table = worker.site.table.items()
    answered = {
        (path, method) for path, handlers in table for method in handlers if not path.startswith("console")
    }
    # Not JSON, or what only workers of a Kafka Connect cluster ask each other.
    hidden = {("metrics", "GET"), ("openapi.yaml", "GET")}
    hidden |= {("connectors/*/fence", "PUT"), ("connectors/*/tasks", "POST")}
    assert answered - described == hidden
    assert described - answered == set()


@pytest.mark.parametrize("path", ["/connectors", CLOUD])
@pytest.mark.parametrize("name", ["", " ", "a\nb", "half \ud800", {"a": 1}, None])
def test_names_that_no_topic_could_hold_are_refused(worker: MemoryWorker, path: str, name: Any) -> None:
    status, told = ask(worker, "POST", path, {"name": name, "config": EMPTY})
    assert status == 400, told


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["name", "config", "offsets", "type", "partition", "offset", "level"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=6,
)
SEGMENTS = st.sampled_from(
    ["a", "one", "0", "state", "root", "EmptyPartitionSource", "%00", "%ff", "é", "x" * 300, "..", "%2f"]
)
BODIES = (
    VALUES
    | st.builds(
        lambda n, c: {"name": n, "config": {**EMPTY, **c}},
        st.text(max_size=6),
        st.dictionaries(st.text(max_size=5), VALUES, max_size=2),
    )
    | st.builds(lambda o: {"type": "PATCH", "offsets": o}, VALUES)
    | st.builds(lambda o: {"offsets": [{"partition": {}, "offset": {"replayId": o}}]}, VALUES)
)


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_no_request_is_answered_with_5xx_or_a_traceback(worker: MemoryWorker, data: st.DataObject) -> None:
    template = data.draw(st.sampled_from(sorted(worker.site.table)))
    path = "/" + "/".join(data.draw(SEGMENTS) if part == "*" else part for part in template.split("/"))
    method = data.draw(st.sampled_from(["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"]))
    if path.startswith("/admin/loggers/"):
        method = "GET"  # the process's own loggers stay as they are
    body = (
        json.dumps(data.draw(BODIES)).encode()
        if data.draw(st.booleans())
        else data.draw(st.binary(max_size=20))
    )
    query = data.draw(
        st.sampled_from(["", "?expand=status", "?expand=info,id", "?includeTasks=true", "?version=x", "?="])
    )
    found = worker.site.answer(method, path + query, JSON, body, f"http://{WORKER}")
    assert found.status < 500, (method, path, body, found)
    assert b"Traceback" not in found.content()


def test_doubles_are_spelled_as_in_java() -> None:
    spelled = [double_text(x) for x in (1.5, -1e-7, 1e21, 123456789.0, 1e7, 0.001, 0.0001, 0.0)]
    assert spelled == ["1.5", "-1.0E-7", "1.0E21", "1.23456789E8", "1.0E7", "0.001", "1.0E-4", "0.0"]


def test_two_operators_at_once_make_no_mixture(worker: MemoryWorker) -> None:
    from concurrent.futures import ThreadPoolExecutor

    bodies = [{"name": "race", "config": {**EMPTY, "topic": f"t{n}", "count": str(n)}} for n in range(8)]
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda body: ask(worker, "POST", "/connectors", body), bodies))
        assert sorted(status for status, _ in made) == [201] + [409] * 7
        put = list(
            pool.map(lambda body: ask(worker, "PUT", "/connectors/race/config", body["config"]), bodies)
        )
    assert {status for status, _ in put} == {200}
    stored = worker.state.configs["race"]
    assert stored["topic"] == f"t{stored['count']}"


def test_a_connector_created_with_offsets_never_runs_elsewhere(worker: MemoryWorker) -> None:
    offsets = [{"partition": {}, "offset": {"replayId": 41}}]
    status, made = ask(worker, "POST", CLOUD, {"name": "at", "config": EMPTY, "offsets": offsets})
    assert (status, made["offsets"]) == (201, offsets)
    worker.settle()
    assert ask(worker, "GET", f"{CLOUD}/at/offsets")[1]["offsets"][0]["offset"] == {"replayId": 44}
    wrong = [{"partition": {"a": "b"}, "offset": {"replayId": 1}}]
    assert ask(worker, "POST", CLOUD, {"name": "no", "config": EMPTY, "offsets": wrong})[0] == 400
    assert ask(worker, "GET", f"{CLOUD}/no")[0] == 404


def test_environment_and_cluster_may_be_pinned(worker: MemoryWorker) -> None:
    from bridge.api import cloud
    from bridge.api.site import Site

    pinned = cloud.Cloud(lambda: worker.herder, "group", {"environment": "env-1", "cluster": "lkc-1"})
    site = Site(cloud.routes(pinned), Guard({}, frozenset({"127.0.0.1"})), WORKER)
    for environment, cluster, status in (("env-1", "lkc-1", 200), ("-", "-", 200), ("env-2", "lkc-1", 404)):
        path = f"/connect/v1/environments/{environment}/clusters/{cluster}/connectors"
        assert site.answer("GET", path, JSON, b"", "").status == status
