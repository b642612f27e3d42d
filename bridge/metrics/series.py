"""Every number of a connector as a metric: its name, its help text, how it is read."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from attrs import frozen

from bridge.metrics.stats import Stats

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
    _gauge(_ERROR + "total_records_skipped", "Of those, events that did not end the connector.", "skipped"),
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
    _gauge(
        "sfbridge_position_window_hours",
        "Hours until Salesforce no longer has what comes after the position.",
        lambda s, now: s.window_hours(now),
    ),
    _gauge("sfbridge_buffer_events", "Events in the buffer.", lambda s, _: s.buffered()),
    _gauge("sfbridge_buffer_bytes", "Bytes in the buffer.", lambda s, _: s.buffer.bytes if s.buffer else 0),
    _gauge("sfbridge_buffer_fill_ratio", "The fuller of the buffer's limits, events and bytes.", _fill),
)
