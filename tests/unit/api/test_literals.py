"""Tools that compare what they sent with what they read: what comes back as it was sent, and to whom."""

import base64
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bridge.api.users import Role, User, hash_password
from bridge.config import config_of, load_worker
from bridge.config.declarations import WORKER as WORKER_PROPERTIES
from bridge.config.secrecy import MASK
from bridge.errors import ConfigurationError
from bridge.metrics import Metrics
from bridge.worker.plugins import salesforce_plugins
from tests.support.memory_worker import GOOD, MemoryWorker

CLOUD = "/connect/v1/environments/e/clusters/c/connectors"
LOGIN = User(hash_password("secret"))
OF_THE_CLOUD = {
    "confluent.connector.type": "MANAGED",
    "connector.crn": "crn://confluent.cloud/organization=o/environment=env-1/connector=lcc-1",
    "cloud.provider": "AWS",
    "my.team": "orders",
    "owner": "me@example.com",
    "value.converter.basic.auth.credentials.source": "URL",
}
LITERAL = {
    **GOOD,
    **OF_THE_CLOUD,
    "http.proxy": "http://u:pw@proxy:1",
    "my.own.password": "s",
    "my.api_key": "s",
}
SECRET = {
    *(key for key in GOOD if key.startswith("salesforce.") and key.split(".")[1] in ("password", "consumer")),
    "my.own.password",
    "my.api_key",
}


def basic(name: str) -> dict[str, str]:
    return {"authorization": "Basic " + base64.b64encode(f"{name}:secret".encode()).decode()}


@pytest.fixture
def make() -> Iterator[Any]:
    workers = []

    def made(*, literals: bool) -> MemoryWorker:
        given = {"bootstrap.servers": "127.0.0.1:1", "security.protocol": "PLAINTEXT"}
        plugins = salesforce_plugins(config_of(given, WORKER_PROPERTIES), Metrics())
        users = {role.word: User(LOGIN.hashed, role) for role in Role} if literals else {}
        workers.append(MemoryWorker(plugins, users, literals))
        return workers[-1]

    yield made
    for worker in workers:
        worker.stop()


def apply(worker: MemoryWorker, path: str) -> list[dict[str, Any]]:
    """What a tool reads while it creates, changes and changes again; every configuration that was shown."""
    status, made = worker.ask(
        "POST", path, {"name": "sf", "config": LITERAL, **STOPPED[path]}, **basic("write")
    )
    assert status == 201, made
    shown = [made["config"]]
    for method, below in (("GET", ""), ("GET", "/config"), ("PUT", "/config"), ("GET", "/tasks")):
        status, told = worker.ask(
            method, f"{path}/sf{below}", LITERAL if method == "PUT" else None, **basic("write")
        )
        assert status == 200
        shown += [one["config"] for one in told] if below == "/tasks" else [told.get("config", told)]
    shown.append(worker.ask("GET", f"{path}?expand=info", **basic("write"))[1]["sf"]["info"]["config"])
    return shown


STOPPED: dict[str, dict[str, str]] = {"/connectors": {"initial_state": "STOPPED"}, CLOUD: {}}


@pytest.mark.parametrize("path", ["/connectors"])
def test_literals_come_back_as_they_were_sent_where_the_operator_says_so(path: str, make: Any) -> None:
    worker = make(literals=True)
    for shown in apply(worker, path):
        assert shown == {**LITERAL, "name": "sf"}
    for who in ("read", "records"):
        masked = worker.ask("GET", f"{path}/sf/config", **basic(who))[1]
        assert {key for key, text in masked.items() if text == MASK} == SECRET
        assert masked["http.proxy"] == "http://****@proxy:1"


def test_only_what_looks_like_a_secret_is_masked(make: Any) -> None:
    for shown in apply(make(literals=False), "/connectors"):
        assert {key for key, text in shown.items() if text == MASK} == SECRET
        assert OF_THE_CLOUD.items() <= shown.items()


def test_references_come_back_as_they_were_sent_in_any_case(
    make: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker = make(literals=False)
    given = {**GOOD, "name": "sf", "salesforce.password": "${env:SF}"}
    assert worker.herder.plugins[0].shown(given)["salesforce.password"] == "${env:SF}"


def test_it_takes_users_to_show_literals(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"set bridge\.rest\.users\.file") as refused:
        load_worker(None, environ={"SFBRIDGE_WORKER_PROPERTIES": "bridge.rest.mask.literals=false"})
    assert [fault.key for fault in refused.value.faults] == ["bridge.rest.mask.literals"]
    users = tmp_path / "users"
    users.write_text(f"key:{LOGIN.hashed}\n")
    text = f"bridge.rest.mask.literals=false\nbridge.rest.users.file={users}"
    assert (
        load_worker(None, environ={"SFBRIDGE_WORKER_PROPERTIES": text})["bridge.rest.mask.literals"] is False
    )
