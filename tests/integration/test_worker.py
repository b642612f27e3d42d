"""One worker and its REST API: simulated org, real broker."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Producer

from bridge.api.users import hash_password
from bridge.cli.main import main
from bridge.errors import ConfigurationError, Fatal
from bridge.pipeline import connector as lifecycle
from bridge.sandbox.org import Org
from tests.support.bridge_run import EVENT, Bridge, wait_until
from tests.support.certs import Authority
from tests.support.kafka_broker import Broker
from tests.support.kafka_client import create_topic, read
from tests.support.worker_run import Group, Rest

CLOUD = "/connect/v1/environments/env-1/clusters/lkc-1/connectors"


@pytest.fixture
def group(tmp_path: Path, broker: Broker) -> Group:
    return Group(tmp_path, broker)


@pytest.fixture
def rest(group: Group) -> Iterator[Rest]:
    with group.worker() as rest:
        yield rest


@pytest.fixture
def bridge(tmp_path: Path, broker: Broker, org: Org, group: Group) -> Bridge:
    bridge = Bridge.of(tmp_path, broker, org)
    bridge.worker["offset.storage.topic"] = f"{group.name}-offsets"
    return bridge


def config(bridge: Bridge) -> dict[str, str]:
    return dict(json.loads(bridge.connector_file().read_text()))


def test_a_connectors_life(rest: Rest, bridge: Bridge, org: Org, group: Group) -> None:
    ids = org.publish_many(EVENT, 5)
    made = rest.ask("POST", "/connectors", {"name": bridge.name, "config": config(bridge)})
    assert made.status_code == 201, made.text
    assert made.json()["config"]["salesforce.password"] == "****************"
    assert bridge.credentials.password not in made.text
    rest.wait_state(bridge.name, "RUNNING")
    assert bridge.replay_ids(5) == ids
    wait_until(lambda: rest.get(f"/connectors/{bridge.name}/topics")[bridge.name]["topics"] == [bridge.topic])
    assert rest.ask("PUT", f"/connectors/{bridge.name}/pause").status_code == 202
    rest.wait_state(bridge.name, "PAUSED")
    ids += org.publish_many(EVENT, 2)
    assert rest.ask("PUT", f"/connectors/{bridge.name}/resume").status_code == 202
    assert bridge.replay_ids(7) == ids
    assert rest.ask("PUT", f"/connectors/{bridge.name}/stop").status_code == 204
    rest.wait_state(bridge.name, "STOPPED")
    at = rest.get(f"/connectors/{bridge.name}/offsets")
    assert at == {"offsets": [{"partition": {}, "offset": {"replayId": ids[-1]}}]}
    back = {"offsets": [{"partition": {}, "offset": {"replayId": ids[4]}}]}
    assert rest.ask("PATCH", f"/connectors/{bridge.name}/offsets", back).status_code == 200
    # A mask that comes back keeps what is stored.
    shown = rest.get(f"/connectors/{bridge.name}/config")
    assert rest.ask("PUT", f"/connectors/{bridge.name}/config", shown).status_code == 200
    rest.ask("PUT", f"/connectors/{bridge.name}/resume")
    assert bridge.replay_ids(9) == ids + ids[5:]
    series = f'sfbridge_events_delivered_total{{connector="{bridge.name}"}}'
    assert series in rest.ask("GET", "/metrics").text
    assert rest.ask("DELETE", f"/connectors/{bridge.name}").status_code == 204
    assert rest.ask("GET", f"/connectors/{bridge.name}").status_code == 404
    wait_until(lambda: series not in rest.ask("GET", "/metrics").text)
    keys = {m.key().decode() for m in read(bridge.broker, f"{group.name}-configs")}
    assert f"connector-{bridge.name}" in keys
    assert all(k.startswith(("connector-", "target-state-", "bridge-", "restart-")) for k in keys)


def test_a_connector_that_failed_says_so_again_after_a_pause(rest: Rest, bridge: Bridge) -> None:
    """Its numbers are shown while it is FAILED, so that an alert on them ends with what it tells of."""
    name = bridge.name
    wrong = {**config(bridge), "salesforce.platform.event.name": "Nope__e"}
    assert rest.ask("POST", "/connectors", {"name": name, "config": wrong}).status_code == 201

    def failed() -> bool:
        series = f'sfbridge_connector_state{{connector="{name}",state="FAILED"}} 1.0'
        return series in rest.ask("GET", "/metrics").text

    def shown() -> bool:
        return f'connector="{name}"' in rest.ask("GET", "/metrics").text

    rest.wait_state(name, "FAILED")
    assert failed()
    status = rest.get(f"/connectors/{name}/status")
    assert "Nope__e" in status["tasks"][0]["trace"]
    for action, state in (
        ("pause", "PAUSED"),
        ("resume", "FAILED"),
        ("pause", "PAUSED"),
        ("stop", "STOPPED"),
    ):
        assert rest.ask("PUT", f"/connectors/{name}/{action}").ok
        rest.wait_state(name, state)
        assert failed() == shown() == (state == "FAILED")
        assert rest.get(f"/connectors/{name}/status") == status or state != "FAILED"
    assert rest.ask("PUT", f"/connectors/{name}/resume").status_code == 202
    rest.wait_state(name, "FAILED")
    assert failed()
    assert rest.ask("DELETE", f"/connectors/{name}").status_code == 204
    wait_until(lambda: not shown())


def test_a_new_process_finds_everything(group: Group, bridge: Bridge, org: Org) -> None:
    ids = org.publish_many(EVENT, 3)
    with group.worker() as rest:
        rest.ask("POST", "/connectors", {"name": bridge.name, "config": config(bridge)})
        assert bridge.replay_ids(3) == ids
    ids += org.publish_many(EVENT, 3)
    with group.worker() as rest:
        rest.wait_state(bridge.name, "RUNNING")
        assert bridge.replay_ids(6) == ids


def request(rest: Rest, bridge: Bridge, body: dict[str, Any]) -> Any:
    return rest.ask("POST", f"{CLOUD}/{bridge.name}/offsets/request", body)


def test_cloud_offsets_as_the_managed_connector_has_them(rest: Rest, bridge: Bridge, org: Org) -> None:
    ids = org.publish_many(EVENT, 5)
    made = rest.ask("POST", CLOUD, {"name": bridge.name, "config": config(bridge)})
    assert made.status_code == 201
    assert bridge.replay_ids(5) == ids
    status = f"{CLOUD}/{bridge.name}/offsets/request/status"
    assert rest.ask("GET", status).status_code == 404
    assert (
        request(rest, bridge, {"type": "PATCH", "offsets": [{"partition": {}, "offset": {}}]}).status_code
        == 400
    )
    offsets = [{"partition": {}, "offset": {"replayId": ids[1]}}]
    asked = request(rest, bridge, {"type": "PATCH", "offsets": offsets})
    assert asked.status_code == 202
    assert set(asked.json()) == {"id", "name", "offsets", "requested_at", "type"}
    assert asked.json()["id"].startswith("lcc-")
    wait_until(lambda: rest.get(status)["status"]["phase"] == "APPLIED")
    told = rest.get(status)
    assert told["request"] == asked.json()
    assert told["previous_offsets"] == [{"partition": {}, "offset": {"replayId": ids[4]}}]
    assert bridge.replay_ids(8) == ids + ids[2:]
    rest.wait_state(bridge.name, "RUNNING")
    assert request(rest, bridge, {"type": "DELETE"}).status_code == 202
    assert bridge.replay_ids(13) == ids + ids[2:] + ids
    seen = rest.get(f"{CLOUD}/{bridge.name}/offsets")
    assert set(seen) == {"id", "name", "offsets", "metadata"}
    assert rest.ask("DELETE", f"{CLOUD}/{bridge.name}").json() == {"error": None}
    assert bridge.position() is None


def test_a_refused_login_is_sent_once_whatever_is_done_with_the_position(
    rest: Rest, bridge: Bridge, org: Org
) -> None:
    wrong = config(bridge) | {"salesforce.password": "wrong"}
    assert rest.ask("POST", CLOUD, {"name": bridge.name, "config": wrong}).status_code == 201
    rest.wait_state(bridge.name, "FAILED")
    status = f"{CLOUD}/{bridge.name}/offsets/request/status"
    position = [{"partition": {}, "offset": {"replayId": 5}}]
    for body in ({"type": "PATCH", "offsets": position}, {"type": "DELETE"}):
        assert request(rest, bridge, body).status_code == 202
        wait_until(lambda: rest.get(status)["status"]["phase"] == "APPLIED", 40)
        said = rest.get(status)["status"]["message"]
        assert said.endswith(
            "The connector has FAILED and was not started: restart it once the reason is mended."
        )
        assert ("Replay id 5 was not tried at the org: " in said) is (body["type"] == "PATCH")
        assert "invalid.replay.id.behaviour" not in said
        assert rest.state(bridge.name) == "FAILED"
    assert rest.ask("PUT", f"/connectors/{bridge.name}/stop").status_code == 204
    rest.wait_state(bridge.name, "STOPPED")
    answer = rest.ask("PATCH", f"/connectors/{bridge.name}/offsets", {"offsets": position})
    assert "was not tried at the org" in answer.json()["message"]
    assert org.login.refused == 1


def test_a_replay_id_that_the_org_does_not_know_is_said(
    rest: Rest,
    bridge: Bridge,
    org: Org,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    ids = org.publish_many(EVENT, 3)
    rest.ask("POST", CLOUD, {"name": bridge.name, "config": config(bridge)})
    assert bridge.replay_ids(3) == ids
    status = f"{CLOUD}/{bridge.name}/offsets/request/status"

    def told(replay_id: int) -> str:
        before = rest.ask("GET", status).json().get("applied_at")
        offsets = [{"partition": {}, "offset": {"replayId": replay_id}}]
        assert request(rest, bridge, {"type": "PATCH", "offsets": offsets}).status_code == 202
        wait_until(lambda: rest.get(status).get("applied_at") not in (None, before), 40)
        answer = rest.get(status)["status"]
        assert answer["phase"] == "APPLIED"
        return str(answer["message"])

    known, unknown = told(ids[2]), told(99_000_000)
    assert "tried" not in known
    assert unknown.startswith(known)
    assert f"replay id 99000000 was tried: Salesforce refuses /event/{EVENT}: 400::The replayId" in unknown
    assert "invalid.replay.id.behaviour=all" in unknown
    wait_until(lambda: "gap after replay id 99000000, of unknown length" in caplog.text)
    rest.wait_state(bridge.name, "RUNNING")
    for replay_id, noted in ((ids[2], False), (99_000_000, True)):
        capsys.readouterr()
        assert main(["offsets", "set", bridge.name, str(replay_id), "--yes", "--url", rest.url]) == 0
        captured = capsys.readouterr()
        assert f"position is replay id {replay_id} now" in captured.out
        assert ("note: A subscription after replay id 99000000 was tried: " in captured.err) is noted
        assert "framework-managed" not in captured.err
    rest.wait_state(bridge.name, "RUNNING")
    assert rest.ask("PUT", f"/connectors/{bridge.name}/stop").status_code == 204
    rest.wait_state(bridge.name, "STOPPED")
    for replay_id, said in ((ids[2], False), (99_000_000, True)):
        body = {"offsets": [{"partition": {}, "offset": {"replayId": replay_id}}]}
        answer = rest.ask("PATCH", f"/connectors/{bridge.name}/offsets", body)
        assert answer.status_code == 200
        assert ("400::The replayId" in answer.json()["message"]) is said


def test_the_command_lines_journey(
    rest: Rest, bridge: Bridge, org: Org, capsys: pytest.CaptureFixture[str]
) -> None:
    file = str(bridge.connector_file())
    assert main(["connectors", "create", "--config-file", file, "--url", rest.url]) == 0
    assert capsys.readouterr().out.startswith(f"Created connector {bridge.name} lcc-")
    rest.wait_state(bridge.name, "RUNNING")
    assert main(["connectors", "list", "--url", rest.url, "-o", "json"]) == 0
    (row,) = json.loads(capsys.readouterr().out)
    assert (row["name"], row["status"], row["type"]) == (bridge.name, "RUNNING", "source")
    assert main(["offsets", "set", bridge.name, "5", "--url", rest.url]) == 0
    assert main(["offsets", "status", row["name"], "--url", rest.url, "-o", "json"]) == 0
    assert '"APPLIED"' in capsys.readouterr().out
    for action in ("describe", "status", "pause", "resume", "restart", "stop", "delete"):
        sure = ["--yes"] if action == "delete" else []
        assert main(["connectors", action, row["id"], *sure, "--url", rest.url]) == 0
    assert main(["connectors", "status", bridge.name, "--url", rest.url]) == 1
    assert "404" in capsys.readouterr().err


def test_a_bad_connector_fails_with_its_reason_and_alone(rest: Rest, bridge: Bridge, org: Org) -> None:
    good = config(bridge)
    bad = {**good, "name": "bad", "salesforce.password": "wrong", "no.such.property": "x"}
    assert rest.ask("POST", "/connectors", {"name": "bad", "config": bad}).status_code == 201
    assert rest.ask("POST", "/connectors", {"name": bridge.name, "config": good}).status_code == 201
    rest.wait_state(bridge.name, "RUNNING")
    rest.wait_state("bad", "FAILED")
    status = rest.get("/connectors/bad/status")
    assert "Traceback" not in status["tasks"][0]["trace"]
    assert status["tasks"][0]["state"] == "FAILED"
    wrong = rest.ask("POST", "/connectors", {"name": "x", "config": {**good, "name": "x", "tasks.max": "2"}})
    assert wrong.status_code == 400
    assert "1 error(s)" in wrong.json()["message"]


def test_a_failure_that_may_restart_says_why_and_ends_when_it_is_put_right(
    rest: Rest, bridge: Bridge, org: Org, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lifecycle, "FIRST_WAIT", 0.3)
    ids = org.publish_many(EVENT, 2)
    good = config(bridge) | {"auto.restart.on.user.error": "true"}
    bad = good | {"salesforce.password": "wrong"}
    assert rest.ask("POST", "/connectors", {"name": bridge.name, "config": bad}).status_code == 201
    rest.wait_state(bridge.name, "RESTARTING")
    for part in (rest.get(f"/connectors/{bridge.name}/status")[kind] for kind in ("connector", "tasks")):
        told = part[0] if isinstance(part, list) else part
        assert "refuses the login" in told["trace"]
    assert rest.ask("PUT", f"/connectors/{bridge.name}/config", good).status_code == 200
    rest.wait_state(bridge.name, "RUNNING")
    assert bridge.replay_ids(2) == ids


def test_a_run_stands_by_while_a_worker_has_the_connector(
    group: Group, bridge: Bridge, org: Org, tmp_path: Path
) -> None:
    ids = org.publish_many(EVENT, 3)
    bridge.worker |= {"group.id": group.name, "session.timeout.ms": "2000", "heartbeat.interval.ms": "300"}
    log = tmp_path / "run.log"
    with group.worker() as rest:
        rest.ask("POST", "/connectors", {"name": bridge.name, "config": config(bridge)})
        assert bridge.replay_ids(3) == ids
        process = bridge.spawn("--until-idle", "1", log=log)
        try:
            wait_until(lambda: "standing by" in log.read_text(), 30, 0.1)
            ids += org.publish_many(EVENT, 3)
            assert bridge.replay_ids(6) == ids
            assert rest.ask("DELETE", f"/connectors/{bridge.name}").status_code == 204
            ids += org.publish_many(EVENT, 3)
            assert bridge.replay_ids(9) == ids
            assert process.wait(30) == 0
        finally:
            process.kill()


def test_a_connect_clusters_topics_are_refused(group: Group, broker: Broker) -> None:
    topic = create_topic(broker, f"{group.name}-configs", config={"cleanup.policy": "compact"})
    producer = Producer(broker.client())
    producer.produce(topic, b'{"key":"x","algorithm":"HmacSHA256","creation-timestamp":1}', b"session-key")
    producer.flush(10)
    with pytest.raises(Fatal, match="belongs to a Kafka Connect cluster"), group.worker():
        pass


def test_a_topic_that_would_forget_is_refused(group: Group, broker: Broker) -> None:
    create_topic(broker, f"{group.name}-status", config={"cleanup.policy": "delete"})
    with pytest.raises(Fatal, match=r"status.storage.topic .* cleanup.policy=delete"), group.worker():
        pass


def test_listeners_that_others_reach_need_users(group: Group, tmp_path: Path) -> None:
    with (
        pytest.raises(ConfigurationError, match=r"bridge\.rest\.users\.file"),
        group.worker(listeners="http://0.0.0.0:0"),
    ):
        pass
    (tmp_path / "users").write_text(f"key:{hash_password('secret')}\n")
    users = {"bridge__rest__users__file": str(tmp_path / "users")}
    with group.worker(
        listeners="http://0.0.0.0:0", rest__advertised__host__name="127.0.0.1", **users
    ) as rest:
        assert rest.ask("GET", "/connectors").status_code == 401
        assert rest.ask("GET", "/connectors", auth=("key", "wrong")).status_code == 401
        assert rest.ask("GET", "/connectors", auth=("key", "secret")).json() == []
        evil = {"Host": "evil.example:8083"}
        assert rest.ask("GET", "/connectors", auth=("key", "secret"), headers=evil).status_code == 400


def test_https(group: Group, authority: Authority) -> None:
    more = {"listeners__https__ssl__keystore__location": str(authority.issue("rest"))}
    with group.worker(listeners="https://127.0.0.1:0", **more) as rest:
        assert rest.ask("GET", "/", verify=str(authority.file)).json()["version"] == "4.3.1"
        metrics = rest.ask("GET", "/metrics", verify=str(authority.file)).text
        assert "process_resident_memory_bytes" in metrics
        assert "\nkafka_connect_connect_worker_metrics_connector_count 0\n" in metrics
        assert "\nsfbridge_worker_leads 1\n" in metrics
        assert "# TYPE sfbridge_registry_call_seconds histogram" in metrics
