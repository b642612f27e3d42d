"""What the data path writes of a connector: plain numbers, each with one writer, cheap to add to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Protocol

from attrs import define, field

from bridge.calls import Durations

RETENTION: Final = 72 * 3600
"""Seconds for which Salesforce keeps platform events and change events (Platform Events Developer Guide)."""
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
    skipped: int = 0  # bad records that did not end the connector, dead letters among them
    transactions: int = 0
    aborts: int = 0
    commit_seconds: float = 0.0
    latency: Durations = field(factory=Durations)  # creation to commit, of each transaction's newest event
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
    expiries: dict[str, float] = field(factory=dict)  # what ends by itself → when
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

    def carried(self) -> int:
        """Events whose records are committed, dead letters not among them."""
        return max(0, self.events_delivered - self.dead_letters)

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

    def window_hours(self, now: float) -> float | None:
        """Hours until Salesforce no longer has what comes after the position; None before there is one."""
        created_ms = self.last_created_ms or self.resumed_created_ms
        return max(0.0, RETENTION - (now - created_ms / 1000)) / 3600 if created_ms else None
