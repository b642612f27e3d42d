"""What an OpenTelemetry collector is told of a run: deliveries and calls, no event, no secret."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from confluent_kafka import Producer
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from bridge.sandbox.org import Org
from bridge.sandbox.registry import Registry
from tests.support.bridge_run import EVENT, Bridge, wait_until
from tests.support.encryption import SECRET, contract
from tests.support.kafka_client import unique
from tests.support.otlp import Collector, values
from tests.support.ports import free_ports

EMAIL = "zdenka.tajemna@example.org"
COUNT = 60
CLEAN = {name: value for name, value in os.environ.items() if not name.startswith("OTEL_")}


class Mock:
    """librdkafka's in-process cluster as a broker for a connector's files."""

    def __init__(self) -> None:
        self._cluster = Producer({"test.mock.num.brokers": 1, "log_level": 0})
        (node,) = self._cluster.list_topics(timeout=20).brokers.values()
        self._address = f"{node.host}:{node.port}"

    def worker(self) -> dict[str, str]:
        return {"bootstrap.servers": self._address}


@pytest.fixture
def bridge(tmp_path: Path, org: Org, registry: Registry) -> Iterator[Bridge]:
    """Encrypts one field; events wait for it in the org."""
    broker: Any = Mock()
    bridge = Bridge(tmp_path, broker, org.url, Path(org.ca_file), org.credentials)
    bridge.topic = unique("orders")
    bridge.settings |= {
        "output.data.format": "AVRO",
        "csfle.enabled": "true",
        "bridge.schema.contract": str(contract(tmp_path, "Customer_Email__c: {tags: [PII]}")),
    }
    bridge.worker |= {"schema.registry.url": registry.url, "rule.executors._default_.param.secret": SECRET}
    org.publish_many(EVENT, [{"Order_Number__c": f"O-{n}", "Customer_Email__c": EMAIL} for n in range(COUNT)])
    yield bridge
    del broker


def ran(bridge: Bridge, **environ: str) -> str:
    """What a run of all events says on stderr."""
    command = bridge.command("--max-events", str(COUNT), "--log-level", "DEBUG")
    ended = subprocess.run(
        command, env=CLEAN | environ, capture_output=True, text=True, timeout=120, check=False
    )
    assert ended.returncode == 0, ended.stderr
    return ended.stderr


def test_a_span_for_each_delivery_and_call_and_none_for_an_event(bridge: Bridge) -> None:
    with Collector() as collector:
        ran(bridge, OTEL_EXPORTER_OTLP_ENDPOINT=collector.url)
        spans = collector.spans()
        named = {span.name: span for span in spans}
        deliveries = [values(span.attributes) for span in spans if span.name == "deliver"]
        assert sum(int(str(one["messaging.batch.message_count"])) for one in deliveries) == COUNT
        assert len(deliveries) <= COUNT / 6
        assert {one["messaging.destination.name"] for one in deliveries} == {bridge.topic.lower()}
        assert {one["sfbridge.connector"] for one in deliveries} == {bridge.name}
        assert named["deliver"].kind == Span.SPAN_KIND_PRODUCER
        assert len(spans) < COUNT
        for name in (
            "salesforce login",
            "salesforce describe",
            "salesforce /meta/handshake",
            "salesforce /meta/subscribe",
            "salesforce /meta/connect",
            "registry register",
            "registry dek",
            "kms local-kms wrap",
        ):
            assert named[name].kind == Span.SPAN_KIND_CLIENT, name
        login = values(named["salesforce login"].attributes)
        assert (login["server.address"], login["http.response.status_code"]) == ("localhost", 200)
        assert {span.name for span in spans if span.status.code == Status.STATUS_CODE_ERROR} == set()
        assert collector.services() == {"sfbridge"}
        assert any("logged in to org" in line.body.string_value for line in collector.lines())
        told = collector.everything()
    credentials = bridge.credentials
    secrets = [
        credentials.password,
        credentials.security_token,
        credentials.client_secret,
        credentials.username,
        SECRET,
        EMAIL,
        "O-7",
        "access_token",
    ]
    assert [secret for secret in secrets if secret.encode() in told] == []


@pytest.mark.parametrize("collector", [503, None], ids=["refuses", "is silent"])
def test_a_collector_that_fails_hinders_no_delivery_and_is_said_once(
    bridge: Bridge, collector: int | None
) -> None:
    with Collector(collector or 200, silent=collector is None) as failing:
        # A batch each 20 ms, so that exports fail while events are delivered.
        environ = {"OTEL_BSP_SCHEDULE_DELAY": "20", "OTEL_BLRP_SCHEDULE_DELAY": "20"}
        began = time.monotonic()
        said = ran(bridge, OTEL_EXPORTER_OTLP_ENDPOINT=failing.url, **environ)
        assert time.monotonic() - began < 60
        assert failing.received
    assert said.count("cannot be exported") == (1 if collector else 0)
    assert "Traceback" not in said


def test_the_pubsub_api_is_told_call_by_call(bridge: Bridge, org: Org) -> None:
    org.serve_pubsub()
    assert org.pubsub is not None
    bridge.settings |= {"bridge.salesforce.api": "pubsub", "bridge.pubsub.endpoint": org.pubsub.endpoint}
    with Collector() as collector:
        ran(bridge, OTEL_EXPORTER_OTLP_ENDPOINT=collector.url)
        spans = {span.name: span for span in collector.spans()}
        assert EMAIL.encode() not in collector.everything()
    assert {"salesforce GetTopic", "salesforce GetSchema", "salesforce Subscribe", "deliver"} <= set(spans)
    assert values(spans["salesforce GetTopic"].attributes)["rpc.method"] == "GetTopic"


def test_a_worker_exports_while_it_runs(bridge: Bridge, tmp_path: Path) -> None:
    for name in ("csfle.enabled", "bridge.schema.contract"):
        del bridge.settings[name]
    bridge.settings["output.data.format"] = "JSON"
    port = free_ports(["rest"])["rest"]
    bridge.worker["listeners"] = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "bridge", "worker", "--standalone", str(tmp_path / "state")]
    command += ["--worker", str(bridge.worker_file())]
    log = tmp_path / "worker.log"
    with Collector() as collector, log.open("ab") as out:
        environ = CLEAN | {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.url, "OTEL_BSP_SCHEDULE_DELAY": "100"}
        worker = subprocess.Popen(command, env=environ, stdin=subprocess.DEVNULL, stdout=out, stderr=out)
        try:
            wait_until(lambda: "answers at" in log.read_text(), 60)
            body = {"name": bridge.name, "config": json.loads(bridge.connector_file().read_text())}
            answer = requests.post(f"http://127.0.0.1:{port}/connectors", json=body, timeout=60)
            assert answer.ok, answer.text
            wait_until(lambda: "deliver" in {span.name for span in collector.spans()}, 60)
            worker.terminate()
            assert worker.wait(60) == 0, log.read_text()
        finally:
            worker.kill()
        assert any("logged in to org" in line.body.string_value for line in collector.lines())


def test_without_the_variables_nothing_of_it_is_imported(bridge: Bridge) -> None:
    script = (
        "import sys; from bridge.cli.main import main; code = main(sys.argv[1:]); "
        "print('loaded:', [name for name in sys.modules if name.startswith('opentelemetry')]); sys.exit(code)"
    )
    command = bridge.command("--max-events", str(COUNT))
    command[1:3] = ["-c", script]
    ended = subprocess.run(command, env=CLEAN, capture_output=True, text=True, timeout=120, check=False)
    assert ended.returncode == 0, ended.stderr
    assert "loaded: []" in ended.stdout
