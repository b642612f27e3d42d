"""A lifecycle event is a CloudEvent, whatever a connector is called and its failure says."""

from __future__ import annotations

import json
import logging
import re
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bridge.config import config_of
from bridge.config.declarations import WORKER
from bridge.counts import LIFECYCLE_DROPPED
from bridge.metrics import Metrics
from bridge.worker.lifecycle import Change, document, lifecycle, source_of

NOW = datetime(2026, 3, 1, 12, 30, 0, 5000, timezone(timedelta(hours=2)))
ANYTHING = st.text(st.characters(), min_size=1)  # control characters and halves of surrogate pairs, too
ATTRIBUTES = {"specversion", "id", "source", "type", "subject", "time", "datacontenttype", "data"}
STRING = re.compile(r"[^\x00-\x1f\x7f-\x9f\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]+")
REFERENCE = re.compile(r"/sfbridge/([A-Za-z0-9._~:-]|%[0-9A-F]{2})*/([A-Za-z0-9._~:-]|%[0-9A-F]{2})*")


def test_the_whole_event() -> None:
    change = Change("orders", "FAILED", "RUNNING", "the login was refused", "host:8083", 7)
    event = json.loads(document(change, source_of("sales", "host:8083"), NOW))
    assert event.pop("id")
    assert event == {
        "specversion": "1.0",
        "source": "/sfbridge/sales/host:8083",
        "type": "io.sfbridge.connector.state",
        "subject": "orders",
        "time": "2026-03-01T10:30:00.005Z",
        "datacontenttype": "application/json",
        "data": {
            "connector": "orders",
            "state": "FAILED",
            "previous": "RUNNING",
            "reason": "the login was refused",
            "worker_id": "host:8083",
            "generation": 7,
        },
    }


def test_a_task_is_told_by_a_type_of_its_own() -> None:
    event = json.loads(document(Change("orders", "RUNNING", task=True), "/sfbridge/g/w", NOW))
    assert (event["type"], event["data"]["task"]) == ("io.sfbridge.task.state", 0)
    assert (event["data"]["previous"], event["data"]["worker_id"]) == (None, None)


@given(name=ANYTHING, reason=st.none() | ANYTHING, group=ANYTHING, worker=ANYTHING)
@example(name="\ud800\x00\ufffe\U0001ffff", reason='"\\\n', group="a/b c", worker="[::1]:8083")
def test_any_name_and_reason(name: str, reason: str | None, group: str, worker: str) -> None:
    value = document(Change(name, "FAILED", None, reason, worker), source_of(group, worker), NOW)
    event = json.loads(value.decode("utf-8"))
    assert event.keys() == ATTRIBUTES
    for attribute in ATTRIBUTES - {"data"}:
        assert STRING.fullmatch(event[attribute]), attribute
    assert REFERENCE.fullmatch(event["source"])
    assert datetime.fromisoformat(event["time"]) == NOW.astimezone(UTC)
    sound = name.encode("utf-8", "replace").decode()
    assert event["data"]["connector"] == sound
    assert (event["data"]["reason"] is None) == (reason is None)


def test_two_events_have_two_ids() -> None:
    change = Change("orders", "RUNNING")
    first, second = (json.loads(document(change, "/", NOW)) for _ in range(2))
    assert first.pop("id") != second.pop("id")
    assert first == second


def test_without_a_topic_nothing_is_told() -> None:
    for given_ in ({}, {"bridge.lifecycle.topic": ""}):
        assert lifecycle(config_of({"bootstrap.servers": "127.0.0.1:1", **given_}, WORKER), "w") is None


def test_settings_that_make_no_producer_are_one_warning(caplog: pytest.LogCaptureFixture) -> None:
    config = config_of({"bridge.lifecycle.topic": "told"}, WORKER)
    assert lifecycle(config, "w") is None
    assert "nothing is written to topic told: bootstrap.servers: is not set in the worker file" in caplog.text


def test_what_kafka_does_not_take_is_counted_and_named(caplog: pytest.LogCaptureFixture) -> None:
    logging.getLogger("librdkafka").setLevel(logging.CRITICAL)
    topic = "told-to-nobody"
    config = config_of({"bootstrap.servers": "127.0.0.1:1", "bridge.lifecycle.topic": topic}, WORKER)
    telling = lifecycle(config, "w")
    assert telling is not None
    for state in ("RUNNING", "PAUSED", "RUNNING"):
        telling.tell(Change("orders", state))
    telling.close()
    assert LIFECYCLE_DROPPED.by_label()[topic] == 3
    assert caplog.text.count("a lifecycle event of orders was dropped: ") == 1
    assert f'sfbridge_lifecycle_events_dropped_total{{topic="{topic}"}} 3.0' in Metrics().text()
