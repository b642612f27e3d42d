"""Random requests, made out of the description that a worker serves: each is answered as described, and nothing leaks.

``SFBRIDGE_SEED=N`` asks other questions than the ones that are asked every time.
"""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st
from schemathesis import checks
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi import checks as described

from bridge.cli.worker_client import cloud_path
from bridge.sandbox.org import Org
from tests.support.bridge_run import Bridge
from tests.support.kafka_broker import Broker
from tests.support.secretive import configurations, secrets
from tests.support.worker_run import Group, Process, Rest

SEED = int(os.environ.get("SFBRIDGE_SEED", "1"))
EACH = 25  # requests to each of the operations,
SLOW = {"DELETE": 5, "GET": 10}  # but to those that wait for Kafka's transactions or read a topic to its end
JOBS = 4  # requests that may begin one, which dials
AS_DESCRIBED = (
    checks.not_a_server_error,
    described.status_code_conformance,
    described.content_type_conformance,
    described.response_headers_conformance,
    described.response_schema_conformance,
)


@pytest.fixture
def worker(tmp_path: Path, broker: Broker) -> Iterator[Process]:
    process = Group(tmp_path, broker).spawn()
    yield process
    process.kill()


def restore(rest: Rest, wanted: dict[str, dict[str, str]]) -> None:
    """Have these connectors and no others, and have them run, but for one, whatever was done to them."""
    for stray in set(rest.get("/connectors")) - set(wanted):
        assert rest.ask("DELETE", cloud_path(stray)).status_code == 200
    for name, config in wanted.items():
        made = rest.ask("PUT", f"/connectors/{name}/config", config)
        assert made.status_code in (200, 201), made.text
        wish = "stop" if name.endswith("no-proxy") else "resume"
        assert rest.ask("PUT", f"/connectors/{name}/{wish}").status_code in (202, 204)


def strategy(operation: Any, wanted: dict[str, dict[str, str]]) -> st.SearchStrategy[Any]:
    """Requests that the description allows and some that it does not; most concern a connector that is there."""
    right = operation.as_strategy(generation_mode=GenerationMode.POSITIVE)
    open_ended = bool(operation.path_parameters or operation.query or operation.body)
    wrong = operation.as_strategy(generation_mode=GenerationMode.NEGATIVE) if open_ended else right
    names = st.sampled_from([*wanted, *wanted, None])

    def aim(case: Any, name: str | None, whole: bool) -> Any:
        if name is not None:
            aimed = {"connector": name, "plugin": wanted[name]["connector.class"]}
            case.path_parameters |= {key: aimed[key] for key in aimed if key in case.path_parameters}
            if whole and isinstance(case.body, dict):
                complete(case.body, wanted[name])
        return case

    return st.builds(aim, right | wrong, names, st.sampled_from([True, True, False]))


def complete(body: dict[str, Any], like: dict[str, str]) -> None:
    """Make a configuration in a body one that could be stored, beside what was drawn for it."""
    config = body.get("config", body)
    if isinstance(config, dict) and not {"offsets", "level"} & set(body):
        config |= {key: text for key, text in like.items() if key not in config and key != "name"}
        if config is not body and "name" in body:
            body["name"] = "made"


def how_many(operation: Any) -> int:
    if operation.path.startswith("/bridge/v1/") and operation.method.upper() == "POST":
        return JOBS
    slow = operation.path.endswith("/offsets") or (
        operation.path.startswith("/connect/") and operation.method.upper() == "DELETE"
    )
    return SLOW.get(operation.method.upper(), EACH) if slow else EACH


def assert_tells_nothing(hidden: list[str], text: str, where: str) -> None:
    found = [secret for secret in hidden if secret in text]
    assert not found, f"{found} in {where}"
    assert "Traceback" not in text, where


@pytest.mark.timeout(300)
def test_random_requests_are_answered_as_described_and_learn_no_secret(
    worker: Process, tmp_path: Path, broker: Broker, org: Org
) -> None:
    rest, session, asked = worker.rest, requests.Session(), []
    bridge = Bridge.of(tmp_path, broker, org)
    wanted, hidden = configurations(bridge), secrets(bridge)
    restore(rest, wanted)
    schema = schemathesis.openapi.from_url(f"{rest.url}/openapi.yaml")
    for found in schema.get_all_operations():
        operation = found.ok()

        @seed(SEED)
        @settings(max_examples=how_many(operation), database=None, suppress_health_check=list(HealthCheck))
        @given(case=strategy(operation, wanted))
        def ask(case: Any) -> None:
            answer = case.call(base_url=rest.url, session=session, timeout=60)
            asked.append(f"{answer.status_code} {case.method} {answer.request.url}")
            assert_tells_nothing(hidden, f"{answer.headers} {answer.text}", asked[-1])
            case.validate_response(answer, checks=list(AS_DESCRIBED))

        ask()
        if operation.method.upper() != "GET":
            restore(rest, wanted)
    assert len(asked) >= 1000
    assert {"200", "201", "202", "204", "400", "404"} <= {one.split()[0] for one in asked}
    assert_tells_nothing(hidden, worker.errors(), "the worker's log")
