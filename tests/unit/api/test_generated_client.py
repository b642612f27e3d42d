"""A foreign client, made out of docs/openapi.yaml by a generator, talks to the API and understands its answers."""

from __future__ import annotations

import importlib
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bridge.api.users import Role, User, hash_password
from bridge.config import config_of
from bridge.config.declarations import WORKER as WORKER_PROPERTIES
from bridge.metrics import Metrics
from bridge.worker.plugins import salesforce_plugins
from tests.support.bridge_run import wait_until
from tests.support.crowd import TRACE, carry, crowd
from tests.support.memory_worker import MemoryWorker

ROOT = Path(__file__).parents[3]
CLIENT = "sfbridge_client"


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """``api("connectors_every")``: the module of that call, in the package that the generator made."""
    directory = tmp_path_factory.mktemp("generated")
    made = subprocess.run(
        [sys.executable, "-m", "openapi_python_client", "generate", "--meta", "none", "--overwrite",
         "--path", str(ROOT / "docs" / "openapi.yaml"), "--output-path", str(directory / CLIENT)],
        capture_output=True, text=True, check=False, cwd=directory,
    )  # fmt: skip
    assert made.returncode == 0, made.stdout + made.stderr
    assert "unsupported" not in made.stdout.lower(), made.stdout
    sys.path.insert(0, str(directory))
    try:
        yield lambda name: importlib.import_module(f"{CLIENT}.{name}")
    finally:
        sys.path.remove(str(directory))
        for name in [name for name in sys.modules if name.partition(".")[0] == CLIENT]:
            del sys.modules[name]


@pytest.fixture
def served() -> Iterator[tuple[MemoryWorker, str]]:
    given = {"bootstrap.servers": "127.0.0.1:1", "security.protocol": "PLAINTEXT"}
    users = {"ann": User(hash_password("secret"), Role.RECORDS)}
    worker = MemoryWorker(salesforce_plugins(config_of(given, WORKER_PROPERTIES), Metrics()), users)
    worker.stop()
    all_stats = crowd(worker, 40)
    for _ in range(3):
        worker.watch.sampler.tick(worker.state.configs, time.time())
        carry(all_stats, 10)
    with worker.served() as url:
        yield worker, url


def test_it_signs_in_looks_around_and_follows_a_job(api: Any, served: tuple[MemoryWorker, str]) -> None:
    worker, url = served
    call = lambda name: api(f"api.bridge.{name}")  # noqa: E731 - a name for the test's own use
    models = api("models")
    browser = api("client").Client(base_url=url)
    me = call("sign_in_begin").sync(client=browser, body=models.SignIn(name="ann", password="secret"))
    assert (me.name, me.role.value, me.roles) == ("ann", "records", ["read", "records"])
    browser.get_httpx_client().headers["X-SFBridge-Token"] = me.token  # the cookie is in its jar

    rows = call("connectors_every").sync(
        client=browser, sort=models.ConnectorsEverySort("condition"), limit=5
    )
    assert (rows.total, len(rows.items), rows.pages) == (40, 5, 8)
    failed = rows.items[0]
    assert (failed.condition.value, failed.reason, failed.whose.value) == ("failed", TRACE, "yours")
    running = call("connectors_one").sync("orders-0000", client=browser)
    assert (running.state, running.format_, running.move) == ("RUNNING", "AVRO", None)
    assert running.delivered == 1000 + 3 * 10
    nothing = call("connectors_every").sync_detailed(client=browser, since=rows.revision)
    assert nothing.status_code in (200, 204)
    series = call("series_of").sync("orders-0000", client=browser)
    assert len(series.at) == len(series.events) > 0
    assert call("logs_of_connector").sync("orders-0000", client=browser).lines is not None
    (here,) = call("workers_every").sync(client=browser).workers
    assert (here.answered, here.id) == (True, worker.herder.worker_id)

    job = call("records_of_connector").sync(
        "orders-0000", client=browser, body=models.RecordsRequest(limit=3)
    )
    wait_until(
        lambda: call("job_calls_one").sync(job.id, client=browser).state.value in ("RUNNING", "FAILED")
    )
    assert call("job_calls_cancel").sync_detailed(job.id, client=browser).status_code == 204
    assert call("job_calls_one").sync(job.id, client=browser).state.value in ("CANCELLED", "FAILED")
    refused = call("checks_of_connector").sync("orders-0000", client=browser)
    assert (refused.error_code, "role write" in refused.message) == (403, True)
    unknown = call("connectors_one").sync("nobody", client=browser)
    assert unknown.error_code == 404
    assert call("sign_in_end").sync_detailed(client=browser).status_code == 204
    assert call("connectors_one").sync("orders-0000", client=browser).error_code == 401
