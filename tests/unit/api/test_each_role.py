"""Random requests out of the description, by each role: answered as described, and never more than the role may."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from typing import Any

import pytest
import requests
import schemathesis
import yaml
from hypothesis import HealthCheck, given, seed, settings
from schemathesis import checks
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi import checks as described

from bridge.api import describe
from bridge.api.users import Role, User, hash_password
from bridge.api.v1 import jobs
from bridge.worker import records
from tests.support.crowd import crowd
from tests.support.memory_worker import GOOD, MemoryWorker
from tests.unit.api.plugins import every_plugin

SEED = int(os.environ.get("SFBRIDGE_SEED", "1"))
EACH = 3
AS_DESCRIBED = [
    checks.not_a_server_error,
    described.status_code_conformance,
    described.content_type_conformance,
    described.response_schema_conformance,
]
HASHED = hash_password("x")
USERS = {role.word: User(HASHED, role) for role in Role}
SCHEMA = schemathesis.openapi.from_dict(yaml.safe_load(describe.text()))
SECRETS = [text for key, text in GOOD.items() if re.search("password|secret|consumer", key)]


@pytest.fixture(scope="module")
def worker() -> Iterator[MemoryWorker]:
    plugins = every_plugin()
    worker = MemoryWorker(plugins, USERS)
    worker.stop()  # what is asked for is written, and nobody does it
    crowd(worker, 20)
    near = {**GOOD, "name": "sf", "salesforce.instance": "http://127.0.0.1:1"}
    worker.configs.append([records.connector("sf", near)])
    stub = {
        "connector.class": "EmptyPartitionSource",
        "topic": "t",
    }  # positions of the others are asked of Kafka
    worker.configs.append([records.connector("one", stub)])
    yield worker
    worker.here.jobs.stop()


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Jobs that dial are not waited for."""
    monkeypatch.setattr(jobs, "_AT_ONCE", 0.02)


@pytest.fixture(scope="module")
def url(worker: MemoryWorker) -> Iterator[str]:
    with worker.served() as url:
        yield url


def needed(worker: MemoryWorker, operation: Any) -> Role | None:
    template = re.sub(r"\{\w+\}", "*", operation.path).strip("/")
    method = operation.method.upper()
    return worker.site.needs.get((template, method), Role.READ if method == "GET" else Role.WRITE)


@pytest.mark.parametrize("role", list(Role), ids=lambda role: role.word)
def test_random_requests(role: Role, worker: MemoryWorker, url: str) -> None:
    session, asked = requests.Session(), list[int]()
    session.auth = (role.word, "x")
    before = dict(worker.state.configs), dict(worker.state.targets)
    for found in SCHEMA.get_all_operations():
        operation = found.ok()
        need = needed(worker, operation)
        ask_for(operation, url, session, asked, enough=need is None or role >= need)
    assert {200, 400, 404} <= set(asked)
    if role < Role.WRITE:
        assert (dict(worker.state.configs), dict(worker.state.targets)) == before


def ask_for(operation: Any, url: str, session: requests.Session, asked: list[int], *, enough: bool) -> None:
    right = operation.as_strategy(generation_mode=GenerationMode.POSITIVE)
    wrong = operation.as_strategy(generation_mode=GenerationMode.NEGATIVE)
    open_ended = bool(operation.path_parameters or operation.query or operation.body)

    @seed(SEED)
    @settings(max_examples=EACH, database=None, deadline=None, suppress_health_check=list(HealthCheck))
    @given(case=right | wrong if open_ended else right)
    def ask(case: Any) -> None:
        if "connector" in (case.path_parameters or {}):
            case.path_parameters["connector"] = "one" if operation.path.endswith("/offsets") else "sf"
        answer = case.call(base_url=url, session=session, timeout=60)
        asked.append(answer.status_code)
        told = f"{answer.status_code} {case.method} {answer.request.url} {answer.text[:500]}"
        if enough:
            assert answer.status_code != 403 or "another user" in told, told
        else:
            assert answer.status_code in (400, 403, 404, 405), told
        assert not [secret for secret in SECRETS if secret in answer.text], told
        case.validate_response(answer, checks=AS_DESCRIBED)

    ask()
