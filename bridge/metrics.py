"""Counters of a connector, and their exposition to Prometheus.

``Stats`` is what the data path writes: plain numbers, each with one writer, cheap to add to. ``Metrics`` is what a
scrape reads: it renders every ``Stats`` at that moment and costs nothing in between. Where Kafka Connect has a
metric of the same meaning, its name is used as the JMX exporter spells it (``kafka_connect_<mbean type>_<attribute>``),
so that existing dashboards work; the rest is ``sfbridge_*`` with the unit at the end of the name.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any, Final, Protocol

from attrs import define, field, frozen

if TYPE_CHECKING:
    from prometheus_client.core import Metric

STATES: Final = ("UNASSIGNED", "STARTING", "RUNNING", "PAUSED", "STOPPED", "RESTARTING", "FAILED")


class Filled(Protocol):
    """The part of the buffer that is measured."""

    @property
    def events(self) -> int: ...
    @property
    def bytes(self) -> int: ...


@define(eq=False)
class Stats:
    """What one connector has done since its process started. Times are seconds since the epoch unless named ``_ms``."""

    connector: str = ""

    # receiving (written by the receiver thread)
    events_received: int = 0
    bytes_received: int = 0
    replies: int = 0
    duplicates_dropped: int = 0
    skipped_before_start: int = 0
    unreadable: int = 0
    surrogates_replaced: int = 0
    handshakes: int = 0
    subscribes: int = 0
    reconnects: int = 0
    logins: int = 0
    receive_errors: int = 0
    backpressure_seconds: float = 0.0
    backpressure_disconnects: int = 0
    last_received_at: float = 0.0
    gap_hours: float = 0.0

    # delivering (written by the worker thread)
    events_delivered: int = 0
    records_written: int = 0
    bytes_written: int = 0
    bad_records: int = 0
    dead_letters: int = 0
    transactions: int = 0
    aborts: int = 0
    commit_seconds: float = 0.0
    last_replay_id: int = -1
    last_created_ms: int = 0
    last_committed_at: float = 0.0
    schemas_compiled: int = 0

    # the connector as a whole
    restarts: int = 0
    state: str = "UNASSIGNED"
    buffer: Filled | None = None
    buffer_max_events: int = 0
    buffer_max_bytes: int = 0

    def buffered(self) -> int:
        """Events received and not yet taken for delivery."""
        return self.buffer.events if self.buffer is not None else 0

    def lag_seconds(self, now: float) -> float | None:
        """How far the committed position is behind Salesforce; ``None`` before the first commit.

        While events wait, the clock runs; when none wait, it is the way of the last event from creation to commit.
        """
        if not self.last_created_ms:
            return None
        until = now if self.buffered() or not self.last_committed_at else self.last_committed_at
        return max(0.0, until - self.last_created_ms / 1000)

    def age_seconds(self, now: float) -> float | None:
        """How long ago the last committed event was created; grows while Salesforce is quiet or unreachable."""
        return max(0.0, now - self.last_created_ms / 1000) if self.last_created_ms else None


@frozen
class _Series:
    """One metric: its name, its help text, and how it is read."""

    name: str
    doc: str
    read: Callable[[Stats, float], float | None]
    counter: bool = True


def _counter(attribute: str, name: str, doc: str) -> _Series:
    return _Series(name, doc, lambda stats, _now: float(getattr(stats, attribute)))


def _time(attribute: str, name: str, doc: str) -> _Series:
    return _Series(name, doc, lambda stats, _now: getattr(stats, attribute) or None, counter=False)


_SOURCE: Final = "kafka_connect_source_task_metrics_"
_ERRORS: Final = "kafka_connect_task_error_metrics_"

#: Metrics that Kafka Connect has, too: labels ``connector`` and ``task`` as there.
CONNECT_SERIES: Final = (
    _counter("events_received", f"{_SOURCE}source_record_poll_total", "Events received from Salesforce."),
    _counter("records_written", f"{_SOURCE}source_record_write_total", "Records committed to Kafka."),
    _Series(
        f"{_SOURCE}source_record_active_count",
        "Events received and not yet committed.",
        lambda stats, _now: float(stats.buffered()),
        counter=False,
    ),
    _counter("bad_records", f"{_ERRORS}total_record_failures", "Events that could not be carried."),
    _counter("dead_letters", f"{_ERRORS}deadletterqueue_produce_requests", "Events written to the dead-letter topic."),
)

#: Metrics of the bridge: label ``connector``.
BRIDGE_SERIES: Final = (
    _counter("bytes_received", "sfbridge_received_bytes_total", "Bytes of replies from Salesforce, uncompressed."),
    _counter("replies", "sfbridge_replies_total", "Replies received from Salesforce."),
    _counter("duplicates_dropped", "sfbridge_duplicate_events_dropped_total", "Events seen before and dropped."),
    _counter(
        "skipped_before_start",
        "sfbridge_events_before_start_skipped_total",
        "Events created before the first subscription, passed over with salesforce.initial.start=latest.",
    ),
    _counter("unreadable", "sfbridge_unreadable_events_total", "Event messages that could not be parsed."),
    _counter("surrogates_replaced", "sfbridge_surrogates_replaced_total", "Lone surrogates written as U+FFFD."),
    _counter("handshakes", "sfbridge_handshakes_total", "Handshakes with Salesforce."),
    _counter("subscribes", "sfbridge_subscribes_total", "Subscriptions made at Salesforce."),
    _counter("reconnects", "sfbridge_reconnects_total", "Connections to Salesforce made again."),
    _counter("logins", "sfbridge_logins_total", "Access tokens obtained from Salesforce."),
    _counter("receive_errors", "sfbridge_receive_errors_total", "Failed requests to Salesforce's event stream."),
    _counter(
        "backpressure_seconds", "sfbridge_backpressure_seconds_total", "Time not fetched because the buffer was full."
    ),
    _counter(
        "backpressure_disconnects",
        "sfbridge_backpressure_disconnects_total",
        "Sessions ended on purpose because the buffer was full for too long.",
    ),
    _counter("events_delivered", "sfbridge_events_delivered_total", "Events whose position is committed."),
    _counter("bytes_written", "sfbridge_written_bytes_total", "Bytes of record values committed to Kafka."),
    _counter("transactions", "sfbridge_transactions_total", "Transactions committed."),
    _counter("aborts", "sfbridge_transactions_aborted_total", "Transactions aborted."),
    _counter("commit_seconds", "sfbridge_commit_seconds_total", "Time spent committing transactions."),
    _counter("schemas_compiled", "sfbridge_schemas_compiled_total", "Encoders compiled for a schema of an event."),
    _counter("restarts", "sfbridge_restarts_total", "Restarts after a retriable failure."),
    _Series(
        "sfbridge_replay_lag_seconds",
        "How far the committed position is behind Salesforce; the clock runs while events wait.",
        lambda stats, now: stats.lag_seconds(now),
        counter=False,
    ),
    _Series(
        "sfbridge_last_event_age_seconds",
        "How long ago the last committed event was created.",
        lambda stats, now: stats.age_seconds(now),
        counter=False,
    ),
    _Series(
        "sfbridge_committed_replay_id",
        "Replay id of the last committed event.",
        lambda stats, _now: float(stats.last_replay_id) if stats.last_replay_id >= 0 else None,
        counter=False,
    ),
    _time("last_received_at", "sfbridge_last_received_timestamp_seconds", "When the last reply with events came."),
    _time("last_committed_at", "sfbridge_last_commit_timestamp_seconds", "When the position was last committed."),
    _Series(
        "sfbridge_replay_gap_hours",
        "Hours of events lost to the last expired replay id; 0 if none.",
        lambda stats, _now: float(stats.gap_hours),
        counter=False,
    ),
    _Series(
        "sfbridge_buffer_events",
        "Events in the buffer.",
        lambda stats, _now: float(stats.buffered()),
        counter=False,
    ),
    _Series(
        "sfbridge_buffer_bytes",
        "Bytes in the buffer.",
        lambda stats, _now: float(stats.buffer.bytes) if stats.buffer is not None else 0.0,
        counter=False,
    ),
    _Series(
        "sfbridge_buffer_fill_ratio",
        "The fuller of the buffer's two limits, events and bytes; above 1 after a reply larger than the room left.",
        lambda stats, _now: _fill(stats),
        counter=False,
    ),
)


def _fill(stats: Stats) -> float:
    if stats.buffer is None:
        return 0.0
    return max(
        stats.buffer.events / stats.buffer_max_events if stats.buffer_max_events else 0.0,
        stats.buffer.bytes / stats.buffer_max_bytes if stats.buffer_max_bytes else 0.0,
    )


@define(eq=False)
class Metrics:
    """A Prometheus collector over the ``Stats`` of every connector in this process."""

    _stats: dict[str, Stats] = field(factory=dict)

    def register(self, stats: Stats) -> Stats:
        """Expose ``stats`` under its connector's name, in place of what was there under that name."""
        self._stats[stats.connector] = stats
        return stats

    def remove(self, connector: str) -> None:
        self._stats.pop(connector, None)

    def collect(self) -> Iterator[Metric]:
        """What ``prometheus_client`` calls for each scrape."""
        now = time.time()
        everyone = list(self._stats.values())
        for series in CONNECT_SERIES:
            yield _family(series, ("connector", "task"), [((s.connector, "0"), series.read(s, now)) for s in everyone])
        for series in BRIDGE_SERIES:
            yield _family(series, ("connector",), [((s.connector,), series.read(s, now)) for s in everyone])
        yield _states(everyone)

    def text(self) -> str:
        """The exposition text, as a scrape would get it."""
        from prometheus_client import generate_latest

        return generate_latest(self._registry()).decode()

    def serve(self, port: int, host: str = "127.0.0.1") -> Endpoint:
        """Answer scrapes in a thread of its own; port 0 takes a free one. Raises ``OSError`` if the port is taken."""
        from prometheus_client import start_http_server

        server, thread = start_http_server(port, addr=host, registry=self._registry())
        return Endpoint(host, server.server_port, server, thread)

    def _registry(self) -> Any:
        from prometheus_client import CollectorRegistry, ProcessCollector

        registry = CollectorRegistry(auto_describe=False)
        registry.register(self)
        ProcessCollector(registry=registry)
        return registry


@frozen
class Endpoint:
    """A running metrics endpoint."""

    host: str
    port: int
    _server: Any
    _thread: Any

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(timeout=5)


def serve(port: int, stats: Iterable[Stats]) -> Endpoint:
    """``--metrics-port``: expose these connectors on 127.0.0.1."""
    metrics = Metrics()
    for one in stats:
        metrics.register(one)
    return metrics.serve(port)


def _family(
    series: _Series, labels: tuple[str, ...], values: list[tuple[tuple[str, ...], float | None]]
) -> Metric:
    from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

    make = CounterMetricFamily if series.counter else GaugeMetricFamily
    family = make(series.name, series.doc, labels=labels)
    for label_values, value in values:
        if value is not None:
            family.add_metric(list(label_values), value)
    return family


def _states(everyone: list[Stats]) -> Metric:
    from prometheus_client.core import StateSetMetricFamily

    family = StateSetMetricFamily("sfbridge_connector_state", "1 for the state the connector is in.", labels=["connector"])
    for stats in everyone:
        known = dict.fromkeys((*STATES, stats.state), False)
        family.add_metric([stats.connector], known | {stats.state: True})
    return family
