"""``sfbridge run --listen``: the connectors of files behind the same REST API, in one process without a group."""

from __future__ import annotations

import json
import re
import signal
from pathlib import Path
from typing import Any

import requests

from bridge.sandbox.org import Org
from tests.support.bridge_run import EVENT, Bridge, wait_until
from tests.support.kafka_broker import Broker
from tests.support.ports import free_ports
from tests.support.rest_jobs import job
from tests.support.worker_run import Rest

GOOD = {"Order_Number__c": "O-1"}


def test_it_is_looked_at_changed_and_ended(tmp_path: Path, broker: Broker, org: Org) -> None:
    bridge = Bridge.of(tmp_path, broker, org)
    bridge.settings["salesforce.password"] = (
        "${env:LISTEN_PASSWORD}"  # a file may name variables, REST may not
    )
    port = free_ports(["rest"])["rest"]
    org.publish(EVENT, GOOD)
    process = bridge.spawn(
        "--listen", str(port), log=tmp_path / "log", env={"LISTEN_PASSWORD": org.credentials.password}
    )
    rest, name = Rest(f"http://127.0.0.1:{port}"), bridge.name
    path = f"/bridge/v1/connectors/{name}"

    def row() -> dict[str, Any]:
        try:
            answer = rest.ask("GET", path)
        except requests.ConnectionError:
            assert process.poll() is None, (tmp_path / "log").read_text()
            return {}
        return dict(answer.json()) if answer.status_code == 200 else {}

    try:
        wait_until(lambda: row().get("delivered") == 1, 40, 0.2)
        told = row()
        assert (told["state"], told["topic"], told["worker"]) == (
            "RUNNING",
            bridge.topic,
            f"127.0.0.1:{port}",
        )
        assert rest.get("/connectors") == [name]
        assert rest.get(f"/connectors/{name}/config")["salesforce.password"] == "${env:LISTEN_PASSWORD}"
        records = job(rest, f"/connectors/{name}/records")
        assert [item["value"]["Order_Number__c"] for item in records["items"]] == ["O-1"]
        wait_until(lambda: rest.get(f"{path}/series")["at"] != [], 20, 0.5)
        assert rest.get("/bridge/v1/workers")["workers"][0]["connectors"] == [name]
        # Stopped by REST it ends, and the process does not; let run again it goes on.
        assert rest.ask("PUT", f"/connectors/{name}/stop").status_code == 204
        rest.wait_state(name, "STOPPED")
        assert row()["replay_id"] == told["replay_id"]
        assert row()["window_hours_left"] > 71
        org.publish(EVENT, GOOD)
        assert rest.ask("PUT", f"/connectors/{name}/resume").status_code == 202
        wait_until(lambda: row().get("delivered") == 1 and row().get("state") == "RUNNING", 40, 0.2)
        assert len(bridge.replay_ids(2)) == 2
        # What REST may not say, it may not say here either.
        changed = rest.ask("PATCH", f"/connectors/{name}/config", {"salesforce.username": "${env:HOME}"})
        assert changed.status_code == 400
        process.send_signal(signal.SIGTERM)
        assert process.wait(40) == 0, (tmp_path / "log").read_text()
    finally:
        process.kill()
    log = (tmp_path / "log").read_text()
    assert re.search(rf"^(REST|console) at http://127\.0\.0\.1:{port}", log, re.MULTILINE), log
    assert f"{name} is RUNNING" in log
    assert org.credentials.password not in log


def test_goals_and_failures_end_it_as_ever(tmp_path: Path, broker: Broker, org: Org) -> None:
    bridge = Bridge.of(tmp_path, broker, org)
    org.publish(EVENT, GOOD)
    process = bridge.spawn("--listen", "0", "--max-events", "1", log=tmp_path / "log")
    assert process.wait(40) == 0, (tmp_path / "log").read_text()
    bridge.settings["salesforce.password"] = "wrong"
    process = bridge.spawn("--listen", "127.0.0.1:0", log=tmp_path / "failed")
    assert process.wait(40) == 1, (tmp_path / "failed").read_text()
    last = (tmp_path / "failed").read_text().splitlines()[-1]
    assert bridge.name in last
    assert "salesforce.password" in last
    process = bridge.spawn("--listen", "nowhere", log=tmp_path / "odd")
    assert process.wait(40) == 2
    assert "--listen" in (tmp_path / "odd").read_text()
    assert json.loads((tmp_path / f"{bridge.name}.json").read_text())["name"] == bridge.name
