"""``sfbridge keys verify --topic`` over records in a real broker: what it proves, and what it does not call a proof."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from attrs import frozen
from confluent_kafka import Producer

from bridge.cli.main import main
from bridge.config import load_worker
from bridge.encryption.dek_registry import DekRegistry, Kek
from bridge.encryption.deks import Deks
from bridge.encryption.envelope import Algorithm
from bridge.kafka.settings import worker_settings
from bridge.reading.consumer import Reader
from bridge.reading.stretch import Stretch
from bridge.registry.http import http_of
from bridge.sandbox.registry import Registry
from tests.support.encryption import EVENT, SECRET, contract, event, writers
from tests.support.kafka_broker import Broker

EMAIL = "alice@example.com"
FIELDS = "Customer_Email__c: {tags: [PII]}"
PLAIN = {"csfle__enabled": "false", "bridge__csfle__allow__plaintext": "true"}


@frozen
class Place:
    """A topic, its registry, and the command line that looks at them."""

    broker: Broker
    registry: Registry
    topic: str
    worker: Path
    folder: Path
    capsys: pytest.CaptureFixture[str]

    def value(self, path: Path | None, email: str | None = EMAIL, **more: str) -> bytes:
        settings = {"kafka__topic": self.topic, "kafka__topic__lowercase": "false", **more}
        made = writers(self.registry.url, path, **settings)
        data = event(Customer_Email__c=email)
        return made.resolve(data.schema, data).convert(data)

    def write(
        self, *values: bytes | None, at: int = 0, transactional: bool = False, partition: int = -1
    ) -> None:
        more = {"transactional.id": f"writes-{self.topic}"} if transactional else {}
        producer = Producer(self.broker.client({"log_level": 0, **more}))
        if transactional:
            producer.init_transactions(30)
        for value in values:
            if transactional:
                producer.begin_transaction()
            producer.produce(self.topic, value, timestamp=at, partition=partition)
            if transactional:
                producer.commit_transaction(30)
        assert producer.flush(30) == 0

    def verify(self, *words: str, topic: str | None = None) -> tuple[int, dict[str, Any], list[str]]:
        self.capsys.readouterr()
        code = main([
            "keys", "verify", "--worker", str(self.worker), "--topic", topic or self.topic, "-o", "json", *words
        ])  # fmt: skip
        out, err = self.capsys.readouterr()
        return code, json.loads(out), err.splitlines()


@pytest.fixture
def place(
    broker: Broker,
    make_topic: Callable[..., str],
    registry: Registry,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> Place:
    worker = tmp_path / "worker.properties"
    worker.write_text(
        f"bootstrap.servers={broker.bootstrap}\nsecurity.protocol=PLAINTEXT\nschema.registry.url={registry.url}\n"
        f"rule.executors._default_.param.secret={SECRET}\n"
    )
    return Place(broker, registry, make_topic(partitions=2), worker, tmp_path, capsys)


def test_ten_before_the_tag_and_ten_after(place: Place) -> None:
    early = place.value(None, **PLAIN)
    place.write(*[early] * 10, at=1_700_000_000_000)
    tagged = contract(place.folder, FIELDS)
    late = place.value(tagged)
    place.write(*[late] * 10, transactional=True)
    code, report, err = place.verify()
    assert code == 1
    topic = report["topic"]
    assert (topic["records"], topic["of"], topic["encrypted"], topic["plaintext"]) == (20, 20, 10, 10)
    assert "is plaintext" in topic["problems"][0]
    assert "(in 10 of 20 records, first in " in topic["problems"][0]
    assert err[-1].startswith(
        "sfbridge: not proved: 1 of 1 keys unwrap; 20 of 20 records read, 10 with ciphertext"
    )
    for sample in ("5", "2", "1"):
        assert place.verify("--sample", sample)[0] == 1
    code, report, _ = place.verify("--since", "2023-11-15T00:00:00Z")
    assert code == 0
    assert (report["topic"]["records"], report["topic"]["since"]) == (10, "2023-11-15T00:00:00Z")
    assert report["topic"]["skipped"] == 10
    assert report["ok"] is True
    assert "since 2023-11-15T00:00:00Z" in report["total"]
    assert place.verify("--since", "2h")[0] == 0
    code, report, err = place.verify("--since", "1000000")
    assert (code, report["topic"]["records"]) == (1, 0)
    assert "holds no record that was to be read" in report["topic"]["problems"][0]


def test_a_sample_sees_the_old_and_the_new(place: Place) -> None:
    early, late = place.value(None, **PLAIN), place.value(contract(place.folder, FIELDS))
    place.write(*[late] * 40, *[early] * 18, partition=0)
    place.write(*[early] * 2, partition=1)  # what the short partition has no use for, the long one has
    code, report, _ = place.verify("--sample", "8")
    assert code == 1
    assert report["topic"]["records"] == 8
    assert report["topic"]["of"] == 60
    assert report["topic"]["encrypted"]
    assert report["topic"]["plaintext"]


def test_an_empty_topic_and_another_context(place: Place) -> None:
    code, report, _ = place.verify()
    assert code == 1
    assert report["keys"] == []
    assert report["total"].startswith("no key was verified; 0 of 0 records read")
    path = contract(place.folder, FIELDS)
    place.write(place.value(path, schema__context__name="sales"))
    assert place.verify("--context", "sales")[0] == 0
    for wrong in ([], ["--context", "other"]):
        code, report, err = place.verify(*wrong)
        assert code == 1
        assert "--context" in " ".join(err)


def test_only_the_keys_of_that_topic(place: Place) -> None:
    """Another team's KEK, in a KMS that this worker cannot reach."""
    place.write(place.value(contract(place.folder, FIELDS)), None)
    tool = Deks(DekRegistry(http_of({"url": place.registry.url}, retry_seconds=1, longest_wait=1)))
    tool.registry.create_kek(Kek("theirs", "hcvault", "http://127.0.0.1:1/transit/keys/x"))
    tool.registry.create_dek("theirs", "orders-of-others-value", Algorithm.AES256_GCM, 1, b"vault:v1:abc")
    tool.registry.create_dek("sales", "another-value", Algorithm.AES256_GCM, 1, b"nothing that opens")
    code, report, _ = place.verify()
    assert code == 0
    assert [(key["kek"], key["subject"], key["ok"]) for key in report["keys"]] == [
        ("sales", f"{place.topic}-value", True)
    ]
    assert report["total"].startswith(
        "1 of 1 keys unwrap; 2 of 2 records read, 1 with ciphertext that opens, 0 with"
    )
    code, report, err = place.verify("--all")
    assert code == 1
    assert len(report["keys"]) == 3
    assert len([line for line in err if "not proved" in line]) == 1


def test_aborted_records_do_not_count_and_what_is_held_back_is_not_called_read(place: Place) -> None:
    late = place.value(contract(place.folder, FIELDS))
    producer = Producer(place.broker.client({"log_level": 0, "transactional.id": f"open-{place.topic}"}))
    producer.init_transactions(30)
    place.write(late)
    for _ in ("aborted", "open"):
        producer.begin_transaction()
        producer.produce(place.topic, b"plain", partition=0)
        producer.flush(30)
        if _ == "aborted":
            producer.abort_transaction(30)
            assert place.verify()[0] == 0
    after = Producer(place.broker.client({"log_level": 0}))
    after.produce(place.topic, late, partition=0)
    assert after.flush(30) == 0
    reader = Reader(worker_settings("consumer", load_worker(place.worker)), place.topic)
    stretch = Stretch(reader, patience=3)
    read = list(stretch.read())
    producer.abort_transaction(30)
    assert [message.value() for message in read] == [late]
    (reason,) = stretch.held_back
    assert reason.startswith("partition 0 could be read up to offset ")
    assert "an open transaction" in reason
    assert len(list(Stretch(reader).read())) == 2


def test_a_connectors_file_says_topic_context_and_contract(place: Place) -> None:
    given = contract(place.folder, FIELDS)
    early = place.value(None, schema__context__name="sales", **PLAIN)
    place.write(early)
    config = {
        "name": "c",
        "connector.class": "SalesforcePlatformEventSource",
        "salesforce.platform.event.name": EVENT,
        "kafka.topic": place.topic,
        "kafka.topic.lowercase": "false",
        "schema.context.name": "sales",
        "bridge.schema.contract": str(given),
        "output.data.format": "AVRO",
        "csfle.enabled": "true",
        "value.converter.schema.registry.url": place.registry.url,
        "salesforce.grant.type": "PASSWORD",
        "salesforce.username": "u@example.com",
        "salesforce.password": "pass-1234",
        "salesforce.password.token": "",
        "salesforce.consumer.key": "key",
        "salesforce.consumer.secret": "consumer-secret",
    }
    file = place.folder / "c.json"
    file.write_text(json.dumps(config))
    place.capsys.readouterr()
    words = ["keys", "verify", "--worker", str(place.worker), "--connector", str(file), "-o", "json"]
    assert main(words) == 1
    report = json.loads(place.capsys.readouterr().out)["topic"]
    assert (report["topic"], report["context"], report["plaintext"]) == (place.topic, "sales", 1)
    assert (
        place.verify("--context", "sales")[1]["topic"]["plaintext"] == 0
    )  # nobody tagged it but the contract


def test_a_topic_that_is_not_there(place: Place) -> None:
    assert main(["keys", "verify", "--worker", str(place.worker), "--topic", "nosuchtopic"]) == 1
    assert "topic nosuchtopic does not exist" in place.capsys.readouterr().err
