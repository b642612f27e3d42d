"""``sfbridge compare`` on a real broker: what two topics with the same events differ in."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Producer

from bridge.cli.main import main
from bridge.sandbox.org import Org
from bridge.sandbox.registry import Registry
from tests.support.bridge_run import EVENT, Bridge
from tests.support.encryption import SECRET, contract
from tests.support.kafka_broker import Broker

SECRET_VALUE = "nobody@example.com"


def event(number: int, **fields: Any) -> dict[str, Any]:
    return {"ReplayId": str(number), "EventUuid": f"uuid-{number}", "Name__c": f"n{number}", **fields}


def write(broker: Broker, topic: str, *values: dict[str, Any], key: bytes | None = None) -> None:
    producer = Producer(broker.client())
    for value in values:
        producer.produce(topic, json.dumps(value).encode(), key)
    assert producer.flush(30) == 0


@pytest.fixture
def topics(broker: Broker, make_topic: Callable[..., str], tmp_path: Path) -> tuple[str, str, str]:
    worker = tmp_path / "worker.properties"
    worker.write_text("".join(f"{key}={value}\n" for key, value in broker.worker().items()))
    return make_topic(), make_topic(), str(worker)


def compared(
    topics: tuple[str, str, str], capsys: pytest.CaptureFixture[str], *more: str
) -> tuple[int, dict[str, Any]]:
    a, b, worker = topics
    capsys.readouterr()
    code = main(["compare", a, b, "--worker", worker, "-o", "json", *more])
    return code, json.loads(capsys.readouterr().out)


def kinds(document: dict[str, Any]) -> dict[tuple[str, str | None], tuple[int, str, str | None, str | None]]:
    return {
        (one["kind"], one["field"]): (one["count"], *one["first"].values()) for one in document["differences"]
    }


def test_equal_topics(
    broker: Broker, topics: tuple[str, str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    for topic in topics[:2]:
        write(broker, topic, *(event(n) for n in range(1, 6)))
    code, document = compared(topics, capsys)
    assert (code, document["equal"], document["pairs"]) == (0, True, 5)
    assert document["aligned_by"] == "EventUuid"


def test_every_kind_with_its_first_place(
    broker: Broker, topics: tuple[str, str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    a, b, _ = topics
    write(broker, a, *(event(n, Amount__c=n, Text__c="x") for n in (1, 2, 3, 4, 5, 6)))
    others = [event(n, Amount__c=n, Text__c="x") for n in (1, 2, 4, 3, 6, 6)]
    others[1]["Amount__c"], others[2]["Text__c"] = "2", SECRET_VALUE
    others[3]["More__c"] = None
    write(broker, b, *others)
    code, document = compared(topics, capsys)
    assert code == 1
    assert kinds(document) == {
        ("differs: number in A, text in B", "Amount__c"): (1, "uuid-2", "0:1", "0:1"),
        ("differs: another text", "Text__c"): (1, "uuid-4", "0:3", "0:2"),
        ("differs: only in B", "More__c"): (1, "uuid-3", "0:2", "0:3"),
        ("out of order in B", None): (1, "uuid-3", None, "0:3"),
        ("double in B", None): (1, "uuid-6", None, "0:5"),
        ("missing in B", None): (1, "uuid-5", "0:4", None),
    }
    assert SECRET_VALUE not in json.dumps(document)
    ignored = [word for name in ("Amount__c", "Text__c", "More__c") for word in ("--ignore", name)]
    _, document = compared(topics, capsys, *ignored)
    assert {kind for kind, _ in kinds(document)} == {"out of order in B", "double in B", "missing in B"}
    assert main(["compare", a, b, "--worker", topics[2]]) == 1
    out, err = capsys.readouterr()
    assert "Amount__c" in out
    assert err.endswith(f"sfbridge: {a} and {b} differ in 6 ways\n")


def test_only_what_both_cover_is_judged(
    broker: Broker, topics: tuple[str, str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    write(broker, topics[0], *(event(n) for n in range(1, 8)))
    write(broker, topics[1], *(event(n) for n in range(4, 10)))
    code, document = compared(topics, capsys)
    assert (code, document["pairs"], document["outside"], document["differences"]) == (0, 4, 5, [])


def test_replay_ids_where_one_has_no_uuid(
    broker: Broker, topics: tuple[str, str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    without = [{k: v for k, v in event(n).items() if k != "EventUuid"} for n in (1, 2)]
    write(broker, topics[0], *without)
    write(broker, topics[1], event(1), event(2), key=b"k")
    code, document = compared(topics, capsys, "--ignore", "EventUuid")
    assert (document["aligned_by"], document["pairs"]) == ("ReplayId", 2)
    assert (code, kinds(document)) == (1, {("differs: the record's key", None): (2, "1", "0:0", "0:0")})


def test_nothing_in_common_is_no_success(
    broker: Broker, topics: tuple[str, str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    write(broker, topics[0], event(1))
    code, document = compared(topics, capsys)
    assert (code, document["pairs"], document["equal"]) == (1, 0, False)
    assert main(["compare", *topics[:2], "--worker", topics[2]]) == 1
    assert "nothing was compared" in capsys.readouterr().err


def test_encrypted_fields_are_compared_decrypted(
    tmp_path: Path,
    broker: Broker,
    org: Org,
    registry: Registry,
    make_topic: Callable[..., str],
    capsys: pytest.CaptureFixture[str],
) -> None:
    for number in range(3):
        org.publish(EVENT, {"Order_Number__c": f"O-{number}", "Customer_Email__c": SECRET_VALUE})
    topics = []
    for encrypted in (False, True):
        bridge = Bridge.of(tmp_path, broker, org)
        bridge.settings |= {"output.data.format": "AVRO", "csfle.enabled": str(encrypted).lower()}
        bridge.settings["schema.context.name"] = "ours" if encrypted else "default"
        bridge.worker |= {
            "schema.registry.url": registry.url,
            "rule.executors._default_.param.secret": SECRET,
        }
        if encrypted:
            file = contract(tmp_path, "Customer_Email__c: {tags: [PII]}")
            bridge.settings["bridge.schema.contract"] = str(file)
        assert bridge.run(max_events=3).error is None
        topics.append(bridge.topic)
    files = (topics[0], topics[1], str(bridge.worker_file()))
    connector = ("--connector", str(bridge.connector_file()))
    for more in ((), connector):
        code, document = compared(files, capsys, *more)
        assert (code, document["pairs"]) == (0, 3), document
        assert document["encrypted"] == ["Customer_Email__c"]
    code, document = compared(files, capsys, *connector, "--decrypt")
    assert (code, document["encrypted"], document["differences"]) == (0, [], [])
    capsys.readouterr()
    where = [files[0], "--worker", files[2], "--from-beginning", "--max-events", "3", "-o", "json"]
    assert main(["consume", *where]) == 0
    values = [record["value"] for record in json.loads(capsys.readouterr().out)]
    plain, other = Producer(broker.client()), make_topic()
    for value in values:
        plain.produce(other, json.dumps(value | {"Customer_Email__c": "else@example.com"}))
    assert plain.flush(30) == 0
    code, document = compared((other, *files[1:]), capsys, *connector, "--decrypt")
    assert (code, kinds(document).keys()) == (1, {("differs: another text", "Customer_Email__c")})
    assert "example.com" not in json.dumps(document)
