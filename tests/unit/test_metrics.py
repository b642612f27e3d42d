"""Counters and their exposition: every counter is exposed, under a name that says its unit, per connector."""

from __future__ import annotations

import socket
import time
import urllib.request

import attrs
import pytest
from prometheus_client.parser import text_string_to_metric_families

from bridge.errors import ConfigurationError
from bridge.metrics import BRIDGE_SERIES, CONNECT_SERIES, Metrics, Stats, serve


def samples(metrics: Metrics) -> dict[tuple[str, ...], float]:
    families = text_string_to_metric_families(metrics.text())
    return {
        (s.name, *(v for _, v in sorted(s.labels.items()))): s.value
        for family in families
        for s in family.samples
    }


@attrs.define
class Level:
    events: int
    bytes: int


def test_every_number_of_stats_is_exposed() -> None:
    numbers = [a.name for a in attrs.fields(Stats) if a.type in ("int", "float")]
    metrics = Metrics()
    stats = metrics.register(Stats("orders", buffer=Level(5, 500)))
    for position, name in enumerate(numbers):
        setattr(stats, name, 1_000_003 * (position + 7))
    exposed = set(samples(metrics).values())
    derived = {"last_created_ms", "resumed_created_ms", "buffer_max_events", "buffer_max_bytes"}
    missing = [name for name in numbers if name not in derived and getattr(stats, name) not in exposed]
    assert missing == []


def test_connect_names_and_labels() -> None:
    metrics = Metrics()
    stats = metrics.register(Stats("orders"))
    stats.events_received += 3
    stats.events_delivered += 2
    stats.dead_letters += 1
    found = samples(metrics)
    assert found["kafka_connect_source_task_metrics_source_record_poll_total", "orders", "0"] == 3
    assert found["kafka_connect_source_task_metrics_source_record_write_total", "orders", "0"] == 2
    assert found["kafka_connect_task_error_metrics_deadletterqueue_produce_requests", "orders", "0"] == 1


def test_names_are_unique_and_counters_say_total() -> None:
    names = [series.name for series in (*CONNECT_SERIES, *BRIDGE_SERIES)]
    assert len(names) == len(set(names))
    assert [s.name for s in BRIDGE_SERIES if s.counter and not s.name.endswith("_total")] == []


def test_connectors_are_told_apart_and_removed() -> None:
    metrics = Metrics()
    first = metrics.register(Stats("a"))
    first.replies += 1
    metrics.register(Stats("b")).replies += 2
    found = samples(metrics)
    assert (found["sfbridge_replies_total", "a"], found["sfbridge_replies_total", "b"]) == (1, 2)
    metrics.remove(first)
    assert ("sfbridge_replies_total", "a") not in samples(metrics)


def test_what_has_taken_the_place_of_another_stays() -> None:
    metrics = Metrics()
    before, now = Stats("a"), Stats("a")
    for stats in (before, now):
        metrics.register(stats)
    metrics.remove(before)
    assert metrics.of("a") is now


def test_state_is_one_of_all() -> None:
    metrics = Metrics()
    metrics.register(Stats("a")).state = "RUNNING"
    found = {key[2]: value for key, value in samples(metrics).items() if key[0] == "sfbridge_connector_state"}
    assert found["RUNNING"] == 1
    assert sum(found.values()) == 1
    assert found["FAILED"] == 0


def test_nothing_is_said_of_a_position_before_the_first_commit() -> None:
    metrics = Metrics()
    metrics.register(Stats("a"))
    names = {key[0] for key in samples(metrics)}
    assert not names & {"sfbridge_replay_lag_seconds", "sfbridge_committed_replay_id"}


def test_lag_runs_while_events_wait_and_rests_when_none_does() -> None:
    stats = Stats("a", last_created_ms=100_000, last_committed_at=102.0)
    assert stats.lag_seconds(now=500.0) == 2.0
    assert stats.age_seconds(now=500.0) == 400.0
    stats.buffer = Level(1, 10)
    assert stats.lag_seconds(now=500.0) == 400.0


def test_a_clock_behind_salesforce_gives_no_negative_lag() -> None:
    assert Stats("a", last_created_ms=2_000, last_committed_at=1.0).lag_seconds(now=1.0) == 0.0


def test_fill_is_the_fuller_limit() -> None:
    metrics = Metrics()
    metrics.register(Stats("a", buffer=Level(10, 900), buffer_max_events=100, buffer_max_bytes=1000))
    assert samples(metrics)["sfbridge_buffer_fill_ratio", "a"] == 0.9


def test_endpoint_on_loopback_and_its_end() -> None:
    stats = Stats("a", last_created_ms=int(time.time() * 1000))
    endpoint = serve(0, [stats])
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{endpoint.port}/metrics", timeout=10) as answer:
            text = answer.read().decode()
    finally:
        endpoint.close()
    assert 'sfbridge_replay_lag_seconds{connector="a"}' in text
    assert "process_resident_memory_bytes" in text
    with pytest.raises(OSError), socket.create_connection(("127.0.0.1", endpoint.port), timeout=1):
        pass


def test_a_taken_port_is_one_sentence() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(
            ConfigurationError, match=rf"--metrics-port: cannot listen on 127\.0\.0\.1:{port}"
        ):
            serve(port, [])


def test_hours_left_before_the_position_leaves_the_window() -> None:
    stats = Stats("a", resumed_created_ms=1_000_000)
    assert stats.window_hours(now=1000.0 + 3600) == 71.0
    assert stats.window_hours(now=1000.0 + 100 * 3600) == 0.0
    assert Stats("a").window_hours(now=1.0) is None


def test_what_ends_by_itself_and_how_long_events_took() -> None:
    metrics = Metrics()
    stats = metrics.register(Stats("orders"))
    stats.expiries["salesforce.jwt.keystore"] = 1_800_000_000.0
    metrics.expiries["listeners.https.ssl.keystore"] = 1_900_000_000.0
    stats.latency.add(0.02)
    exposed = samples(metrics)
    assert (
        exposed["sfbridge_certificate_expiry_timestamp_seconds", "orders", "salesforce.jwt.keystore"]
        == 1_800_000_000
    )
    assert (
        exposed["sfbridge_certificate_expiry_timestamp_seconds", "", "listeners.https.ssl.keystore"]
        == 1_900_000_000
    )
    assert exposed["sfbridge_event_latency_seconds_count", "orders"] == 1
    assert exposed["sfbridge_event_latency_seconds_bucket", "orders", "0.025"] == 1
    assert exposed["sfbridge_event_latency_seconds_bucket", "orders", "0.01"] == 0
