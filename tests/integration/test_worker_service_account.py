"""A connector that runs as a service account: keys are made, used, and older ones of the name deleted."""

import json
import signal
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from confluent_kafka.admin import AclOperation, ResourceType

from bridge.cli.main import main
from bridge.errors import ConfigurationError, Fatal
from bridge.inspection.configuration import load
from bridge.kafka.service_account import with_keys
from bridge.sandbox.org import Org
from tests.support import kafka_config
from tests.support.bridge_run import EVENT, Bridge, wait_until
from tests.support.kafka_broker import Broker
from tests.support.kafka_client import allow, allow_connector


class Iam:
    """What of the IAM API is used. Every key it makes is another user of the broker."""

    def __init__(self) -> None:
        self.keys: list[dict[str, Any]] = []
        self.made: list[str] = []
        self.deleted: list[str] = []
        self.status = 0
        self.keeps = False
        iam = self

        class Handler(BaseHTTPRequestHandler):
            def _answer(self, status: int, body: Any = None) -> None:
                self.send_response(iam.status or status)
                content = b"" if body is None else json.dumps(body).encode()
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def do_GET(self) -> None:
                query = parse_qs(urlsplit(self.path).query)
                after = int(query.get("after", ["0"])[0])
                following = (
                    f"{iam.url}/iam/v2/api-keys?after={after + 1}" if after + 1 < len(iam.keys) else ""
                )
                self._answer(200, {"data": iam.keys[after : after + 1], "metadata": {"next": following}})

            def do_POST(self) -> None:
                asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                assert self.headers["Authorization"].startswith("Basic ")
                user = kafka_config.CLOUD_KEYS[len(iam.made)]
                iam.made.append(asked["spec"]["display_name"])
                now = datetime.now(UTC).isoformat()
                iam.keys.append({"id": user, "spec": asked["spec"], "metadata": {"created_at": now}})
                secret = kafka_config.PASSWORDS[user]
                self._answer(202, {"id": user, "spec": {**asked["spec"], "secret": secret}})

            def do_DELETE(self) -> None:
                key = self.path.rpartition("/")[2]
                if iam.keeps:
                    self._answer(503)
                    return
                iam.deleted.append(key)
                iam.keys = [one for one in iam.keys if one["id"] != key]
                self._answer(204)

            def log_message(self, *_: object) -> None: ...

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def names(self) -> list[str]:
        """Display names of the keys that are there."""
        return sorted(one["spec"]["display_name"] for one in self.keys)


@pytest.fixture
def iam() -> Iterator[Iam]:
    iam = Iam()
    yield iam
    iam.server.shutdown()


@pytest.fixture
def bridge(tmp_path: Path, secured_broker: Broker, org: Org, iam: Iam) -> Bridge:
    bridge = Bridge.of(tmp_path, secured_broker, org)
    bridge.settings |= {"kafka.auth.mode": "SERVICE_ACCOUNT", "kafka.service.account.id": "sa-l1r23m"}
    bridge.worker |= {
        "sasl.jaas.config": "",
        "confluent.cloud.endpoint": iam.url,
        "confluent.cloud.api.key": "cloud-key",
        "confluent.cloud.api.secret": "cloud-secret",
        "bridge.cloud.kafka.cluster.id": "lkc-1",
        "config.storage.topic": f"{bridge.name}-configs",
        "config.storage.replication.factor": "1",
        "session.timeout.ms": "2000",
        "heartbeat.interval.ms": "300",
    }
    every = (AclOperation.READ, AclOperation.WRITE, AclOperation.DESCRIBE, AclOperation.CREATE)
    allow_connector(bridge.broker, topic=bridge.topic, positions=bridge.offsets, group="tests", user="*")
    allow(bridge.broker, "*", ResourceType.TOPIC, f"{bridge.name}*", *every, AclOperation.DESCRIBE_CONFIGS)
    allow(bridge.broker, "*", ResourceType.GROUP, "tests*", AclOperation.READ, AclOperation.DESCRIBE)
    return bridge


def test_keys_are_made_used_and_older_ones_deleted(
    bridge: Bridge, org: Org, iam: Iam, capfd: pytest.CaptureFixture[str]
) -> None:
    name = f"sfbridge tests/{bridge.name}"
    iam.keys = [
        {"id": "OLD", "spec": {"display_name": name}},
        {"id": "OTHER", "spec": {"display_name": "sfbridge tests/another"}},
    ]
    ids = org.publish_many(EVENT, 3)
    ended = bridge.run(max_events=3)
    assert ended.error is None, ended.error
    assert bridge.replay_ids() == ids
    assert iam.deleted == ["OLD"]
    spec = iam.keys[-1]["spec"]
    assert spec == {"display_name": name, "owner": {"id": "sa-l1r23m"}, "resource": {"id": "lkc-1"}}


def test_without_the_clouds_key_the_mode_is_refused_with_the_alternative(bridge: Bridge) -> None:
    bridge.worker |= {"confluent.cloud.api.key": "", "bridge.cloud.kafka.cluster.id": ""}
    with pytest.raises(ConfigurationError) as refused:
        load(bridge.connector_file(), bridge.worker_file())
    (fault,) = refused.value.faults
    assert fault.key == "kafka.auth.mode"
    for words in ("confluent.cloud.api.key", "bridge.cloud.kafka.cluster.id", "KAFKA_API_KEY"):
        assert words in fault.message


def test_a_refusal_of_the_cloud_is_one_sentence_without_a_secret(bridge: Bridge, iam: Iam) -> None:
    iam.status = 403
    with pytest.raises(Fatal, match="refuses to make keys") as refused:
        with_keys(load(bridge.connector_file(), bridge.worker_file()))
    assert "cloud-secret" not in refused.value.message


def test_a_second_process_stands_by_and_makes_no_key_of_the_connector(
    bridge: Bridge, org: Org, iam: Iam, tmp_path: Path
) -> None:
    own, lease = f"sfbridge tests/{bridge.name}", f"sfbridge tests/{bridge.name} lease "
    logs = [tmp_path / "first.log", tmp_path / "second.log"]
    ids = org.publish_many(EVENT, 3)
    first = bridge.spawn(log=logs[0])
    second = None
    try:
        wait_until(lambda: "is RUNNING" in logs[0].read_text(), 60, 0.1)
        (key,) = [one["id"] for one in iam.keys if one["spec"]["display_name"] == own]
        second = bridge.spawn("--until-idle", "2", log=logs[1])
        wait_until(lambda: "standing by" in logs[1].read_text(), 60, 0.1)
        ids += org.publish_many(EVENT, 3)
        wait_until(lambda: bridge.replay_ids() == ids, 30, 0.1)
        assert iam.made.count(own) == 1
        assert iam.deleted == []
        assert [name.startswith(lease) for name in iam.names()] == [False, True, True]
        assert len(set(iam.names())) == 3
        first.send_signal(signal.SIGKILL)
        ids += org.publish_many(EVENT, 3)
        assert second.wait(60) == 0
        assert bridge.replay_ids() == ids
        assert key in iam.deleted
    finally:
        first.kill()
        if second is not None:
            second.kill()
    assert "taking over" in logs[1].read_text()
    assert "placeholder" not in logs[1].read_text()
    (left,) = iam.names()  # of the killed process; the next one in its place deletes it
    assert left.startswith(lease)
    assert bridge.spawn("--until-idle", "1", log=tmp_path / "third.log").wait(60) == 0
    assert iam.names() == []


def test_what_was_made_for_a_look_is_deleted_after_it(
    bridge: Bridge, org: Org, iam: Iam, capsys: pytest.CaptureFixture[str]
) -> None:
    own = f"sfbridge tests/{bridge.name}"
    long_ago = (datetime.now(UTC) - timedelta(hours=2)).isoformat()
    others = ["validate elsewhere-1", "offsets elsewhere-2", "validate elsewhere-3", "lease elsewhere-0"]
    iam.keys = [
        {
            "id": name.replace(" ", "-"),
            "spec": {"display_name": f"{own} {name}"},
            "metadata": {"created_at": long_ago},
        }
        for name in others
    ]
    iam.keys[2]["metadata"]["created_at"] = datetime.now(UTC).isoformat()
    iam.keys.append({"id": "own", "spec": {"display_name": own}, "metadata": {"created_at": long_ago}})
    files = [str(bridge.connector_file()), "--worker", str(bridge.worker_file())]
    assert main(["validate", *files, "--online"]) == 0, capsys.readouterr().out
    assert main(["offsets", "get", *files]) == 0, capsys.readouterr().err
    assert [name.split()[2] for name in iam.made] == ["validate", "offsets"]
    # what a killed look left behind is gone; what may still be looking, what runs and what stands by are not
    assert sorted(one["id"] for one in iam.keys) == ["lease-elsewhere-0", "own", "validate-elsewhere-3"]
    iam.keeps = True
    capsys.readouterr()
    assert main(["offsets", "get", *files]) == 0
    assert f"note: the API key key-2 ({own} offsets " in capsys.readouterr().err
    main(["validate", *files, "--online"])
    assert "the API key key-3" in capsys.readouterr().out


def test_a_cloud_that_is_away_is_waited_for_before_the_lease(
    bridge: Bridge, org: Org, iam: Iam, tmp_path: Path
) -> None:
    """Without its key nobody may start: making the connector's would delete that of whoever runs it."""
    iam.status = 503
    log = tmp_path / "log"
    process = bridge.spawn("--until-idle", "1", log=log)
    try:
        wait_until(lambda: "answers 503" in log.read_text(), 30, 0.1)
        assert "starts again" not in log.read_text()
        iam.status = 0
        assert process.wait(60) == 0
    finally:
        process.kill()
    assert [name.split()[2:3] for name in iam.made] == [["lease"], []]
    assert iam.names() == []
