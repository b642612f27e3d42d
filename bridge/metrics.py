"""Counters of a connector, and how Prometheus reads them.

``Stats`` is what the data path writes: plain numbers, each with one writer, cheap to add to. ``Metrics`` is
what a scrape reads: it renders every ``Stats`` at that moment and costs nothing in between. Where Kafka
Connect has a metric of the same meaning, its name is used as the JMX exporter spells it
(``kafka_connect_<mbean type>_<attribute>``), so that existing dashboards work; the rest is ``sfbridge_*``
with the unit in the name.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Final, Protocol

from attrs import define, field, frozen

from bridge.calls import EVERY, Calls
from bridge.counts import CAREFUL_CONVERSIONS, FOREIGN_RECORDS, Counts
from bridge.errors import Fatal, Stage

if TYPE_CHECKING:
    from threading import Thread
    from wsgiref.simple_server import WSGIServer

    from prometheus_client import CollectorRegistry
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
    """What one connector has done since its process started.

    Times are seconds since the epoch unless the name says ``_ms``.
    """

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
    listening: int = 0  # 1 while it has a session with Salesforce

    # delivering (written by the worker thread)
    events_delivered: int = 0
    bytes_written: int = 0
    bad_records: int = 0
    unexpected_records: int = 0
    dead_letters: int = 0
    transactions: int = 0
    aborts: int = 0
    commit_seconds: float = 0.0
    last_replay_id: int = -1
    last_created_ms: int = 0
    resumed_created_ms: int = 0  # of the position that it began with
    last_committed_at: float = 0.0
    schemas_compiled: int = 0
    fields_encrypted: int = 0
    change_gaps: int = 0
    change_overflows: int = 0
    protected_fields: int = 0
    sealed: tuple[Mapping[str, object], ...] = ()  # the ledger's entries, as JSON

    # the connector as a whole
    restarts: int = 0
    state: str = "UNASSIGNED"
    has_run: bool = False
    """Whether it has been RUNNING, however shortly."""
    buffer: Filled | None = None
    buffer_max_events: int = 0
    buffer_max_bytes: int = 0

    def buffered(self) -> int:
        """Events received and not yet taken for delivery."""
        return self.buffer.events if self.buffer is not None else 0

    def count_gap(self, kind: str) -> None:
        """A change event came that only says that something changed."""
        if kind == "GAP_OVERFLOW":
            self.change_overflows += 1
        else:
            self.change_gaps += 1

    def lag_seconds(self, now: float) -> float | None:
        """How far the committed position is behind Salesforce; ``None`` before the first commit.

        While events wait, the clock runs; else it is the time the last event took from creation to commit.
        """
        if not self.last_created_ms:
            return None
        until = now if self.buffered() or not self.last_committed_at else self.last_committed_at
        return max(0.0, until - self.last_created_ms / 1000)

    def age_seconds(self, now: float) -> float | None:
        """How long ago the last committed event was created; grows while nothing comes."""
        return max(0.0, now - self.last_created_ms / 1000) if self.last_created_ms else None


Reading = Callable[[Stats, float], float | None]


@frozen
class Series:
    """One metric: its name, its help text, and how it is read (an attribute of ``Stats``, or a function)."""

    name: str
    doc: str
    source: str | Reading
    counter: bool = True

    def read(self, stats: Stats, now: float) -> float | None:
        """The value now; ``None`` where there is nothing to say yet."""
        return float(getattr(stats, self.source)) if isinstance(self.source, str) else self.source(stats, now)


def _gauge(name: str, doc: str, source: str | Reading) -> Series:
    return Series(name, doc, source, counter=False)


def _fill(stats: Stats, _now: float) -> float:
    if stats.buffer is None:
        return 0.0
    return max(
        stats.buffer.events / stats.buffer_max_events if stats.buffer_max_events else 0.0,
        stats.buffer.bytes / stats.buffer_max_bytes if stats.buffer_max_bytes else 0.0,
    )


_SOURCE: Final = "kafka_connect_source_task_metrics_source_record_"
_ERROR: Final = "kafka_connect_task_error_metrics_"

#: What Kafka Connect has, too; labels ``connector`` and ``task`` as there. Counters whose name there lacks
#: ``_total`` are gauges here, because the exposition adds it to every counter.
CONNECT_SERIES: Final = (
    Series(_SOURCE + "poll_total", "Events received from Salesforce.", "events_received"),
    Series(_SOURCE + "write_total", "Records committed to Kafka.", "events_delivered"),
    _gauge(_SOURCE + "active_count", "Events received and waiting.", lambda s, _: s.buffered()),
    _gauge(_ERROR + "total_record_failures", "Events that could not be carried.", "bad_records"),
    _gauge(
        _ERROR + "deadletterqueue_produce_requests", "Events sent to the dead-letter topic.", "dead_letters"
    ),
)

_COUNTERS: Final = tuple(
    Series(f"sfbridge_{name}_total", doc, source)
    for source, name, doc in (
        ("bytes_received", "received_bytes", "Bytes of replies from Salesforce, uncompressed."),
        ("replies", "replies", "Replies received from Salesforce."),
        (
            "duplicates_dropped",
            "duplicate_events_dropped",
            "Events seen before and dropped; a new session repeats at least the newest.",
        ),
        ("skipped_before_start", "events_before_start_skipped", "Events older than the start, passed over."),
        ("unreadable", "unreadable_events", "Event messages that could not be parsed."),
        ("surrogates_replaced", "surrogates_replaced", "Replies with a lone surrogate, written as U+FFFD."),
        ("handshakes", "handshakes", "Handshakes with Salesforce."),
        ("subscribes", "subscribes", "Subscriptions made at Salesforce."),
        ("reconnects", "reconnects", "Connections to Salesforce made again."),
        ("logins", "logins", "Access tokens obtained from Salesforce."),
        ("receive_errors", "receive_errors", "Failed requests to Salesforce's event stream."),
        ("backpressure_seconds", "backpressure_seconds", "Time not fetched: the buffer was full."),
        ("backpressure_disconnects", "backpressure_disconnects", "Sessions ended: buffer full for long."),
        (
            "events_delivered",
            "events_delivered",
            "Events written and committed; not those that a filter dropped.",
        ),
        (
            "unexpected_records",
            "unexpected_records",
            "Events that a fault of the bridge kept from being carried.",
        ),
        ("bytes_written", "written_bytes", "Bytes of record values committed to Kafka."),
        ("transactions", "transactions", "Transactions committed."),
        ("aborts", "transactions_aborted", "Transactions aborted or given up; their events come again."),
        ("commit_seconds", "commit_seconds", "Time spent committing transactions."),
        ("schemas_compiled", "schemas_compiled", "Encoders compiled for an event's schema."),
        (
            "fields_encrypted",
            "sealed_values",
            "Values of protected fields encrypted, empty ones included; a whole payload is one.",
        ),
        (
            "change_gaps",
            "change_gaps",
            "Gap events carried: a record changed, and Salesforce does not say how.",
        ),
        (
            "change_overflows",
            "change_overflows",
            "Overflow events carried: one transaction changed so much that an object must be read anew.",
        ),
        ("restarts", "restarts", "Restarts after a retriable failure."),
    )
)

#: What only the bridge has; label ``connector``.
BRIDGE_SERIES: Final = (
    *_COUNTERS,
    _gauge(
        "sfbridge_replay_lag_seconds",
        "How far the committed position is behind Salesforce; the clock runs while events wait.",
        lambda s, now: s.lag_seconds(now),
    ),
    _gauge(
        "sfbridge_last_event_age_seconds",
        "How long ago the last committed event was created.",
        lambda s, now: s.age_seconds(now),
    ),
    _gauge(
        "sfbridge_committed_replay_id",
        "Replay id of the last committed event.",
        lambda s, _: s.last_replay_id if s.last_replay_id >= 0 else None,
    ),
    _gauge(
        "sfbridge_last_received_timestamp_seconds",
        "When the last events came.",
        lambda s, _: s.last_received_at or None,
    ),
    _gauge(
        "sfbridge_last_commit_timestamp_seconds",
        "When a position was last committed.",
        lambda s, _: s.last_committed_at or None,
    ),
    _gauge(
        "sfbridge_replay_gap_hours", "Hours of events lost to an expired replay id; 0 if none.", "gap_hours"
    ),
    _gauge(
        "sfbridge_protected_fields",
        "Fields whose values are encrypted, of all subjects written to; a whole payload is one.",
        "protected_fields",
    ),
    _gauge(
        "sfbridge_salesforce_sessions",
        "1 while the connector has a session with Salesforce, which counts against the org's concurrent clients.",
        "listening",
    ),
    _gauge("sfbridge_buffer_events", "Events in the buffer.", lambda s, _: s.buffered()),
    _gauge("sfbridge_buffer_bytes", "Bytes in the buffer.", lambda s, _: s.buffer.bytes if s.buffer else 0),
    _gauge("sfbridge_buffer_fill_ratio", "The fuller of the buffer's limits, events and bytes.", _fill),
)


@define(eq=False)
class Metrics:
    """A Prometheus collector over the ``Stats`` of every connector in this process, and the calls of all."""

    _stats: dict[str, Stats] = field(factory=dict)
    _calls: tuple[Calls, ...] = EVERY

    def register(self, stats: Stats) -> Stats:
        """Expose ``stats`` under its connector's name, in place of what was there under that name."""
        self._stats[stats.connector] = stats
        return stats

    def remove(self, connector: str) -> None:
        self._stats.pop(connector, None)

    def of(self, connector: str) -> Stats | None:
        """The numbers of a connector that runs in this process, or has failed here."""
        return self._stats.get(connector)

    def everyone(self) -> list[Stats]:
        """The numbers of all of them."""
        return list(self._stats.values())

    def collect(self) -> Iterator[Metric]:
        """What ``prometheus_client`` calls for each scrape."""
        now = time.time()
        everyone = self.everyone()
        for series in CONNECT_SERIES:
            yield _family(series, {"connector": None, "task": "0"}, everyone, now)
        for series in BRIDGE_SERIES:
            yield _family(series, {"connector": None}, everyone, now)
        yield _states(everyone)
        for calls in self._calls:
            yield calls.family()
        yield _by_label(
            "sfbridge_foreign_records_total",
            "Records of topics of ours that others wrote or that are broken.",
            "topic",
            FOREIGN_RECORDS,
        )
        yield _by_label(
            "sfbridge_careful_conversions_total",
            "Values that a generated encoder left to the complete, slow way.",
            "reason",
            CAREFUL_CONVERSIONS,
        )

    def text(self) -> str:
        """The exposition text, as a scrape would get it."""
        from prometheus_client import generate_latest

        return generate_latest(self._registry()).decode()

    def serve(self, port: int, host: str = "127.0.0.1") -> Endpoint:
        """Answer scrapes in a thread of its own; port 0 takes a free one. Fatal if the port is taken."""
        from prometheus_client import start_http_server

        try:
            server, thread = start_http_server(port, addr=host, registry=self._registry())
        except OSError as error:
            reason = error.strerror or str(error)
            raise Fatal(
                f"the metrics endpoint cannot listen on {host}:{port} ({reason}): change --metrics-port",
                stage=Stage.CONFIGURATION,
            ) from error
        return Endpoint(host, server.server_port, server, thread)

    def _registry(self) -> CollectorRegistry:
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
    _server: WSGIServer
    _thread: Thread

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


def _family(series: Series, labels: dict[str, str | None], everyone: list[Stats], now: float) -> Metric:
    from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

    make = CounterMetricFamily if series.counter else GaugeMetricFamily
    family = make(series.name, series.doc, labels=list(labels))
    for stats in everyone:
        value = series.read(stats, now)
        if value is not None:
            family.add_metric([fixed or stats.connector for fixed in labels.values()], value)
    return family


def _by_label(name: str, doc: str, label: str, counts: Counts) -> Metric:
    from prometheus_client.core import CounterMetricFamily

    family = CounterMetricFamily(name, doc, labels=[label])
    for value, count in counts.by_label().items():
        family.add_metric([value], count)
    return family


def _states(everyone: list[Stats]) -> Metric:
    from prometheus_client.core import GaugeMetricFamily

    family = GaugeMetricFamily(
        "sfbridge_connector_state", "1 for the state the connector is in.", labels=["connector", "state"]
    )
    for stats in everyone:
        for state in dict.fromkeys((*STATES, stats.state)):
            family.add_metric([stats.connector, state], float(state == stats.state))
    return family
