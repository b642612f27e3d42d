"""A connector that runs as a service account: keys are made, used, and older ones of the name deleted."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from confluent_kafka.admin import AclOperation, ResourceType

from bridge.errors import ConfigurationError, Fatal
from bridge.inspection.configuration import load
from bridge.kafka.service_account import with_keys
from bridge.sandbox.org import Org
from tests.support import kafka_config
from tests.support.bridge_run import EVENT, Bridge
from tests.support.kafka_broker import Broker
from tests.support.kafka_client import allow, allow_connector

USER, PASSWORD = kafka_config.BRIDGE, kafka_config.PASSWORDS[kafka_config.BRIDGE]


class Iam:
    """What of the IAM API is used. Every key it makes is the broker's one user."""

    def __init__(self) -> None:
        self.keys: list[dict[str, Any]] = []
        self.deleted: list[str] = []
        self.status = 0
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
                iam.keys.append({"id": USER, "spec": asked["spec"]})
                self._answer(202, {"id": USER, "spec": {**asked["spec"], "secret": PASSWORD}})

            def do_DELETE(self) -> None:
                iam.deleted.append(self.path.rpartition("/")[2])
                self._answer(204)

            def log_message(self, *_: object) -> None: ...

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


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
    }
    return bridge


def test_keys_are_made_used_and_older_ones_deleted(
    bridge: Bridge, org: Org, iam: Iam, capfd: pytest.CaptureFixture[str]
) -> None:
    name = f"sfbridge tests/{bridge.name}"
    iam.keys = [
        {"id": "OLD", "spec": {"display_name": name}},
        {"id": "OTHER", "spec": {"display_name": "sfbridge tests/another"}},
    ]
    allow_connector(
        bridge.broker, topic=bridge.topic, positions=bridge.offsets, group="tests", user=kafka_config.BRIDGE
    )
    allow(bridge.broker, USER, ResourceType.TOPIC, bridge.offsets, AclOperation.CREATE)
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
