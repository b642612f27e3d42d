"""librdkafka's in-process cluster, which ``sfbridge try`` runs on: no administration, and everything still starts."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from confluent_kafka import Producer

from bridge.cli.main import main
from bridge.config import Loaded, config_of
from bridge.config.declarations import CONNECTOR, WORKER
from bridge.errors import BadRecord, Stage
from bridge.kafka.admin import prepare_topics
from bridge.kafka.settings import producer_settings
from bridge.reading.consumer import Reader
from bridge.reading.stretch import Since, Stretch


@pytest.fixture
def mock() -> Iterator[str]:
    cluster = Producer({"test.mock.num.brokers": 1, "log_level": 0})
    (node,) = cluster.list_topics(timeout=20).brokers.values()
    yield f"{node.host}:{node.port}"
    cluster.flush(1)


def test_topics_dead_letters_and_reading(
    mock: str, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    given = {"kafka.topic": "Orders", "errors.deadletterqueue.topic.name": "dead"}
    config = Loaded(config_of(given, CONNECTOR), config_of({"bootstrap.servers": mock}, WORKER))
    topics = prepare_topics(config, stopped=lambda: True)
    assert (topics.output, topics.offsets) == ("orders", "sfbridge-offsets")
    assert "mock" in caplog.text
    assert topics.dead_letters is not None
    producer = Producer({k: v for k, v in producer_settings(config).items() if k != "transaction.timeout.ms"})
    producer.produce("orders", b'{"a":1}')
    producer.produce(*topics.dead_letters.record(b"raw", BadRecord("no", stage=Stage.PARSE)))
    assert producer.flush(20) == 0
    for topic, value in (("orders", '{"a": 1}'), ("dead", '"raw"  (put aside: PARSE: no)')):
        arguments = ["consume", topic, "--bootstrap-server", mock, "--from-beginning", "--max-events", "1"]
        assert main(arguments) == 0
        assert capsys.readouterr().out.rstrip().endswith(value)


def test_a_time_is_found_by_the_records_own_times(mock: str) -> None:
    """The mock says of every time that it has no record of it or later."""
    producer = Producer({"bootstrap.servers": mock, "log_level": 0})
    for number in range(6):
        producer.produce("times", b"%d" % number, timestamp=1_700_000_000_000 + number, partition=0)
    assert producer.flush(20) == 0

    def values(since: int | None, until: int | None = None) -> list[bytes | str | None]:
        begin, end = (
            None if at is None else Since("", time_ms=1_700_000_000_000 + at) for at in (since, until)
        )
        reader = Reader({"bootstrap.servers": mock, "log_level": 0}, "times")
        return [message.value() for message in Stretch(reader, begin, until=end, partition=0).read()]

    assert values(4) == [b"4", b"5"]
    assert values(None, 2) == [b"0", b"1"]
    assert values(1, 3) == [b"1", b"2"]
    assert values(6) == []
    assert values(-1000) == [b"%d" % number for number in range(6)]
