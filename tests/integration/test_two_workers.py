"""Two workers of one group: requests to either, over https with credentials, at once, and to all of them."""

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import requests

from bridge.api.users import hash_password
from bridge.cli.main import main
from bridge.sandbox.org import Org
from tests.support.bridge_run import Bridge, wait_until
from tests.support.certs import Authority
from tests.support.kafka_broker import Broker
from tests.support.worker_run import Group, Process, Rest

USER = ("key", "ópen sésame")


@pytest.fixture
def group(tmp_path: Path, broker: Broker) -> Group:
    return Group(tmp_path, broker)


@pytest.fixture
def config(tmp_path: Path, broker: Broker, org: Org) -> dict[str, str]:
    """A connector's configuration without its name."""
    bridge = Bridge.of(tmp_path, broker, org)
    config = json.loads(bridge.connector_file().read_text())
    return {key: text for key, text in config.items() if key != "name"}


def follows(rest: Rest) -> bool:
    assert rest.service is not None
    assert rest.service.worker.herder is not None
    return not rest.service.worker.herder.leader.leads()


def leaf_only(file: Path) -> Path:
    """Key and certificate alone: who issued it is known elsewhere."""
    first, end, _ = file.read_text().partition("-----END CERTIFICATE-----\n")
    file.write_text(first + end)
    return file


@pytest.mark.parametrize("trust", ["the worker's file", "SSL_CERT_FILE"])
def test_a_follower_hands_on_over_https_with_the_credentials_it_got(
    trust: str,
    group: Group,
    authority: Authority,
    config: dict[str, str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    file = authority.issue("rest")
    if trust == "SSL_CERT_FILE":
        monkeypatch.setenv("SSL_CERT_FILE", str(authority.file))
        leaf_only(file)
    (tmp_path / "users").write_text(f"{USER[0]}:{hash_password(USER[1])}\n", "utf-8")
    group.extra = {
        "listeners": "https://127.0.0.1:0",
        "listeners.https.ssl.keystore.location": str(file),
        "bridge.rest.users.file": str(tmp_path / "users"),
    }
    auth = tuple(part.encode() for part in USER)
    secure: dict[str, Any] = {"verify": str(authority.file), "auth": auth}
    with group.worker() as leader, group.worker() as follower:
        assert follows(follower)
        body = {"name": "one", "config": config, "initial_state": "STOPPED"}
        wrong = {**secure, "auth": ("key", "wrong")}
        assert follower.ask("POST", "/connectors", body, **wrong).status_code == 401
        made = follower.ask("POST", "/connectors", body, **secure)
        assert made.status_code == 201, made.text
        assert made.headers["Location"].startswith("https://")
        assert follower.ask("GET", "/connectors", **secure).json() == ["one"]
        assert leader.ask("GET", "/connectors", **secure).json() == ["one"]
        with pytest.raises(requests.exceptions.SSLError):
            follower.ask("GET", "/", **{**secure, "verify": True})
        if trust != "SSL_CERT_FILE":
            return
        # The command line trusts it, too.
        monkeypatch.setenv("SFBRIDGE_REST_USER", ":".join(USER))
        assert main(["connectors", "delete", "one", "--yes", "--url", follower.url]) == 0
        assert main(["connectors", "list", "--url", leader.url, "-o", "json"]) == 0
        assert json.loads(capsys.readouterr().out.partition("\n")[2]) == []


@pytest.fixture
def pair(group: Group) -> Iterator[tuple[Rest, Process]]:
    """One worker in this process, one in its own."""
    with group.worker() as here:
        there = group.spawn()
        try:
            yield here, there
        finally:
            there.kill()


def write_both(workers: list[Rest], write: Callable[[Rest, int], int], times: int) -> set[int]:
    """Many writes at once, in turn to each worker; the statuses they were answered with."""
    with ThreadPoolExecutor(8) as pool:
        return set(pool.map(lambda number: write(workers[number % 2], number), range(times)))


def test_operators_at_different_workers_make_no_mixture(
    pair: tuple[Rest, Process], config: dict[str, str]
) -> None:
    here, there = pair[0], pair[1].rest

    def variant(number: int) -> dict[str, str]:
        return {
            **config,
            "bridge.commit.interval.ms": str(50 + number),
            "request.max.retries.time.ms": str(5000 + number),
        }

    def create(rest: Rest, number: int) -> int:
        body = {"name": "one", "config": variant(number), "initial_state": "STOPPED"}
        return int(rest.ask("POST", "/connectors", body).status_code)

    def put(rest: Rest, number: int) -> int:
        return int(rest.ask("PUT", "/connectors/one/config", variant(number)).status_code)

    for write, fine in ((create, {201, 409}), (put, {200, 409})):
        assert write_both([here, there], write, 16) <= fine
        wait_until(
            lambda: here.get("/connectors/one")["config"] == there.get("/connectors/one")["config"], 10
        )
        stored = here.get("/connectors/one/config")
        number = int(stored["bridge.commit.interval.ms"]) - 50
        assert stored["request.max.retries.time.ms"] == str(5000 + number)
        assert here.get("/connectors") == there.get("/connectors") == ["one"]


def test_a_level_for_the_whole_cluster_reaches_the_other_worker_while_it_runs(
    group: Group, pair: tuple[Rest, Process]
) -> None:
    here, there = pair[0], pair[1].rest
    name = "some.logger.of.the.tests"
    for asked, other in ((here, there), (there, here)):
        path = f"/admin/loggers/{name}.{other.url.rpartition(':')[2]}"
        assert asked.ask("PUT", f"{path}?scope=cluster", {"level": "warn"}).status_code == 204
        for rest in (asked, other):
            wait_until(lambda path=path, rest=rest: rest.ask("GET", path).status_code == 200, 10)
            assert rest.get(path)["level"] == "WARN"
        # For one worker alone it stays there.
        assert asked.ask("PUT", path, {"level": "ERROR"}).json() == [path.rpartition("/")[2]]
        assert other.get(path)["level"] == "WARN"
    # A worker that starts later has its own levels, as in Kafka Connect.
    third = group.spawn()
    try:
        assert third.rest.ask("GET", path).status_code == 404
    finally:
        third.kill()
