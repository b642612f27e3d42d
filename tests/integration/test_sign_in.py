"""A browser's sign-in in a group: every worker accepts it, hands it on, and knows when it has ended."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from bridge.api.users import hash_password
from bridge.sandbox.org import Org
from tests.support.bridge_run import Bridge, wait_until
from tests.support.kafka_broker import Broker
from tests.support.worker_run import Group, Rest

PATH = "/bridge/v1/session"


@pytest.fixture
def two(tmp_path: Path, broker: Broker) -> Iterator[tuple[Rest, Rest]]:
    """Leader and follower, with users."""
    group = Group(tmp_path, broker)
    lines = [f"ann:{hash_password('ann')}", f"ben:{hash_password('ben')}:read"]
    (tmp_path / "users").write_text("\n".join(lines))
    group.extra = {"bridge.rest.users.file": str(tmp_path / "users")}
    with group.worker() as leader, group.worker() as follower:
        yield leader, follower


def signed_in(rest: Rest, name: str) -> tuple[str, str]:
    """The token that stands in the cookie, and the proof."""
    answer = rest.ask("POST", PATH, {"name": name, "password": name})
    assert answer.status_code == 200, answer.text
    return answer.headers["Set-Cookie"].partition(";")[0].partition("=")[2], answer.json()["token"]


def cookie(rest: Rest, token: str) -> dict[str, str]:
    """As a browser would have it from that worker itself."""
    assert rest.service is not None
    port = rest.url.rpartition(":")[2]
    sessions = rest.service.guard.sessions
    return {"Cookie": f"{sessions.cookie(f'127.0.0.1:{port}', False)}={token}"}


def test_every_worker_accepts_it_and_a_follower_hands_on_what_was_proved(
    two: tuple[Rest, Rest], tmp_path: Path, broker: Broker, org: Org
) -> None:
    leader, follower = two
    token, proof = signed_in(follower, "ann")
    config = json.loads(Bridge.of(tmp_path, broker, org).connector_file().read_text())
    made = {"name": "one", "config": {**config, "name": "one"}, "initial_state": "STOPPED"}
    proved = {**cookie(follower, token), "X-SFBridge-Token": proof}
    forged = (
        cookie(follower, token),
        {**proved, "X-SFBridge-Token": "x"},
        {**proved, "Origin": leader.url},
        {**proved, "Origin": "https://evil.example"},
        {**proved, "Sec-Fetch-Site": "same-site"},
        {"X-SFBridge-Forwarded": "w", **cookie(follower, token)},
    )
    for headers in forged:
        assert follower.ask("POST", "/connectors", made, headers=headers).status_code == 403, headers
    assert follower.ask("POST", "/connectors", made, headers=cookie(leader, token)).status_code == 401
    assert follower.ask("POST", "/connectors", made, headers=proved).status_code == 201
    assert leader.ask("GET", "/connectors", headers=cookie(leader, token)).json() == ["one"]
    reader, its_proof = signed_in(leader, "ben")
    sent = {**cookie(follower, reader), "X-SFBridge-Token": its_proof}
    assert follower.ask("DELETE", "/connectors/one", headers=sent).status_code == 403
    # An old token, at either worker.
    assert follower.ask("DELETE", PATH, headers=proved).status_code == 204
    for rest in two:
        wait_until(lambda rest=rest: rest.ask("GET", "/", headers=cookie(rest, token)).status_code == 401, 10)
    assert follower.ask("DELETE", "/connectors/one", headers=proved).status_code == 401
    assert follower.ask("GET", "/", headers=cookie(follower, reader)).status_code == 200, (
        "only that one ended"
    )


def a_page_of_another_port_restarts_nothing(leader: Rest) -> None:
    """What Chromium sends for a form of http://127.0.0.1:<other> that posts to the worker: see the reference."""
    token, _ = signed_in(leader, "ann")
    form = {"Content-Type": "application/x-www-form-urlencoded", "Sec-Fetch-Site": "same-site"}
    answer = requests.post(
        f"{leader.url}/connectors/one/restart",
        headers={**form, "Origin": "http://127.0.0.1:1", **cookie(leader, token)},
        auth=("ann", "ann"),
        timeout=20,
    )
    assert answer.status_code == 403
