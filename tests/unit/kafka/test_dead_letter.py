"""Dead letters: the event as it came, and Kafka Connect's headers about why."""

from __future__ import annotations

import pytest

from bridge.errors import BadRecord, Fatal, Stage
from bridge.kafka.dead_letter import DeadLetters


def bad(value: str = "geheim") -> BadRecord:
    try:
        try:
            int(value)
        except ValueError as error:
            raise BadRecord("field Amount__c is no number", stage=Stage.PARSE, position=42) from error
    except BadRecord as error:
        return error


def test_record_is_what_produce_takes() -> None:
    letters = DeadLetters("dead", "orders-connector", "orders")
    topic, value, key, partition, callback, on_delivery, timestamp, headers = letters.record(b"{raw}", bad())
    assert (topic, value, key, partition, callback, on_delivery, timestamp) == (
        "dead",
        b"{raw}",
        None,
        -1,
        None,
        None,
        0,
    )
    found = {name: content.decode() for name, content in headers}
    trace = found.pop("__connect.errors.exception.stacktrace")
    assert found == {
        "__connect.errors.topic": "orders",
        "__connect.errors.partition": "-1",
        "__connect.errors.offset": "42",
        "__connect.errors.connector.name": "orders-connector",
        "__connect.errors.task.id": "0",
        "__connect.errors.stage": "PARSE",
        "__connect.errors.class.name": "bridge.errors.BadRecord",
        "__connect.errors.exception.class.name": "builtins.ValueError",
        "__connect.errors.exception.message": "field Amount__c is no number",
    }
    assert "at bad (test_dead_letter.py:" in trace
    assert "geheim" not in trace


def test_without_headers_and_without_a_position() -> None:
    plain = DeadLetters("dead", "c", "t", with_headers=False)
    assert plain.record(b"x", bad())[7] == []
    headers = dict(DeadLetters("dead", "c", "t").headers(BadRecord("x", stage=Stage.PARSE)))
    assert headers["__connect.errors.offset"] == b"-1"


def test_too_large_for_the_dead_letter_topic_ends_the_connector() -> None:
    with pytest.raises(
        Fatal, match="event 42 of 101 bytes does not fit into the dead-letter topic dead"
    ) as caught:
        DeadLetters("dead", "c", "t", max_bytes=100).record(b"x" * 101, bad())
    assert caught.value.position == 42
