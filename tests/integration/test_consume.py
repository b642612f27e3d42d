"""``sfbridge consume`` against a real broker and the embedded registry."""

from __future__ import annotations

import base64
import io
import json
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import fastavro
import pytest
from confluent_kafka import Producer

from bridge.cli.main import main
from bridge.sandbox.org import Org
from bridge.sandbox.registry import Registry
from tests.support.bridge_run import EVENT, Bridge
from tests.support.kafka_broker import Broker
from tests.support.kafka_client import unique
from tests.support.kafka_config import BRIDGE, PASSWORDS

ORDER = {"type": "record", "name": "Order", "fields": [{"name": "Name", "type": ["null", "string"]}]}


def register(registry: Registry, subject: str, schema: Any = None) -> int:
    body = json.dumps({"schema": json.dumps(schema or ORDER)}).encode()
    kind = {"Content-Type": "application/vnd.schemaregistry.v1+json"}
    request = urllib.request.Request(f"{registry.url}/subjects/{subject}/versions", body, kind)
    with urllib.request.urlopen(request, timeout=10) as answer:
        return int(json.load(answer)["id"])


def framed(schema_id: int, name: str) -> bytes:
    out = io.BytesIO()
    fastavro.schemaless_writer(out, fastavro.parse_schema(ORDER), {"Name": name})
    return b"\0" + schema_id.to_bytes(4, "big") + out.getvalue()


def consume(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, list[Any], str]:
    code = main(["consume", *arguments, "-o", "ndjson"])
    out, err = capsys.readouterr()
    return code, [json.loads(line) for line in out.splitlines()], err


def write(broker: Broker, topic: str, *values: bytes, key: bytes | None = None) -> None:
    producer = Producer(broker.client())
    for value in values:
        producer.produce(topic, value, key, headers=[("h", b"1")])
    assert producer.flush(20) == 0


def test_decoded_by_their_schema(
    broker: Broker, topic: str, registry: Registry, capsys: pytest.CaptureFixture[str]
) -> None:
    write(broker, topic, framed(register(registry, "orders-value"), "Köln"), b'{"a":1}', key=b"k")
    code, records, _ = consume(
        capsys,
        topic,
        "--bootstrap-server",
        broker.bootstrap,
        "--schema-registry",
        registry.url,
        "--from-beginning",
        "--max-events",
        "2",
    )
    assert code == 0
    assert [record["value"] for record in records] == [{"Name": "Köln"}, {"a": 1}]
    assert (records[0]["schema_id"], records[0]["key"], records[0]["headers"]) == (1, "k", {"h": "1"})
    assert [(record["partition"], record["offset"]) for record in records] == [(0, 0), (0, 1)]
    assert records[0]["timestamp"] > 1_600_000_000_000


def test_the_context_of_a_schema_is_found(
    broker: Broker, topic: str, registry: Registry, capsys: pytest.CaptureFixture[str]
) -> None:
    """The same id means another schema in every context; that counts which is one of the topic's own."""
    register(registry, "elsewhere-value", {**ORDER, "name": "Other", "fields": []})
    write(broker, topic, framed(register(registry, f":.sales:{topic}-value"), "a"))
    where = ("--bootstrap-server", broker.bootstrap, "--schema-registry", registry.url)
    first = (topic, *where, "--from-beginning", "--max-events", "1")
    for more in ((), ("--context", "sales")):
        _, records, _ = consume(capsys, *first, *more)
        assert (records[0]["value"], records[0]["schema_id"]) == ({"Name": "a"}, 1)
    _, records, _ = consume(capsys, *first, "--context", "default")
    assert "does not fit schema 1" in records[0]["note"]


def test_what_cannot_be_decoded_says_so_and_prints_no_base64_as_if_it_were_the_record(
    broker: Broker, topic: str, registry: Registry, capsys: pytest.CaptureFixture[str]
) -> None:
    for context in (".a", ".b"):
        register(registry, f":{context}:record-name")
    several, unknown = framed(1, "a"), framed(77, "a")
    write(broker, topic, several, unknown, key=b"\xff\xfe")
    where = (topic, "--bootstrap-server", broker.bootstrap, "--schema-registry", registry.url)
    first = (*where, "--from-beginning", "--max-events", "2")
    assert main(["consume", *first]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert "[2 bytes]  [8 bytes]" in lines[0]
    assert "schema 1 is in several contexts (a, b): name one with --context" in lines[0]
    assert "the registry has no schema 77 in any context" in lines[1]
    assert not any(base64.b64encode(value).decode() in line for line in lines for value in (several, unknown))
    _, records, _ = consume(capsys, *first)
    assert [record["value"] for record in records] == [None, None]
    assert base64.b64decode(records[0]["undecoded"]["value"]["base64"]) == several
    assert base64.b64decode(records[0]["undecoded"]["key"]["base64"]) == b"\xff\xfe"


def test_a_connectors_file_says_topic_context_registry_and_keys(
    tmp_path: Path, broker: Broker, org: Org, registry: Registry, capsys: pytest.CaptureFixture[str]
) -> None:
    bridge = Bridge.of(tmp_path, broker, org, output__data__format="AVRO", schema__context__name="crm")
    contract = tmp_path / "c.yaml"
    contract.write_text(CONTRACT)
    bridge.settings |= {"csfle.enabled": "true", "bridge.schema.contract": str(contract)}
    bridge.settings["rule.executors._default_.param.secret"] = "s3cret"
    bridge.settings["value.converter.schema.registry.url"] = registry.url
    org.publish(EVENT, {"Order_Number__c": "7", "Customer_Email__c": "a@example.com"})
    bridge.run(max_events=1)
    files = ("--connector", str(bridge.connector_file()), "--worker", str(bridge.worker_file()))
    first = (*files, "--from-beginning", "--max-events", "1")
    code, records, err = consume(capsys, *first)
    assert (code, records[0]["topic"], records[0]["value"]["Order_Number__c"]) == (0, bridge.topic, "7"), err
    assert "@" not in records[0]["value"]["Customer_Email__c"]
    _, records, _ = consume(capsys, *first, "--decrypt")
    assert records[0]["value"]["Customer_Email__c"] == "a@example.com"
    assert consume(capsys, *first, "--schema-registry", "http://x")[0] == 2
    bridge.settings["kafka.topic"] = "t-${Status__c}"
    bridge.settings["value.converter.value.subject.name.strategy"] = "RecordNameStrategy"
    bridge.connector_file()
    code, _, err = consume(capsys, *first)
    assert code == 2
    assert "its topic depends on the event" in err
    code, records, _ = consume(capsys, bridge.topic, *first)
    assert (code, len(records)) == (0, 1)


CONTRACT = """
event: Order_Placed__e
fields: {Customer_Email__c: {tags: [PII]}}
rules:
  - name: pii
    type: ENCRYPT
    tags: [PII]
    params: {encrypt.kek.name: consumed, encrypt.kms.type: local-kms, encrypt.kms.key.id: one}
"""


def test_only_committed_records(broker: Broker, topic: str, capsys: pytest.CaptureFixture[str]) -> None:
    producer = Producer(broker.client({"transactional.id": unique("consume")}))
    producer.init_transactions(20)
    for value, end in ((b"1", producer.abort_transaction), (b"2", producer.commit_transaction)):
        producer.begin_transaction()
        producer.produce(topic, value)
        producer.flush(20)
        end(20)
    code, records, _ = consume(
        capsys, topic, "--bootstrap-server", broker.bootstrap, "--from-beginning", "--until-idle", "2"
    )
    assert code == 0
    assert [record["value"] for record in records] == [2]


def test_from_now_on_unless_told_otherwise(
    broker: Broker, topic: str, capsys: pytest.CaptureFixture[str]
) -> None:
    write(broker, topic, b"1")
    _, records, _ = consume(capsys, topic, "--bootstrap-server", broker.bootstrap, "--until-idle", "1.5")
    assert records == []
    found: list[Any] = []
    arguments = (topic, "--bootstrap-server", broker.bootstrap, "--max-events", "1")
    command = [sys.executable, "-m", "bridge", "consume", *arguments, "-o", "ndjson"]
    reader = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert reader.stdout
    lines = threading.Thread(target=lambda: found.extend(reader.stdout or ()))
    lines.start()
    until = time.monotonic() + 30
    while not found and time.monotonic() < until:
        write(broker, topic, b"2")
        time.sleep(0.3)
    assert reader.wait(10) == 0
    lines.join(5)
    assert json.loads(found[0])["value"] == 2


def test_a_line_for_people(broker: Broker, topic: str, capsys: pytest.CaptureFixture[str]) -> None:
    write(broker, topic, b'{"Name": "\xc3\xa4"}', key=b"k")
    main(["consume", topic, "--bootstrap-server", broker.bootstrap, "--from-beginning", "--max-events", "1"])
    (line,) = capsys.readouterr().out.splitlines()
    assert line.split()[:2] == ["0", "0"]
    assert line.endswith('  "k"  {"Name": "ä"}')


def test_a_signal_ends_it_in_order(broker: Broker, topic: str) -> None:
    write(broker, topic, b"1")
    command = [sys.executable, "-m", "bridge", "consume", topic, "--bootstrap-server", broker.bootstrap]
    reader = subprocess.Popen([*command, "--from-beginning"], stdout=subprocess.PIPE, text=True)
    assert reader.stdout
    assert "1" in reader.stdout.readline()
    reader.terminate()
    assert reader.wait(20) == 0


def test_unknown_topic_names_the_nearest(
    broker: Broker, make_topic: Callable[..., str], capsys: pytest.CaptureFixture[str]
) -> None:
    there = make_topic()
    code, records, err = consume(
        capsys, there[:-1], "--bootstrap-server", broker.bootstrap, "--from-beginning"
    )
    assert (code, records) == (1, [])
    assert f"topic {there[:-1]} does not exist" in err
    assert there in err
    assert len(err.splitlines()) == 1


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        (
            {"sasl.jaas.config": "x.PlainLoginModule required username=bridge password=wrong;"},
            "refused the login",
        ),
        ({"ssl.truststore.location": "other"}, "ssl.truststore.location"),
    ],
)
def test_refused_by_the_broker(
    secured_broker: Broker,
    tmp_path: Path,
    authority: Any,
    capsys: pytest.CaptureFixture[str],
    changes: dict[str, str],
    reason: str,
) -> None:
    changes = {key: str(authority.file) if value == "other" else value for key, value in changes.items()}
    worker = tmp_path / "worker.properties"
    worker.write_text(
        "".join(f"{key}={value}\n" for key, value in {**secured_broker.worker(), **changes}.items())
    )
    code, _, err = consume(capsys, "orders", "--worker", str(worker))
    assert code == 1
    last = err.splitlines()[-1]
    assert reason in last
    assert not any(password in err for password in (*PASSWORDS.values(), "wrong"))


def test_no_right_to_read(secured_broker: Broker, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    worker = tmp_path / "worker.properties"
    text = "".join(f"{key}={value}\n" for key, value in secured_broker.worker(BRIDGE).items())
    worker.write_text(text)
    code, _, err = consume(capsys, "broker-ready", "--worker", str(worker))
    assert code == 1
    assert "ACL Read" in err


def test_no_broker_named(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CONNECT_BOOTSTRAP_SERVERS", raising=False)
    code, _, err = consume(capsys)
    assert code == 2
    assert "TOPIC: is needed" in err
    code, _, err = consume(capsys, "orders")
    assert code == 2
    assert "bootstrap.servers" in err
