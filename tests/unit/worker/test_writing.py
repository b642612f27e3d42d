"""The writing side of a topic of workers: a fatal error of its client ends the client, not the writer."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest
from attrs import define, field

from bridge.errors import Retriable
from bridge.kafka import lasting
from bridge.sandbox.kafka import MockKafka
from bridge.worker.logs import Reader
from bridge.worker.writing import Writer
from tests.support.fatal_error import answer_next_record

TOPIC = "statuses"


@define
class Log:
    kafka: MockKafka
    reader: Reader
    writer: Writer
    seen: list[str] = field(factory=list)


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> Iterator[Log]:
    monkeypatch.setattr(logging.getLogger("bridge.librdkafka"), "disabled", True)
    seen: list[str] = []
    with MockKafka([TOPIC]) as kafka:
        settings = {"bootstrap.servers": kafka.bootstrap, "log_level": 0}
        reader = Reader(settings, TOPIC, lambda key, value: seen.append(key))
        reader.start()
        writer = Writer(settings, reader, None)
        try:
            yield Log(kafka, reader, writer, seen)
        finally:
            writer.close()
            reader.stop()


def test_what_a_dead_client_did_not_take_is_written_by_a_new_one(
    log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lasting, "_PAUSE", 0.0)
    log.writer.append([("a", b"1")])
    answer_next_record(log.kafka)
    log.writer.append([("b", b"1"), ("c", b"1")])
    log.writer.append([("d", b"1")])
    # All of the batch is written again, of which some may have been taken; the last record of a key counts.
    last = [key for number, key in enumerate(log.seen) if key not in log.seen[number + 1 :]]
    assert last == ["a", "b", "c", "d"]


def test_clients_that_die_at_once_follow_each_other_slowly_and_say_why(
    log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lasting, "_PAUSE", 3600.0)
    answer_next_record(log.kafka)
    first = log.writer._client.producer
    for _ in range(2):
        with pytest.raises(Retriable, match=r"^writing: the broker lost the state of this producer"):
            log.writer.append([("a", b"1")])
    assert log.writer._client.producer is first
    monkeypatch.setattr(lasting, "_PAUSE", 0.0)
    log.writer.append([("a", b"1")])
    assert log.seen == ["a"]
